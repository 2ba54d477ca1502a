"""The closed list of classes in model files is what saving every predictor names, and harmless."""

import io
from importlib import import_module

import numpy as np
import pytest

import hwbench as hb
from hwbench.predictors.model_classes import CLASS_VALUES, CLASSES, FORMER
from hwbench.predictors.model_pickle import dump_model
from hwbench.predictors.model_reading import _Reader
from hwbench.predictors.transfer import SourceMetrics
from hwbench.predictors.tuning import Tuning

SPACE = hb.get_space("nasbench201")

QUICK = {
    "graph_vae": {"vae_graphs": 60, "vae_epochs": 1},
    **{name: {"steps": 20} for name in ("bananas", "mlp_large", "mlp_small")},
    **{name: {"steps": 20, "passes": 1} for name in ("binary_relation_gcn", "bonas", "gcn", "nao")},
    **{name: {"n_estimators": 3} for name in ("lightgbm", "ngboost", "random_forest", "xgboost")},
    "catboost": {"iterations": 3},
}


def _named(model):
    """Module and name of all that the pickle of a model names."""
    names = set()

    class Reader(_Reader):
        def find_class(self, module, name):
            names.add((module, name))
            return super().find_class(module, name)

    Reader(io.BytesIO(dump_model(model)[0]), ()).load()
    return names


@pytest.mark.needs("torch", "boost", "catboost")
def test_the_list_is_what_saving_the_zoo_names():
    archs = SPACE.sample(40, seed=1)
    latency = SPACE.flops(archs) / 1e6 + np.random.default_rng(0).normal(size=40)
    named = set()
    for name in hb.list_predictors():
        parameters = dict(QUICK.get(name, {}))
        if hb.predictor_card(name).needs_sources:
            parameters["sources"] = SourceMetrics(SPACE, archs, latency[:, None], ("a:b",))
        model = hb.make_predictor(name, space=SPACE, **parameters).fit(archs, latency)
        named |= _named(model)
    tuned = hb.make_predictor("ridge", space=SPACE, tuning=Tuning(trials=2)).fit(archs, latency)
    named |= _named(tuned)
    parts = {(m, n) for m, n in named if m.endswith(("model_pickle", "spaces.registry"))}
    plain = {(m, n) for m, n in named if m in ("builtins", "collections")}
    lacking = sorted(named - parts - plain - CLASSES - CLASS_VALUES)
    needless = sorted((CLASSES | CLASS_VALUES) - FORMER - named)
    assert not lacking, f"hwbench/predictors/model_classes.py lacks {lacking}"
    assert not needless, f"hwbench/predictors/model_classes.py lists in vain {needless}"


def _loaded(names):
    return [getattr(import_module(module), name) for module, name in sorted(names)]


def test_nothing_in_the_list_is_called_or_told_what_to_call():
    from sklearn.model_selection._search import BaseSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.utils.metaestimators import _BaseComposition

    for kind in _loaded(CLASSES):
        assert "__call__" not in dir(kind), kind
        assert not issubclass(kind, _BaseComposition | BaseSearchCV | Pipeline | type), kind
        scorer = [each for each in kind.__mro__ if "corer" in each.__name__]
        assert not scorer, kind


@pytest.mark.parametrize(("module", "name"), sorted(CLASSES))
def test_every_class_is_where_the_list_says(module, name):
    kind = getattr(import_module(module), name)
    assert isinstance(kind, type)
    assert kind.__module__ == module
