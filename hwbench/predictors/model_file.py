"""Fitted predictors with a card of what was fitted to what, and their files, `.hwb`.

A file is a zip archive of two members: `card.json` says everything about the model that a reader
should know, `model.pickle` is the model itself (see `model_reading` for how it is read safely).
"""

from __future__ import annotations

import contextlib
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict, Field, ValidationError
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.validation import check_is_fitted

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, one_line
from hwbench.files import atomic_path, today
from hwbench.predictors.impossible import ImpossiblePredictionWarning, impossible_note
from hwbench.predictors.model_classes import foreign_packages
from hwbench.predictors.model_pickle import LIBRARIES, dump_model
from hwbench.predictors.model_reading import load_pickled_model
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.regular_files import check_regular
from hwbench.spaces import Space
from hwbench.toml import FrozenModel
from hwbench.version import __version__

if TYPE_CHECKING:
    import torch

SUFFIX = ".hwb"
FORMAT = 1
CARD, MODEL = "card.json", "model.pickle"
READ_TOO = ("0.1",)
"""Versions of hwbench whose models predict here what they did there."""

MOST_CARD_BYTES = 2**26
MOST_MODEL_BYTES = 2**31
FREE_BYTES = 2**26
MOST_PACKED = 50
"""What is read of a member: so many bytes, and of more than `FREE_BYTES` no more than so many times
its packed bytes; models are packed to a tenth at best."""


class ModelCard(FrozenModel):
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
    training_archs : their strings, where those are known.
    held_out, kendall_tau : architectures that it was not fitted to and was tested on, and Kendall's
        tau of its predictions there; None where it was not tested.
    relative_scores : `rmspe`, `within_5_percent` and `within_10_percent` there, in %; empty where
        they are not defined, see `hwbench.results.relative_scores`.
    cross_validated_tau : Kendall's tau in a cross-validation, where no architecture was held out
        and the predictor is quick to fit; else None.
    baselines : Kendall's tau on the held-out architectures of what costs no measurement, or next to
        no work, by title.
    warnings : what speaks against relying on it, a sentence each, see
        `hwbench.predictors.fit_quality`.
    summary : what the fit found, in a sentence, where the estimator says so: whether other devices
        helped, and which; "" where it says nothing.
    versions : of the libraries whose classes the model is made of.
    """

    model_config = ConfigDict(extra="ignore")  # what a newer version says besides

    format: int = FORMAT
    hwbench: str
    created: str
    description: str = ""
    predictor: str = ""
    estimator: str
    parameters: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    space: str
    encoding: str
    features: tuple[str, ...]
    uncertainty: bool
    target: str = ""
    unit: str = ""
    training_size: int | None = Field(default=None, ge=2)
    training_archs: tuple[str, ...] = ()
    held_out: int | None = None
    kendall_tau: float | None = None
    relative_scores: dict[str, float] = Field(default_factory=dict)
    cross_validated_tau: float | None = None
    baselines: dict[str, float] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    summary: str = ""
    versions: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A fitted predictor, and what a user of it should know.

    Made by `hwbench.fit_model` and `hwbench.load_model`, or from a regressor by `FittedModel.of`.

    Attributes
    ----------
    regressor : the fitted scikit-learn regressor on architectures.
    card : what it was fitted to, and how well it ranks.
    fit_seconds : that the fit took; None where it was not timed, as for a model from a file.
    """

    regressor: ArchitectureRegressor
    card: ModelCard
    fit_seconds: float | None = None

    @classmethod
    def of(
        cls,
        regressor: ArchitectureRegressor,
        *,
        description: str = "",
        predictor: str = "",
        target: str = "",
        unit: str = "",
        training_size: int | None = None,
        training_archs: ArrayLike | None = None,
        held_out: int | None = None,
        kendall_tau: float | None = None,
        relative_scores: Mapping[str, float] | None = None,
        cross_validated_tau: float | None = None,
        baselines: Mapping[str, float] | None = None,
        warnings: Collection[str] = (),
        fit_seconds: float | None = None,
    ) -> FittedModel:
        """Give a fitted regressor its card.

        Parameters
        ----------
        regressor : fitted.
        description, predictor, target, unit : see `ModelCard`.
        held_out, kendall_tau, relative_scores, cross_validated_tau, baselines, warnings :
            likewise.
        training_archs : integers of shape (n_archs, n_positions) that it was fitted to.
        training_size : their number, where they are not given.
        fit_seconds : see `FittedModel`.

        Raises
        ------
        HwbenchError
            Where the regressor cannot be saved, which its versions are found by.
        """
        check_is_fitted(regressor, "estimator_")
        space, fitted = regressor.space, regressor.estimator_
        archs = () if training_archs is None else tuple(space.to_strings(training_archs))
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
            space=space.name,
            encoding=regressor.encoding,
            features=tuple(space.feature_names(regressor.encoding)),
            uncertainty=regressor.tells_deviations,
            target=target,
            unit=unit,
            training_size=len(archs) or training_size,
            training_archs=archs,
            held_out=held_out,
            kendall_tau=kendall_tau,
            relative_scores=dict(relative_scores or {}),
            cross_validated_tau=cross_validated_tau,
            baselines=dict(baselines or {}),
            warnings=tuple(warnings),
            summary=str(getattr(fitted, "summary_", "")),
            versions=_versions({module for module, _ in dump_model(regressor)[1]}),
        )
        return cls(regressor, card, fit_seconds)

    @property
    def space(self) -> Space:
        """The search space of the architectures."""
        return self.regressor.space

    @property
    def training_archs(self) -> IntArray | None:
        """What it was fitted to, int64 of shape (n_archs, n_positions); None where not known."""
        archs = self.card.training_archs
        return self.space.from_strings(archs) if archs else None

    @property
    def needs_trust(self) -> tuple[str, ...]:
        """Packages that a reader of its file must trust: those of classes that no zoo entry has."""
        return foreign_packages(dump_model(self.regressor)[1])

    def predict(self, archs: ArrayLike, *, return_std: bool = False) -> Any:
        """Predict the target of architectures, see `ArchitectureRegressor.predict`.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).
        return_std : also the standard deviation of a new measurement, where `card.uncertainty`.

        Returns
        -------
        float64 of shape (n_archs,) in `card.unit`; with `return_std` a tuple of two such arrays.

        Warns
        -----
        ImpossiblePredictionWarning
            Where the metric is positive, such as a latency, and a prediction is not.
        """
        found = self.regressor.predict(archs, return_std=return_std)
        note = impossible_note(found[0] if return_std else found, self.card.unit, self.card.target)
        if note is not None:
            warnings.warn(note, ImpossiblePredictionWarning, stacklevel=2)
        return found

    def to_torch(self) -> torch.nn.Module:
        """A differentiable module, see `ArchitectureRegressor.to_torch`."""
        return self.regressor.to_torch()

    def save(self, path: Path | str) -> None:
        """Write the model and its card to a file, atomically.

        Parameters
        ----------
        path : of the file; its name must end in ".hwb".

        Raises
        ------
        HwbenchError
            Where the file cannot be written.
        """
        place = checked_model_path(path)
        content, _ = dump_model(self.regressor)
        with (
            atomic_path(place, durable=True) as temporary,
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        ):
            # With a date of its own, the same model is always the same file.
            archive.writestr(_member(CARD), self.card.model_dump_json(indent=2))
            archive.writestr(_member(MODEL), content)


def checked_model_path(path: Path | str) -> Path:
    """The path that a model may be written to.

    Raises
    ------
    HwbenchError
        Where its name does not end in ".hwb".
    """
    place = Path(path)
    if place.suffix != SUFFIX:
        raise HwbenchError(f"{place}: the name of a model's file must end in {SUFFIX}")
    return place


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
    with _opened(place) as archive:
        return _read_card(place, archive)


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
    with _opened(place) as archive:
        card = _read_card(place, archive)
        _check_size(archive, MODEL, MOST_MODEL_BYTES)
        try:
            if not any_version:
                _check_versions(card)
            with warnings.catch_warnings(), archive.open(MODEL) as content:
                # Versions were compared above; other ones are the caller's wish.
                warnings.simplefilter("ignore", InconsistentVersionWarning)
                model = load_pickled_model(content, trust)
            _check_model(model, card)
        except HwbenchError as error:
            raise HwbenchError(f"{place}: {error}") from error
    return FittedModel(model, card)


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
    if (model.space.name, model.encoding) != (card.space, card.encoding):
        raise HwbenchError("its card is of another model")
    if tuple(model.space.feature_names(model.encoding)) != card.features:
        raise HwbenchError(
            f"was fitted when the search space {card.space} had other operations; fit it again"
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A model's file as the archive it is."""
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            yield archive
    except HwbenchError:
        raise
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (
        zipfile.BadZipFile, zlib.error, EOFError, MemoryError, NotImplementedError, RuntimeError,
        ValueError,
    ) as error:  # fmt: skip
        raise HwbenchError(f"{path}: is no model, or damaged ({one_line(error)})") from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    if sorted(archive.namelist()) != [CARD, MODEL]:
        raise HwbenchError(f"{path}: is no model that hwbench has saved")


def _check_size(archive: zipfile.ZipFile, name: str, most_bytes: int) -> None:
    """See that a member is not much larger than its file; no more than it claims is unpacked."""
    member = archive.getinfo(name)
    most = min(most_bytes, max(FREE_BYTES, MOST_PACKED * member.compress_size))
    if member.file_size > most:
        raise HwbenchError(
            f"{archive.filename}: {name} of {member.file_size} bytes is more than the {most} that "
            "are read"
        )


def _read_card(path: Path, archive: zipfile.ZipFile) -> ModelCard:
    _check_size(archive, CARD, MOST_CARD_BYTES)
    return _parse_card(path, archive.read(CARD))


def _parse_card(path: Path, text: bytes) -> ModelCard:
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = one_line(f"{key} {first['msg']}")
        raise HwbenchError(f"{path}: {CARD} is damaged ({reason})") from error
    if card.format > FORMAT:
        raise HwbenchError(
            f"{path}: was written by hwbench {card.hwbench[:40]} in a newer format; "
            "bring hwbench up to date to read it"
        )
    return card
