"""A chooser: cross-validates several predictors and stacks those that help each other."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field
from scipy.optimize import nnls
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.predictors.card import predictor_card
from hwbench.predictors.installed import all_missing
from hwbench.predictors.left_out import LeftOut, LeftOutWarning, lacking_in_words
from hwbench.predictors.make import make_predictor
from hwbench.predictors.models.measured_values import nearest_repeated, repeated_values
from hwbench.predictors.models.out_of_fold import LEAST_DEVIATION
from hwbench.predictors.tuning import fold_of_rows, rank_agreement, same_networks
from hwbench.spaces import Space

if TYPE_CHECKING:
    import pandas as pd

CANDIDATES = (
    "structural_gaussian_process",
    "bayesian_ridge_counts",
    "catboost:structure",
    "gaussian_process:paths",
    "mlp_small",
    "pairwise_ridge",
)

FEWEST_ROWS = 5
"""With fewer, the first candidate stands alone."""

FEWEST_FOR_ALL = 40
"""With fewer, candidates of a higher order of cost than `CHEAP` are left out: they need more."""

CHEAP = 3

ROWS_OF_BELIEF = 10.0
"""Rows that would have to speak against the first candidate to weigh as much as the belief in it:
of a dozen rows out-of-fold errors say little."""

ENOUGH_OUT_OF_FOLD = 2000
"""Rows predicted out of fold that tell the weights well enough: no further fold is then made."""

SMALLEST_SHARE = 0.01
"""Candidates of less weight are left out."""


class Auto(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Weighted mean of zoo entries, by cross-validation (stacking, Wolpert 1992; Breiman 1996).

    Features are operation indices (encoding "integers"). Each candidate predicts the rows of every
    fold from the others, or of as many folds as hold 2,000 rows; architectures that are the same
    network are in one fold. Non-negative weights that sum to one and minimise the squared error of
    the mixture are learned on these, with a belief in the first candidate that ten rows outweigh,
    and candidates with weight are fitted to all rows.

    Parameters
    ----------
    space : the search space.
    candidates : names of zoo entries, "name:encoding" for another encoding than the card's; those
        whose encoding the space lacks are left out, and those whose libraries are not installed,
        of which a `LeftOutWarning` tells.
    folds : of the cross-validation.
    short_fits : whether candidates take the hyper-parameters of their cards that make a fit short.
    random_state : seed of folds and candidates.

    Attributes
    ----------
    weights_ : for each candidate its share of the prediction.
    models_ : the fitted candidates with a share.
    left_out_ : predictors that would have been candidates, were their libraries installed.
    scores_ : for each candidate that was cross-validated Kendall's tau and root mean square error
        of its out-of-fold predictions, the latter in units of the fitted targets.
    error_ : root mean square of the mixture's out-of-fold errors, in units of the fitted targets; 0
        where nothing was cross-validated. Of a metric that takes few values, predictions within it
        of a measured value are that value.
    spread_ : how large these errors are in the deviations that the first candidate says; 0 where it
        says none.
    repeated_ : the values of such a metric, else empty.
    """

    def __init__(
        self,
        space: Space | None = None,
        candidates: tuple[str, ...] = CANDIDATES,
        folds: Annotated[int, Field(ge=2)] = 5,
        short_fits: bool = False,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.candidates = candidates
        self.folds = folds
        self.short_fits = short_fits
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to operation indices X of shape (n_archs, n_positions) and targets y (n_archs,)."""
        check_parameters(self)
        archs = np.asarray(X).astype(np.int64)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = archs.shape[1]
        self.repeated_ = repeated_values(targets)
        self.error_, self.spread_ = 0.0, 0.0
        self.scores_: dict[str, dict[str, float]] = {}
        names = self._usable(len(targets))
        shares = np.array([1.0, *[0.0] * (len(names) - 1)])
        folds = fold_of_rows(
            len(targets),
            self.folds,
            self.random_state or 0,
            same_networks(self._space(), archs),
        )
        if len(targets) >= FEWEST_ROWS and folds.max() > 0:
            found = self._out_of_fold(names, archs, targets, folds)
            self.scores_ = found.scores(names)
            shares = _shares(found)
            errors = found.predictions @ shares - found.targets
            self.error_ = float(np.sqrt((errors**2).mean()))
            if found.deviations is not None and shares[0] < 1:
                self.spread_ = float(np.sqrt(((errors / found.deviations) ** 2).mean()))
            elif found.deviations is not None:
                self.spread_ = 1.0
        self.weights_ = dict(zip(names, shares.tolist(), strict=True))
        self.models_ = {
            name: self._make(name).fit(archs, targets)
            for name, share in self.weights_.items()
            if share > 0
        }
        return self

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """The candidates, the largest share first.

        Columns are `candidate`, `share`, and of its out-of-fold predictions `kendall_tau` and
        `error`, NaN where there were too few rows to leave any out.
        """
        import pandas as pd

        unknown = {"kendall_tau": np.nan, "error": np.nan}
        rows = [
            {"candidate": name, "share": share, **self.scores_.get(name, unknown)}
            for name, share in self.weights_.items()
        ]
        found = pd.DataFrame(rows)
        return found.sort_values(["share", "kendall_tau"], ascending=False, ignore_index=True)

    def predict(self, X: ArrayLike, return_std: bool = False) -> Any:
        """Predict from operation indices (n_archs, n_positions).

        Returns
        -------
        float64 of shape (n_archs,); with `return_std` a pair: that, and the standard deviation of a
        new measurement: that of the first candidate where it has a share and says one, as much
        wider as the mixture's out-of-fold errors ask for, else their root mean square.
        """
        check_is_fitted(self, "models_")
        archs = np.asarray(X).astype(np.int64)
        parts = [self.weights_[name] * model.predict(archs) for name, model in self.models_.items()]
        mean = np.asarray(np.sum(parts, axis=0), dtype=np.float64)
        shown = nearest_repeated(mean, self.repeated_, self.error_)
        return (shown, self._deviations(archs)) if return_std else shown

    def _deviations(self, archs: IntArray) -> Floats:
        first = self.models_.get(next(iter(self.weights_)))
        if first is not None and first.tells_deviations and (self.spread_ or not self.error_):
            own = first.predict(archs, return_std=True)[1]
            return np.asarray(own * (self.spread_ or 1.0))
        return np.full(len(archs), max(self.error_, LEAST_DEVIATION))

    def _usable(self, n_rows: int) -> list[str]:
        space = self._space()
        names: list[str] = []
        missing: list[LeftOut] = []
        for name in self.candidates:
            predictor, _, encoding = name.partition(":")
            card = predictor_card(predictor)
            few = n_rows < FEWEST_FOR_ALL and card.cost > CHEAP
            if not space.offers(encoding or card.encoding) or (few and names):
                continue
            lacks = all_missing([predictor])
            names += [] if lacks else [name]
            missing += lacks
        self.left_out_ = tuple(each.predictor for each in missing)
        if not names:
            why = lacking_in_words(missing) or f"{space.name} has the encoding of no candidate"
            raise HwbenchError(f"Auto: {why}")
        if missing:
            text = f"Auto chooses without some predictors: {lacking_in_words(missing)}"
            warnings.warn(text, LeftOutWarning, stacklevel=3)
        return names

    def _space(self) -> Space:
        if self.space is None:
            raise HwbenchError("Auto: it needs the search space")
        return self.space

    def _make(self, name: str) -> Any:
        predictor, _, encoding = name.partition(":")
        changes: dict[str, Any] = predictor_card(predictor).shortened if self.short_fits else {}
        return make_predictor(
            predictor,
            space=self._space(),
            seed=self.random_state or 0,
            encoding=encoding or None,
            **changes,
        )

    def _out_of_fold(
        self, names: list[str], archs: IntArray, targets: Floats, folds: IntArray
    ) -> _OutOfFold:
        """What the candidates say of rows without their fold."""
        rows, predictions, deviations = [], [], []
        for fold in range(int(folds.max()) + 1):
            left_out = folds == fold
            models = [self._make(name).fit(archs[~left_out], targets[~left_out]) for name in names]
            if models[0].tells_deviations:
                first, deviation = models[0].predict(archs[left_out], return_std=True)
                deviations.append(deviation)
            else:
                first = models[0].predict(archs[left_out])
            others = [each.predict(archs[left_out]) for each in models[1:]]
            predictions.append(np.stack([first, *others], axis=1))
            rows.append(np.flatnonzero(left_out))
            if sum(map(len, rows)) >= ENOUGH_OUT_OF_FOLD:
                break
        return _OutOfFold(
            np.concatenate(predictions),
            targets[np.concatenate(rows)],
            np.concatenate(deviations) if deviations else None,
        )


class _OutOfFold(NamedTuple):
    """Predictions (n_rows, n_candidates), targets and the first's deviations (n_rows,)."""

    predictions: Floats
    targets: Floats
    deviations: Floats | None

    def scores(self, names: list[str]) -> dict[str, dict[str, float]]:
        errors = self.predictions - self.targets[:, None]
        return {
            name: {
                "kendall_tau": rank_agreement(self.targets, self.predictions[:, place]),
                "error": float(np.sqrt((errors[:, place] ** 2).mean())),
            }
            for place, name in enumerate(names)
        }


def _shares(found: _OutOfFold) -> Floats:
    """Non-negative weights that sum to one and make the mixture's squared error least.

    Weights away from the first candidate's cost as much as `ROWS_OF_BELIEF` rows of its own error.
    """
    # With such weights the mixture's error is the mixture of errors.
    errors = found.predictions - found.targets[:, None]
    n_candidates = errors.shape[1]
    first = np.eye(n_candidates)[0]
    belief = np.sqrt(ROWS_OF_BELIEF * (errors[:, 0] ** 2).mean())
    size = float(np.sqrt((errors**2).sum())) or 1.0
    rows = [errors, belief * np.eye(n_candidates), np.full((1, n_candidates), 1e3 * size)]
    wanted = np.concatenate([np.zeros(len(errors)), belief * first, [1e3 * size]])
    weights, _ = nnls(np.concatenate(rows), wanted)
    weights[weights < SMALLEST_SHARE] = 0.0
    return np.asarray(weights / weights.sum())
