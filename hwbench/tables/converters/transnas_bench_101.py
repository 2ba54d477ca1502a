"""TransNAS-Bench-101: the authors' .pth of all epochs, and a re-export of seven CSV files.

Both spaces stand in every file. Of each metric the largest value over the epochs is kept, which for
a loss is the worst, as the re-export holds nothing else; from the authors' file the value after the
last epoch as well, and what they measured on the model: inference time, parameters, FLOPs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.formats import ANY, stream_torch
from hwbench.progress import Progress, silent
from hwbench.spaces import Space, get_space
from hwbench.spaces.transnas.macro import DOUBLINGS, HALVINGS, N_ALWAYS, N_MODULES
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import (
    listed_files,
    make_table,
    parse_archs,
    read_csv,
)
from hwbench.tables.table import Table

_TOP = ("top1", "top5", "loss")
TASKS = {  # metrics of every split
    "class_scene": _TOP,
    "class_object": _TOP,
    "room_layout": ("loss", "neg_loss"),
    "jigsaw": _TOP,
    "segmentsemantic": ("loss", "acc", "mIoU"),
    "normal": ("ssim", "l1_loss"),
    "autoencoder": ("ssim", "l1_loss"),
}
SPLITS = ("train", "valid", "test")
# Unit, direction and title of a metric.
_METRICS = {
    "top1": ("%", "maximize", "top-1 accuracy"),
    "top5": ("%", "maximize", "top-5 accuracy"),
    "loss": ("1", "minimize", "loss"),
    "neg_loss": ("1", "maximize", "negative loss"),
    "acc": ("%", "maximize", "pixel accuracy"),
    "mIoU": ("%", "maximize", "mean intersection over union"),
    "ssim": ("1", "maximize", "structural similarity"),
    "l1_loss": ("1", "minimize", "absolute error"),
}
_MODEL = {  # key in the authors' file: column, unit, title, factor
    "inference_time": ("inference_time", "ms", "inference time on a GPU", 1000.0),
    "encoder_params": ("parameters", "1", "parameters of the backbone", 1.0),
    "encoder_FLOPs": ("flops", "1", "FLOPs of the backbone", 1.0),
}
_CSV = re.compile(rf"transbench101_({'|'.join(TASKS)})\.csv")
_EXPECTED = f"transnas-bench_v10141024.pth, or transbench101_TASK.csv of {', '.join(TASKS)}"


def convert_transnas_bench_101_macro(
    paths: Sequence[Path], *, progress: Progress = silent
) -> Table:
    """Make the table of TransNAS-Bench-101's macro space; files as for the micro one."""
    return _convert("transnas-bench-101-macro", "macro", paths, progress)


def convert_transnas_bench_101_micro(
    paths: Sequence[Path], *, progress: Progress = silent
) -> Table:
    """Make the table of TransNAS-Bench-101's micro (cell) space.

    Parameters
    ----------
    paths : the authors' `.pth`, or the re-export's CSV files (one a task, any of the seven), or
        folders of them.
    progress : called with (files or architectures done, in all).

    Returns
    -------
    Columns such as `class_scene.test_top1`: the largest value over the epochs.

    Raises
    ------
    HwbenchError
        Where no file is of these formats, or one is not of the published form.
    """
    return _convert("transnas-bench-101-micro", "micro", paths, progress)


def _convert(name: str, half: str, paths: Sequence[Path], progress: Progress) -> Table:
    files = listed_files(paths, _is_known, expected=_EXPECTED)
    space = get_space(f"transnas_{half}")
    archives = [file for file in files if file.suffix == ".pth"]
    if not archives:
        frame, cards = _read_reexport(files, space, half, progress)
        note = "Of each metric the largest value over the epochs."
    elif len(files) == 1:
        frame, cards = _read_archive(archives[0], space, half, progress)
        note = "Of each metric the largest value over the epochs, and that after the last."
    else:
        raise HwbenchError(f"{name}: give files of one format: {_EXPECTED}")
    archs = space.architectures_at(frame.index.to_numpy())
    return make_table(name, archs, frame, cards, files=files, note=note)


def _is_known(path: Path) -> bool:
    return path.suffix == ".pth" or bool(_CSV.fullmatch(path.name))


# ---------------------------------------------------------------------- the re-export


def official_macro_order() -> Iterator[str]:
    """The macro architectures in the order of the benchmark's own list.

    By number of modules, then by how often channels are doubled and sizes halved, then by where.
    """
    for n_modules in range(N_ALWAYS, N_MODULES + 1):
        for doublings in range(DOUBLINGS[0], DOUBLINGS[1] + 1):
            for halvings in range(HALVINGS[0], HALVINGS[1] + 1):
                for doubled in combinations(range(n_modules), doublings):
                    for halved in combinations(range(n_modules), halvings):
                        digits = (
                            1 + (module in doubled) + 2 * (module in halved)
                            for module in range(n_modules)
                        )
                        yield f"64-{''.join(map(str, digits))}-basic"


def _read_reexport(
    files: Sequence[Path], space: Space, half: str, progress: Progress
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    macro, micro = get_space("transnas_macro"), get_space("transnas_micro")
    if half == "macro":
        strings = list(official_macro_order())
        first, index = 0, macro.indices_of(macro.from_strings(strings))
    else:  # the cells follow the networks, in the lexicographic order of their digits
        first, index = macro.n_architectures, np.arange(micro.n_architectures)
    parts: dict[str, pd.DataFrame] = {}
    progress(0, len(files))
    for done, path in enumerate(files, start=1):
        match = _CSV.fullmatch(path.name)
        task = match[1] if match else ""
        if task in parts:
            raise HwbenchError(f"{path}: a second file for the task {task}")
        columns = [f"{split}_{metric}" for split in SPLITS for metric in TASKS[task]]
        kinds = dict.fromkeys([*columns, "time_elapsed"], "number")
        frame = read_csv(path, {**kinds, "file_id": "integer"}).sort_values("file_id")
        wanted = np.arange(macro.n_architectures + micro.n_architectures)
        if not np.array_equal(frame["file_id"], wanted):
            raise HwbenchError(f"{path}: file_id must be each of 0 .. {wanted[-1]} once")
        chosen = frame.iloc[first : first + space.n_architectures].set_index(index)
        renamed = {"time_elapsed": "train_time", **{name: name for name in columns}}
        parts[task] = chosen[list(renamed)].rename(columns=renamed).add_prefix(f"{task}.")
        progress(done, len(files))
    joined = pd.concat([parts[task] for task in TASKS if task in parts], axis=1)
    return _finite(joined.sort_index(), "TransNAS-Bench-101, re-export")


# ---------------------------------------------------------------------- the authors' file


def _read_archive(
    path: Path, space: Space, half: str, progress: Progress
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    strings: list[str] = []
    rows: list[dict[str, float]] = []

    def keep(where: tuple[Any, ...], arch: Any, results: Any) -> None:
        if where[-1] != half:
            return
        place = f"{path}: architecture {arch!r}"
        strings.append(arch)
        if not isinstance(results, Mapping):
            raise HwbenchError(f"{place} must hold a dictionary of tasks")
        row: dict[str, float] = {}
        for task in TASKS:
            if task in results:
                row.update(_summarise(task, results[task], place))
        rows.append(row)
        progress(len(rows), space.n_architectures)

    progress(0, space.n_architectures)
    # The other half is forgotten as well, entry by entry.
    stream_torch(path, where=("data", ANY), on_item=keep, stand_ins=True)
    progress(space.n_architectures, space.n_architectures)
    if not rows:
        raise HwbenchError(f"{path}: holds no architecture under data, {half}")
    index = space.indices_of(parse_archs(space, strings, path))
    frame = pd.DataFrame(rows, index=index).sort_index().dropna(axis=1, how="all")
    return _finite(frame, "TransNAS-Bench-101")


def _summarise(task: str, result: Any, place: str) -> dict[str, float]:
    try:
        metrics, model = result["metrics"], result["model_info"]
        row: dict[str, float] = {}
        for split in SPLITS:
            for metric in TASKS[task]:
                by_epoch = metrics[f"{split}_{metric}"]
                row[f"{task}.{split}_{metric}"] = float(max(by_epoch))
                row[f"{task}.{split}_{metric}_final"] = float(by_epoch[-1])
        if "time_elapsed" in metrics:
            row[f"{task}.train_time"] = float(max(metrics["time_elapsed"]))
        for key, (column, _, _, factor) in _MODEL.items():
            if model.get(key) not in (None, ""):  # both stand for what was not measured
                row[f"{task}.{column}"] = float(model[key]) * factor
    except (TypeError, KeyError, IndexError, ValueError, AttributeError) as error:
        raise HwbenchError(
            f"{place}, task {task}: must hold metrics of every epoch and model_info ({error!r})"
        ) from error
    return row


# ---------------------------------------------------------------------- columns


def _finite(frame: pd.DataFrame, source: str) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    """A frame and its cards; an infinite loss is that of a training that diverged: no number."""
    infinite = np.isinf(frame.to_numpy(dtype=np.float64)).any(axis=0)
    cards = _cards_of(frame, source)
    for name in frame.columns[infinite]:
        how = f"{cards[name].source}; missing where it was infinite"
        cards[name] = cards[name].model_copy(update={"source": how})
    return frame.replace([np.inf, -np.inf], np.nan), cards


def _cards_of(frame: pd.DataFrame, source: str) -> dict[str, ColumnCard]:
    """The cards of a frame's columns, in the benchmark's order of tasks."""
    return {
        name: card for task in TASKS for name, card in _cards(task, source).items() if name in frame
    }


def _cards(task: str, source: str) -> dict[str, ColumnCard]:
    cards: dict[str, ColumnCard] = {}

    def add(name: str, title: str, unit: str, direction: str, split: str | None, how: str) -> None:
        cards[f"{task}.{name}"] = ColumnCard.model_validate(
            {
                "title": title,
                "unit": unit,
                "direction": direction,
                "dataset": f"taskonomy, {task}",
                "split": split,
                "source": f"{source}, {how}",
            }
        )

    for split in SPLITS:
        for metric in TASKS[task]:
            unit, direction, title = _METRICS[metric]
            words = f"{split} {title}"
            add(f"{split}_{metric}", words, unit, direction, split, "largest over the epochs")
            add(f"{split}_{metric}_final", words, unit, direction, split, "after the last epoch")
    add("train_time", "seconds of training", "s", "minimize", None, "time elapsed")
    for column, unit, title, factor in _MODEL.values():
        how = "measured by its authors" + (f", their seconds times {factor:.0f}" * (factor > 1))
        add(column, title, unit, "minimize", None, how)
    return cards
