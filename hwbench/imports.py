"""Importing what a card names by its path."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from hwbench.errors import HwbenchError, one_line
from hwbench.extras import missing_extra

_MODELS = (
    "auto", "bananas", "bayesian_linear", "binary_relation_gcn", "bohamiann", "bonas", "catboost",
    "gaussian_process", "gcn", "graph_vae", "lookup_table", "mlp", "nao", "ngboost",
    "pairwise_ridge", "sparse_gaussian_process", "structural_gaussian_process",
    "weisfeiler_lehman",
    # What fitted models are made of.
    "batched_mlp", "graph_network", "grouped_kernel", "measured_values",
)  # fmt: skip
_STRATEGIES = (
    "bayesian", "controller", "evolution", "local_search", "neural", "nsga2", "predictor_guided",
    "progressive", "random_search", "reinforce", "surrogate", "tpe",
)  # fmt: skip

MOVED = {
    **{f"hwbench.predictors.{name}": f"hwbench.predictors.models.{name}" for name in _MODELS},
    **{f"hwbench.search.{name}": f"hwbench.search.strategies.{name}" for name in _STRATEGIES},
    "hwbench.live.bilevel": "hwbench.live.trainers.bilevel",
    "hwbench.live.trainer": "hwbench.live.trainers.base",
    "hwbench.predictors.structure": "hwbench.spaces.structure",
    "hwbench.predictors.training": "hwbench.optimisation",
}
"""Modules of hwbench 0.1.0 that have moved: cards, configs and model files of then name them."""


def current_path(path: str) -> str:
    """An import path "module:name" as it is today, where it is one of hwbench 0.1.0."""
    module, separator, name = path.partition(":")
    return f"{MOVED.get(module, module)}{separator}{name}"


def require_imported(path: str, *, owner: str) -> None:
    """Refuse an import path that a file names whose module has not been imported yet.

    Files of results, of measurements and of models may be anybody's: what they name must not be
    what runs. Names without a colon are no import paths, and pass.

    Raises
    ------
    HwbenchError
        The message says what to do.
    """
    module, separator, _ = path.partition(":")
    if separator and module not in sys.modules:
        raise HwbenchError(
            f"{owner} {path}: import paths in files are not followed; import {module} before, or "
            "give it a name by a card or an entry point"
        )


def import_module_of(module: str, *, owner: str, extra: str = "") -> Any:
    """A module by its name.

    Parameters
    ----------
    module : such as "sklearn.linear_model".
    owner : who asks for it, for the message: "predictor ridge".
    extra : the one to be named of several extras that install it.

    Raises
    ------
    MissingExtraError
        Where it, or a library that it imports, belongs to an extra that is not installed.
    HwbenchError
        Where it cannot be imported, whatever it raises.
    """
    try:
        return import_module(module)
    except ImportError as error:
        missing = missing_extra(error, owner, extra)
        if missing is not None:
            raise missing from error
        raise HwbenchError(
            f"{owner}: {module} cannot be imported ({one_line(error)}); "
            "install the library it is in"
        ) from error
    except (Exception, SystemExit) as error:  # the code of others may raise anything
        raise HwbenchError(
            f"{owner}: {module} cannot be imported, it raises {type(error).__name__}: "
            f"{one_line(error)}"
        ) from error


def import_object(path: str, *, owner: str, extra: str = "") -> Any:
    """The object that an import path "module:name" names.

    Parameters
    ----------
    path : such as "sklearn.linear_model:Ridge".
    owner, extra : as for `import_module_of`.

    Raises
    ------
    HwbenchError
        Where the module cannot be imported or has no such name.
    """
    module, _, attribute = current_path(path).partition(":")
    if not module or not attribute or module.startswith("."):
        raise HwbenchError(f"{owner}: {path!r} is no import path; one is written module:Class")
    try:
        return getattr(import_module_of(module, owner=owner, extra=extra), attribute)
    except AttributeError as error:
        raise HwbenchError(f"{owner}: {module} has no '{attribute}'") from error
