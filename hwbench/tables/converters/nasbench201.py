"""NAS-Bench-201 accuracies: the authors' .pth, NATS-Bench's folder of pickles, and a re-export.

The authors store every epoch of every training; kept are the accuracies after the last epoch of the
trainings of 12 and of 200 epochs. Validation accuracy on CIFAR-10 is that of the trainings on half
of its training images ("cifar10-valid", set "x-valid"); test accuracy is that of the trainings on
all of them ("cifar10", set "ori-test"). The other datasets have the sets "x-valid" and "x-test".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.formats import load_pickle, stream_torch
from hwbench.progress import Progress, silent
from hwbench.spaces import get_space
from hwbench.tables.card import ColumnCard
from hwbench.tables.converters.common import (
    listed_files,
    make_table,
    parse_archs,
)
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
LONGEST = 200
BUDGETS = {"full": LONGEST, "200": LONGEST, "less": 12, "12": 12}  # keys of either format
SEEDS = (777, 888, 999)  # of release 1.0; some cells have fewer of them
_KEYS = {"arch_str", "all_results"}

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
    files = listed_files(paths, is_accuracy_file, expected=EXPECTED)
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
    if archives:
        return _stream_archive(archives[0], progress)
    return _read_folder(folder, progress)


# ---------------------------------------------------------------------- the authors' formats


def _stream_archive(path: Path, progress: Progress) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    kept = _Trainings()
    total = get_space("nasbench201").n_architectures

    def keep(_path: tuple[Any, ...], index: Any, entry: Any) -> None:
        kept.add(entry, f"{path}: architecture {index}")
        progress(len(kept.archs), total)

    progress(0, total)
    stream_torch(path, where=("arch2infos",), on_item=keep, stand_ins=True)
    progress(total, total)
    return kept.columns(path, "NAS-Bench-201")


def _read_folder(
    files: Sequence[Path], progress: Progress
) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
    kept = _Trainings()
    progress(0, len(files))
    for done, path in enumerate(files, start=1):
        kept.add(load_pickle(path, stand_ins=True), str(path))
        progress(done, len(files))
    return kept.columns(files[0].parent, "NATS-Bench")


class _Trainings:
    """Accuracies after the last epoch, and their means over the seeds, of one cell after another.

    Attributes
    ----------
    archs : the cells' strings.
    rows : for each cell its values by column.
    seeds : by column of a mean, the seeds that any cell was trained with.
    """

    def __init__(self) -> None:
        self.archs: list[Any] = []
        self.rows: list[dict[str, float]] = []
        self.seeds: dict[str, set[int]] = defaultdict(set)

    def add(self, entry: Any, place: str) -> None:
        """Keep one cell; `entry` holds its trainings by budget.

        Raises
        ------
        HwbenchError
            Where it is not of the published form; names the `place`.
        """
        if not isinstance(entry, Mapping):
            raise HwbenchError(f"{place}: expected a dictionary of trainings")
        row: dict[str, float] = {}
        archs = []
        for key, epochs in BUDGETS.items():
            if key not in entry:
                continue
            results = entry[key]
            if not isinstance(results, Mapping) or not results.keys() >= _KEYS:
                raise HwbenchError(f"{place}: '{key}' must hold {', '.join(sorted(_KEYS))}")
            archs.append(results["arch_str"])
            self._add_trainings(row, _by_dataset(results["all_results"], place), epochs, place)
        if not archs:
            raise HwbenchError(f"{place}: holds none of {', '.join(BUDGETS)}")
        if archs[1:] not in ([], archs[:1]):
            raise HwbenchError(f"{place}: holds two cells, {archs[0]!r} and {archs[1]!r}")
        self.archs.append(archs[0])
        self.rows.append(row)

    def _add_trainings(
        self,
        row: dict[str, float],
        trainings: Mapping[str, Mapping[int, Any]],
        epochs: int,
        place: str,
    ) -> None:
        for (dataset, split), (trained_on, image_set) in SETS.items():
            known = {
                seed: value
                for seed, training in trainings.get(trained_on, {}).items()
                if (value := _last_accuracy(training, image_set, place)) is not None
            }
            if not known:
                continue
            name = column_name(dataset, split, epochs)
            row[name] = float(np.mean(list(known.values())))
            self.seeds[name].update(known)
            if epochs == LONGEST:
                row.update({f"{name}_seed{seed}": value for seed, value in known.items()})

    def columns(self, where: Path, source: str) -> tuple[pd.DataFrame, dict[str, ColumnCard]]:
        """A frame of all that was kept, and the card of each column; see `read_accuracies`."""
        if not self.archs:
            raise HwbenchError(f"{where}: holds no architecture")
        cards: dict[str, ColumnCard] = {}
        for epochs in sorted(set(BUDGETS.values()), reverse=True):
            for dataset, split in SETS:
                name = column_name(dataset, split, epochs)
                seeds = tuple(sorted(self.seeds.get(name, ())))
                if not seeds:
                    continue
                cards[name] = _card(dataset, split, epochs, source, seeds)
                if epochs == LONGEST:
                    for seed in seeds:
                        card = _card(dataset, split, epochs, source, (seed,), single=True)
                        cards[f"{name}_seed{seed}"] = card
        frame = pd.DataFrame(
            self.rows, index=_indices(self.archs, where), columns=list(cards), dtype=np.float64
        )
        return frame.sort_index(), cards


def _by_dataset(results: Any, place: str) -> dict[str, dict[int, Any]]:
    """The trainings of one budget, by dataset and ascending seed."""
    if not isinstance(results, Mapping):
        raise HwbenchError(f"{place}: all_results must be a dictionary")
    found: dict[str, dict[int, Any]] = defaultdict(dict)
    for key in results:
        pair = isinstance(key, tuple) and len(key) == 2
        if not pair or not isinstance(key[0], str) or not isinstance(key[1], int | np.integer):
            raise HwbenchError(f"{place}: key {key!r} must be (dataset, seed)")
    for dataset, seed in sorted(results):
        found[dataset][int(seed)] = results[dataset, seed]
    return found


def _last_accuracy(training: Any, image_set: str, place: str) -> float | None:
    """Accuracy of one training after its last epoch; None where that set was not evaluated."""
    try:
        value = training["eval_acc1es"].get(f"{image_set}@{training['epochs'] - 1}")
        return None if value is None else float(value)
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
        names = [column_name(dataset, split, LONGEST) for split in ("valid", "test")]
        if names[0] in cards:
            raise HwbenchError(f"{path}: a second file for {dataset}")
        content = load_pickle(path)
        if not isinstance(content, dict) or not content:
            raise HwbenchError(f"{path}: expected a dictionary by architecture")
        values = [_pair(path, arch, entry, trained_on) for arch, entry in content.items()]
        index = _indices(list(content), path)
        parts.append(pd.DataFrame(values, columns=names, index=index))
        for split, name in zip(("valid", "test"), names, strict=True):
            cards[name] = _card(dataset, split, LONGEST, "NAS-Bench-201 v1.0, re-export", SEEDS)
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
    """The column of a mean accuracy, such as "cifar10.valid_accuracy_12epochs"."""
    return f"{dataset}.{split}_accuracy{'' if epochs == 200 else f'_{epochs}epochs'}"


def _card(
    dataset: str,
    split: str,
    epochs: int,
    source: str,
    seeds: tuple[int, ...],
    *,
    single: bool = False,
) -> ColumnCard:
    trained_on, image_set = SETS[dataset, split]
    which = f"seed {seeds[0]}" if single else "mean of the seeds"
    return ColumnCard(
        title=f"{'validation' if split == 'valid' else 'test'} accuracy, {which}",
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
