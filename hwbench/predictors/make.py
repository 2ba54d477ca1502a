"""From a card to an estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwbench.errors import HwbenchError, unknown_name
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.registry import MODELS
from hwbench.spaces import Space, get_space

if TYPE_CHECKING:
    from hwbench.predictors.regressor import ArchitectureRegressor
    from hwbench.predictors.tuning import Tuning


def make_predictor(
    name: str,
    *,
    space: Space | str,
    seed: int = 0,
    encoding: str | None = None,
    tuning: Tuning | None = None,
    card: PredictorCard | None = None,
    **parameters: Any,
) -> ArchitectureRegressor:
    """Make an unfitted predictor of the zoo.

    Parameters
    ----------
    name : of the predictor (see `hwbench predictors list`), or the path of a `.toml` card.
    space : the search space its architectures are of.
    seed : of the estimator's own randomness.
    encoding : features of an architecture; the card's by default.
    tuning : how much every fit searches the card's ranges; by default it does not. A
        hyper-parameter given here is not searched.
    card : the predictor's card where it is at hand; read by the name where not.
    **parameters : hyper-parameters that replace the card's defaults.

    Returns
    -------
    A scikit-learn regressor: `fit(archs, y)` and `predict(archs)` take integer architectures of
    shape (n_archs, n_positions) and targets of shape (n_archs,).

    Raises
    ------
    HwbenchError
        Where predictor, encoding or hyper-parameter is unknown, the predictor is made for another
        encoding, or the card's estimator cannot be imported.
    """
    from hwbench.predictors.regressor import ArchitectureRegressor

    card = predictor_card(name) if card is None else card
    if card.encoding_fixed and encoding not in (None, card.encoding):
        raise HwbenchError(
            f"predictor {name} is made for encoding '{card.encoding}' and takes no other"
        )
    where = get_space(space) if isinstance(space, str) else space
    estimator = MODELS.load(card.estimator, where=f"predictor {name}", extra=card.extra)()
    try:
        estimator.set_params(**card.defaults)
    except ValueError as error:
        raise HwbenchError(f"predictor {name}: its card's defaults do not fit: {error}") from error
    known = estimator.get_params(deep=True)
    for parameter in parameters:
        if parameter not in known:
            raise unknown_name(f"hyper-parameter of predictor {name}", parameter, known)
    chosen = dict(parameters)
    if "space" in known:
        chosen["space"] = where
    if "random_state" in known and "random_state" not in card.defaults:
        chosen.setdefault("random_state", seed)
    if "n_jobs" in known and "n_jobs" not in card.defaults:
        chosen.setdefault("n_jobs", 1)  # trials run side by side, a thread each
    estimator.set_params(**chosen)
    return ArchitectureRegressor(
        estimator,
        space=where,
        encoding=encoding or card.encoding,
        search={key: each for key, each in card.search.items() if key not in parameters},
        tuning=tuning,
        random_state=seed,
    )
