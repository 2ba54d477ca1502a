"""Images in folders: one a class, within `train` and `test`, or to be split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.images.convert.pictures import MOST_FILE_BYTES, SUFFIXES, decoded
from hwbench.images.convert.source import (
    SPLITS,
    Labelled,
    Source,
    files_digest,
    left_out_note,
    numbered,
)
from hwbench.regular_files import read_regular


class FolderSource(Source):
    """Folders of pictures.

    Parameters
    ----------
    folder : with a folder a class, or with `train` and one of `test`, `val`, `valid`,
        `validation` that have. Where there is `test`, the others of these are left out, and said.

    Raises
    ------
    HwbenchError
        Where there is no picture, a part or a class has none, or the parts have different classes.
    """

    def __init__(self, folder: Path) -> None:
        self.title = folder.name or str(folder)
        self.name = folder.absolute().name
        self._folder = folder
        self._left_out: list[Path] = []
        self._notes: list[str] = []
        self._digests: dict[str, str] = {}
        parts = self._parts()
        found = [
            (path, name, is_test)
            for part, is_test in parts
            for name, paths in self._classes(part).items()
            for path in paths
        ]
        self._paths = [path for path, _, _ in found]
        self._class_of = [name for _, name, _ in found]
        self._is_test = None if len(parts) == 1 else np.array([each for _, _, each in found])
        if len(parts) > 1:
            self._check_classes(parts)

    def labelled(self) -> Labelled:
        labels, names = numbered(self._class_of, str(self._folder))
        return Labelled(labels, self._is_test, names)

    def pictures(self, rows: IntArray) -> Iterator[Image.Image]:
        for row in rows.tolist():
            path = self._paths[row]
            content = read_regular(path, most_bytes=MOST_FILE_BYTES)
            place = path.relative_to(self._folder).as_posix()
            self._digests[place] = hashlib.sha256(content).hexdigest()
            yield decoded(content, str(path))

    def sha256(self) -> str:
        return files_digest(self._digests)

    def notes(self) -> list[str]:
        if not self._left_out:
            return self._notes
        n_files = len(self._left_out)
        first = self._left_out[0].relative_to(self._folder)
        return [
            *self._notes,
            f"{n_files} file{'s whose names say' if n_files > 1 else ' whose name says'} no format "
            f"that is read {'are' if n_files > 1 else 'is'} left out, such as {first}; formats are "
            + ", ".join(sorted(SUFFIXES)),
        ]

    def _parts(self) -> list[tuple[Path, bool]]:
        """Folders of classes, and whether they are for testing; one alone is not split."""
        by_name = {path.name.casefold(): path for path in _folders(self._folder)}
        found = [(by_name[name], is_test) for name, is_test in SPLITS.items() if name in by_name]
        train = next((path for path, is_test in found if not is_test), None)
        test = next((path for path, is_test in found if is_test), None)
        if train is None and test is None:
            return [(self._folder, False)]
        if train is None or test is None:
            there = found[0][0]
            raise HwbenchError(
                f"{self._folder}: holds {there.name} alone; it needs train and test (or "
                f"val), or split one part by converting the folder {there} itself"
            )
        others = [path.name for path, _ in found if path not in (train, test)]
        self._notes += [left_out_note(others)] if others else []
        return [(train, False), (test, True)]

    def _classes(self, folder: Path) -> dict[str, list[Path]]:
        """The pictures of each class of a part, by the name of its folder."""
        found = {}
        for place in _folders(folder):
            files = sorted(
                path
                for path in place.rglob("*")
                if not path.is_dir() and not path.name.startswith(".")
            )
            found[place.name] = [path for path in files if path.suffix.casefold() in SUFFIXES]
            self._left_out += [path for path in files if path.suffix.casefold() not in SUFFIXES]
            if not found[place.name]:
                raise HwbenchError(f"{place}: the class has no pictures; remove the folder")
        if not found:
            raise HwbenchError(
                f"{folder}: holds no folders of pictures; each class must be a folder of its own, "
                "as in train/cat/1.png"
            )
        return found

    def _check_classes(self, parts: list[tuple[Path, bool]]) -> None:
        train, test = ({path.name for path in _folders(folder)} for folder, _ in parts)
        if train != test:
            odd = min(train ^ test)
            with_it, without = parts if odd in train else parts[::-1]
            raise HwbenchError(
                f"{with_it[0] / odd}: the class is missing in {without[0]}; both parts need the "
                "same classes"
            )


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
