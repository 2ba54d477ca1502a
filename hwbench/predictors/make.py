"""From a card to an estimator."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.predictors.card import PredictorCard, predictor_card
from hwbench.predictors.registry import MODELS
from hwbench.spaces import Space, get_space

if TYPE_CHECKING:
    from hwbench.predictors.regressor import ArchitectureRegressor, Transform
    from hwbench.predictors.tuning import Tuning

ESTIMATOR_METHODS = ("fit", "predict", "get_params", "set_params")
"""What every regressor of scikit-learn's kind has."""


def make_predictor(
    name: str,
    *,
    space: Space | str,
    seed: int = 0,
    encoding: str | None = None,
    tuning: Tuning | None = None,
    card: PredictorCard | None = None,
    target_transform: Transform | None = None,
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
    target_transform : what is learned of the target, "raw", "log", "rank" or "auto"; by default
        what the card says.
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
    estimator = new_estimator(card, name)
    try:
        estimator.set_params(**card.defaults)
    except Exception as error:  # the code of others may raise anything
        reason = one_line(error)
        raise HwbenchError(f"predictor {name}: its card's defaults do not fit: {reason}") from error
    set_up(estimator, parameters, name=name, space=where, seed=seed, kept=card.defaults)
    return ArchitectureRegressor(
        estimator,
        space=where,
        encoding=encoding or card.encoding,
        search={key: each for key, each in card.search.items() if key not in parameters},
        tuning=tuning if tuning is not None and tuning.searches(card) else None,
        random_state=seed,
        target_transform=card.target_transform if target_transform is None else target_transform,
    )


def new_estimator(card: PredictorCard, name: str) -> Any:
    """What a card names, made with the defaults of its class.

    Parameters
    ----------
    card : the predictor's.
    name : of the predictor, for messages.

    Raises
    ------
    HwbenchError
        Where it cannot be imported or made, or is no estimator: a function, a class of anything
        else.
    """
    where = f"predictor {name}"
    kind = MODELS.load(card.estimator, where=where, extra=card.extra)
    if not isinstance(kind, type):
        raise HwbenchError(
            f"{where}: {card.estimator} is no class of estimators, but a {type(kind).__name__}"
        )
    lacking = [each for each in ESTIMATOR_METHODS if not callable(getattr(kind, each, None))]
    if lacking:
        raise HwbenchError(
            f"{where}: {card.estimator} is no regressor as scikit-learn has them, it lacks "
            f"{', '.join(lacking)}"
        )
    try:
        made = kind()
        made.get_params(deep=True)
    except (Exception, SystemExit) as error:  # the code of others may raise anything
        raise HwbenchError(
            f"{where}: {card.estimator} cannot be made without arguments, it raises "
            f"{type(error).__name__}: {one_line(error)}"
        ) from error
    return made


def set_up(
    estimator: Any,
    parameters: Mapping[str, Any],
    *,
    name: str,
    space: Space,
    seed: int,
    kept: Collection[str] = (),
) -> None:
    """Set an estimator's hyper-parameters, and those that follow from where it is used.

    These are, where it has them, `space`, `random_state` and `n_jobs`: one, since trials run side
    by side, a thread each.

    Parameters
    ----------
    estimator : follows scikit-learn's rules.
    parameters : what is wanted.
    name : of the predictor, for messages.
    space, seed : what it is given.
    kept : hyper-parameters that are set already.

    Raises
    ------
    HwbenchError
        Where it has no such hyper-parameter.
    """
    known = estimator.get_params(deep=True)
    for parameter in parameters:
        if parameter not in known:
            raise unknown_name(f"hyper-parameter of predictor {name}", parameter, known)
    follows = {"random_state": seed, "n_jobs": 1}
    chosen: dict[str, Any] = {
        key: value for key, value in follows.items() if key in known and key not in kept
    }
    chosen |= parameters
    if "space" in known:
        chosen["space"] = space
    estimator.set_params(**chosen)
