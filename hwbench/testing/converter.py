"""What every converter of a benchmark's files promises, to hold converters of one's own against."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.files import file_digest
from hwbench.progress import Progress, silent
from hwbench.tables.public.catalogue import CONVERTERS
from hwbench.tables.table import Table
from hwbench.testing.suite import Check, Subject, Suite, described, no_such_part

FORMS = 'a name, "module:function", or a function from paths of files to a table'

JUNK = b"\x00\xff\xfe this is none of the benchmark's files \n" * 40


class ConverterSubject(Subject):
    """A converter to check, and files to check it on.

    Attributes
    ----------
    convert : the function.
    files : copies are made of them; they are never written to.
    """

    kind = "converter"

    def __init__(self, part: Any, files: Sequence[Path | str]) -> None:
        self.name = described(part)
        self.convert: Callable[..., Any] = CONVERTERS.load(part) if isinstance(part, str) else part
        if not callable(self.convert) or isinstance(self.convert, type):
            raise no_such_part(self.kind, part, FORMS)
        self.files = [Path(file) for file in files]
        if not self.files:
            raise HwbenchError(f"converter {self.name}: give files to check it on: files=[...]")
        for file in self.files:
            if not file.is_file():
                raise HwbenchError(f"converter {self.name}: {file}: no such file to check it on")

    @contextmanager
    def copies(self) -> Iterator[list[Path]]:
        """Copies of the files in a folder of their own."""
        with tempfile.TemporaryDirectory(prefix="hwbench-check-") as name:
            paths = [Path(name) / file.name for file in self.files]
            for source, path in zip(self.files, paths, strict=True):
                shutil.copyfile(source, path)
            yield paths

    def table_of(self, paths: Sequence[Path], progress: Progress = silent) -> Table:
        """The table of files, checked to be one."""
        found = self.call("reading the files", lambda: self.convert(paths, progress=progress))
        self.require(isinstance(found, Table), f"it makes no Table, but {type(found).__name__}")
        table: Table = found
        return table

    @cached_property
    def table(self) -> Table:
        """The table of the files as they are."""
        return self.table_of(self.files)

    def require_same(self, table: Table, message: str) -> None:
        """Fail where a table is not that of the files."""
        same = np.array_equal(table.archs, self.table.archs) and list(table.metrics) == list(
            self.table.metrics
        )
        same = same and all(
            np.array_equal(table.column(name), self.table.column(name), equal_nan=True)
            for name in self.table.metrics
        )
        self.require(same, message)

    def require_refusal_of(self, what: str, paths: Sequence[Path], names: str = "") -> None:
        """Fail where files are read that are not what they should be, or refused in many lines."""
        message = self.require_refusal(what, lambda: self.convert(paths, progress=silent))
        self.require(
            names in message, f"{what} is refused, but the message does not name it: {message}"
        )


def _subject(converter: Any, *, files: Sequence[Path | str] = ()) -> ConverterSubject:
    return ConverterSubject(converter, files)


SUITE: Suite[ConverterSubject] = Suite(_subject)


def converter_checks(*converter: Any, **options: Any) -> list[Check]:
    """The checks of converters, for `pytest.mark.parametrize`: `check(convert_mine, files=[...])`.

    Parameters
    ----------
    *converter, **options : as for `check_converter`; with a converter, the checks are called
        without one.
    """
    return SUITE.checks(*converter, **options)


def check_converter(converter: Any, *, files: Sequence[Path | str] = ()) -> None:
    """Check that a converter keeps every promise that importing a benchmark relies on.

    Of the files it makes a table whose columns say what they are, that can be written and read
    again; the same from a folder that holds them, among others or not; it leaves the files alone
    and says how far it is. Files that are absent, empty, of anything else, or not the benchmark's
    are refused with an error of one line that names the file; one that is cut off too, unless what
    is left is a table of fewer architectures. Whether the numbers are
    the published ones is not checked: hold them against the publication.

    Parameters
    ----------
    converter : a name, "module:function", or a function.
    files : the benchmark's files, or smaller ones of their form.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where there is no such converter or file.
    """
    SUITE.run_all(converter, files=files)


@SUITE.promise("the table")
def _check_table(subject: ConverterSubject) -> None:
    table = subject.table
    subject.call("checking the architectures", table.space.check, table.archs)
    subject.require(len(table.archs) > 0, "the table holds no architecture")
    subject.require(len(table.metrics) > 0, "the table holds no metric")
    for name in table.metrics:
        values, about = table.column(name), table.card.columns[name]
        subject.require(not np.isinf(values).any(), f"column {name} holds infinity")
        subject.require(not np.isnan(values).all(), f"column {name} holds no number")
        for attribute in ("title", "unit", "source"):
            said = bool(str(getattr(about, attribute)).strip())
            subject.require(said, f"column {name} does not say its {attribute}")
    for attribute in ("title", "description", "licence"):
        said = bool(str(getattr(table.card, attribute)).strip())
        subject.require(said, f"the table's card does not say its {attribute}")


@SUITE.promise("writing and reading")
def _check_written(subject: ConverterSubject) -> None:
    with tempfile.TemporaryDirectory(prefix="hwbench-check-") as name:
        path = Path(name) / "table.parquet"
        subject.call("writing the table", subject.table.save, path)
        again = subject.call("reading the table that it wrote", Table.read, path)
    subject.require_same(again, "the table that was written is read as another one")


@SUITE.promise("files and folders")
def _check_files(subject: ConverterSubject) -> None:
    with subject.copies() as paths:
        digests = [file_digest(path) for path in paths]
        subject.require_same(subject.table_of(paths), "the same files give another table")
        subject.require_same(
            subject.table_of([paths[0].parent]), "a folder of the files gives another table"
        )
        unchanged = digests == [file_digest(path) for path in paths]
        subject.require(unchanged, "it changes the files")
        (paths[0].parent / "notes.unrelated").write_bytes(JUNK)
        subject.require_same(
            subject.table_of([paths[0].parent]),
            "a file that is none of the benchmark's, in the folder, changes the table",
        )


@SUITE.promise("how far it is")
def _check_progress(subject: ConverterSubject) -> None:
    told: list[tuple[int, int]] = []
    subject.table_of(subject.files, lambda done, total: told.append((done, total)))
    subject.require(bool(told), "it never says how far it is: progress(done, total)")
    done = [each for each, _ in told]
    rises = done == sorted(done) and len({total for _, total in told}) == 1
    subject.require(rises, f"what it says of how far it is does not rise: {told[:5]}")
    subject.require(told[-1][0] == told[-1][1], f"in the end it says {told[-1]}")


@SUITE.promise("what it refuses")
def _check_refusals(subject: ConverterSubject) -> None:
    with subject.copies() as paths:
        folder = paths[0].parent
        subject.require_refusal_of("no file", [])
        other = folder / "none_of_them.unrelated"
        other.write_bytes(JUNK)
        subject.require_refusal_of("a file of another name", [other], other.name)
        (folder / "empty").mkdir()
        subject.require_refusal_of("an empty folder", [folder / "empty"], "empty")
        for path in paths:
            whole = path.read_bytes()
            for what, content in (
                ("that is empty", b""),
                ("of something else", JUNK),
            ):
                path.write_bytes(content)
                subject.require_refusal_of(f"{path.name} {what}", paths, path.name)
            path.write_bytes(whole[: len(whole) // 2])
            _check_cut_off(subject, path, paths)
            path.write_bytes(whole)


def _check_cut_off(subject: ConverterSubject, path: Path, paths: Sequence[Path]) -> None:
    """Of rows of text what is left of a file may be one too; then some are missing."""
    what = f"{path.name} that is cut off"
    try:
        found = subject.convert(paths, progress=silent)
    except HwbenchError:
        subject.require_refusal_of(what, paths, path.name)
    except Exception as error:  # noqa: BLE001  whatever is raised breaks the promise
        reason = f"{type(error).__name__}, not HwbenchError: {error}"
        subject.require(False, f"{what} raises {reason}")
    else:
        subject.require(len(found) < len(subject.table), f"{what} is read as if it were whole")
