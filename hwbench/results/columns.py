"""The columns of result files that the report reads, and of which kind each is."""

from __future__ import annotations

from hwbench.results.frames import Column, Columns
from hwbench.results.study_columns import UNCERTAINTY_SCORES

STUDY_COLUMNS: Columns = {
    "predictor": Column("text"),
    "title": Column("text"),
    "family": Column("text"),
    "own_training_set": Column("flag"),
    "encoding": Column("text"),
    "target": Column("text"),
    "training_size": Column("integer"),
    "seed": Column("integer"),
    "test_size": Column("integer"),
    "kendall_tau": Column("number"),
    "spearman": Column("number"),
    "pearson": Column("number"),
    "mae": Column("number"),
    "fit_seconds": Column("number"),
    "predict_seconds": Column("number"),
    "error": Column("optional text"),
    "deviation": Column("number", optional=True),  # older runs lack it, and what follows
    "stopped_by_time": Column("flag", optional=True),
    "configurations": Column("number", optional=True),
    "device_set": Column("optional text", optional=True),
    "about": Column("optional text", optional=True),
    **{name: Column("number", optional=True) for name in UNCERTAINTY_SCORES},
}

PREDICTION_COLUMNS: Columns = {
    "target": Column("text"),
    "predictor": Column("text"),
    "encoding": Column("text"),
    "training_size": Column("integer"),
    "seed": Column("integer"),
    "truth": Column("number"),
    "prediction": Column("number"),
}
NEARNESS: Columns = {  # older runs lack them
    "hypervolume_share": Column(
        "number", "share of the true front's hypervolume on normalised objectives", optional=True
    ),
    "igd_plus": Column("number", "IGD+ to the true front, normalised", optional=True),
    "epsilon_additive": Column(
        "number", "additive epsilon to the true front, normalised", optional=True
    ),
}
SIMULATION_COLUMNS: Columns = {
    "accuracy_target": Column("text"),
    "metric_target": Column("text"),
    "pairing": Column("text"),
    "predictor": Column("optional text"),
    "training_size": Column("integer"),
    "n_candidates": Column("integer"),
    "deviation": Column("number"),
    "repeat": Column("integer"),
    "mra_all": Column("number"),
    "mra_pareto": Column("number"),
    "hypervolume": Column("number"),
    "hypervolume_true": Column("number"),
    "hypervolume_space": Column("number"),
    "hypervolume_space_true": Column("number"),
    "kendall_tau": Column("number"),
    "n_selected": Column("number"),
    "n_selected_pareto": Column("number"),
    **NEARNESS,
}
EXAMPLE_COLUMNS: Columns = {
    "arch": Column("text"),
    "accuracy": Column("number"),
    "metric": Column("number"),
    "predicted_metric": Column("number"),
    "selected": Column("flag"),
    "selected_pareto": Column("flag"),
    "true_front": Column("flag"),
    "accuracy_target": Column("text"),
    "metric_target": Column("text"),
    "deviation": Column("number"),
}

SEARCH_COLUMNS: Columns = {
    "strategy": Column("text"),
    "accuracy_target": Column("text"),
    "metric_target": Column("text"),
    "goal": Column("text"),
    "limit": Column("number"),
    "seed": Column("integer"),
    "evaluation": Column("integer"),
    "arch": Column("text"),
    "accuracy": Column("number"),
    "metric": Column("number"),
    "hypervolume": Column("number"),
    "hypervolume_share": NEARNESS["hypervolume_share"],
}
SEARCH_FRONT_COLUMNS: Columns = {
    "metric_target": Column("text"),
    "arch": Column("text"),
    "accuracy": Column("number"),
    "metric": Column("number"),
    "hypervolume": Column("number"),
    # What objectives are normalised with, in their units; older runs lack it.
    "ideal_accuracy": Column("number", optional=True),
    "ideal_metric": Column("number", optional=True),
    "nadir_accuracy": Column("number", optional=True),
    "nadir_metric": Column("number", optional=True),
}
SEARCH_VERIFIED_COLUMNS: Columns = {
    "strategy": Column("text"),
    "metric_target": Column("text"),
    "seed": Column("integer"),
    "training_size": Column("integer"),
    "kendall_tau": Column("number"),
    "mra_all": Column("number"),
    "mra_pareto": Column("number"),
    "mra_all_expected": Column("number"),
    "mra_pareto_expected": Column("number"),
    "mra_all_expected_median": Column("number", optional=True),
    "mra_pareto_expected_median": Column("number", optional=True),
    **NEARNESS,
}
