"""A run folder as a large study leaves it, without running one: random scores and predictions.

    python -m tests.large_run FOLDER --seeds 100

makes 100,000 trials of 100 predictions each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from hwbench.files import write_text
from hwbench.results.record import write_record
from hwbench.results.study_columns import SCORES
from hwbench.results.study_writing import StudyStore
from hwbench.runs.run import predictor_cards
from hwbench.runs.scenario import load_scenario
from hwbench.study.plan import make_plan
from hwbench.study.trial import blank_row
from hwbench.tables import load_table

PREDICTORS = (
    "bananas", "bayesian_linear_regression", "bayesian_ridge_counts", "binary_relation_gcn",
    "bohamiann", "bonas", "catboost", "gaussian_process", "gcn", "graph_vae", "lightgbm", "linear",
    "mlp_large", "mlp_small", "nao", "ngboost", "random_forest", "ridge", "svm", "xgboost",
)  # fmt: skip
COLUMNS = ("latency", "latency_min", "latency_iqr", "peak_memory", "onnxruntime_latency")
SIZES = (11, 17, 25, 38, 55, 83, 124, 185, 276, 414)
TRIALS_OF_A_PART = 5000


def make_large_run(
    folder: Path,
    *,
    seeds: int = 100,
    test_size: int = 100,
    predictors: tuple[str, ...] = PREDICTORS,
) -> Path:
    """Write the folder; 1,000 trials a seed, in the parts that a stopped study has.

    Parameters
    ----------
    folder : made; beside it stands its scenario.
    seeds, test_size : of the study.
    predictors : what it compares.
    """
    targets = [f"nb201-digits:{column}" for column in COLUMNS]
    scenario = folder.with_suffix(".toml")
    write_text(
        scenario,
        f'title = "Large"\n\n[study]\ntargets = {list(targets)}\npredictors = {list(predictors)}\n'
        f"training_sizes = {list(SIZES)}\nseeds = {list(range(seeds))}\ntest_size = {test_size}\n",
    )
    loaded = load_scenario(str(scenario))
    assert loaded.study is not None
    plan = make_plan(loaded.study)
    generator = np.random.default_rng(0)
    order = generator.permutation(len(plan.trials))  # trials end in no order
    quality = {name: 0.3 + 0.6 * place / len(PREDICTORS) for place, name in enumerate(PREDICTORS)}
    archs = np.array([generator.permutation(15625)[:test_size] for _ in range(seeds)])
    truths = generator.normal(3.0, 0.8, archs.shape)
    with StudyStore(folder) as store:
        for first in range(0, len(order), TRIALS_OF_A_PART):
            for place in order[first : first + TRIALS_OF_A_PART]:
                trial = plan.trials[place]
                noise = (1 - quality[trial.predictor]) / np.log(trial.training_size)
                row = blank_row(trial, plan.workload.cards[trial.predictor])
                row |= dict.fromkeys(SCORES, float(1 - noise + generator.normal(0, 0.02)))
                row |= dict.fromkeys(("fit_seconds", "predict_seconds", "seconds"), 0.1 + noise)
                row["memory_mb"] = 300.0
                truth = truths[trial.seed]
                store.add(
                    row,
                    {
                        "hwbench_index": archs[trial.seed],
                        "truth": truth,
                        "prediction": truth + generator.normal(0, 2 * noise, test_size),
                    },
                )
            store.flush()
    card = load_table("nb201-digits").card
    write_record(
        folder,
        {
            "title": loaded.title,
            "spec": loaded.model_dump(mode="json"),
            "predictors": predictor_cards(loaded),
            "tables": {card.name: {"rows": 15625, **card.model_dump(mode="json")}},
            "shard": [1, 1],
            "study": plan.record,
            "sessions": [],
        },
    )
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=100)
    given = parser.parse_args()
    make_large_run(given.folder, seeds=given.seeds)
