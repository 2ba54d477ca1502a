"""What every predictor promises, to hold predictors of one's own against."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.make import make_predictor
from hwbench.spaces import Space, get_space

N_ARCHS = 60
FEW = (2, 3, 7)
"""Training sizes at which many a model stumbles."""


def check_predictor(name: str, *, space: Space | str = "nasbench201", **parameters: Any) -> None:
    """Check that a predictor keeps every promise that a study relies on.

    It can be cloned and pickled, a seed fixes its numbers whatever the global random state, it fits
    any number of architectures from 2 up, equal and repeated ones too, predicts finite numbers,
    constant targets exactly, refuses missing targets by row, does not care for the target's unit,
    leaves its inputs alone, and knows its uncertainty where its card says so. Whether it learns
    well is not checked.

    Parameters
    ----------
    name : of the predictor, or the path of its card.
    space : a search space that has the card's encoding.
    **parameters : hyper-parameters, such as few steps for a model that is slow to train.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where predictor, space or hyper-parameter is unknown.
    """
    where = get_space(space) if isinstance(space, str) else space
    card = predictor_card(name)
    predictor = _Predictor(name, card, where, parameters)
    predictor.make()  # what is unknown is told as it is, not as a broken promise
    for what, check in _CHECKS.items():
        try:
            check(predictor)
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(
                f"predictor {name}: checking {what}: {type(error).__name__}: {error}"
            ) from error


class _Predictor:
    """A predictor to check, and what to check it on."""

    def __init__(
        self, name: str, card: PredictorCard, space: Space, parameters: dict[str, Any]
    ) -> None:
        self.name = name
        self.card = card
        self.space = space
        self.parameters = parameters
        self.archs: IntArray = space.sample(N_ARCHS, seed=1)
        generator = np.random.default_rng(0)
        cost = generator.uniform(1, 2, size=(space.n_positions, max(space.n_choices)))
        self.latency: NDArray[np.float64] = cost[np.arange(space.n_positions), self.archs].sum(
            axis=1
        )

    def make(self, seed: int = 0) -> Any:
        return make_predictor(self.name, space=self.space, seed=seed, **self.parameters)

    def require(self, condition: bool, message: str) -> None:
        if not condition:
            raise AssertionError(f"predictor {self.name}: {message}")


def _check_predictions(predictor: _Predictor) -> None:
    archs, latency = predictor.archs.copy(), predictor.latency.copy()
    model = predictor.make()
    fitted = model.fit(archs, latency)
    predictor.require(fitted is model, "fit must return the model itself")
    prediction = model.predict(archs)
    predictor.require(prediction.shape == (N_ARCHS,), f"predictions have shape {prediction.shape}")
    predictor.require(prediction.dtype == np.float64, f"predictions are {prediction.dtype}")
    predictor.require(bool(np.isfinite(prediction).all()), "a prediction is not finite")
    unchanged = np.array_equal(archs, predictor.archs)
    unchanged &= np.array_equal(latency, predictor.latency)
    predictor.require(unchanged, "fit or predict changed the arrays it was given")


def _check_seed(predictor: _Predictor) -> None:
    predictions = []
    for state in (11, 12):
        np.random.seed(state)  # noqa: NPY002  the global state must not matter
        model = predictor.make(seed=3).fit(predictor.archs, predictor.latency)
        predictions.append(model.predict(predictor.archs))
    predictor.require(
        np.array_equal(predictions[0], predictions[1]), "the same seed gives other predictions"
    )


def _check_copies(predictor: _Predictor) -> None:
    model = predictor.make()
    fresh = clone(model)
    expected = model.fit(predictor.archs, predictor.latency).predict(predictor.archs)
    found = fresh.fit(predictor.archs, predictor.latency).predict(predictor.archs)
    predictor.require(np.array_equal(found, expected), "a clone predicts something else")
    restored = pickle.loads(pickle.dumps(model))  # noqa: S301  made here
    predictor.require(
        np.array_equal(restored.predict(predictor.archs), expected),
        "a pickled copy predicts something else",
    )


def _check_few(predictor: _Predictor) -> None:
    for size in FEW:
        model = predictor.make().fit(predictor.archs[:size], predictor.latency[:size])
        prediction = model.predict(predictor.archs)
        predictor.require(
            bool(np.isfinite(prediction).all()), f"fitted to {size}, a prediction is not finite"
        )


def _check_repeats(predictor: _Predictor) -> None:
    rows = np.array([0, 0, 0, 1, 1, 2])
    noisy = predictor.latency[rows] + np.linspace(0, 0.1, len(rows))
    prediction = predictor.make().fit(predictor.archs[rows], noisy).predict(predictor.archs)
    predictor.require(
        bool(np.isfinite(prediction).all()),
        "fitted to repeated architectures, a prediction is not finite",
    )


def _check_constant(predictor: _Predictor) -> None:
    model = predictor.make().fit(predictor.archs, np.full(N_ARCHS, 4.25))
    prediction = model.predict(predictor.archs)
    predictor.require(
        bool(np.allclose(prediction, 4.25, rtol=0, atol=1e-6)), "constant targets are not predicted"
    )


def _check_unit(predictor: _Predictor) -> None:
    # A power of two scales without rounding, so even trees must split alike.
    plain = predictor.make().fit(predictor.archs, predictor.latency).predict(predictor.archs)
    scaled = predictor.make().fit(predictor.archs, predictor.latency * 2**20)
    predictor.require(
        bool(np.allclose(scaled.predict(predictor.archs) / 2**20, plain, rtol=1e-9)),
        "the unit of the target changes what is predicted",
    )


def _check_missing(predictor: _Predictor) -> None:
    for bad in (np.nan, np.inf):
        targets = predictor.latency.copy()
        targets[4] = bad
        try:
            predictor.make().fit(predictor.archs, targets)
        except HwbenchError as error:
            predictor.require("row 4" in str(error), "the refusal of a missing target has no row")
        else:
            predictor.require(False, f"a target that is {bad} is not refused")


def _check_uncertainty(predictor: _Predictor) -> None:
    if not predictor.card.uncertainty:
        return
    model = predictor.make().fit(predictor.archs[:30], predictor.latency[:30])
    mean, deviation = model.predict(predictor.archs, return_std=True)
    predictor.require(deviation.shape == (N_ARCHS,), f"deviations have shape {deviation.shape}")
    sound = bool(np.isfinite(deviation).all() and (deviation > 0).all())
    predictor.require(sound, "a deviation is not a positive number")
    predictor.require(
        bool(np.allclose(mean, model.predict(predictor.archs))),
        "predictions differ when deviations are asked for",
    )


_CHECKS: dict[str, Callable[[_Predictor], None]] = {
    "predictions": _check_predictions,
    "the seed": _check_seed,
    "clones and pickles": _check_copies,
    "few architectures": _check_few,
    "repeated architectures": _check_repeats,
    "constant targets": _check_constant,
    "the target's unit": _check_unit,
    "missing targets": _check_missing,
    "uncertainty": _check_uncertainty,
}
