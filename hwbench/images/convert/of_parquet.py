"""Images in Parquet: their files' bytes in a column, beside a column of labels."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.formats.parquet_files import ParquetReader, is_text, plain_column
from hwbench.images.convert.pictures import decoded
from hwbench.images.convert.source import (
    SPLITS,
    Labelled,
    Source,
    digest_of_files,
    numbered,
    parts_of_rows,
    secret_note,
)
from hwbench.images.npz_file import MOST_CLASSES
from hwbench.wording import some

SUFFIX = ".parquet"
LABELS = ("label", "labels", "fine_label", "class", "target", "y")
"""What columns of labels are called; the first that is there is taken."""

SPLIT = "split"
"""What a column of parts is called; or it is known by its texts, which are all names of parts."""

SECRET = -1
"""What stands for the labels of a part that are kept secret, as of many a competition's test."""

BATCH_ROWS = 256


class ParquetSource(Source):
    """Parquet files of pictures.

    Parameters
    ----------
    path : of one file, or of a folder that holds some (or whose folder `data` does), each named
        after its part: `train-*.parquet`, `test-*.parquet` or `validation-*.parquet`.
    label_column, image_column : the columns; by default a label's is one of `LABELS`, and the
        image's the only one of bytes, or of structs with `bytes`.

    Raises
    ------
    HwbenchError
        Where a file is damaged, or columns are not found.
    """

    def __init__(
        self, path: Path, *, label_column: str | None = None, image_column: str | None = None
    ) -> None:
        self.title = path.name
        self.name = path.absolute().stem
        self._paths = parquet_files(path) if is_folder(path) else [path]
        if not self._paths:
            raise HwbenchError(f"{path}: holds no Parquet files")
        self._readers = [ParquetReader(each, blobs=True) for each in self._paths]
        first = self._readers[0].schema
        where = str(self._paths[0])
        self._label = _chosen(first, "--label-column", label_column, _label_columns, where)
        self._image = _chosen(first, "--image-column", image_column, _image_columns, where)
        self._split = self._split_column(first)
        self._notes: list[str] = []
        self._check_alike()

    def labelled(self) -> Labelled:
        labels, names = self._labels()
        parts = self._part_of_rows()
        if parts is None:
            if SECRET in labels:
                raise HwbenchError(f"{self.title}: column {self._label}: {_at(labels)} is {SECRET}")
            return Labelled(labels, None, names)
        where = self.title if self._split is None else f"{self.title}: column {self._split}"
        secret = self._without_labels(labels, parts)
        is_test, left_out = np.ones(len(labels), bool), secret.copy()
        is_test[~secret], others, self._notes = parts_of_rows(parts[~secret], where)
        if others is not None:
            left_out[~secret] = others
        if secret.any():
            self._notes.append(secret_note(np.unique(parts[secret]).tolist()))
            if not is_test[~secret].any():  # nothing else to test on: the rest is split
                return Labelled(labels, None, names, left_out)
        return Labelled(labels, is_test, names, left_out if left_out.any() else None)

    def notes(self) -> list[str]:
        used = (self._label, self._image, self._split)
        others = [name for name in self._readers[0].schema.names if name not in used]
        if not others or self._split is not None:
            return self._notes
        several = len(others) > 1
        return [
            *self._notes,
            f"the column{'s' * several} {some(others)} {'are' if several else 'is'} not used",
        ]

    def pictures(self, rows: IntArray) -> Iterator[Image.Image]:
        start = 0
        for path, reader in zip(self._paths, self._readers, strict=True):
            wanted = rows[(rows >= start) & (rows < start + reader.n_rows)] - start
            if len(wanted):
                yield from self._pictures_of(path, reader, wanted)
            start += reader.n_rows

    def sha256(self) -> str:
        return digest_of_files(self._paths)

    def _split_column(self, schema: pa.Schema) -> str | None:
        """The column of texts that says each row's part, by its name or by what is in it."""
        texts = [name for name in schema.names if is_text(schema.field(name).type)]
        texts = [name for name in texts if name not in (self._label, self._image)]
        called = [name for name in schema.names if name.casefold() == SPLIT]
        if called and called[0] not in texts:
            raise HwbenchError(
                f"{self._paths[0]}: the column {called[0]} is of {schema.field(called[0]).type}; "
                "parts are told by texts such as train and test, so write these into it"
            )
        found = called or [name for name in texts if self._names_parts(name)]
        if len(found) > 1:
            raise HwbenchError(
                f"{self._paths[0]}: which column says the part of a row is not clear, several "
                f"could ({', '.join(found)}); call one of them {SPLIT}, and drop the others"
            )
        return found[0] if found else None

    def _names_parts(self, name: str) -> bool:
        """Whether a column of texts holds names of parts alone, and several."""
        found: set[str] = set()
        for reader in self._readers:
            if name not in reader.schema.names or not is_text(reader.schema.field(name).type):
                return False
            for batch in reader.batches(name, BATCH_ROWS):
                found |= {str(each).casefold() for each in pc.unique(batch).to_pylist()}
                if not found <= set(SPLITS):
                    return False
        return len(found) > 1

    def _check_alike(self) -> None:
        """See that all files have the same columns."""
        first = self._readers[0].schema
        used = [name for name in (self._label, self._image, self._split) if name is not None]
        for path, reader in zip(self._paths, self._readers, strict=True):
            for name in used:
                there = name in reader.schema.names
                if not there or reader.schema.field(name).type != first.field(name).type:
                    raise HwbenchError(
                        f"{path}: {'has another' if there else 'lacks the'} column {name} of "
                        f"{self._paths[0].name}"
                    )

    def _pictures_of(
        self, path: Path, reader: ParquetReader, rows: IntArray
    ) -> Iterator[Image.Image]:
        start = 0
        for batch in reader.batches(self._image, BATCH_ROWS):
            content = batch.field("bytes") if pa.types.is_struct(batch.type) else batch
            first, last = np.searchsorted(rows, [start, start + len(batch)])
            for row in rows[first:last].tolist():
                value = content[row - start].as_py()
                where = f"{path}: row {row + 1:,}, column {self._image}"
                if value is None:
                    raise HwbenchError(
                        f"{where}: there is no picture; one is read from its bytes in the file, "
                        "not by a path"
                    )
                yield decoded(value, where)
            start += len(batch)

    def _labels(self) -> tuple[IntArray, tuple[str, ...]]:
        columns = self._column(self._label)
        where = f"{self.title}: column {self._label}"
        values = np.concatenate([np.asarray(column) for column in columns])
        if not len(values):
            raise HwbenchError(f"{self.title}: holds no rows")
        if values.dtype == bool:
            return values.astype(np.int64), ("false", "true")
        if values.dtype == object:
            return numbered([str(value) for value in values], where)
        if values.dtype.kind not in "iu" or values.min() < SECRET:
            raise HwbenchError(f"{where}: labels must be whole numbers from 0, or texts")
        if values.max() >= MOST_CLASSES:
            raise HwbenchError(f"{where}: labels must be below {MOST_CLASSES:,}")
        return values.astype(np.int64), _class_names(self._readers[0].schema, self._label)

    def _without_labels(self, labels: IntArray, parts: NDArray[np.str_]) -> NDArray[np.bool_]:
        """The rows of parts whose labels are kept secret."""
        secret = labels == SECRET
        for part in np.unique(parts[secret]).tolist():
            own = labels[parts == part]
            if (own != SECRET).any():
                raise HwbenchError(
                    f"{self.title}: column {self._label}: of the part {part} some labels are "
                    f"{SECRET} ({_at(own)} of it), and some are not"
                )
        return secret

    def _part_of_rows(self) -> NDArray[np.str_] | None:
        """The name of each row's part; None where nothing says it."""
        if self._split is not None:
            names = [np.asarray(each) for each in self._column(self._split)]
            return np.concatenate(names).astype(np.str_)
        parts = [part_of(path) for path in self._paths]
        if len(self._paths) == 1 and parts[0] is None:
            return None
        for path, part in zip(self._paths, parts, strict=True):
            if part is None:
                raise HwbenchError(
                    f"{path}: its name does not say which part it is; several files must be called "
                    "train-*.parquet and test-*.parquet"
                )
        return np.repeat(np.array(parts, dtype=np.str_), [each.n_rows for each in self._readers])

    def _column(self, name: str) -> list[Any]:
        """A column of each file."""
        found = []
        for path, reader in zip(self._paths, self._readers, strict=True):
            column = reader.read([name]).column(0)
            if column.null_count:
                row = int(pc.index(pc.is_null(column), True).as_py())
                raise HwbenchError(f"{path}: row {row + 1:,}, column {name}: there is no value")
            found.append(plain_column(column))
        return found


def _at(labels: IntArray) -> str:
    """Where the first label is that is kept secret."""
    return f"row {int(np.argmax(labels == SECRET)) + 1:,}"


def is_folder(path: Path) -> bool:
    """Whether there is a folder; no path is too long to ask."""
    return os.path.isdir(path)  # noqa: PTH112  which raises nothing


def parquet_files(folder: Path) -> list[Path]:
    """The Parquet files of a folder, or of the folder `data` in it, sorted by name."""
    for place in (folder, folder / "data"):
        if place.is_dir() and (found := sorted(place.glob(f"*{SUFFIX}"))):
            return found
    return []


def part_of(path: Path) -> str | None:
    """The part that a file is of, by its name; None where that says nothing."""
    for name in SPLITS:
        rest = path.stem.casefold().removeprefix(name)
        if rest != path.stem.casefold() and not rest[:1].isalnum():
            return name
    return None


def _label_columns(schema: pa.Schema) -> list[str]:
    found = [name for name in schema.names if _can_be_label(schema.field(name).type)]
    known = [name for name in LABELS if name in found]
    return known[:1] or [name for name in found if pa.types.is_integer(schema.field(name).type)]


def _can_be_label(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_boolean(kind) or is_text(kind))


def _image_columns(schema: pa.Schema) -> list[str]:
    return [name for name in schema.names if _holds_bytes(schema.field(name).type)]


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_bytes(kind.field(place).type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _chosen(
    schema: pa.Schema,
    option: str,
    given: str | None,
    find: Callable[[pa.Schema], Sequence[str]],
    where: str,
) -> str:
    """The column that an option names, or the only one that there is."""
    found = find(schema)
    what = option.removeprefix("--").replace("-column", "s")
    if given is not None:
        if given not in schema.names:
            raise unknown_name("column", given, schema.names, where=f"{where}: {option}")
        kind = schema.field(given).type
        fits = _can_be_label(kind) if "label" in option else _holds_bytes(kind)
        if not fits:
            raise HwbenchError(f"{where}: the column {given} is of {kind}, and so of no {what}")
        return given
    if len(found) != 1:
        there = f"several could be ({', '.join(found)})" if found else "none could be"
        raise HwbenchError(
            f"{where}: which column is of {what} is not clear, {there}; name it with {option}; "
            f"columns are {', '.join(f'{each.name} ({each.type})' for each in schema)}"
            + ("" if found or "label" in option else "; pictures must be in the file, as bytes")
        )
    return found[0]


def _class_names(schema: pa.Schema, column: str) -> tuple[str, ...]:
    """What the data sets of Hugging Face say that labels mean; nothing where it is not said."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        names = about["info"]["features"][column]["names"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return ()
    strings = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if strings else ()
