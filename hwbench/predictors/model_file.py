"""Files of fitted predictors, `.hwb`: a card of what was fitted to what, and the model itself.

A file is a zip archive of two members: `card.json` says everything about the model that a reader
should know, `model.pickle` is the model itself (see `model_reading` for how it is read safely).
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from hwbench.errors import HwbenchError, one_line
from hwbench.extras import MissingExtraError, extra_of
from hwbench.imports import require_imported
from hwbench.predictors.fitted_model import NOT_INSTALLED, FittedModel, version_of
from hwbench.predictors.model_archive import (
    MODEL,
    MOST_MODEL_BYTES,
    check_size,
    checked_model_path,
    opened,
    read_card,
)
from hwbench.predictors.model_card import ModelCard
from hwbench.predictors.model_pickle import LIBRARIES
from hwbench.predictors.model_reading import load_pickled_model
from hwbench.predictors.regressor import ArchitectureRegressor

READ_TOO = ("0.1",)
"""Versions of hwbench whose models predict here what they did there."""


def save_model(model: ArchitectureRegressor, path: Path | str, **said: Any) -> ModelCard:
    """Write a fitted regressor to a file, atomically.

    Parameters
    ----------
    model : fitted.
    path : of the file; its name must end in ".hwb".
    **said : what its card says, see `FittedModel.of`.

    Returns
    -------
    The card that was written.

    Raises
    ------
    HwbenchError
        Where the model cannot be pickled, or the file cannot be written.
    """
    place = checked_model_path(path)
    fitted = FittedModel.of(model, **said)
    fitted.save(place)
    return fitted.card


def read_model_card(path: Path | str) -> ModelCard:
    """What a model file says of its model; the model itself is not looked at.

    Raises
    ------
    HwbenchError
        Where the file is missing, damaged, or no model.
    """
    place = Path(path)
    with opened(place) as archive:
        return read_card(place, archive)


def load_model(
    path: Path | str, trust: Collection[str] = (), *, any_version: bool = False
) -> FittedModel:
    """Read a fitted predictor from a file.

    Files of others can be read: nothing that a file says is run. It may hold objects of those
    classes alone that predictors of the zoo are made of (see
    `hwbench.predictors.model_classes.CLASSES`), and of no other is anything imported. Only how the
    compiled parts of boosting libraries take numbers that were chosen to harm them is not in the
    hands of hwbench. A model with other classes, an estimator of one's own or another one of
    scikit-learn, is read by `trust` alone, and a file that is trusted may run what it likes.

    Parameters
    ----------
    path : of the file.
    trust : modules that hold the model's classes where it is of none of the zoo, such as
        ("my_module",) or ("sklearn",). The file may call whatever is defined in them: only for
        files whose maker you would let run a program here.
    any_version : also read a model that was made with other versions of its libraries; what it
        then predicts is not certain.

    Returns
    -------
    The model, ready to predict, with the card that it was saved with.

    Raises
    ------
    HwbenchError
        Where the file is missing, damaged, no model, too large, or of a newer hwbench; its search
        space is unknown or has changed; it names classes of other libraries; its libraries have
        other versions here; or the model cannot predict.
    """
    place = Path(path)
    with opened(place) as archive:
        card = read_card(place, archive)
        check_size(archive, MODEL, MOST_MODEL_BYTES)
        try:
            if not any_version:
                _check_versions(card)
            with warnings.catch_warnings(), archive.open(MODEL) as content:
                # Versions were compared above; other ones are the caller's wish.
                warnings.simplefilter("ignore", InconsistentVersionWarning)
                model = load_pickled_model(content, trust)
            _check_model(model, card)
        except MissingExtraError as error:
            raise error.of(str(place)) from error
        except HwbenchError as error:
            raise HwbenchError(f"{place}: {error}") from error
    return FittedModel(model, card)


def _require(distribution: str) -> None:
    """Refuse a model whose library is not here, saying what installs it where hwbench knows."""
    module = next(root for root, name in LIBRARIES.items() if name == distribution)
    if extra_of(module):
        raise MissingExtraError("the model", module)


def _check_versions(card: ModelCard) -> None:
    for distribution, version in card.versions.items():
        here = version_of(distribution) if distribution in LIBRARIES.values() else version
        if distribution == "hwbench" and ".".join(version.split(".")[:2]) in READ_TOO:
            continue
        if here == NOT_INSTALLED:
            _require(distribution)
        if version.split(".")[:2] != here.split(".")[:2]:
            raise HwbenchError(
                f"was fitted with {distribution} {version[:40]}, here is {here}; fit it again, or "
                "read it all the same with any_version=True, --any-version"
            )


def _check_model(model: Any, card: ModelCard) -> None:
    # What lacks a part, or has one of another kind or shape, shows when it is asked.
    try:
        _check_card(model, card)
        predicted = model.predict(model.space.sample(1, seed=0))
    except HwbenchError:
        raise
    except Exception as error:
        raise HwbenchError(
            f"is damaged: it cannot predict ({type(error).__name__}: {one_line(error, 100)})"
        ) from error
    if np.shape(predicted) != (1,):
        raise HwbenchError(f"is damaged: for 1 architecture it predicts {np.shape(predicted)}")


def _check_card(model: Any, card: ModelCard) -> None:
    """See that a card is of a model, and that the model is a fitted predictor."""
    if not isinstance(model, ArchitectureRegressor) or not hasattr(model, "estimator_"):
        raise HwbenchError("holds no fitted predictor")
    require_imported(model.encoding, owner="encoding")
    if (model.space.name, model.encoding) != (card.space, card.encoding):
        raise HwbenchError("its card is of another model")
    if tuple(model.space.feature_names(model.encoding)) != card.features:
        raise HwbenchError(
            f"was fitted when the search space {card.space} had other operations; fit it again"
        )
