"""Images in folders: one a class, within `train` and `test`, or to be split."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.images.convert.pictures import MOST_FILE_BYTES, SUFFIXES, decoded
from hwbench.images.convert.source import (
    SPLITS,
    TESTS,
    Labelled,
    Source,
    files_digest,
    left_out_note,
    numbered,
)
from hwbench.regular_files import read_regular
from hwbench.wording import counted

_FORMATS = ", ".join(sorted(SUFFIXES))


class FolderSource(Source):
    """Folders of pictures.

    Parameters
    ----------
    folder : with a folder a class, or with `train` and one of `test`, `val`, `valid`,
        `validation` that have. Where there is `test`, the others of these are left out, and said,
        as all else that stands outside of the classes' folders.

    Raises
    ------
    HwbenchError
        Where there is no picture, a part or a class has none, the parts have different classes, or
        the classes lie in folders one level below.
    """

    def __init__(self, folder: Path) -> None:
        self.title = folder.name or str(folder)
        self.name = folder.absolute().name
        self._folder = folder
        self._left_out: list[Path] = []
        self._loose: list[Path] = []
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
        notes = [*self._notes]
        if self._left_out:
            n_files = len(self._left_out)
            first = self._left_out[0].relative_to(self._folder)
            notes.append(
                f"{n_files} file{'s whose names say' if n_files > 1 else ' whose name says'} no "
                f"format that is read {'are' if n_files > 1 else 'is'} left out, such as {first}; "
                f"formats are {_FORMATS}"
            )
        if self._loose:
            what = counted(len(self._loose), "picture")
            notes.append(
                f"{what} outside of the classes' folders {'are' if len(self._loose) > 1 else 'is'} "
                f"left out, such as {self._loose[0].relative_to(self._folder)}"
            )
        return notes

    def _parts(self) -> list[tuple[Path, bool]]:
        """Folders of classes, and whether they are for testing; one alone is not split."""
        folders = _folders(self._folder)
        found = [path for path in folders if path.name.casefold() in SPLITS]
        train = self._only([path for path in found if not SPLITS[path.name.casefold()]])
        tested = [path for path in found if SPLITS[path.name.casefold()]]
        test = self._only([path for path in tested if path.name.casefold() in TESTS] or tested)
        if train is None and test is None:
            self._check_level(folders)
            return [(self._folder, False)]
        if train is None or test is None:
            there = found[0]
            others = [path.name for path in folders if path != there]
            beside = "".join(
                f"; where {there.name} is a class as {other} is, give it another name"
                for other in others[:1]
            )
            raise HwbenchError(
                f"{self._folder}: holds {there.name} alone; it needs train and test (or "
                f"val), or split one part by converting the folder {there} itself{beside}"
            )
        unused = [path.name for path in tested if path != test]
        self._notes += [left_out_note(unused)] if unused else []
        others = [path.name for path in folders if path not in found]
        if others:
            self._notes.append(
                f"the folder{'s' * (len(others) > 1)} {' and '.join(others)} beside {train.name} "
                f"and {test.name} {'are' if len(others) > 1 else 'is'} left out"
            )
        self._loose += _pictures_in(self._folder)
        return [(train, False), (test, True)]

    def _only(self, places: list[Path]) -> Path | None:
        """The folder of a part, if there is one; two cannot be told from one another."""
        if len(places) > 1:
            names = " and ".join(path.name for path in places)
            raise HwbenchError(
                f"{self._folder}: holds {names}; which is meant is not clear, move one of them "
                "elsewhere"
            )
        return places[0] if places else None

    def _check_level(self, folders: list[Path]) -> None:
        """See that folders are classes, and do not hold what is to be converted themselves."""
        for place in folders:
            held = [path.name.casefold() for path in _folders(place)]
            tested = {SPLITS[name] for name in held if name in SPLITS}
            if tested == {False, True}:
                raise HwbenchError(
                    f"{self._folder}: its folder {place.name} holds the parts to train and to test "
                    f"on; convert that: hwbench images convert {shlex.quote(str(place))}"
                )
        if len(folders) == 1 and len(_folders(folders[0])) > 1 and not _pictures_in(folders[0]):
            raise HwbenchError(
                f"{self._folder}: holds the folder {folders[0].name} alone, whose folders seem to "
                f"be the classes; convert that: hwbench images convert "
                f"{shlex.quote(str(folders[0]))}"
            )

    def _classes(self, folder: Path) -> dict[str, list[Path]]:
        """The pictures of each class of a part, by the name of its folder."""
        found = {}
        self._loose += _pictures_in(folder)
        for place in _folders(folder):
            files = sorted(path for path in place.rglob("*") if _is_seen(path, place))
            found[place.name] = [path for path in files if path.suffix.casefold() in SUFFIXES]
            others = [path for path in files if path.suffix.casefold() not in SUFFIXES]
            self._left_out += others
            if not found[place.name]:
                raise HwbenchError(
                    f"{place}: the class has no pictures; remove the folder"
                    if not others
                    else f"{place}: the class has no pictures of a format that is read ({_FORMATS})"
                    f", but files such as {others[0].name}; make one of these formats of them"
                )
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


def _is_seen(path: Path, place: Path) -> bool:
    """Whether it is a file, and neither hidden nor in a hidden folder of `place`."""
    hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
    return not hidden and not path.is_dir()


def _pictures_in(folder: Path) -> list[Path]:
    """The pictures that lie in a folder itself."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.casefold() in SUFFIXES and _is_seen(path, folder)
    )


def _folders(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
