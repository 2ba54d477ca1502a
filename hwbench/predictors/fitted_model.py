"""A fitted predictor, and what a user of it should know."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.files import today
from hwbench.notebook import listing, number, panel, sentences
from hwbench.predictors.impossible import ImpossiblePredictionWarning, impossible_note
from hwbench.predictors.model_archive import checked_model_path, write_archive
from hwbench.predictors.model_card import ExpectedTau, ModelCard, Score
from hwbench.predictors.model_classes import foreign_packages
from hwbench.predictors.model_pickle import LIBRARIES, dump_model
from hwbench.predictors.regressor import ArchitectureRegressor
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.version import __version__

if TYPE_CHECKING:
    import pandas as pd
    import torch

PREDICTED_AT_ONCE = 10_000
NOT_INSTALLED = "not installed"

SHOWN = 8
"""Rows of a leaderboard that a notebook shows."""


@dataclass(frozen=True, eq=False)
class FittedModel:
    """A fitted predictor, and what a user of it should know.

    Made by `hwbench.fit_best`, `hwbench.fit_model` and `hwbench.load_model`, or from a regressor by
    `FittedModel.of`. What its card says of target, unit, space, training and version stands here
    too.

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
        direction: str = "",
        training_size: int | None = None,
        training_archs: ArrayLike | None = None,
        data_sha256: str = "",
        held_out: int | None = None,
        kendall_tau: float | None = None,
        relative_scores: Mapping[str, float] | None = None,
        expected_tau: ExpectedTau | None = None,
        expected_errors: Mapping[str, float] | None = None,
        warnings: Sequence[str] = (),
        notes: Sequence[str] = (),
        leaderboard: Sequence[Score] = (),
        fit_seconds: float | None = None,
    ) -> FittedModel:
        """Give a fitted regressor its card.

        Parameters
        ----------
        regressor : fitted.
        description, predictor, target, unit, direction, data_sha256 : see `ModelCard`.
        held_out, kendall_tau, relative_scores, expected_tau, expected_errors : likewise.
        warnings, notes, leaderboard : likewise.
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
            direction=direction,
            training_size=len(archs) or training_size,
            training_archs=archs,
            data_sha256=data_sha256,
            held_out=held_out,
            kendall_tau=kendall_tau,
            relative_scores=dict(relative_scores or {}),
            expected_tau=expected_tau,
            expected_errors=dict(expected_errors or {}),
            warnings=tuple(warnings),
            notes=tuple(notes),
            leaderboard=tuple(leaderboard),
            summary=str(getattr(fitted, "summary_", "")),
            versions=_versions({module for module, _ in dump_model(regressor)[1]}),
        )
        return cls(regressor, card, fit_seconds)

    def with_card(self, **changes: Any) -> FittedModel:
        """The same model, of which its card says something else, see `ModelCard`."""
        return replace(self, card=self.card.model_copy(update=changes))

    @property
    def space(self) -> Space:
        """The search space of the architectures."""
        return self.regressor.space

    @property
    def target(self) -> str:
        """What it predicts, "table:column"; "" where that is not known."""
        return self.card.target

    @property
    def unit(self) -> str:
        """Of its predictions; "" where that is not known."""
        return self.card.unit

    @property
    def direction(self) -> str:
        """Which way is better, "minimize" or "maximize"; "" where that is not known."""
        return self.card.direction

    @property
    def predictor(self) -> str:
        """Name of the zoo entry, where it is one."""
        return self.card.predictor

    @property
    def encoding(self) -> str:
        """How architectures become features."""
        return self.card.encoding

    @property
    def training_size(self) -> int | None:
        """Architectures that it was fitted to; None where that is not known."""
        return self.card.training_size

    @property
    def data_sha256(self) -> str:
        """Of what it was fitted to, see `data_digest`; "" where that is not known."""
        return self.card.data_sha256

    @property
    def expected_tau(self) -> ExpectedTau | None:
        """Kendall's tau to expect on other architectures; None where nothing was cross-validated.

        Its `value`, the `low` and `high` end of its 90 % interval, and the `rows` that it was
        cross-validated on.
        """
        return self.card.expected_tau

    @property
    def version(self) -> str:
        """Of the hwbench that fitted it."""
        return self.card.hwbench

    @property
    def created(self) -> str:
        """The date on which it was fitted, in UTC, ISO 8601."""
        return self.card.created

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
        archs : integers of shape (n_archs, n_positions), or texts, see `Space.check`.
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
        self._warn(found[0] if return_std else found)
        return found

    def predict_frame(
        self, archs: ArrayLike, *, return_std: bool = False, progress: Progress = silent
    ) -> pd.DataFrame:
        """Predict the target of architectures, as a frame.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions), or texts, see `Space.check`.
        return_std : also the standard deviation of a new measurement, where `card.uncertainty`.
        progress : is told of the architectures that are predicted.

        Returns
        -------
        The columns `arch` (strings), `prediction` and, if asked for, `deviation`, both float64 in
        the model's unit, which `frame.attrs["unit"]` says too.

        Warns
        -----
        ImpossiblePredictionWarning
            As `predict`.
        """
        import pandas as pd

        checked = self.space.check(archs)
        names = ["prediction", "deviation"] if return_std else ["prediction"]
        parts = [np.empty((0, len(names)))]
        for start in range(0, len(checked), PREDICTED_AT_ONCE):
            part = checked[start : start + PREDICTED_AT_ONCE]
            told = self.regressor.predict(part, return_std=return_std)
            parts.append(np.stack(told if return_std else (told,), axis=1))
            progress(start + len(part), len(checked))
        frame = pd.DataFrame(np.concatenate(parts), columns=names)
        frame.insert(0, "arch", self.space.to_strings(checked))
        frame.attrs["unit"] = self.unit
        self._warn(frame["prediction"].to_numpy())
        return frame

    def _warn(self, predicted: Floats) -> None:
        note = impossible_note(predicted, self.card.unit, self.card.target)
        if note is not None:
            warnings.warn(note, ImpossiblePredictionWarning, stacklevel=3)

    def leaderboard(self) -> pd.DataFrame:
        """What the model was chosen among, the best first, and what ranks for nothing.

        Returns
        -------
        A row a predictor on an encoding: the columns of `hwbench.predictors.model_card.Score`. Of
        the predictor "auto" the rows are what it is made of, and `reason` says their shares.

        Raises
        ------
        HwbenchError
            Where it was not chosen among several.
        """
        import pandas as pd

        rows = self.card.leaderboard or _shares_of(self.regressor.estimator_)
        if not rows:
            raise HwbenchError(
                f"{self.predictor or self.card.estimator} was not chosen among several predictors: "
                "there is no leaderboard; hwbench.fit_best makes one"
            )
        frame = pd.DataFrame([vars(row) for row in rows], columns=list(Score.model_fields))
        scores = ["kendall_tau", "low", "high", "rmse", "seconds"]
        return frame.astype(dict.fromkeys(scores, np.float64))

    def __repr__(self) -> str:
        return f"<FittedModel {'; '.join(text for text in self._in_words() if text)}>"

    def _in_words(self) -> Iterator[str]:
        """Target, model, training and quality, each in a few words."""
        yield f"{self._described} of {self.card.space}"
        yield f"{self.predictor or self.card.estimator} on {self.encoding}"
        yield "" if self.training_size is None else f"fitted to {self.training_size} architectures"
        yield self._quality
        yield f"hwbench {self.version}"

    @property
    def _described(self) -> str:
        target = self.target or "a metric"
        return f"{target} [{self.unit}]" if self.unit else target

    @property
    def _quality(self) -> str:
        """How well it ranks, as far as that is known."""
        expected = self.expected_tau
        if expected is not None:
            of = "" if expected.rows == self.training_size else f" by {expected.rows} of these"
            return (
                f"Kendall's tau {expected.value:.2f} ({expected.low:.2f} to {expected.high:.2f}) "
                f"expected{of}"
            )
        if self.card.kendall_tau is None:
            return ""
        return f"Kendall's tau {self.card.kendall_tau:.2f} on {self.card.held_out} others"

    def _repr_html_(self) -> str:
        card = self.card
        facts = [
            ("predictor", f"{card.predictor or card.estimator} on {card.encoding}"),
            ("space", card.space),
            ("fitted to", f"{card.training_size} architectures" if card.training_size else ""),
            ("quality", self._quality),
            ("tells deviations", "yes" if card.uncertainty else "no"),
            ("made", f"{card.created} by hwbench {card.hwbench}"),
            ("data, SHA-256", card.data_sha256[:16]),
            ("description", card.description),
        ]
        rows = [
            [
                row.title or row.predictor,
                number(row.kendall_tau),
                number(row.low),
                number(row.high),
                row.status,
            ]
            for row in card.leaderboard[:SHOWN]
        ]
        header = ("predictor", "Kendall's tau", "low", "high", "")
        more = len(card.leaderboard) - len(rows)
        note = f"and {more} more: .leaderboard()" if more else ""
        return panel(
            self._described,
            facts,
            sentences([*card.warnings, *(f"Note: {note}." for note in card.notes)]),
            listing(header, rows, note=note) if rows else "",
        )

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
        write_archive(place, self.card, content)


def _shares_of(estimator: Any) -> tuple[Score, ...]:
    """What a predictor that is made of several is made of; none of others."""
    found = getattr(estimator, "leaderboard_", None)
    if found is None:
        return ()
    return tuple(
        Score(
            predictor=row.candidate.partition(":")[0],
            encoding=row.candidate.partition(":")[2],
            kendall_tau=row.kendall_tau,
            repeats=1,
            status="chosen" if row.share > 0 else "tried",
            reason=f"share {row.share:.2f}",
        )
        for row in found.itertuples()
    )


def data_digest(texts: Sequence[str], values: Floats) -> str:
    """SHA-256 of measurements: of the lines "ARCHITECTURE,VALUE", in order.

    Parameters
    ----------
    texts : the architectures' official strings.
    values : float64 of shape (n_archs,), written as Python writes them.
    """
    lines = [f"{text},{value!r}\n" for text, value in zip(texts, values.tolist(), strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _versions(modules: Collection[str]) -> dict[str, str]:
    """Versions of the distributions of some modules, as far as they are estimators' libraries."""
    found = {}
    for root, distribution in sorted(LIBRARIES.items()):
        if any(module == root or module.startswith(f"{root}.") for module in modules):
            found[distribution] = version_of(distribution)
    return found


def version_of(distribution: str) -> str:
    """The version of a distribution that is installed here."""
    if distribution == "hwbench":
        return __version__
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return NOT_INSTALLED
