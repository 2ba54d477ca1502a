"""The classes that model files may hold objects of, and what such an object may be made of.

A closed list: saving every predictor of the zoo names these and no others, which a test holds. No
class of it is called by a file, calls what its attributes name, writes files, or is a wrapper of
other estimators that is told their methods.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np
from pydantic import BaseModel

from hwbench.errors import HwbenchError

FORMER = frozenset((
    ("sklearn.ensemble._forest", "RandomForestRegressor"),
))  # fmt: skip
"""Classes that entries of the zoo were of in earlier versions, whose files are still read."""

CLASSES = FORMER | frozenset((
    ("catboost.core", "CatBoostRegressor"),
    ("hwbench.predictors.card", "SearchRange"),
    ("hwbench.predictors.models.auto", "Auto"),
    ("hwbench.predictors.models.bananas", "Bananas"),
    ("hwbench.predictors.models.bayesian_linear", "BayesianLinearRegression"),
    ("hwbench.predictors.models.binary_relation_gcn", "BinaryRelationGCN"),
    ("hwbench.predictors.models.bohamiann", "Bohamiann"),
    ("hwbench.predictors.models.bonas", "BONAS"),
    ("hwbench.predictors.models.catboost", "CatBoost"),
    ("hwbench.predictors.models.completed_sources", "CompletedSources"),
    ("hwbench.predictors.models.gaussian_process", "GaussianProcess"),
    ("hwbench.predictors.models.gcn", "GCN"),
    ("hwbench.predictors.models.graph_vae", "GraphVAE"),
    ("hwbench.predictors.models.grouped_kernel", "GroupedKernel"),
    ("hwbench.predictors.models.lookup_table", "LookupTable"),
    ("hwbench.predictors.models.mlp", "MLP"),
    ("hwbench.predictors.models.nao", "NAO"),
    ("hwbench.predictors.models.ngboost", "NGBoost"),
    ("hwbench.predictors.models.pairwise_ridge", "PairwiseRidge"),
    ("hwbench.predictors.models.random_forest", "RandomForest"),
    ("hwbench.predictors.models.sparse_gaussian_process", "SparseGaussianProcess"),
    ("hwbench.predictors.models.structural_gaussian_process", "StructuralGaussianProcess"),
    ("hwbench.predictors.models.structural_process", "StructuralProcess"),
    ("hwbench.predictors.models.transfer_gaussian_process", "TransferGaussianProcess"),
    ("hwbench.predictors.models.transfer_gaussian_process", "TransferredFeatures"),
    ("hwbench.predictors.models.weisfeiler_lehman", "WeisfeilerLehmanGaussianProcess"),
    ("hwbench.predictors.regressor", "ArchitectureRegressor"),
    ("hwbench.predictors.target_transform", "TargetTransform"),
    ("hwbench.predictors.transfer", "SourceMetrics"),
    ("hwbench.predictors.tuning", "Tuning"),
    ("hwbench.predictors.tuning", "TuningRecord"),
    ("hwbench.spaces.structure", "StructuralFeatures"),
    ("lightgbm.basic", "Booster"),
    ("lightgbm.sklearn", "LGBMRegressor"),
    ("ngboost.api", "NGBRegressor"),
    ("sklearn.linear_model._base", "LinearRegression"),
    ("sklearn.linear_model._ridge", "Ridge"),
    ("sklearn.svm._classes", "SVR"),
    ("sklearn.tree._classes", "DecisionTreeRegressor"),
    ("sklearn.tree._tree", "Tree"),
    ("xgboost.core", "Booster"),
    ("xgboost.sklearn", "XGBRegressor"),
))  # fmt: skip
"""Module and name of each class."""

CLASS_VALUES = frozenset((
    ("ngboost.distns.normal", "Normal"),
    ("ngboost.scores", "LogScore"),
))  # fmt: skip
"""Classes that stand as values, in an `NGBRegressor` alone, as its `Dist` and `Score`."""

_PLAIN = ("builtins", "collections", "numpy")
"""Packages of what is written as plain data and arrays."""

MOST_JOBS = 256
"""Threads or processes that a model may ask for."""


def foreign_packages(classes: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """Packages of those classes that are not in the list, sorted.

    Parameters
    ----------
    classes : module and name of each that a model is made of.
    """
    foreign = set(classes) - CLASSES - CLASS_VALUES - {("torch", "Tensor")}
    packages = {module.partition(".")[0] for module, _ in foreign}
    return tuple(sorted(packages - set(_PLAIN)))


def checked_state(made: Any, state: Any) -> dict[str, Any]:
    """The attributes that an object of a class of the list may be given.

    Parameters
    ----------
    made : the object, still without any.
    state : what a file says they are. What is kept beside others to save computing it again, a
        `functools.cached_property`, is left out, and so computed again.

    Raises
    ------
    HwbenchError
        Where an attribute would take the place of a method or a property of the class, or is not
        what the class, in what it does not check itself, needs.
    """
    kind = type(made)
    if type(state) is not dict or not all(type(key) is str for key in state):
        raise HwbenchError(f"is damaged (what {kind.__name__} is made of has no names)")
    if issubclass(kind, BaseModel):
        return state  # pydantic checks the fields
    compiled = _COMPILED.get((kind.__module__, kind.__name__))
    if compiled is not None:
        compiled(made, state)
    if (kind.__module__, kind.__name__) == TREE:
        return state  # of no Python attributes
    kept = {}
    for name, value in state.items():
        of_class = getattr(kind, name, None)
        if isinstance(of_class, functools.cached_property):
            continue
        if _is_dunder(name) or not _is_plain(of_class):
            raise HwbenchError(
                f"is damaged or made with malice (it puts something else in the place of "
                f"{kind.__name__}.{name[:40]})"
            )
        kept[name] = value
    jobs = kept.get("n_jobs")
    if jobs is not None and not (type(jobs) is int and -MOST_JOBS <= jobs <= MOST_JOBS):
        raise HwbenchError(f"asks for {str(jobs)[:40]} jobs at once, more than {MOST_JOBS}")
    return kept


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_plain(value: Any) -> bool:
    """Whether an attribute of a class is the usual value of one of its objects, no more."""
    if type(value) is tuple:
        return all(_is_plain(each) for each in value)
    return value is None or type(value) in (bool, int, float, str)


# ---------------------------------------------------------------------- compiled libraries

TREE = ("sklearn.tree._tree", "Tree")
"""A compiled class whose `predict` trusts its caller: part of a `DecisionTreeRegressor` alone."""

_NO_CHILD = -1
_KERNELS = ("linear", "poly", "rbf", "sigmoid")


def _check_tree(tree: Any, state: Mapping[str, Any]) -> None:
    """See that every path through a tree ends, on features that there are."""
    nodes, count = state.get("nodes"), state.get("node_count")
    if type(nodes) is not np.ndarray or nodes.ndim != 1 or nodes.dtype.names is None:
        raise HwbenchError("holds a broken tree")
    if type(count) is not int or count != len(nodes) or not count:
        raise HwbenchError("holds a broken tree")
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left != _NO_CHILD
    places = np.arange(len(nodes))[inner]
    for child in (left[inner], right[inner]):
        if (child <= places).any() or (child >= len(nodes)).any():
            raise HwbenchError("holds a broken tree")
    feature = nodes["feature"][inner]
    if (feature < 0).any() or (feature >= tree.n_features).any():
        raise HwbenchError("holds a broken tree")


def is_checked_tree(owner: Any, tree: Any) -> bool:
    """Whether a value is the tree of a `DecisionTreeRegressor`, with nodes, on its features."""
    return (
        type(owner).__module__ == "sklearn.tree._classes"
        and (type(tree).__module__, type(tree).__name__) == TREE
        and tree.node_count > 0
        and tree.n_features == owner.n_features_in_
    )


def _check_support_vectors(_machine: Any, state: Mapping[str, Any]) -> None:
    """See that the arrays of a support vector machine fit each other."""
    if "support_vectors_" not in state:
        return
    names = ("support_vectors_", "support_", "_dual_coef_", "_intercept_", "_n_support")
    vectors, places, weights, intercept, numbers = (np.asarray(state.get(name)) for name in names)
    count = len(vectors) if vectors.ndim == 2 else -1
    fit = (
        places.shape == (count,)
        and weights.shape == (1, count)
        and intercept.shape == (1,)
        and numbers.dtype.kind in "iu"
        and (numbers >= 0).all()
        and numbers[:1].sum() == count
        and vectors.shape[1] == state.get("n_features_in_")
        and state.get("kernel") in _KERNELS
        and state.get("_sparse") is False
    )
    if not fit:
        raise HwbenchError("holds a broken support vector machine")


def _needs(name: str, kind: type) -> Callable[[Any, Mapping[str, Any]], None]:
    """A check that the compiled part of an object is of the kind its library reads."""

    def check(made: Any, state: Mapping[str, Any]) -> None:
        if type(state.get(name)) is not kind:
            raise HwbenchError(f"holds a broken {type(made).__name__}")

    return check


def _check_boosting(_regressor: Any, state: Mapping[str, Any]) -> None:
    """See that the distribution and the score of NGBoost are those two that are known."""
    given = {
        (each.__module__, each.__name__)
        for each in (state.get("Dist"), state.get("Score"))
        if isinstance(each, type)
    }
    if given != CLASS_VALUES or "uncensor" in state:
        raise HwbenchError("holds a broken NGBRegressor")


_COMPILED: dict[tuple[str, str], Callable[[Any, Mapping[str, Any]], None]] = {
    TREE: _check_tree,
    ("catboost.core", "CatBoostRegressor"): _needs("__model", bytes),
    ("lightgbm.basic", "Booster"): _needs("_handle", str),
    ("ngboost.api", "NGBRegressor"): _check_boosting,
    ("sklearn.svm._classes", "SVR"): _check_support_vectors,
    ("xgboost.core", "Booster"): _needs("handle", bytearray),
}
"""What is seen to of those classes whose code trusts what it is given."""
