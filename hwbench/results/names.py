"""The names of all files that a run folder may hold."""

from __future__ import annotations

RECORD = "run.json"
"""When, where and with what a run was made, see `hwbench.results.record`."""

SCENARIO = "scenario.toml"
REPORT = "report.html"

STUDY, PREDICTIONS = "study", "predictions"
"""Kinds of a study's results: stems of the names of its files and of their parts."""

PARTS = "parts"
"""The folder of a study's parts, see `hwbench.results.study_reading`."""

TRIALS_FILE = f"{STUDY}.parquet"
PREDICTIONS_FILE = f"{PREDICTIONS}.parquet"
STUDY_FILES = (TRIALS_FILE, PREDICTIONS_FILE)

SIMULATION = "simulation.parquet"
SELECTION_EXAMPLE = "selection_example.parquet"
SIMULATION_FILES = (SIMULATION, SELECTION_EXAMPLE)

SEARCHES = "search.parquet"
SEARCH_FRONTS = "search_fronts.parquet"
SEARCHES_VERIFIED = "search_verified.parquet"
SEARCH_FILES = (SEARCHES, SEARCH_FRONTS, SEARCHES_VERIFIED)

SEARCH_PARTS = "search_parts"
"""The folder of searches that have ended while others run, see `hwbench.search.parts`."""

SUPERNET, ARCHITECTURE = "supernet", "architecture"
"""Folders of a live search's networks: the trained supernet, and of it what was found."""

CONFIG = "config.toml"
CHECKPOINT = "checkpoint.pt"
EPOCHS = "metrics.parquet"
STRENGTHS = "strengths.parquet"
POOLS = "pools.parquet"
RANKING = "ranking.parquet"
LATER_RANKING = "later_ranking.parquet"
LIVE_RESULT = "result.json"
DIAGNOSTICS = "diagnostics.parquet"
DISCRETISED = "discretised.parquet"
LANDSCAPE = "landscape.parquet"
RETRAINING = "retraining.json"
"""The one training from scratch that versions before 0.2.0 kept."""

RETRAININGS = "retraining"
"""The folder of what was trained from scratch, see `hwbench.results.retrainings`."""

RETRAINING_CHECKPOINT = "retraining.pt"
RETRAINING_RESULT = "result.json"
RETRAINING_EPOCHS = "epochs.parquet"
RETRAINING_FILES = (RETRAINING_RESULT, RETRAINING_EPOCHS)
"""What the folder of one of them holds, beside its network."""

RETRAINED_NETWORK = "network"

COMPARISON = "comparison.parquet"
LATENCY_JOURNAL = "latency.journal"
"""Networks trained by one recipe and measured, see `hwbench.live.side_by_side`: the table, and what
was measured so far."""

EVALUATIONS = "evaluations.parquet"
"""What the supernet has said of architectures, for all rankings and selections of a run."""

SELECTION_CHECKPOINT = "selection.pt"
"""How far a selection is that trains the supernet further."""

SUBSET = "subset.parquet"
"""The training images that a search learns from, where these are not all."""

LIVE_FILES = (
    SUBSET,
    EPOCHS,
    STRENGTHS,
    POOLS,
    DIAGNOSTICS,
    RANKING,
    LATER_RANKING,
    LIVE_RESULT,
    RETRAINING,
    DISCRETISED,
    LANDSCAPE,
)
"""What a live search finds."""

SELECTIONS = "selections"
"""The folder of what was selected from a supernet again, see `hwbench.results.selections`."""

SELECTION_RESULT = "result.json"
SELECTION_EVALUATIONS = "evaluations.parquet"
TRUE_FRONT = "true_front.parquet"
SELECTION_FILES = (SELECTION_RESULT, SELECTION_EVALUATIONS, TRUE_FRONT)
"""What the folder of one of them holds."""

SWEEP = "sweep.toml"
SWEEP_RESULTS = "sweep.parquet"

COMPRESS = "compress.toml"
COMPRESSIONS = "compressions.parquet"
COMPRESSED_LAYERS = "compressed_layers.parquet"
COMPRESSED_LATENCY = "compressed_latency.parquet"
COMPRESSED_NETWORKS = "networks"
"""The folder of the networks that were compressed, see `hwbench.results.compressions`."""

COMPRESSION_RESULT = "result.json"
COMPRESSION_WEIGHTS = "weights.pt"
COMPRESSION_ONNX = "network.onnx"

ADVICE = "advice.json"
"""The numbers of advice on measurements; its folder is no run's, but stands among them."""

ADVICE_PAGE = "advice.html"

SCENARIO_FILES = (*STUDY_FILES, *SIMULATION_FILES, *SEARCH_FILES, RECORD, REPORT)
"""What the run of a scenario may leave."""

REPORTED_FILES = (
    RECORD,
    *STUDY_FILES,
    *SIMULATION_FILES,
    *SEARCH_FILES,
    SWEEP_RESULTS,
    *LIVE_FILES,
)
"""What a report is made of, in its order."""
