"""The checks of predictors pass what is right and find what is wrong."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors import PredictorCard, predictor_card
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.study import StudySpec, run_study
from hwbench.testing import check_predictor, predictor_checks

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")

CARD = """title = "Ridge of one's own"
family = "linear"
paper = "p"
estimator = "sklearn.linear_model:Ridge"
"""


@pytest.fixture
def nearest(hwbench_home):
    """The predictor of the README's section "Your own predictor", as the README says it."""
    card = re.search(
        r"`HWBENCH_HOME/predictors/nearest\.toml`:\n\n```toml\n(.*?)```", README, re.DOTALL
    )[1]
    path = hwbench_home / "predictors" / "nearest.toml"
    path.parent.mkdir()
    path.write_text(card, encoding="utf-8")


@pytest.mark.usefixtures("nearest")
def test_the_predictor_of_the_readme_passes():
    assert '`hwbench.testing.check_predictor("nearest")`' in README
    check_predictor("nearest")
    for check in predictor_checks("nearest"):
        check()


@pytest.mark.usefixtures("nearest", "own_table")
def test_fitted_to_fewer_than_its_neighbours_it_is_a_failed_row_of_a_study():
    spec = StudySpec(
        targets=["small:latency"],
        predictors=["nearest"],
        training_sizes=[3, 20],
        seeds=[0],
        test_size=50,
    )
    trials = run_study(spec).trials.set_index("training_size")
    assert np.isfinite(trials["kendall_tau"][20])
    assert trials["exception"][3] == "HwbenchError"
    reason = trials["error"][3].strip().splitlines()[-1]
    assert "KNeighborsRegressor cannot predict: Expected n_neighbors <= n_samples_fit" in reason
    assert "n_samples_fit = 3" in reason


@pytest.mark.parametrize("check", predictor_checks())
def test_one_by_one(check):
    check("ridge")


def ridge_card(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(CARD, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "part",
    [
        "ridge",
        ridge_card,
        lambda _: predictor_card("ridge"),
        "sklearn.linear_model:Ridge",
        lambda _: Ridge,
        lambda _: Ridge(alpha=2.0),
        lambda _: ArchitectureRegressor(Ridge(), hb.get_space("nasbench201"), "counts"),
    ],
    ids=["name", "file", "card", "path", "class", "object", "regressor"],
)
def test_however_it_is_given(tmp_path, part):
    part = part(tmp_path) if callable(part) else part
    check_predictor(part)
    check_predictor(part, space="nasbench_macro", alpha=0.5)


def test_an_object_is_left_as_it_is():
    estimator = Ridge(alpha=2.0)
    check_predictor(estimator, alpha=0.5, encoding="counts")
    assert vars(estimator) == vars(Ridge(alpha=2.0))


class NeedsArguments(Ridge):
    def __init__(self, layers):
        self.layers = layers


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("rigde", "unknown predictor 'rigde'; did you mean 'ridge'"),
        ("no.such:Module", "no.such cannot be imported"),
        ("sklearn.linear_model:Rigde", "has no 'Rigde'"),
        ("nowhere.toml", "no such file"),
        (3, "predictor 3: is none; give a name, the path of a card"),
        (None, "predictor None: is none"),
        (int, "predictor int: is none"),
        (np.mean, "predictor mean: is none"),
        (NeedsArguments, r"NeedsArguments: cannot be made \(TypeError: .*'layers'"),
    ],
)
def test_what_is_no_predictor_is_one_line(part, message):
    for call in (check_predictor, *predictor_checks()[:1]):
        with pytest.raises(HwbenchError, match=message) as caught:
            call(part)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        ("ridge", {"alhpa": 1.0}, "unknown hyper-parameter .* did you mean 'alpha'"),
        (Ridge, {"alhpa": 1.0}, "unknown hyper-parameter of predictor Ridge 'alhpa'"),
        (Ridge, {"space": "nasbench20"}, "did you mean 'nasbench201'"),
    ],
)
def test_unknown_options_are_one_line(part, options, message):
    with pytest.raises(HwbenchError, match=message):
        check_predictor(part, **options)


# ---------------------------------------------------------------------- broken ones


class Moody(Ridge):
    def predict(self, X):
        return super().predict(X) + np.random.normal(size=len(X))  # noqa: NPY002


class Spoiler(Ridge):
    def predict(self, X):
        return super().predict(X) * np.nan


class Vain(Ridge):
    def predict(self, X, return_std=False):
        mean = super().predict(X)
        return (mean, -np.ones(len(X))) if return_std else mean


class Stubborn(Ridge):
    def fit(self, X, y):
        if len(y) < 5:
            raise IndexError("too few")
        return super().fit(X, y)


class Fussy(Ridge):
    def fit(self, X, y):
        if 5 < len(y) < 10:
            raise ValueError("an unlucky number")
        return super().fit(X, y)


class Relative(Ridge):
    """Predicts in relation to the others it is asked about."""

    def predict(self, X):
        found = super().predict(X)
        return found - found.mean()


class Learner(ArchitectureRegressor):
    """Begins where its last fit ended."""

    def fit(self, archs, y):
        before = getattr(self, "estimator_", None)
        super().fit(archs, y)
        if before is not None:
            self.estimator_.coef_ = (self.estimator_.coef_ + before.coef_) / 2
        return self


class Tidy(Ridge):
    def fit(self, X, y):
        self.alpha = 7.0
        return super().fit(X, y)


class Forgetful(Ridge):
    def __getstate__(self):
        return {**super().__getstate__(), "intercept_": 9.0}


class Distinct(Ridge):
    def fit(self, X, y):
        if len(np.unique(X, axis=0)) < len(X):
            raise ValueError("two rows are equal")
        return super().fit(X, y)


class Offset(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return np.full(len(X), 1.0)


class Absolute(ArchitectureRegressor):
    """Does not standardise, and shrinks."""

    def predict(self, archs, *, return_std=False):
        return np.minimum(super().predict(archs), 1e4)


class Lenient(ArchitectureRegressor):
    def fit(self, archs, y):
        return super().fit(archs, np.where(np.isfinite(y), y, 1.0))


class Sorter(ArchitectureRegressor):
    def fit(self, archs, y):
        super().fit(archs, y)
        if np.asarray(y).flags.writeable:
            y.sort()
        return self


class Packed(ArchitectureRegressor):
    """Reads memory as it lies there."""

    def predict(self, archs, *, return_std=False):
        archs = np.asarray(archs)
        return super().predict(archs.ravel("K").reshape(archs.shape).astype(np.int64))


class Needy(ArchitectureRegressor):
    def predict(self, archs, *, return_std=False):
        if len(archs) == 0:
            raise IndexError("nothing is given")
        return super().predict(archs)


class Column(ArchitectureRegressor):
    def predict(self, archs, *, return_std=False):
        return super().predict(archs)[:, None]


def around(kind):
    return kind(Ridge(), hb.get_space("nasbench201"))


BROKEN = [
    ("predictions", Spoiler, "a prediction is not finite"),
    ("predictions", around(Column), r"predictions have shape \(60, 1\)"),
    ("one architecture and none", Relative, "alone is predicted otherwise than among others"),
    ("one architecture and none", around(Needy), "raises IndexError: nothing is given"),
    ("the seed", Moody, "the same seed gives other predictions"),
    ("clones and parameters", Tidy, "fit changes a hyper-parameter"),
    ("pickles", Forgetful, "a pickled copy predicts something else"),
    ("fitting again", around(Learner), "a second fit depends on the first"),
    ("few architectures", Stubborn, "checking few architectures raises IndexError: too few"),
    ("few architectures", Fussy, "fits 3 architectures, but refuses 7: .*an unlucky number"),
    ("repeated architectures", Distinct, "refuses repeated architectures: .*two rows are equal"),
    ("constant targets", Offset, "constant targets are not predicted"),
    ("the target's unit", around(Absolute), "the unit of the target changes what is predicted"),
    ("missing targets", around(Lenient), "a target that is nan is not refused"),
    ("the arrays it is given", around(Sorter), "fit or predict changed the arrays"),
    ("the arrays it is given", around(Packed), "how arrays lie in memory"),
    ("uncertainty", Vain, "a deviation is not a positive number"),
]


def named(part):
    return part.__name__ if isinstance(part, type) else type(part).__name__


@pytest.mark.parametrize(
    ("what", "part", "message"), BROKEN, ids=[named(each[1]) for each in BROKEN]
)
def test_a_broken_promise_is_named(what, part, message):
    (check,) = (each for each in predictor_checks() if each.what == what)
    with pytest.raises(AssertionError, match=message) as caught:
        check(part)
    assert str(caught.value).startswith(f"predictor {named(part)}: ")
    with pytest.raises(AssertionError):
        check_predictor(part)


def test_every_check_can_fail():
    assert {what for what, _, _ in BROKEN} == {check.what for check in predictor_checks()}


def test_uncertainty_is_asked_of_those_that_have_it():
    check_predictor(GaussianProcessRegressor(alpha=1e-2, optimizer=None))
    (check,) = (each for each in predictor_checks() if each.what == "uncertainty")
    card = PredictorCard(
        title="Ridge that claims to know",
        family="linear",
        paper="p",
        estimator="sklearn.linear_model:Ridge",
        uncertainty=True,
    )
    with pytest.raises(AssertionError, match="Ridge does not say how uncertain"):
        check(card)


def test_refusals_of_an_estimator_are_errors_of_one_line():
    space = hb.get_space("nasbench201")
    archs = space.sample(8, seed=0)
    model = ArchitectureRegressor(KNeighborsRegressor(n_neighbors=5), space)
    with pytest.raises(HwbenchError, match=r"^KNeighborsRegressor cannot predict: ") as caught:
        model.fit(archs[:2], [1.0, 2.0]).predict(archs)
    assert isinstance(caught.value.__cause__, ValueError)
    model = ArchitectureRegressor(KNeighborsRegressor(n_neighbors=0), space)
    message = "^KNeighborsRegressor cannot be fitted to these 8 architectures: The 'n_neighbors'"
    with pytest.raises(HwbenchError, match=message) as caught:
        model.fit(archs, np.arange(8.0))
    assert len(str(caught.value).splitlines()) == 1
