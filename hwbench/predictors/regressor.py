"""What turns any regressor on features into one on architectures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin, clone

from hwbench.arrays import Floats
from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.predictors.card import SearchRange
from hwbench.predictors.posterior import Posterior
from hwbench.predictors.target_transform import TargetTransform, choose_transform
from hwbench.predictors.tuning import Tuning, TuningRecord, same_networks, tune
from hwbench.spaces import Space

if TYPE_CHECKING:
    import torch

Transform = Literal["raw", "log", "rank", "auto"]
TRANSFORMS: tuple[Transform, ...] = get_args(Transform)
"""What may be learned of a target; "auto" chooses."""


class ArchitectureRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Encodes architectures, standardises the target, and fits a regressor on both.

    The target, transformed or raw, is standardised with the mean and deviation of the training
    values, as in the study (METHODS, protocol); predictions come back in the target's own unit.

    What is asked of the estimator, which follows scikit-learn's rules:

    - Its constructor stores its arguments and does nothing; those of hwbench check them in `fit`.
      It is made without any, then `set_params` sets the card's defaults and what a call names, and
      where it has them `space` (the search space, always), `random_state` (the seed, which decides
      all its randomness), `n_jobs` (1, since trials run side by side, a thread each) and, if its
      card says `needs_sources`, `sources` (a `SourceMetrics`). Defaults of the card go before.
    - `clone` copies it before every fit: one a trial of a study, or a round and objective of a
      search; with tuning, one for each configuration and fold too. A fitted one may be pickled.
    - `fit(X, y)` gets features, float32 of shape (n_archs, n_features) as `Space.encode` gives
      them, and targets of shape (n_archs,), standardised, without NaN, from 2 rows up, rows alike
      and targets alike included. It returns itself, changes neither, and refuses with a
      `ValueError` what it cannot be fitted to.
    - `predict(X)` is called any number of times with any number of rows, not none, and gives shape
      (n_archs,). If its card says `uncertainty`, `predict(X, return_std=True)` gives a pair:
      predictions, and standard deviations above 0 of a new measurement.
    - `posterior(X)`, where it has it, gives a `hwbench.predictors.posterior.Posterior`, with which
      a search sees that a measurement tells of others too.
    - `to_torch()`, where it has it, gives its `predict` as a differentiable module; linear models
      need none. `cross_val_predict(X, y, folds, configurations)`, where it has it, gives what
      tuning otherwise finds by a fit for each fold and configuration.
    - `summary_`, where a fitted one has it, says in a sentence what the fit found; `about_` says it
      as plain data, for the results of a study.

    Parameters
    ----------
    estimator : a scikit-learn compatible regressor; it is cloned, never fitted itself.
    space : the search space of the architectures.
    encoding : of the features, as `hwbench.Space.encode` takes it.
    search : what a tuning search may try, by hyper-parameter.
    tuning : how much every fit searches; by default it fits the hyper-parameters it has.
    random_state : seed of the search.
    target_transform : what is learned of the target: "raw", itself; "log", its logarithm; "rank",
        normal scores of its ranks; or "auto", that of these under which held-out training rows are
        ranked best, see `hwbench.predictors.target_transform`. Predictions come back in the
        target's own unit.
    positive : whether the target is always above 0: then all predictions are, where all training
        targets are; those below the smallest of these are bent and keep their order.

    Attributes
    ----------
    estimator_ : the fitted regressor.
    transform_ : what the target became; its `kind` is "raw", "log" or "rank".
    tuning_ : what the search tried and found; None where there was none.
    target_mean_, target_scale_ : what the transformed target was standardised with.
    """

    def __init__(
        self,
        estimator: Any,
        space: Space,
        encoding: str = "onehot",
        search: Mapping[str, SearchRange] | None = None,
        tuning: Tuning | None = None,
        random_state: int = 0,
        target_transform: Transform = "raw",
        positive: bool = False,
    ) -> None:
        self.estimator = estimator
        self.space = space
        self.encoding = encoding
        self.search = search
        self.tuning = tuning
        self.random_state = random_state
        self.target_transform = target_transform
        self.positive = positive

    def fit(self, archs: ArrayLike, y: ArrayLike) -> Self:
        """Fit to measured architectures.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions), n_archs at least 2; estimators may need
            more.
        y : measured values of shape (n_archs,).

        Raises
        ------
        HwbenchError
            Where an architecture is not of the space, lengths differ, there are fewer than two,
            a value is missing or infinite, or the estimator refuses, with a `ValueError`, what it
            is given.
        """
        features = self.space.encode(archs, self.encoding)
        targets = np.asarray(y, dtype=np.float64)
        if targets.shape != (len(features),):
            raise HwbenchError(
                f"fit: {len(features)} architectures need targets of shape ({len(features)},), "
                f"not {targets.shape}"
            )
        if len(targets) < 2:
            raise HwbenchError("fit: at least 2 measured architectures are needed")
        wrong = np.flatnonzero(~np.isfinite(targets))
        if len(wrong):
            raise HwbenchError(f"fit: the target in row {wrong[0]} is missing or infinite")
        self.n_features_in_ = self.space.n_positions
        model = clone(self.estimator)
        self.transform_, fitted = self._transform_of(model, features, targets)
        learned = self.transform_.transformed(targets)
        self.target_mean_ = float(learned.mean())
        deviation = float(learned.std())
        self.target_scale_ = deviation if deviation > 0 else 1.0
        standardised = (learned - self.target_mean_) / self.target_scale_
        self.tuning_: TuningRecord | None = None
        if self.tuning is not None and self.search:
            fitted = None
            self.tuning_ = tune(
                model,
                features,
                standardised,
                self.search,
                self.tuning,
                self.random_state,
                same_networks(self.space, self.space.check(archs)),
            )
            model.set_params(**self.tuning_.best)
        with _refusals_of(model, f"be fitted to these {len(targets)} architectures"):
            self.estimator_ = model.fit(features, standardised) if fitted is None else fitted
        return self

    def _transform_of(
        self, model: Any, features: Any, targets: Floats
    ) -> tuple[TargetTransform, Any | None]:
        """What the target becomes, and a model of it if choosing has fitted one."""
        if self.target_transform not in TRANSFORMS:
            raise unknown_name("target transform", self.target_transform, TRANSFORMS)
        if self.target_transform != "auto":
            return TargetTransform(self.target_transform, targets, positive=self.positive), None
        with _refusals_of(model, f"be fitted to these {len(targets)} architectures"):
            kind, fitted = choose_transform(model, features, targets, self.random_state)
        return TargetTransform(kind, targets, positive=self.positive), fitted

    def predict(self, archs: ArrayLike, *, return_std: bool = False) -> Any:
        """Predict the metric of architectures.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        return_std : also how uncertain each prediction is, where the model knows.

        Returns
        -------
        float64 array of shape (n_archs,), in the unit of the fitted targets; with `return_std` a
        pair of such arrays: predictions, and standard deviations of a new measurement.

        Raises
        ------
        HwbenchError
            Where an architecture is not of the space, the model has no uncertainty, or the
            estimator refuses, with a `ValueError`, to predict: from fewer architectures than it
            has neighbours to ask, say.
        """
        from sklearn.utils.validation import check_is_fitted

        check_is_fitted(self, "estimator_")
        if return_std and not self.tells_deviations:
            raise HwbenchError(
                f"{type(self.estimator_).__name__} does not say how uncertain its predictions are; "
                "hwbench.ConformalRegressor gives intervals of any predictor"
            )
        features = self.space.encode(archs, self.encoding)
        if len(features) == 0:  # most estimators refuse it
            return (np.empty(0), np.empty(0)) if return_std else np.empty(0)
        with _refusals_of(self.estimator_, "predict"):
            if not return_std:
                return self._in_unit(self.estimator_.predict(features))
            mean, deviation = self.estimator_.predict(features, return_std=True)
        return self._in_unit(mean), self.transform_.deviation(
            self._scaled(mean) + self.target_mean_, self._scaled(deviation)
        )

    @property
    def tells_deviations(self) -> bool:
        """Whether the fitted model says how uncertain its predictions are."""
        return "return_std" in signature(self.estimator_.predict).parameters

    def posterior(self, archs: ArrayLike) -> Posterior:
        """What is believed of architectures together, of shape (n_archs, n_positions), n_archs > 0.

        Of a model that knows deviations alone its errors are taken as independent.

        Raises
        ------
        HwbenchError
            As for `predict` with `return_std`.
        """
        if not hasattr(self.estimator_, "posterior"):
            return Posterior.independent(*self.predict(archs, return_std=True))
        features = self.space.encode(archs, self.encoding)
        found: Posterior = self.estimator_.posterior(features)
        own = found.scaled(self.target_scale_, self.target_mean_)
        as_it_is = self.transform_.kind == "raw" and self.transform_.smallest is None
        return own if as_it_is else own.mapped(self.transform_)

    def to_torch(self) -> torch.nn.Module:
        """A differentiable module that predicts from features.

        Returns
        -------
        A module that maps float tensors of shape (n_archs, n_features), the encoding's features or
        a relaxation of them such as probabilities of operations in place of one-hots, to
        predictions of shape (n_archs,) in the unit of the fitted targets. Of a model on operation
        indices they are one-hots of the operations.

        Raises
        ------
        HwbenchError
            Where the model is not differentiable.
        """
        from sklearn.utils.validation import check_is_fitted

        from hwbench.predictors.differentiable import differentiable_predictor

        check_is_fitted(self, "estimator_")
        return differentiable_predictor(
            self.estimator_, self.target_mean_, self.target_scale_, self.transform_
        )

    def _in_unit(self, standardised: ArrayLike) -> Floats:
        return self.transform_.inverse(self._scaled(standardised) + self.target_mean_)

    def _scaled(self, standardised: ArrayLike) -> Floats:
        return np.asarray(standardised, dtype=np.float64).reshape(-1) * self.target_scale_

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "target_mean_" in state and "transform_" not in state:  # a model of hwbench 0.1
            state = {**state, "transform_": TargetTransform("raw", np.empty(0))}
        super().__setstate__({"target_transform": "raw", "positive": False, **state})


@contextmanager
def _refusals_of(estimator: Any, what: str) -> Iterator[None]:
    """Say in one line what an estimator refuses: by scikit-learn's rules with a `ValueError`."""
    try:
        yield
    except HwbenchError:
        raise
    except ValueError as error:
        raise HwbenchError(
            f"{type(estimator).__name__} cannot {what}: {one_line(error, 240)}"
        ) from error
