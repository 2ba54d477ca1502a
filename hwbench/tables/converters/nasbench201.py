"""NAS-Bench-201 accuracies: the authors' .pth, NATS-Bench's folder of pickles, and a re-export.

The authors store every epoch of every training; kept are the accuracies after the last epoch of the
trainings of 12 and of 200 epochs. Validation accuracy on CIFAR-10 is that of the trainings on half
of its training images ("cifar10-valid", set "x-valid"); test accuracy is that of the trainings on
all of them ("cifar10", set "ori-test"). The other datasets have the sets "x-valid" and "x-test".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import (
    listed_files,
    make_table,
    parse_archs,
    unknown_file,
)
from hwbench.tables.formats import load_pickle, stream_torch
from hwbench.tables.table import Table

DATASETS = ("cifar10", "cifar100", "ImageNet16-120")
# By dataset and split: under which name the trainings stand, and the set of images.
SETS = {
    ("cifar10", "valid"): ("cifar10-valid", "x-valid"),
    ("cifar10", "test"): ("cifar10", "ori-test"),
    ("cifar100", "valid"): ("cifar100", "x-valid"),
    ("cifar100", "test"): ("cifar100", "x-test"),
    ("ImageNet16-120", "valid"): ("ImageNet16-120", "x-valid"),
    ("ImageNet16-120", "test"): ("ImageNet16-120", "x-test"),
}
BUDGETS = {"full": 200, "200": 200, "less": 12, "12": 12}  # keys of either format
SEEDS = (777, 888, 999)

_REEXPORT = re.compile(r"nb201_(cifar10-valid|cifar100|ImageNet16-120)_val_test_v1_0\.pickle")
_NATS_ARCH = re.compile(r"\d{6}\.pickle\.pbz2")
_NATS_META = "meta.pickle.pbz2"
EXPECTED = (
    "NAS-Bench-201-v1_x-xxxxxx.pth, a folder NATS-tss-v1_0-xxxxx-simple, "
    "or nb201_DATASET_val_test_v1_0.pickle"
)


def convert_nasbench201(paths: Sequence[Path], *, progress: Progress = silent) -> Table:
    """Make the table of NAS-Bench-201 accuracies.

    Parameters
    ----------
    paths : one of: the authors' `.pth` of release 1.0 or 1.1; the folder of NATS-Bench's topology
        space in its "simple" form; the three pickles of the re-export.
    progress : called with (architectures or files done, in all).

    Raises
    ------
    HwbenchError
        Where no file is of these formats, or one is not of the published form.
    """
    files = listed_files(paths)
    for path in files:
        if not is_accuracy_file(path):
            raise unknown_file(path, EXPECTED)
    frame, cards = read_accuracies(files, progress=progress)
    archs = get_space("nasbench201").architectures_at(frame.index.to_numpy())
    return make_table("nasbench201", archs, frame, cards, files=files)


def is_accuracy_file(path: Path) -> bool:
    """Whether a file's name is one of the formats that are read here."""
    name = path.name
    named = _REEXPORT.fullmatch(name) or _NATS_ARCH.fullmatch(name) or name == _NATS_META
    return bool(named) or path.suffix == ".pth"


def read_accuracies(
    files: Sequence[Path], *, progress: Progress = silent
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    """Read accuracies of whatever format the files have.

    Returns
    -------
    A frame of accuracies in % indexed by places in the space's order, and a card for each column.
    """
    archives = [file for file in files if file.suffix == ".pth"]
    folder = [file for file in files if _NATS_ARCH.fullmatch(file.name)]
    exports = [file for file in files if _REEXPORT.fullmatch(file.name)]
    kinds = [kind for kind in (archives, folder, exports) if kind]
    if len(kinds) != 1 or len(archives) > 1:
        raise HwbenchError(f"nasbench201: give files of one format and release: {EXPECTED}")
    if exports:
        return _read_reexports(exports, progress)
    rows: list[dict[str, Any]] = []
    if archives:
        _stream_archive(archives[0], rows, progress)
    else:
        for done, path in enumerate(folder, start=1):
            rows.append(_summarise(load_pickle(path), str(path)))
            progress(done, len(folder))
    where = archives[0] if archives else folder[0].parent
    if not rows:
        raise HwbenchError(f"{where}: holds no architecture")
    frame = pd.DataFrame(rows)
    frame.index = _indices(frame.pop("arch").tolist(), where)
    frame = frame.sort_index().dropna(axis=1, how="all")
    cards = _all_cards("NAS-Bench-201" if archives else "NATS-Bench")
    columns = [name for name in cards if name in frame]
    return frame[columns], {name: cards[name] for name in columns}


# ---------------------------------------------------------------------- the authors' formats


def _stream_archive(path: Path, rows: list[dict[str, Any]], progress: Progress) -> None:
    total = get_space("nasbench201").n_architectures

    def keep(_path: tuple[Any, ...], index: Any, entry: Any) -> None:
        rows.append(_summarise(entry, f"{path}: architecture {index}"))
        progress(len(rows), total)

    progress(0, total)
    stream_torch(path, where=("arch2infos",), on_item=keep)


def _summarise(entry: Any, place: str) -> dict[str, Any]:
    """What is kept of one architecture: `entry` holds its trainings by budget."""
    if not isinstance(entry, Mapping):
        raise HwbenchError(f"{place}: expected a dictionary of trainings")
    row: dict[str, Any] = {}
    for key, epochs in BUDGETS.items():
        if key not in entry:
            continue
        results = entry[key]
        if not isinstance(results, Mapping) or not {"arch_str", "all_results"} <= results.keys():
            raise HwbenchError(f"{place}: '{key}' must hold arch_str and all_results")
        row["arch"] = results["arch_str"]
        row.update(_accuracies(results["all_results"], epochs, place))
    if "arch" not in row:
        raise HwbenchError(f"{place}: holds none of {', '.join(BUDGETS)}")
    return row


def _accuracies(results: Any, epochs: int, place: str) -> dict[str, float]:
    if not isinstance(results, Mapping):
        raise HwbenchError(f"{place}: all_results must be a dictionary")
    found: dict[str, float] = {}
    for (dataset, split), (trained_on, image_set) in SETS.items():
        by_seed: dict[int, float] = {}
        for key, training in results.items():
            if not isinstance(key, tuple) or len(key) != 2:
                raise HwbenchError(f"{place}: key {key!r} must be (dataset, seed)")
            if key[0] == trained_on:
                by_seed[int(key[1])] = _last_accuracy(training, image_set, place)
        known = [value for value in by_seed.values() if not np.isnan(value)]
        name = column_name(dataset, split, epochs)
        found[name] = float(np.mean(known)) if known else np.nan
        if epochs == 200:
            found.update({f"{name}_seed{seed}": by_seed.get(seed, np.nan) for seed in SEEDS})
    return found


def _last_accuracy(training: Any, image_set: str, place: str) -> float:
    """Accuracy of one training after its last epoch; NaN where that set was not evaluated."""
    try:
        value = training["eval_acc1es"].get(f"{image_set}@{training['epochs'] - 1}")
        return np.nan if value is None else float(value)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise HwbenchError(f"{place}: a training lacks eval_acc1es or epochs") from error


# ---------------------------------------------------------------------- the re-export


def _read_reexports(
    files: Sequence[Path], progress: Progress
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    parts: list[pd.DataFrame] = []
    cards: dict[str, ColumnCard] = {}
    progress(0, len(files))
    for done, path in enumerate(files, start=1):
        match = _REEXPORT.fullmatch(path.name)
        trained_on = match[1] if match else ""
        dataset = trained_on.removesuffix("-valid")
        names = [column_name(dataset, split, 200) for split in ("valid", "test")]
        if names[0] in cards:
            raise HwbenchError(f"{path}: a second file for {dataset}")
        content = load_pickle(path)
        if not isinstance(content, dict) or not content:
            raise HwbenchError(f"{path}: expected a dictionary by architecture")
        values = [_pair(path, arch, entry, trained_on) for arch, entry in content.items()]
        index = _indices(list(content), path)
        parts.append(pd.DataFrame(values, columns=names, index=index))
        for split, name in zip(("valid", "test"), names, strict=True):
            cards[name] = _card(dataset, split, 200, "NAS-Bench-201 v1.0, re-export", "")
        progress(done, len(files))
    return pd.concat(parts, axis=1).sort_index(), cards


def _pair(path: Path, arch: Any, entry: Any, trained_on: str) -> tuple[float, float]:
    try:
        valid, test = entry[trained_on]["eval_acc1es"]
        return float(valid), float(test)
    except (TypeError, KeyError, ValueError) as error:
        raise HwbenchError(
            f"{path}: the entry of {arch!r} must hold two accuracies under "
            f"'{trained_on}', 'eval_acc1es'"
        ) from error


# ---------------------------------------------------------------------- columns


def column_name(dataset: str, split: str, epochs: int) -> str:
    """The column of a mean accuracy: "cifar100.test_accuracy", "cifar10.valid_accuracy_12epochs"."""
    return f"{dataset}.{split}_accuracy{'' if epochs == 200 else f'_{epochs}epochs'}"


def _all_cards(source: str) -> dict[str, ColumnCard]:
    cards = {}
    for epochs in (200, 12):
        for dataset, split in SETS:
            name = column_name(dataset, split, epochs)
            cards[name] = _card(dataset, split, epochs, source, "mean of the seeds")
            if epochs == 200:
                for seed in SEEDS:
                    card = _card(dataset, split, epochs, source, f"seed {seed}", (seed,))
                    cards[f"{name}_seed{seed}"] = card
    return cards


def _card(
    dataset: str, split: str, epochs: int, source: str, which: str, seeds: tuple[int, ...] = SEEDS
) -> ColumnCard:
    trained_on, image_set = SETS[dataset, split]
    return ColumnCard(
        title=f"{'validation' if split == 'valid' else 'test'} accuracy, "
        f"{which or 'mean of the seeds'}",
        unit="%",
        direction="maximize",
        dataset=dataset,
        split=split,
        seeds=seeds,
        source=f"{source}, {epochs} epochs on {trained_on}, images {image_set}",
    )


def _indices(strings: list[Any], where: Path) -> np.ndarray:
    space = get_space("nasbench201")
    return space.indices_of(parse_archs(space, strings, where))
