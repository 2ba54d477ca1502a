"""Search for hyper-parameters inside a fit: cross-validated, on the training rows alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from hwbench.arguments import Positive
from hwbench.arrays import Floats
from hwbench.extras import MissingExtraError, is_there
from hwbench.imports import import_module_of
from hwbench.predictors.card import PredictorCard, SearchRange, Value
from hwbench.spaces import Space
from hwbench.toml import FrozenModel

FEWEST_ROWS = 4
"""With fewer rows than this nothing can be learned from leaving some out: the defaults stand."""

LARGEST_BATCH = 32
"""Configurations that an estimator with a batched `cross_val_predict` is given at once, at most."""

Configuration = dict[str, Value]


class Tuning(FrozenModel):
    """How much a fit may search (LAUBE A.1: at most 5,000 configurations and 15 minutes).

    Attributes
    ----------
    trials : configurations, the card's defaults among them.
    seconds : wall-clock time after which no further configuration is started. Results of a search
        that this limit ended depend on the machine; its record says so.
    folds : parts of the training rows; each is predicted by a model of the others.
    method : "random" draws from the card's ranges; "tpe" is Optuna's tree-structured Parzen
        estimator (extra `tpe`).
    most_cost : predictors whose card has a larger `cost` keep their hyper-parameters: with a small
        budget a graph network's search would take most of a study's time. None: all are searched.
    """

    trials: PositiveInt = 5000
    seconds: Positive = 900.0
    folds: int = Field(default=5, ge=2)
    method: Literal["random", "tpe"] = "random"
    most_cost: int | None = Field(default=None, ge=1)

    def searches(self, card: PredictorCard) -> bool:
        """Whether a predictor's hyper-parameters are searched, and not left as they are."""
        return bool(card.search) and (self.most_cost is None or card.cost <= self.most_cost)


@dataclass
class TuningRecord:
    """What a search tried and found.

    Attributes
    ----------
    configurations : hyper-parameters in the order tried; the first holds none: the defaults.
    scores : for each, Kendall's tau of its out-of-fold predictions; NaN where a fit failed.
    errors : what the failed ones said, by their place.
    stopped_by_time : whether the time limit ended the search.
    seconds : wall-clock time of the search.
    """

    configurations: list[Configuration] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    stopped_by_time: bool = False
    seconds: float = 0.0

    @property
    def best(self) -> Configuration:
        """The configuration of the highest score; the first of equals, the defaults if all fail."""
        scores = np.array(self.scores, dtype=np.float64)
        if not len(scores) or np.isnan(scores).all():
            return {}
        return self.configurations[int(np.nanargmax(scores))]


_BY_TPE = "tuning by tpe"


def check_tuning(tuning: Tuning | None) -> None:
    """See, before any work, that what a search for hyper-parameters needs is installed.

    Raises
    ------
    MissingExtraError
        Where it is not.
    """
    if tuning is not None and tuning.method == "tpe" and not is_there("optuna"):
        raise MissingExtraError(_BY_TPE, "optuna", extra="tpe")


def tune(
    estimator: Any,
    X: NDArray[Any],
    y: NDArray[np.float64],
    search: Mapping[str, SearchRange],
    tuning: Tuning,
    seed: int,
    networks: NDArray[np.int64] | None = None,
) -> TuningRecord:
    """Cross-validate configurations of an estimator.

    It is given training rows only, so that no test row can take part. An estimator with a method
    `cross_val_predict(X, y, folds, configurations)` evaluates many at once; others are fitted one
    by one.

    Parameters
    ----------
    estimator : whose hyper-parameters are searched; it is cloned, never fitted itself.
    X : features of shape (n_archs, n_features).
    y : float64 of shape (n_archs,), standardised.
    search : ranges by hyper-parameter.
    tuning : the limits.
    seed : of folds and draws.
    networks : as for `fold_of_rows`.

    Raises
    ------
    HwbenchError
        Where the method needs a library that is not installed.
    """
    record = TuningRecord()
    if not search or len(y) < FEWEST_ROWS:
        return record
    start = time.monotonic()
    folds = fold_of_rows(len(y), tuning.folds, seed, networks)
    if folds.max() == 0:
        return record  # all rows are one network
    source = _SOURCES[tuning.method](search, seed)
    batched = hasattr(estimator, "cross_val_predict")
    batch = 1
    while len(record.scores) < tuning.trials:
        elapsed = time.monotonic() - start
        if elapsed >= tuning.seconds:
            record.stopped_by_time = True
            break
        size = min(batch, tuning.trials - len(record.scores))
        if record.scores:  # no more than the time left has room for, at the pace so far
            pace = elapsed / len(record.scores)
            size = max(1, min(size, int((tuning.seconds - elapsed) / max(pace, 1e-9))))
        configurations = source.next(size)
        scores = _evaluate(estimator, X, y, folds, configurations, record)
        source.learn(scores)
        if batched:
            batch = min(2 * batch, LARGEST_BATCH)
    record.seconds = time.monotonic() - start
    return record


def fold_of_rows(
    n_rows: int, n_folds: int, seed: int, networks: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """Fold of each row, int64 of shape (n_rows,): random, of sizes that differ by one at most.

    Parameters
    ----------
    n_rows, n_folds : how many; there are no more folds than rows.
    seed : of the draw.
    networks : which network each row is, as `same_networks` says; those of one are in one fold,
        where predicting one from the other would be no test. Sizes may differ by more then.
    """
    places = np.random.default_rng([seed, n_rows]).permutation(n_rows)
    if networks is None:
        return places % min(n_folds, n_rows)
    _, network, counts = np.unique(networks, return_inverse=True, return_counts=True)
    first = np.full(len(counts), n_rows)
    np.minimum.at(first, network, places)
    sizes = np.zeros(min(n_folds, len(counts)), dtype=np.int64)
    fold = np.empty(len(counts), dtype=np.int64)
    for each in np.argsort(first):
        fold[each] = sizes.argmin()
        sizes[fold[each]] += counts[each]
    return fold[network]


def same_networks(space: Space, archs: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """A number for each architecture that those of the same network share, (n_archs,).

    Returns
    -------
    None where no two are the same network: there is nothing to keep together.
    """
    keys = np.asarray(space.keys_of(archs))
    twins = np.asarray(space.keys_of(space.twins(archs)))
    known = [min(pair) for pair in zip(keys.tolist(), twins.tolist(), strict=True)]
    _, numbers = np.unique(np.asarray(known), return_inverse=True)
    return None if len(set(known)) == len(known) else numbers.astype(np.int64)


def out_of_fold_predictions(
    estimator: Any,
    X: NDArray[Any],
    y: NDArray[np.float64],
    folds: NDArray[np.int64],
    configurations: list[Configuration],
) -> NDArray[np.float64]:
    """Predictions of every row by models that were not fitted on its fold.

    Parameters
    ----------
    estimator : whose hyper-parameters the configurations replace; not fitted itself.
    X, y : rows as for `tune`.
    folds : int64 of shape (n_archs,).
    configurations : hyper-parameters each.

    Returns
    -------
    float64 of shape (n_configurations, n_archs).
    """
    from sklearn.base import clone

    if hasattr(estimator, "cross_val_predict"):
        return np.asarray(estimator.cross_val_predict(X, y, folds, configurations))
    predictions = np.empty((len(configurations), len(y)))
    for row, configuration in enumerate(configurations):
        for fold in range(int(folds.max()) + 1):
            left_out = folds == fold
            model = clone(estimator).set_params(**configuration)
            model.fit(X[~left_out], y[~left_out])
            predictions[row, left_out] = np.asarray(model.predict(X[left_out])).reshape(-1)
    return predictions


def _evaluate(
    estimator: Any,
    X: NDArray[Any],
    y: NDArray[np.float64],
    folds: NDArray[np.int64],
    configurations: list[Configuration],
    record: TuningRecord,
) -> list[float]:
    """Score configurations and note them; those of a batch that fails, each on its own."""
    try:
        predictions = out_of_fold_predictions(estimator, X, y, folds, configurations)
    except Exception as error:  # noqa: BLE001  whatever a model raises, others may still do
        if len(configurations) > 1:
            scores = []
            for configuration in configurations:
                scores += _evaluate(estimator, X, y, folds, [configuration], record)
            return scores
        record.errors[len(record.scores)] = f"{type(error).__name__}: {error}"
        scores = [float("nan")]
    else:
        scores = [rank_agreement(y, row) for row in predictions]
    record.configurations += configurations
    record.scores += scores
    return scores


def rank_agreement(truth: Floats, prediction: Floats) -> float:
    """Kendall's tau-b; 0 where either is constant, NaN where a prediction is not finite."""
    from scipy.stats import kendalltau

    if not np.isfinite(prediction).all():
        return float("nan")
    if np.ptp(truth) == 0 or np.ptp(prediction) == 0:
        return 0.0  # a constant ranks nothing
    return float(kendalltau(truth, prediction).statistic)


def draw(searched: SearchRange, generator: np.random.Generator) -> Value:
    """Draw one value of a range: uniform in the range or its logarithm, or any of the choices."""
    if searched.choices is not None:
        return searched.choices[int(generator.integers(len(searched.choices)))]
    low, high = float(searched.low or 0), float(searched.high or 0)
    if not searched.whole:
        if searched.log:
            return float(np.exp(generator.uniform(np.log(low), np.log(high))))
        return float(generator.uniform(low, high))
    if searched.log:  # every whole number has the width of its own unit
        value = np.exp(generator.uniform(np.log(low - 0.5), np.log(high + 0.5)))
        return int(min(max(round(value), low), high))
    return int(generator.integers(int(low), int(high) + 1))


class _RandomSource:
    """The defaults, then random draws."""

    def __init__(self, search: Mapping[str, SearchRange], seed: int) -> None:
        self._search = search
        self._generator = np.random.default_rng([seed, 1])
        self._started = False

    def next(self, size: int) -> list[Configuration]:
        found: list[Configuration] = []
        for _ in range(size):
            if not self._started:
                self._started = True
                found.append({})
                continue
            found.append({name: draw(each, self._generator) for name, each in self._search.items()})
        return found

    def learn(self, scores: list[float]) -> None:
        pass


class _ParzenSource:
    """The defaults, then Optuna's tree-structured Parzen estimator."""

    def __init__(self, search: Mapping[str, SearchRange], seed: int) -> None:
        optuna = import_module_of("optuna", owner=_BY_TPE, extra="tpe")
        self._distributions = {
            name: _distribution(optuna.distributions, each) for name, each in search.items()
        }
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it tells of every study it makes
        try:
            self._study = optuna.create_study(
                direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed)
            )
        finally:
            optuna.logging.set_verbosity(verbosity)
        self._failed = optuna.trial.TrialState.FAIL
        self._open: list[Any] = []
        self._started = False

    def next(self, size: int) -> list[Configuration]:
        found: list[Configuration] = []
        self._open = []
        for _ in range(size):
            if not self._started:
                self._started = True
                self._open.append(None)
                found.append({})
                continue
            trial = self._study.ask(self._distributions)
            self._open.append(trial)
            found.append(dict(trial.params))
        return found

    def learn(self, scores: list[float]) -> None:
        for trial, score in zip(self._open, scores, strict=True):
            if trial is None:
                continue
            if np.isnan(score):
                self._study.tell(trial, state=self._failed)
            else:
                self._study.tell(trial, score)


def _distribution(distributions: Any, searched: SearchRange) -> Any:
    if searched.choices is not None:
        return distributions.CategoricalDistribution(searched.choices)
    kind = distributions.IntDistribution if searched.whole else distributions.FloatDistribution
    return kind(searched.low, searched.high, log=searched.log)


_SOURCES: dict[str, Any] = {"random": _RandomSource, "tpe": _ParzenSource}
