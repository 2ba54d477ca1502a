"""hwbench: which hardware-metric predictor, with how many measurements, at what cost to a search.

The public interface is what `__all__` names; it is imported when first used, so that
`import hwbench` stays instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hwbench.extras import MissingExtraError, explain_missing_imports
from hwbench.version import __version__ as __version__

if TYPE_CHECKING:
    from hwbench import plot as plot
    from hwbench.advise import Advice, advise_on, fit_best, suggest_architectures
    from hwbench.errors import HwbenchError
    from hwbench.export import export_networks
    from hwbench.predictors import list_predictors, make_predictor, predictor_card
    from hwbench.predictors.conformal import ConformalRegressor
    from hwbench.predictors.fitted_model import FittedModel
    from hwbench.predictors.fitting import fit_model
    from hwbench.predictors.model_file import load_model, save_model
    from hwbench.predictors.transfer import SourceMetrics
    from hwbench.predictors.tuning import Tuning
    from hwbench.report import write_comparison, write_report
    from hwbench.results.run import Run, read_run
    from hwbench.runs.run import run_scenario
    from hwbench.search import Objective, list_strategies, make_strategy
    from hwbench.simulation import simulate_selection
    from hwbench.spaces import Space, get_space, list_spaces, load_space
    from hwbench.study import (
        StudyResult,
        StudySpec,
        iter_predictions,
        read_predictions,
        read_trials,
        run_study,
    )
    from hwbench.tables import Table, Target, load_table, load_target
    from hwbench.tables.own.options import Reading
    from hwbench.tables.own.table import own_table
    from hwbench.tables.public.benchmarks import fetch_benchmark, import_benchmark
    from hwbench.vae.checkpoint import load_vae, save_vae
    from hwbench.vae.evaluation import evaluate_vae
    from hwbench.vae.training import train_vae


_HOME_OF = {
    "Advice": "hwbench.advise",
    "ConformalRegressor": "hwbench.predictors.conformal",
    "FittedModel": "hwbench.predictors.fitted_model",
    "HwbenchError": "hwbench.errors",
    "Objective": "hwbench.search",
    "Reading": "hwbench.tables.own.options",
    "Run": "hwbench.results.run",
    "SourceMetrics": "hwbench.predictors.transfer",
    "Space": "hwbench.spaces",
    "StudyResult": "hwbench.study",
    "StudySpec": "hwbench.study",
    "Table": "hwbench.tables",
    "Target": "hwbench.tables",
    "Tuning": "hwbench.predictors.tuning",
    "advise_on": "hwbench.advise",
    "evaluate_vae": "hwbench.vae.evaluation",
    "export_networks": "hwbench.export",
    "fetch_benchmark": "hwbench.tables.public.benchmarks",
    "fit_best": "hwbench.advise",
    "fit_model": "hwbench.predictors.fitting",
    "get_space": "hwbench.spaces",
    "import_benchmark": "hwbench.tables.public.benchmarks",
    "list_predictors": "hwbench.predictors",
    "list_spaces": "hwbench.spaces",
    "list_strategies": "hwbench.search",
    "load_model": "hwbench.predictors.model_file",
    "load_space": "hwbench.spaces",
    "load_table": "hwbench.tables",
    "load_target": "hwbench.tables",
    "load_vae": "hwbench.vae.checkpoint",
    "make_predictor": "hwbench.predictors",
    "make_strategy": "hwbench.search",
    "own_table": "hwbench.tables.own.table",
    "predictor_card": "hwbench.predictors",
    "iter_predictions": "hwbench.study",
    "read_run": "hwbench.results.run",
    "read_predictions": "hwbench.study",
    "read_trials": "hwbench.study",
    "run_scenario": "hwbench.runs.run",
    "run_study": "hwbench.study",
    "save_model": "hwbench.predictors.model_file",
    "save_vae": "hwbench.vae.checkpoint",
    "simulate_selection": "hwbench.simulation",
    "suggest_architectures": "hwbench.advise",
    "train_vae": "hwbench.vae.training",
    "write_comparison": "hwbench.report",
    "write_report": "hwbench.report",
}

__all__ = [
    "Advice",
    "ConformalRegressor",
    "FittedModel",
    "HwbenchError",
    "Objective",
    "Reading",
    "Run",
    "SourceMetrics",
    "Space",
    "StudyResult",
    "StudySpec",
    "Table",
    "Target",
    "Tuning",
    "advise_on",
    "evaluate_vae",
    "export_networks",
    "fetch_benchmark",
    "fit_best",
    "fit_model",
    "get_space",
    "import_benchmark",
    "iter_predictions",
    "list_predictors",
    "list_spaces",
    "list_strategies",
    "load_model",
    "load_space",
    "load_table",
    "load_target",
    "load_vae",
    "make_predictor",
    "make_strategy",
    "own_table",
    "plot",
    "predictor_card",
    "read_predictions",
    "read_run",
    "read_trials",
    "run_scenario",
    "run_study",
    "save_model",
    "save_vae",
    "simulate_selection",
    "suggest_architectures",
    "train_vae",
    "write_comparison",
    "write_report",
]


explain_missing_imports()


def __getattr__(name: str) -> Any:
    if name == "plot":
        return import_module("hwbench.plot")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'hwbench' has no attribute '{name}'")
    try:
        value = getattr(import_module(_HOME_OF[name]), name)
    except MissingExtraError as error:
        raise error.of(f"hwbench.{name}") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
