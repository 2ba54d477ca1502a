"""Fitted predictors as files: what was fitted to what, and the model, in one `.hwb`.

A file is a zip archive of two members: `card.json` says everything about the model that a reader
should know, `model.pickle` is the model itself (see `model_pickle` for how it is read safely).
"""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections.abc import Collection
from importlib import metadata
from inspect import signature
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.validation import check_is_fitted

from hwbench.errors import HwbenchError
from hwbench.files import atomic_path, today
from hwbench.predictors.model_pickle import LIBRARIES, dump_model, load_pickled_model
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.version import __version__

SUFFIX = ".hwb"
FORMAT = 1
CARD, MODEL = "card.json", "model.pickle"
READ_TOO = ("0.1",)
"""Versions of hwbench whose models predict here what they did there."""

MOST_CARD_BYTES = 2**24
MOST_MODEL_BYTES = 2**32


class ModelCard(BaseModel):
    """What a model file says of its model.

    Attributes
    ----------
    format : of the file.
    hwbench : the version that wrote it.
    created : date in UTC, ISO 8601.
    description : for people.
    predictor : name of the zoo entry, where it is one.
    estimator : "module:Class" of the fitted regressor.
    parameters : its hyper-parameters that are numbers or texts.
    space, encoding : what its architectures are, and how they become features.
    features : names of the features.
    uncertainty : whether it predicts standard deviations too.
    target, unit : what it predicts: "table:column", and the unit of that column.
    training_size : architectures it was fitted to, where that is known.
    versions : of the libraries whose classes the model is made of.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: int = FORMAT
    hwbench: str
    created: str
    description: str = ""
    predictor: str = ""
    estimator: str
    parameters: dict[str, bool | int | float | str | None] = {}
    space: str
    encoding: str
    features: tuple[str, ...]
    uncertainty: bool
    target: str = ""
    unit: str = ""
    training_size: int | None = Field(default=None, ge=2)
    versions: dict[str, str] = {}


def save_model(
    model: ArchitectureRegressor,
    path: Path | str,
    *,
    description: str = "",
    predictor: str = "",
    target: str = "",
    unit: str = "",
    training_size: int | None = None,
) -> ModelCard:
    """Write a fitted predictor to a file, atomically.

    Parameters
    ----------
    model : fitted.
    path : of the file; its name must end in ".hwb".
    description, predictor, target, unit, training_size : see `ModelCard`.

    Returns
    -------
    The card that was written.

    Raises
    ------
    HwbenchError
        Where the model cannot be pickled, or the file cannot be written.
    """
    check_is_fitted(model, "estimator_")
    place = Path(path)
    if place.suffix != SUFFIX:
        raise HwbenchError(f"{place}: the name of a model's file must end in {SUFFIX}")
    content, modules = dump_model(model)
    fitted = model.estimator_
    parameters = {
        name: value
        for name, value in fitted.get_params().items()
        if value is None or isinstance(value, bool | int | float | str)
    }
    card = ModelCard(
        hwbench=__version__,
        created=today(),
        description=description,
        predictor=predictor,
        estimator=f"{type(fitted).__module__}:{type(fitted).__name__}",
        parameters=parameters,
        space=model.space.name,
        encoding=model.encoding,
        features=tuple(model.space.feature_names(model.encoding)),
        uncertainty="return_std" in signature(fitted.predict).parameters,
        target=target,
        unit=unit,
        training_size=training_size,
        versions=_versions(modules),
    )
    with (
        atomic_path(place) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        # With a date of its own, the same model is always the same file.
        archive.writestr(_member(CARD), card.model_dump_json(indent=2))
        archive.writestr(_member(MODEL), content)
    return card


def read_model_card(path: Path | str) -> ModelCard:
    """What a model file says of its model; the model itself is not looked at.

    Raises
    ------
    HwbenchError
        Where the file is missing, damaged, or no model.
    """
    return _read(Path(path))[0]


def load_model(
    path: Path | str, trust: Collection[str] = (), *, any_version: bool = False
) -> ArchitectureRegressor:
    """Read a fitted predictor from a file.

    Files of others can be read: nothing that a file says is run, and it may name classes of
    hwbench and of the libraries of its estimators alone. Only how those libraries' compiled parts
    take numbers that were chosen to harm them is not in the hands of hwbench.

    Parameters
    ----------
    path : of the file.
    trust : modules of one's own that hold the model's classes, such as ("my_module",).
    any_version : also read a model that was made with other versions of its libraries; what it
        then predicts is not certain.

    Returns
    -------
    The model, ready to predict.

    Raises
    ------
    HwbenchError
        Where the file is missing, damaged, no model, too large, or of a newer hwbench; its search
        space is unknown or has changed; it names classes of other libraries; or its libraries have
        other versions here.
    """
    place = Path(path)
    card, content = _read(place)
    try:
        if not any_version:
            _check_versions(card)
        with warnings.catch_warnings():
            # Versions were compared above; other ones are the caller's wish.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            model = load_pickled_model(content, trust)
        _check_model(model, card)
    except HwbenchError as error:
        raise HwbenchError(f"{place}: {error}") from error
    return model


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


def _versions(modules: Collection[str]) -> dict[str, str]:
    """Versions of the distributions of some modules, as far as they are estimators' libraries."""
    found = {}
    for root, distribution in sorted(LIBRARIES.items()):
        if any(module == root or module.startswith(f"{root}.") for module in modules):
            found[distribution] = _version(distribution)
    return found


def _version(distribution: str) -> str:
    if distribution == "hwbench":
        return __version__
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _check_versions(card: ModelCard) -> None:
    for distribution, version in card.versions.items():
        here = _version(distribution) if distribution in LIBRARIES.values() else version
        if distribution == "hwbench" and ".".join(version.split(".")[:2]) in READ_TOO:
            continue
        if version.split(".")[:2] != here.split(".")[:2]:
            raise HwbenchError(
                f"was fitted with {distribution} {version[:40]}, here is {here}; fit it again, or "
                "read it all the same with any_version=True, --any-version"
            )


def _check_model(model: Any, card: ModelCard) -> None:
    if not isinstance(model, ArchitectureRegressor) or not hasattr(model, "estimator_"):
        raise HwbenchError("holds no fitted predictor")
    if (model.space.name, model.encoding) != (card.space, card.encoding):
        raise HwbenchError("its card is of another model")
    if tuple(model.space.feature_names(model.encoding)) != card.features:
        raise HwbenchError(
            f"was fitted when the search space {card.space} had other operations; fit it again"
        )


def _read(path: Path) -> tuple[ModelCard, bytes]:
    """The card and the pickle of a file."""
    try:
        if path.exists() and not path.is_file():  # devices and pipes never end
            raise HwbenchError(f"{path}: is no regular file")
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != [CARD, MODEL]:
                raise HwbenchError(f"{path}: is no model that hwbench has saved")
            card = _content(archive, CARD, MOST_CARD_BYTES)
            content = _content(archive, MODEL, MOST_MODEL_BYTES)
    except FileNotFoundError as error:
        raise HwbenchError(f"{path}: no such file") from error
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (
        zipfile.BadZipFile, zlib.error, EOFError, MemoryError, NotImplementedError, RuntimeError,
    ) as error:  # fmt: skip
        raise HwbenchError(f"{path}: is no model, or damaged ({_one_line(error)})") from error
    return _parse_card(path, card), content


def _content(archive: zipfile.ZipFile, name: str, most_bytes: int) -> bytes:
    """One member; what it claims to be is all that is unpacked of it."""
    size = archive.getinfo(name).file_size
    if size > most_bytes:
        raise HwbenchError(
            f"{archive.filename}: {name} of {size} bytes is more than the {most_bytes} that are "
            "read"
        )
    return archive.read(name)


def _parse_card(path: Path, text: bytes) -> ModelCard:
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = _one_line(f"{key} {first['msg']}")
        raise HwbenchError(f"{path}: {CARD} is damaged ({reason})") from error
    if card.format > FORMAT:
        raise HwbenchError(
            f"{path}: was written by hwbench {card.hwbench[:40]} in a newer format; "
            "bring hwbench up to date to read it"
        )
    return card


def _one_line(text: object) -> str:
    return " ".join(str(text).split())[:200]
