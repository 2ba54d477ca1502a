"""What every predictor promises, to hold predictors of one's own against."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cached_property
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import clone

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.make import make_predictor, set_up
from hwbench.predictors.registry import MODELS
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.spaces import Space
from hwbench.testing.random_states import seed_global_states
from hwbench.testing.space_subject import space_of
from hwbench.testing.suite import Check, Subject, Suite, described, made, no_such_part

N_ARCHS = 60
FEW = (2, 3, 7)
"""Training sizes at which many a model stumbles."""

FORMS = (
    'a name, the path of a card, a PredictorCard, "module:Class", or a regressor (a class or an '
    "object) that has scikit-learn's fit, predict, get_params and set_params"
)


class PredictorSubject(Subject):
    """A predictor to check, and what to check it on.

    Attributes
    ----------
    make : makes it unfitted from a seed.
    uncertain : whether it must say how uncertain its predictions are.
    space : the search space.
    archs : int64 of shape (N_ARCHS, n_positions), not to be written to.
    latency : float64 of shape (N_ARCHS,), not to be written to: a sum of costs.
    """

    kind = "predictor"

    def __init__(self, part: Any, space: Any, parameters: dict[str, Any]) -> None:
        self.name = part.title if isinstance(part, PredictorCard) else described(part)
        self.space = space_of(space)
        self.make, self.uncertain = _maker(part, self.space, parameters)
        self.make(0)  # what is unknown is told as it is, not as a broken promise
        self.archs: IntArray = self.space.sample(N_ARCHS, seed=1)
        most = max(self.space.n_choices)
        cost = np.random.default_rng(0).uniform(1, 2, size=(self.space.n_positions, most))
        self.latency: Floats = cost[np.arange(self.space.n_positions), self.archs].sum(axis=1)
        for array in (self.archs, self.latency):
            array.setflags(write=False)

    @cached_property
    def fitted(self) -> Any:
        """The predictor of seed 0, fitted to all architectures; checks leave it as it is."""
        return self.make(0).fit(self.archs, self.latency)

    @cached_property
    def predictions(self) -> Floats:
        """What it predicts of all architectures."""
        return np.asarray(self.fitted.predict(self.archs))


def _maker(
    part: Any, space: Space, parameters: dict[str, Any]
) -> tuple[Callable[[int], Any], bool]:
    """What makes a predictor from a seed, and whether that says how uncertain it is."""
    named = isinstance(part, str) and (part.endswith(".toml") or ":" not in part)
    if named or isinstance(part, PredictorCard):
        card = predictor_card(part) if named else part
        name = part if named else card.title

        def of_card(seed: int) -> Any:
            return make_predictor(name, card=card, space=space, seed=seed, **parameters)

        return of_card, card.uncertainty
    given = MODELS.load(part, where="predictor") if isinstance(part, str) else part
    estimator = made("predictor", given) if isinstance(given, type) else given
    if not all(hasattr(estimator, each) for each in ("fit", "predict", "get_params", "set_params")):
        raise no_such_part("predictor", part, FORMS)
    hyper_parameters = dict(parameters)
    encoding = hyper_parameters.pop("encoding", "onehot")

    def of_estimator(seed: int) -> Any:
        model = clone(estimator)
        own = model.estimator if isinstance(model, ArchitectureRegressor) else model
        set_up(own, hyper_parameters, name=described(part), space=space, seed=seed)
        if isinstance(model, ArchitectureRegressor):
            return model.set_params(space=space, random_state=seed)
        return ArchitectureRegressor(model, space=space, encoding=encoding, random_state=seed)

    inner = estimator.estimator if isinstance(estimator, ArchitectureRegressor) else estimator
    return of_estimator, "return_std" in signature(inner.predict).parameters


def _subject(
    predictor: Any, *, space: Space | str = "nasbench201", **parameters: Any
) -> PredictorSubject:
    return PredictorSubject(predictor, space, parameters)


SUITE: Suite[PredictorSubject] = Suite(_subject)


def predictor_checks(*predictor: Any, **options: Any) -> list[Check]:
    """The checks of predictors, for `pytest.mark.parametrize`: `check("nearest")`.

    Parameters
    ----------
    *predictor, **options : as for `check_predictor`; with a predictor, the checks are called
        without one.
    """
    return SUITE.checks(*predictor, **options)


def check_predictor(
    predictor: Any, *, space: Space | str = "nasbench201", **parameters: Any
) -> None:
    """Check that a predictor keeps every promise that a study relies on.

    It can be cloned, fitted again and pickled; a seed fixes its numbers whatever the global random
    states; it predicts finite numbers, of one architecture what it predicts of it among others, and
    of constant targets exactly these; it refuses missing targets by row, does not care for the
    target's unit nor for how arrays lie in memory, and leaves its inputs alone; it knows its
    uncertainty where its card says so. It fits repeated architectures, and any number of them from
    2 up, or refuses few of them with a `ValueError`, which a study keeps as a failed row. Whether
    it learns well is not checked.

    Parameters
    ----------
    predictor : a name, the path of a card, a `PredictorCard`, "module:Class", or a regressor that
        follows scikit-learn's rules: a class, or an object, which is not fitted itself.
    space : a search space that has the predictor's encoding.
    **parameters : hyper-parameters, such as few steps for a model that is slow to train; and
        `encoding`, by default the card's, "onehot" where there is no card.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where predictor, space or hyper-parameter is unknown.
    """
    SUITE.run_all(predictor, space=space, **parameters)


@SUITE.promise("predictions")
def _check_predictions(predictor: PredictorSubject) -> None:
    model = predictor.make(0)
    fitted = model.fit(predictor.archs, predictor.latency)
    predictor.require(fitted is model, "fit must return the model itself")
    prediction = model.predict(predictor.archs)
    predictor.require(prediction.shape == (N_ARCHS,), f"predictions have shape {prediction.shape}")
    predictor.require(prediction.dtype == np.float64, f"predictions are {prediction.dtype}")
    predictor.require(bool(np.isfinite(prediction).all()), "a prediction is not finite")


@SUITE.promise("one architecture and none")
def _check_single(predictor: PredictorSubject) -> None:
    alone = np.concatenate([predictor.fitted.predict(predictor.archs[i : i + 1]) for i in range(3)])
    # Not to the last digit: products of matrices round otherwise with other numbers of rows.
    close = np.allclose(alone, predictor.predictions[:3], rtol=1e-4)
    predictor.require(bool(close), "an architecture alone is predicted otherwise than among others")
    none = predictor.fitted.predict(predictor.archs[:0])
    predictor.require(none.shape == (0,), f"predictions of no architecture have shape {none.shape}")


@SUITE.promise("the seed")
def _check_seed(predictor: PredictorSubject) -> None:
    predictions = []
    for state in (11, 12):
        seed_global_states(state)
        model = predictor.make(3).fit(predictor.archs, predictor.latency)
        predictions.append(model.predict(predictor.archs))
    predictor.require(
        np.array_equal(predictions[0], predictions[1]), "the same seed gives other predictions"
    )


@SUITE.promise("clones and parameters")
def _check_clones(predictor: PredictorSubject) -> None:
    model = predictor.make(0)
    fresh = clone(model)
    before = repr(model.estimator.get_params())
    fitted = model.fit(predictor.archs, predictor.latency)
    predictor.require(
        repr(model.estimator.get_params()) == before == repr(fitted.estimator_.get_params()),
        "fit changes a hyper-parameter",
    )
    found = fresh.fit(predictor.archs, predictor.latency).predict(predictor.archs)
    same = np.array_equal(found, model.predict(predictor.archs))
    predictor.require(same, "a clone predicts something else")
    parameters = model.get_params(deep=False)
    predictor.require(model.set_params(**parameters) is model, "set_params must return the model")


@SUITE.promise("pickles")
def _check_pickles(predictor: PredictorSubject) -> None:
    restored = pickle.loads(pickle.dumps(predictor.fitted))  # noqa: S301  made here
    predictor.require(
        np.array_equal(restored.predict(predictor.archs), predictor.predictions),
        "a pickled copy predicts something else",
    )


@SUITE.promise("fitting again")
def _check_again(predictor: PredictorSubject) -> None:
    model = predictor.make(0).fit(predictor.archs[30:], predictor.latency[30:] + 1)
    again = model.fit(predictor.archs, predictor.latency).predict(predictor.archs)
    predictor.require(
        np.array_equal(again, predictor.predictions), "a second fit depends on the first"
    )


@SUITE.promise("few architectures")
def _check_few(predictor: PredictorSubject) -> None:
    fits = 0
    for size in FEW:
        try:
            model = predictor.make(0).fit(predictor.archs[:size], predictor.latency[:size])
            prediction = model.predict(predictor.archs)
        except HwbenchError as error:  # of the regressor, where the estimator raises ValueError
            predictor.require(len(str(error).splitlines()) == 1, f"refuses few in lines: {error}")
            predictor.require(not fits, f"fits {fits} architectures, but refuses {size}: {error}")
            continue
        fits = size
        finite = bool(np.isfinite(prediction).all())
        predictor.require(finite, f"fitted to {size}, a prediction is not finite")


@SUITE.promise("repeated architectures")
def _check_repeats(predictor: PredictorSubject) -> None:
    for rows in (np.array([0, 0, 0, 1, 1, 2]), np.repeat(np.arange(10), 3)):
        noisy = predictor.latency[rows] + np.linspace(0, 0.1, len(rows))
        try:
            model = predictor.make(0).fit(predictor.archs[rows], noisy)
            prediction = model.predict(predictor.archs)
        except HwbenchError as error:
            predictor.require(len(rows) < 10, f"refuses repeated architectures: {error}")
            continue
        predictor.require(
            bool(np.isfinite(prediction).all()),
            "fitted to repeated architectures, a prediction is not finite",
        )


@SUITE.promise("constant targets")
def _check_constant(predictor: PredictorSubject) -> None:
    model = predictor.make(0).fit(predictor.archs, np.full(N_ARCHS, 4.25))
    prediction = model.predict(predictor.archs)
    predictor.require(
        bool(np.allclose(prediction, 4.25, rtol=0, atol=1e-6)), "constant targets are not predicted"
    )


@SUITE.promise("the target's unit")
def _check_unit(predictor: PredictorSubject) -> None:
    # A power of two scales without rounding, so even trees must split alike.
    model = predictor.make(0).fit(predictor.archs, predictor.latency * 2**20)
    scaled = model.predict(predictor.archs) / 2**20
    predictor.require(
        bool(np.allclose(scaled, predictor.predictions, rtol=1e-9)),
        "the unit of the target changes what is predicted",
    )


@SUITE.promise("missing targets")
def _check_missing(predictor: PredictorSubject) -> None:
    for bad in (np.nan, np.inf):
        targets = predictor.latency.copy()
        targets[4] = bad
        what = f"a target that is {bad}"
        message = predictor.require_refusal(what, predictor.make(0).fit, predictor.archs, targets)
        predictor.require("row 4" in message, "the refusal of a missing target has no row")


@SUITE.promise("the arrays it is given")
def _check_inputs(predictor: PredictorSubject) -> None:
    archs, latency = predictor.archs.copy(), predictor.latency.copy()
    predictor.make(0).fit(archs, latency).predict(archs)
    unchanged = np.array_equal(archs, predictor.archs)
    unchanged &= np.array_equal(latency, predictor.latency)
    predictor.require(unchanged, "fit or predict changed the arrays it was given")
    other = np.asfortranarray(predictor.archs.astype(np.int16))
    apart = np.repeat(predictor.latency, 2)[::2]
    found = predictor.make(0).fit(other, apart).predict(other.astype(np.float32))
    predictor.require(
        np.array_equal(found, predictor.predictions),
        "how arrays lie in memory, or their type of numbers, changes what is predicted",
    )


@SUITE.promise("uncertainty")
def _check_uncertainty(predictor: PredictorSubject) -> None:
    if not predictor.uncertain:
        return
    model = predictor.make(0).fit(predictor.archs[:30], predictor.latency[:30])
    mean, deviation = model.predict(predictor.archs, return_std=True)
    predictor.require(deviation.shape == (N_ARCHS,), f"deviations have shape {deviation.shape}")
    sound = bool(np.isfinite(deviation).all() and (deviation > 0).all())
    predictor.require(sound, "a deviation is not a positive number")
    predictor.require(
        bool(np.allclose(mean, model.predict(predictor.archs))),
        "predictions differ when deviations are asked for",
    )
    none = model.predict(predictor.archs[:0], return_std=True)
    predictor.require(len(none[1]) == 0, "there are deviations of no architecture")
