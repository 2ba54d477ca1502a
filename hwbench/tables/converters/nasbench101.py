"""NAS-Bench-101: the authors' tfrecord files, and a re-export of two pickled frames.

A cell was trained three times with each budget of epochs. From the authors' files the accuracies,
training seconds and parameters at the end and half-way of every budget are kept as means over the
trainings, and the single test and validation accuracies at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.spaces.nasbench101 import NASBench101
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import listed_files, make_table, unknown_file
from hwbench.tables.formats import Record, frame_from_pickle, read_nasbench101
from hwbench.tables.table import Table

TRAININGS = 3
CHECKPOINTS = 3  # at the start, half-way, at the end
LONGEST = 108

_MEASURES = {
    "train_accuracy": ("training accuracy", "train", "maximize", "%"),
    "validation_accuracy": ("validation accuracy", "valid", "maximize", "%"),
    "test_accuracy": ("test accuracy", "test", "maximize", "%"),
    "training_time": ("seconds of training", None, "minimize", "s"),
}
_REPORT_EVERY = 10_000
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
    files = listed_files(paths)
    records = [file for file in files if file.suffix == ".tfrecord"]
    frames = {file.name: file for file in files if file.name.endswith(".pkl.gz")}
    if len(records) == 1 and len(files) == 1:
        return _from_records(records[0], progress)
    if set(frames) == {"accuracies.pkl.gz", "params.pkl.gz"} and len(files) == 2:
        return _from_frames(frames["accuracies.pkl.gz"], frames["params.pkl.gz"], progress)
    raise unknown_file(files[0], _EXPECTED)


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
        "test_accuracy": _card("test_accuracy", LONGEST, "end", "mean of three trainings"),
        **_count_cards(),
    }
    table = make_table("nasbench101", archs, metrics, cards, files=[accuracies, parameters])
    progress(2, 2)
    return table


def _column(path: Path, column: str, rows: int) -> np.ndarray:
    frame = frame_from_pickle(path)
    if column not in frame or frame[column].dtype.kind != "f":
        raise HwbenchError(f"{path}: expected a frame with the column '{column}' of numbers")
    if len(frame) != rows:
        raise HwbenchError(f"{path}: has {len(frame)} rows, not the {rows} cells of the benchmark")
    return frame[column].to_numpy()


# ---------------------------------------------------------------------- the authors' files


def _from_records(path: Path, progress: Progress) -> Table:
    space = cast(NASBench101, get_space("nasbench101"))
    cells: dict[str, np.ndarray] = {}
    trainings: dict[str, dict[int, list[np.ndarray]]] = {}
    stated: dict[str, int] = {}
    progress(0, space.n_architectures)
    for number, record in enumerate(read_nasbench101(path)):
        place = f"{path}: record {number}"
        if record.module_hash not in cells:
            cells[record.module_hash] = _cell(space, record, place)
            if len(cells) % _REPORT_EVERY == 0:
                progress(len(cells), space.n_architectures)
        known = trainings.setdefault(record.module_hash, {})
        known.setdefault(record.epochs, []).append(_numbers(record, place))
        if record.metrics.trainable_parameters is not None:
            stated[record.module_hash] = record.metrics.trainable_parameters
    if not cells:
        raise HwbenchError(f"{path}: holds no record")
    archs = np.stack(list(cells.values()))
    _check_hashes(space, archs, list(cells), path)
    budgets = sorted({epochs for known in trainings.values() for epochs in known})
    values: dict[str, Any] = {}
    cards: dict[str, ColumnCard] = {}
    for epochs in budgets:
        block = _stack([known.get(epochs, []) for known in trainings.values()])
        _add_columns(values, cards, block, epochs)
    counted = space.parameters(archs)
    values["parameters"], values["flops"] = counted, space.flops(archs)
    cards.update(_count_cards())
    for place_in_file, (module_hash, count) in enumerate(zip(cells, counted, strict=True)):
        if stated.get(module_hash, count) != count:
            raise HwbenchError(
                f"{path}: cell {module_hash} (number {place_in_file}) is said to have "
                f"{stated[module_hash]} parameters; its network has {count}"
            )
    progress(space.n_architectures, space.n_architectures)
    return make_table("nasbench101", archs, pd.DataFrame(values), cards, files=[path])


def _cell(space: NASBench101, record: Record, place: str) -> np.ndarray:
    try:
        arch = space.from_matrix(record.adjacency, list(record.operations))
        cell: np.ndarray = space.canonical(arch[None, :])[0]
    except HwbenchError as error:
        raise HwbenchError(f"{place}: {error}") from error
    return cell


def _check_hashes(space: NASBench101, archs: np.ndarray, hashes: Sequence[str], path: Path) -> None:
    """The hash that a record states must be that of its cell."""
    for arch, stated, computed in zip(archs, hashes, space.module_hashes(archs), strict=True):
        if stated != computed:
            raise HwbenchError(
                f"{path}: the cell {space.to_string(arch)} has the module hash {computed}, "
                f"not {stated}"
            )


def _numbers(record: Record, place: str) -> np.ndarray:
    """Measures half-way and at the end, float64 of shape (2, 4); accuracies in %."""
    if len(record.metrics.evaluations) != CHECKPOINTS:
        found = len(record.metrics.evaluations)
        raise HwbenchError(f"{place}: has {found} evaluations, not {CHECKPOINTS}")
    scale = [100.0, 100.0, 100.0, 1.0]
    return np.array(
        [
            [getattr(evaluation, measure) for measure in _MEASURES]
            for evaluation in record.metrics.evaluations[1:]
        ]
    ) * np.array(scale)


def _stack(trainings: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """All trainings of all cells, NaN where there is none: (n_cells, n_trainings, 2, 4)."""
    most = max(len(known) for known in trainings)
    block = np.full((len(trainings), most, 2, len(_MEASURES)), np.nan)
    for row, known in enumerate(trainings):
        if known:
            block[row, : len(known)] = known
    return block


def _add_columns(
    values: dict[str, Any], cards: dict[str, ColumnCard], block: np.ndarray, epochs: int
) -> None:
    counts = (~np.isnan(block)).sum(axis=1)
    sums = np.nansum(block, axis=1)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    for place, when in ((1, "end"), (0, "half-way")):
        for column, measure in enumerate(_MEASURES):
            name = _name(measure, epochs, when)
            values[name] = means[:, place, column]
            cards[name] = _card(measure, epochs, when, "mean of the trainings")
    for measure in ("validation_accuracy", "test_accuracy"):
        column = list(_MEASURES).index(measure)
        for training in range(block.shape[1]):
            name = f"{_name(measure, epochs, 'end')}_{training + 1}"
            values[name] = block[:, training, 1, column]
            cards[name] = _card(measure, epochs, "end", f"training {training + 1}")


# ---------------------------------------------------------------------- columns


def _name(measure: str, epochs: int, when: str) -> str:
    budget = "" if epochs == LONGEST else f"_{epochs}epochs"
    return f"{measure}{budget}{'_halfway' if when == 'half-way' else ''}"


def _card(measure: str, epochs: int, when: str, which: str) -> ColumnCard:
    title, split, direction, unit = _MEASURES[measure]
    return ColumnCard.model_validate(
        {
            "title": f"{title}, {which}",
            "unit": unit,
            "direction": direction,
            "dataset": "cifar10",
            "split": split,
            "source": f"NAS-Bench-101, {epochs} epochs, at the {when}"
            if when == "end"
            else f"NAS-Bench-101, {epochs} epochs, {when}",
        }
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
