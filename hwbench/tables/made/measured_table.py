"""A table of measurements, whose cards say how it was measured."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from hwbench.files import today
from hwbench.progress import Progress, silent
from hwbench.spaces import Space
from hwbench.spaces.lacks import SpaceLacksError
from hwbench.tables.card import ColumnCard, NoiseCard, TableCard
from hwbench.tables.made.cards import count_cards, record_of
from hwbench.tables.made.measure import Measurements, measure_all
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.remedy import RemedyError
from hwbench.tables.made.runtimes.base import Runtime, make_runtime
from hwbench.tables.made.visit import make_meter
from hwbench.tables.noise import halves_noise, with_twin_noise
from hwbench.tables.table import Table
from hwbench.wording import counted


def measured_table(
    space: Space,
    recipe: MeasureRecipe,
    *,
    name: str,
    journal_path: Path,
    archs: ArrayLike | None = None,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Table:
    """Measure architectures and return them as a table.

    Parameters
    ----------
    space, recipe, journal_path, archs, retry_failed, progress : see
        `hwbench.tables.made.measure.measure_all`.
    name : of the table.

    Returns
    -------
    A table with the columns `latency`, `latency_min` and `latency_iqr` (ms), `latency_pNN` for the
    percentiles that the recipe asks for, `peak_memory` (MiB, where PyTorch runs the network as it
    is), `energy` (mJ a run, where a meter is asked for), what else the runtime tells, and
    `parameters` and `flops` (where the space counts them). Of all runs of all rounds the median,
    the fastest and the interquartile range are kept: whatever else a machine does only adds time,
    so on a busy one the fastest run says most about the architecture. With several batch sizes
    what was measured is there for each, `_batchN` behind its name. An architecture that could not
    be measured has no values (NaN); `failures` of the card's recipe says why.

    Raises
    ------
    HwbenchError
        As `measure_all`, and where no architecture could be measured.
    """
    chosen = space.all_architectures() if archs is None else space.check(archs)
    measured = measure_all(
        space, recipe, journal_path, archs=chosen, retry_failed=retry_failed, progress=progress
    )
    _refuse_nothing(measured, len(chosen))
    runtime = make_runtime(recipe.runtime, recipe.options)
    device = recipe.device_name or runtime.device_name(recipe.device)
    skeleton = space.skeleton(**recipe.skeleton)
    columns: dict[str, ColumnCard] = {}
    metrics: dict[str, NDArray[Any]] = {}
    for batch_size, found in measured.items():
        images = _images_in_words(batch_size, skeleton.input_size)
        made = _Columns(recipe, runtime, device, _how(recipe, runtime, images, device), batch_size)
        made.add_latency(found.milliseconds)
        made.add_rest(found)
        columns |= made.cards
        metrics |= made.values
    first = _images_in_words(recipe.batch_size, skeleton.input_size)
    all_sizes = "".join(f"{each}, " for each in recipe.batch_sizes[:-1]) + _images_in_words(
        recipe.batch_sizes[-1], skeleton.input_size
    )
    with contextlib.suppress(SpaceLacksError):
        metrics["parameters"] = space.parameters(chosen, **asdict(skeleton))
        metrics["flops"] = space.flops(chosen, **asdict(skeleton))
        columns |= count_cards(f"formula, network of {skeleton.channels} channels on {first}")
    card = TableCard(
        name=name,
        title=f"{space.title} measured on {device}",
        space=space.name,
        description=(
            f"Latency of {len(chosen)} architectures; {_how(recipe, runtime, all_sizes, device)}."
        ),
        created=today(),
        recipes=(
            record_of(
                "measure",
                asdict(recipe),
                skeleton=asdict(skeleton),
                device_name=device,
                runtime_versions=runtime.versions(),
                failures=_failures(space, chosen, measured),
                **runtime.about(),
            ),
        ),
        columns=columns,
    )
    return with_twin_noise(Table.from_archs(chosen, pd.DataFrame(metrics), card))


def failure_lines(table: Table) -> list[str]:
    """Why a table lacks values: a line for each architecture that a measurement failed on."""
    lines: dict[str, str] = {}
    for recipe in table.card.recipes:
        for each in recipe.get("failures") or ():
            lines[each["arch"]] = f"{each['arch']}: {each['reason']}"
    return list(lines.values())


def _refuse_nothing(measured: dict[int, Measurements], n_archs: int) -> None:
    for batch_size, found in measured.items():
        if np.isnan(found.milliseconds).all():
            size = f" with batch size {batch_size}" if len(measured) > 1 else ""
            raise RemedyError(
                f"measure: none of the {n_archs} architectures could be measured{size}; the first "
                f"failed with: {found.failures[0].reason}",
                "once that is mended, go on with",
                {"--retry-failed": None},
            )


def _failures(
    space: Space, chosen: NDArray[Any], measured: dict[int, Measurements]
) -> list[dict[str, Any]]:
    return [
        {
            "arch": space.to_string(chosen[each.row]),
            "round": each.round,
            "batch_size": each.batch_size,
            "reason": each.reason,
        }
        for found in measured.values()
        for each in found.failures
    ]


# ---------------------------------------------------------------------- words


def _images_in_words(batch_size: int, size: int) -> str:
    return f"{counted(batch_size, 'image')} of {size}x{size} pixels"


def _how(recipe: MeasureRecipe, runtime: Runtime, images: str, device: str) -> str:
    kind = "" if recipe.dtype == "float32" else f" {recipe.dtype},"
    threads = counted(recipe.threads, "thread")
    further = f"; {runtime.words()}" if runtime.words() else ""
    return f"{recipe.runtime},{kind} {images}, {threads} on {device}{further}"


# ---------------------------------------------------------------------- columns


@dataclass
class _Columns:
    """The columns of one batch size as they are added.

    Attributes
    ----------
    recipe, runtime, device, how, batch_size : what was measured, how, on what.
    cards, values : by the column's name.
    """

    recipe: MeasureRecipe
    runtime: Runtime
    device: str
    how: str
    batch_size: int
    cards: dict[str, ColumnCard] = field(default_factory=dict)
    values: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def add_latency(self, milliseconds: NDArray[np.float64]) -> None:
        """What is kept of all runs, of shape (rounds, n_archs, runs)."""
        runs = (
            f"{self.recipe.rounds} rounds x {self._runs(milliseconds)} in interleaved random order"
        )
        least, low, median, high = (_percentile(milliseconds, each) for each in (0, 25, 50, 75))
        self._add(
            "latency",
            "latency",
            median,
            f"median of {runs}",
            noise=_halves(milliseconds, np.median),
        )
        self._add(
            "latency_min",
            "latency of the fastest run",
            least,
            f"least disturbed of {runs}",
            noise=_halves(milliseconds, np.min),
        )
        self._add("latency_iqr", "interquartile range of latency", high - low, f"spread of {runs}")
        for each in self.recipe.percentiles:
            self._add(
                f"latency_p{each:g}",
                f"{each:g}th percentile of latency",
                _percentile(milliseconds, each),
                f"{each:g}th percentile of {runs}",
            )

    def add_rest(self, found: Measurements) -> None:
        """Memory, energy, and what the runtime tells besides."""
        if found.peak_memory is not None:
            self._add(
                "peak_memory",
                "peak memory",
                found.peak_memory,
                "weights plus the most that one forward pass holds at a time",
                unit="MiB",
                device=False,
            )
        titles = make_meter(self.recipe.energy).columns if found.energy else {}
        for name, millijoules in found.energy.items():
            self._add(
                name,
                titles[name],
                _percentile(millijoules[..., None], 50),
                f"counter {self.recipe.energy}, median of {self.recipe.rounds} rounds, what the "
                "machine uses while it idles included",
                unit="mJ",
                noise=_halves(millijoules[..., None], np.median),
            )
        for name, values in found.outcomes.items():
            kind = self.runtime.outcomes[name]
            self._add(
                name, kind.title, values, "once an architecture", kind.unit, kind.direction,
                device=False,
            )  # fmt: skip

    def _add(
        self,
        name: str,
        title: str,
        values: NDArray[np.float64],
        source: str,
        unit: str = "ms",
        direction: Literal["minimize", "maximize"] = "minimize",
        *,
        noise: NoiseCard | None = None,
        device: bool = True,
    ) -> None:
        if self.recipe.further_batch_sizes:
            name = f"{name}_batch{self.batch_size}"
            title = f"{title}, batch size {self.batch_size}"
        self.values[name] = values
        self.cards[name] = ColumnCard(
            title=title,
            unit=unit,
            direction=direction,
            device=self.device if device else None,
            source=f"{source}; {self.how}",
            noise=noise,
        )

    def _runs(self, milliseconds: NDArray[np.float64]) -> str:
        return counted(milliseconds.shape[2], "run")


def _percentile(milliseconds: NDArray[np.float64], percentile: float) -> NDArray[np.float64]:
    """Of all runs of all rounds, for each architecture; NaN where there is none."""
    together = milliseconds.transpose(1, 0, 2).reshape(milliseconds.shape[1], -1)
    return _of_known(together, lambda known: float(np.percentile(known, percentile)))


def _of_known(
    rows: NDArray[np.float64], summary: Callable[[NDArray[np.float64]], float]
) -> NDArray[np.float64]:
    known = [row[~np.isnan(row)] for row in rows]
    return np.array([summary(row) if len(row) else np.nan for row in known])


def _halves(milliseconds: NDArray[np.float64], summary: Callable[..., Any]) -> NoiseCard | None:
    """The noise of a summary of all runs, from its values over two halves of the rounds."""
    part = len(milliseconds) // 2
    if not part:
        return None
    halves = (milliseconds[: 2 * part : 2], milliseconds[1 : 2 * part : 2])
    values = [
        _of_known(half.transpose(1, 0, 2).reshape(half.shape[1], -1), summary) for half in halves
    ]
    return halves_noise(*values, longer=len(milliseconds) / part)
