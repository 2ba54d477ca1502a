"""The columns of result files that the report reads, and of which kind each is."""

from __future__ import annotations

STUDY_COLUMNS = {
    "predictor": "text",
    "title": "text",
    "family": "text",
    "encoding": "text",
    "target": "text",
    "training_size": "integer",
    "seed": "integer",
    "test_size": "integer",
    "kendall_tau": "number",
    "spearman": "number",
    "pearson": "number",
    "mae": "number",
    "fit_seconds": "number",
    "predict_seconds": "number",
    "error": "optional text",
}
OPTIONAL_STUDY_COLUMNS = {"deviation": "number"}
"""Columns that older runs lack; they are filled with NaN."""

PREDICTION_COLUMNS = {
    "target": "text",
    "predictor": "text",
    "encoding": "text",
    "training_size": "integer",
    "seed": "integer",
    "truth": "number",
    "prediction": "number",
}
SIMULATION_COLUMNS = {
    "accuracy_target": "text",
    "metric_target": "text",
    "pairing": "text",
    "predictor": "optional text",
    "training_size": "integer",
    "n_candidates": "integer",
    "deviation": "number",
    "repeat": "integer",
    "mra_all": "number",
    "mra_pareto": "number",
    "hypervolume": "number",
    "hypervolume_true": "number",
    "hypervolume_space": "number",
    "hypervolume_space_true": "number",
    "kendall_tau": "number",
    "n_selected": "number",
    "n_selected_pareto": "number",
}
EXAMPLE_COLUMNS = {
    "arch": "text",
    "accuracy": "number",
    "metric": "number",
    "predicted_metric": "number",
    "selected": "flag",
    "selected_pareto": "flag",
    "true_front": "flag",
    "accuracy_target": "text",
    "metric_target": "text",
    "deviation": "number",
}

SEARCH_COLUMNS = {
    "strategy": "text",
    "accuracy_target": "text",
    "metric_target": "text",
    "goal": "text",
    "limit": "number",
    "seed": "integer",
    "evaluation": "integer",
    "arch": "text",
    "accuracy": "number",
    "metric": "number",
    "hypervolume": "number",
}
SEARCH_FRONT_COLUMNS = {
    "metric_target": "text",
    "arch": "text",
    "accuracy": "number",
    "metric": "number",
    "hypervolume": "number",
}
SEARCH_VERIFIED_COLUMNS = {
    "strategy": "text",
    "metric_target": "text",
    "seed": "integer",
    "training_size": "integer",
    "kendall_tau": "number",
    "mra_all": "number",
    "mra_pareto": "number",
    "mra_all_expected": "number",
    "mra_pareto_expected": "number",
}
