"""A card's estimator that is none is one line when it is used."""

import sys

import pytest

from hwbench.advise.candidates import find_candidates
from hwbench.errors import HwbenchError
from hwbench.predictors import make_predictor
from hwbench.spaces import get_space

MODULE = """
from abc import ABC, abstractmethod
from sklearn.base import BaseEstimator, RegressorMixin


def function():
    return None


thing = 3


class Nothing:
    pass


class NoPredict(BaseEstimator):
    def fit(self, X, y):
        return self


class Abstract(RegressorMixin, BaseEstimator, ABC):
    def fit(self, X, y):
        return self

    @abstractmethod
    def predict(self, X):
        ...


class Raises(RegressorMixin, BaseEstimator):
    def __init__(self):
        raise RuntimeError("no\\nway")

    def fit(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]


class Leaves(Raises):
    def __init__(self):
        raise SystemExit(3)


class Wants(Raises):
    def __init__(self, width):
        self.width = width


class NoParameters(Raises):
    def __init__(self):
        pass

    def get_params(self, deep=True):
        raise OverflowError("parameters")
"""
FAULTS = {
    "function": "no class of estimators, but a function",
    "thing": "no class of estimators, but a int",
    "Nothing": "lacks fit, predict, get_params, set_params",
    "NoPredict": "lacks predict",
    "Abstract": "TypeError: Can't instantiate abstract class",
    "Raises": "RuntimeError: no way",
    "Leaves": "SystemExit: 3",
    "Wants": "TypeError: ",
    "NoParameters": "OverflowError: parameters",
    "gone": "has no 'gone'",
}


@pytest.fixture
def write_card(hwbench_home, tmp_path, monkeypatch):
    """Write the card of an estimator, in HWBENCH_HOME, under its name in small letters."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "no_estimators.py").write_text(MODULE)
    monkeypatch.delitem(sys.modules, "no_estimators", raising=False)
    (hwbench_home / "predictors").mkdir()

    def write(estimator, more=""):
        name = estimator.rpartition(":")[2].lower()
        (hwbench_home / "predictors" / f"{name}.toml").write_text(
            f'title = "t"\nfamily = "f"\npaper = "p"\nestimator = "{estimator}"\n{more}'
        )
        return name

    return write


@pytest.mark.parametrize("estimator", FAULTS)
def test_what_is_no_estimator_is_one_line(write_card, estimator):
    name = write_card(f"no_estimators:{estimator}")
    with pytest.raises(HwbenchError, match=FAULTS[estimator]) as refused:
        make_predictor(name, space="nasbench201")
    assert str(refused.value).startswith(f"predictor {name}: ")
    assert "\n" not in str(refused.value)
    _, left_out = find_candidates(get_space("nasbench201"))
    assert [FAULTS[estimator] in each.reason for each in left_out if each.predictor == name] == [
        True
    ]


def test_defaults_that_an_estimator_has_not_are_one_line(write_card):
    name = write_card("sklearn.linear_model:Lasso", "[defaults]\nalhpa = 1.0\n")
    with pytest.raises(HwbenchError, match=r"its card's defaults do not fit: .*alhpa"):
        make_predictor(name, space="nasbench201")
