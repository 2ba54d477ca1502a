"""NAS-Bench-101: the authors' tfrecord files, and a re-export of two pickled frames.

A cell was trained three times with each budget of epochs. From the authors' files the accuracies,
training seconds and parameters at the end and half-way of every budget are kept as means over the
trainings, and the single test and validation accuracies at the end.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.formats import Record, frame_from_pickle, read_nasbench101
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.spaces.nasbench101.cells import (
    ABSENT,
    EDGES,
    MAX_INTERIOR,
    MAX_VERTICES,
    OPERATIONS,
)
from hwbench.spaces.nasbench101.space import NASBench101
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files, make_table
from hwbench.tables.table import Table

TRAININGS = 3
CHECKPOINTS = 3  # at the start, half-way, at the end
LONGEST = 108

UNSTATED = -1  # parameters of a record that does not say them


class _Measure(NamedTuple):
    title: str
    split: str | None
    direction: Literal["minimize", "maximize"]
    unit: str
    factor: float = 100.0


_MEASURES = {  # by the name in an evaluation, which is that of the column too
    "train_accuracy": _Measure("training accuracy", "train", "maximize", "%"),
    "validation_accuracy": _Measure("validation accuracy", "valid", "maximize", "%"),
    "test_accuracy": _Measure("test accuracy", "test", "maximize", "%"),
    "training_time": _Measure("seconds of training", None, "minimize", "s", factor=1.0),
}
_REPORT_EVERY = 10_000
_FRAMES = ("accuracies.pkl.gz", "params.pkl.gz")
_EXPECTED = (
    "nasbench_only108.tfrecord, nasbench_full.tfrecord, or accuracies.pkl.gz with params.pkl.gz"
)


def convert_nasbench101(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of NAS-Bench-101.

    Parameters
    ----------
    paths : the authors' `.tfrecord`; or `accuracies.pkl.gz` and `params.pkl.gz`, whose rows are all
        cells in the order of their module hashes.
    progress : called with (cells done, cells in all).

    Raises
    ------
    HwbenchError
        Where no file is of these formats, or one is not of the published form.
    """
    files = listed_files(paths, _is_known, expected=_EXPECTED)
    if len(files) == 1 and files[0].suffix == ".tfrecord":
        return _from_records(files[0], progress)
    frames = {file.name: file for file in files if file.name in _FRAMES}
    if len(files) == len(frames) == len(_FRAMES):
        accuracies, parameters = (frames[name] for name in _FRAMES)
        return _from_frames(accuracies, parameters, progress)
    given = ", ".join(file.name for file in files)
    raise HwbenchError(f"nasbench101: give {_EXPECTED}, not {given}")


def _is_known(path: Path) -> bool:
    return path.suffix == ".tfrecord" or path.name in _FRAMES


# ---------------------------------------------------------------------- the re-export


def _from_frames(accuracies: Path, parameters: Path, progress: Progress) -> Table:
    space = cast(NASBench101, get_space("nasbench101"))
    progress(0, 2)
    accuracy = _column(accuracies, "accuracy", space.n_architectures)
    millions = _column(parameters, "params", space.n_architectures)
    archs = space.architectures_at(space.hash_order())
    progress(1, 2)
    counted = space.parameters(archs)
    wrong = np.flatnonzero(np.abs(counted - millions * 1e6) > 0.5)
    if len(wrong):
        row = int(wrong[0])
        raise HwbenchError(
            f"{parameters}: row {row} says {millions[row]} million parameters, but the cell that "
            f"stands there has {counted[row]}; the rows are not in the order of module hashes"
        )
    metrics = pd.DataFrame(
        {"test_accuracy": accuracy * 100, "parameters": counted, "flops": space.flops(archs)}
    )
    cards = {
        "test_accuracy": _card("test_accuracy", LONGEST, "at the end", "mean of the trainings"),
        **_count_cards(),
    }
    table = make_table("nasbench101", archs, metrics, cards, files=[accuracies, parameters])
    progress(2, 2)
    return table


def _column(path: Path, column: str, rows: int) -> Floats:
    frame = frame_from_pickle(path)
    if column not in frame or frame[column].dtype.kind != "f":
        raise HwbenchError(f"{path}: expected a frame with the column '{column}' of numbers")
    if len(frame) != rows:
        raise HwbenchError(f"{path}: has {len(frame)} rows, not the {rows} cells of the benchmark")
    return frame[column].to_numpy()


# ---------------------------------------------------------------------- the authors' files


def _from_records(path: Path, progress: Progress) -> Table:
    space = cast(NASBench101, get_space("nasbench101"))
    kept = _Trainings(path)
    progress(0, space.n_architectures)
    for number, record in enumerate(read_nasbench101(path)):
        kept.add(record, f"{path}: record {number}")
        if number % _REPORT_EVERY == 0:
            progress(min(kept.n_cells, space.n_architectures), space.n_architectures)
    if not kept.n_cells:
        raise HwbenchError(f"{path}: holds no record")
    archs = kept.architectures(space)
    values: dict[str, NDArray[Any]] = {}
    cards: dict[str, ColumnCard] = {}
    for epochs in sorted(kept.values):
        _add_columns(values, cards, kept.take_block(epochs), epochs)
    values["parameters"], values["flops"] = space.parameters(archs), space.flops(archs)
    cards.update(_count_cards())
    kept.check_parameters(values["parameters"])
    progress(space.n_architectures, space.n_architectures)
    frame = pd.DataFrame(values, copy=False)
    return make_table("nasbench101", archs, frame, cards, files=[path])


class _Trainings:
    """What is kept of a file's records, in a few long arrays: the whole file has five million.

    Attributes
    ----------
    hashes : the module hash of each cell, with its number in the file.
    values : for each budget of epochs, one training after the other, the measures half-way and at
        the end.
    """

    def __init__(self, path: Path) -> None:
        self.hashes: dict[str, int] = {}
        self.values: dict[int, array[float]] = {}
        self._path = path
        self._cells: dict[int, array[int]] = {}  # by budget: whose training it is
        self._rows = bytearray()  # the cells as the space writes them
        self._parameters: array[int] = array("q")
        self._edges: dict[bytes, bytes] = {}  # the few different matrices and lists of operations
        self._operations: dict[tuple[str, ...], bytes] = {}

    @property
    def n_cells(self) -> int:
        return len(self.hashes)

    def add(self, record: Record, place: str) -> None:
        """Keep one training.

        Raises
        ------
        HwbenchError
            Where it is not of the published form; names the `place`.
        """
        evaluations = record.metrics.evaluations
        if len(evaluations) != CHECKPOINTS:
            raise HwbenchError(f"{place}: has {len(evaluations)} evaluations, not {CHECKPOINTS}")
        cell = self.hashes.get(record.module_hash)
        parameters = record.metrics.trainable_parameters
        stated = UNSTATED if parameters is None else parameters
        if cell is None:
            cell = self.hashes[record.module_hash] = len(self.hashes)
            self._rows += self._row(record, place)
            self._parameters.append(stated)
        elif self._parameters[cell] != stated:
            raise HwbenchError(
                f"{place}: {stated} parameters, {self._parameters[cell]} in an earlier training"
            )
        self._cells.setdefault(record.epochs, array("q")).append(cell)
        numbers = self.values.setdefault(record.epochs, array("d"))
        for evaluation in evaluations[1:]:
            numbers.extend(getattr(evaluation, measure) for measure in _MEASURES)

    def _row(self, record: Record, place: str) -> bytes:
        """The 26 integers of a cell."""
        matrix = record.adjacency.tobytes()
        try:
            if matrix not in self._edges:
                self._edges[matrix] = _edge_entries(record.adjacency)
            if record.operations not in self._operations:
                self._operations[record.operations] = _operation_entries(record.operations)
        except HwbenchError as error:
            raise HwbenchError(f"{place}: {error}") from error
        return self._edges[matrix] + self._operations[record.operations]

    def architectures(self, space: NASBench101) -> IntArray:
        """The cells in the order of the file, int64 of shape (n_cells, 26).

        Raises
        ------
        HwbenchError
            Where one is not of the space, or has another module hash than its record says.
        """
        rows = np.frombuffer(self._rows, dtype=np.int8).reshape(-1, space.n_positions)
        try:
            archs = space.canonical(rows.astype(np.int64))
        except HwbenchError as error:
            raise HwbenchError(f"{self._path}: {error}") from error
        for number, (stated, computed) in enumerate(
            zip(self.hashes, space.module_hashes(archs), strict=True)
        ):
            if stated != computed:
                raise HwbenchError(
                    f"{self._path}: the cell {space.to_string(archs[number])} has the module hash "
                    f"{computed}, not {stated}"
                )
        return archs

    def take_block(self, epochs: int) -> Floats:
        """All trainings of one budget, NaN where there is none, (n_cells, TRAININGS, 2, 4).

        Accuracies are in %. What was kept of the budget is forgotten.

        Raises
        ------
        HwbenchError
            Where a cell was trained more often.
        """
        cells = np.frombuffer(self._cells.pop(epochs), dtype=np.int64)
        values = np.frombuffer(self.values.pop(epochs)).reshape(len(cells), 2, len(_MEASURES))
        training = pd.Series(cells).groupby(cells).cumcount().to_numpy()
        if training.max() >= TRAININGS:
            module_hash = list(self.hashes)[cells[training.argmax()]]
            raise HwbenchError(
                f"{self._path}: cell {module_hash} has more than {TRAININGS} trainings "
                f"of {epochs} epochs"
            )
        block = np.full((self.n_cells, TRAININGS, *values.shape[1:]), np.nan)
        block[cells, training] = values * [measure.factor for measure in _MEASURES.values()]
        return block

    def check_parameters(self, counted: IntArray) -> None:
        """Hold the stated numbers of parameters against those counted.

        Raises
        ------
        HwbenchError
            Where a cell's differ.
        """
        stated = np.frombuffer(self._parameters, dtype=np.int64)
        wrong = np.flatnonzero((stated != counted) & (stated != UNSTATED))
        if len(wrong):
            cell = int(wrong[0])
            raise HwbenchError(
                f"{self._path}: cell {list(self.hashes)[cell]} is said to have {stated[cell]} "
                f"parameters; its network has {counted[cell]}"
            )


def _edge_entries(adjacency: NDArray[np.int8]) -> bytes:
    size = len(adjacency)
    if not 2 <= size <= MAX_VERTICES or np.tril(adjacency).any():
        raise HwbenchError(
            f"the adjacency matrix must be upper triangular, of 2 to {MAX_VERTICES} vertices"
        )
    return bytes(int(target < size and adjacency[source, target]) for source, target in EDGES)


def _operation_entries(names: Sequence[str]) -> bytes:
    for name in names[1:-1]:
        if name not in OPERATIONS:
            raise unknown_name("operation", name, OPERATIONS)
    entries = [OPERATIONS.index(name) for name in names[1:-1]]
    return bytes(entries + [ABSENT] * (MAX_INTERIOR - len(entries)))


def _add_columns(
    values: dict[str, NDArray[Any]], cards: dict[str, ColumnCard], block: Floats, epochs: int
) -> None:
    counts = (~np.isnan(block)).sum(axis=1)
    sums = np.nansum(block, axis=1)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    for place, when in ((1, "at the end"), (0, "half-way")):
        for column, measure in enumerate(_MEASURES):
            name = _name(measure, epochs, halfway=place == 0)
            values[name] = means[:, place, column].copy()
            cards[name] = _card(measure, epochs, when, "mean of the trainings")
    for measure in ("validation_accuracy", "test_accuracy"):
        column = list(_MEASURES).index(measure)
        for training in range(TRAININGS):
            name = f"{_name(measure, epochs)}_{training + 1}"
            values[name] = block[:, training, 1, column].copy()  # not a view of all the block
            cards[name] = _card(measure, epochs, "at the end", f"training {training + 1}")


# ---------------------------------------------------------------------- columns


def _name(measure: str, epochs: int, *, halfway: bool = False) -> str:
    budget = "" if epochs == LONGEST else f"_{epochs}epochs"
    return f"{measure}{budget}{'_halfway' if halfway else ''}"


def _card(measure: str, epochs: int, when: str, which: str) -> ColumnCard:
    found = _MEASURES[measure]
    return ColumnCard(
        title=f"{found.title}, {which}",
        unit=found.unit,
        direction=found.direction,
        dataset="cifar10",
        split=found.split,
        source=f"NAS-Bench-101, {epochs} epochs, {when}",
    )


def _count_cards() -> dict[str, ColumnCard]:
    return {
        name: ColumnCard(
            title=title, unit="1", direction="minimize", dataset="cifar10", source="formula"
        )
        for name, title in (
            ("parameters", "trainable parameters"),
            ("flops", "multiply-adds of one image of 32x32 pixels"),
        )
    }
