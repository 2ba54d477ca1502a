"""Reading PyTorch's `.pth` and `.pt` files as plain data, without PyTorch; tensors become arrays.

Two formats exist. Since torch 1.6 a file is a zip archive: the pickle `data.pkl`, and the raw
memory of each storage as a member of its own. Before, it was five pickles in a row (a magic number,
the format's version, facts of the machine, the object, the names of the storages) and then the
storages, each behind its length. In both, the object's pickle refers to a storage by a persistent
id.
"""

from __future__ import annotations

import contextlib
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.messages import shown
from hwbench.formats.pickle_entries import EntryTaker, OnItem
from hwbench.formats.pickle_globals import MAX_COPIES
from hwbench.formats.pickle_machine import MAX_OBJECTS, PickleMachine
from hwbench.formats.pickles import (
    MAX_BYTES,
    MAX_STREAM_BYTES,
    finish_entries,
    load_checked,
)
from hwbench.formats.streams import ByteStream, open_file, unpacked_limit
from hwbench.formats.torch_tensors import ALLOWED, BFLOAT16, ITEM_TYPES, Storages, widen

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
FORMAT_VERSION = 1001
MAX_MEMBERS = 1_000_000
_ZIP_MAGIC = b"PK\x03\x04"


# --- the zip format ---------------------------------------------------------------------------


class _Archive:
    """A torch file in the zip format, its members checked before any is read."""

    def __init__(self, file: BinaryIO, path: Path, size: int, max_bytes: int) -> None:
        self._path = path
        try:
            self._zip = zipfile.ZipFile(file)
            members = self._zip.infolist()
        except Exception as error:  # zipfile does not say what a broken archive may raise
            raise HwbenchError(
                f"{path}: the zip archive is damaged ({shown(str(error))}); fetch it again"
            ) from error
        self._members = self._checked(members, size, max_bytes)
        pickles = [name for name in self._members if name.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1 or pickles[0].count("/") != 1:
            raise HwbenchError(f"{path}: a zip archive without one data.pkl is no PyTorch file")
        self._folder = pickles[0].removesuffix("data.pkl")
        if f"{self._folder}constants.pkl" in self._members:
            raise HwbenchError(
                f"{path}: holds a TorchScript program; hwbench reads only plain data"
            )
        order = self.read("byteorder", 16) if self.has("byteorder") else sys.byteorder.encode()
        self._big_endian = order == b"big"

    def _checked(
        self, members: list[zipfile.ZipInfo], size: int, max_bytes: int
    ) -> dict[str, zipfile.ZipInfo]:
        if len(members) > MAX_MEMBERS:
            raise HwbenchError(f"{self._path}: a zip archive of {len(members):,} members")
        found: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            name = member.filename
            where = f"{self._path}: member {name[:100]!r}"
            if name in found or name.startswith("/") or ".." in name.split("/") or "\\" in name:
                raise HwbenchError(f"{where} has a name that no PyTorch file has")
            if member.flag_bits & 1 or member.compress_type not in (
                zipfile.ZIP_STORED,
                zipfile.ZIP_DEFLATED,
            ):
                raise HwbenchError(f"{where} is encrypted or packed in a way that is not read")
            stored = member.compress_type == zipfile.ZIP_STORED
            if stored and member.file_size > member.compress_size:
                raise HwbenchError(
                    f"{where} claims {member.file_size:,} bytes out of {member.compress_size:,}"
                )
            found[name] = member
        if sum(member.compress_size for member in members) > size:
            raise HwbenchError(f"{self._path}: members of the zip archive overlap; it is damaged")
        total = sum(member.file_size for member in members)
        if total > max_bytes:
            raise HwbenchError(
                f"{self._path}: holds {total:,} bytes once unpacked, more than the {max_bytes:,} "
                "allowed; raise max_bytes if a file of this size is expected"
            )
        if total > unpacked_limit(size):
            raise HwbenchError(
                f"{self._path}: holds {total:,} bytes once unpacked, too many for a file of its "
                "size"
            )
        return found

    def has(self, name: str) -> bool:
        """Whether the archive has a member of that name."""
        return f"{self._folder}{name}" in self._members

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[ByteStream]:
        """Open a member as a stream."""
        member = self._members.get(f"{self._folder}{name}")
        if member is None:
            raise HwbenchError(f"{self._path}: the zip archive lacks {name[:100]!r}")
        try:
            content = self._zip.open(member)
        except Exception as error:
            raise HwbenchError(
                f"{self._path}: {name[:100]!r} cannot be unpacked ({shown(str(error))})"
            ) from error
        with content:
            yield ByteStream(content, f"{self._path}: {name}", max_bytes=member.file_size)

    def read(self, name: str, n_bytes: int) -> bytes:
        """Return a member of at most `n_bytes` bytes, whole."""
        member = self._members.get(f"{self._folder}{name}")
        if member is not None and member.file_size > n_bytes:
            raise HwbenchError(f"{self._path}: {name[:100]!r} is larger than it should be")
        with self.open(name) as stream:
            content = stream.take(member.file_size if member is not None else 0)
            stream.refill()  # at the end, the checksum is compared
            return content

    def items(self, key: str, kind: str, n_items: int) -> NDArray[Any]:
        """Read the items of a storage."""
        dtype = ITEM_TYPES[kind]
        raw = self.read(f"data/{key}", n_items * dtype.itemsize)
        if len(raw) != n_items * dtype.itemsize:
            raise HwbenchError(
                f"{self._path}: storage {key[:100]!r} claims {n_items * dtype.itemsize:,} bytes "
                f"but holds {len(raw):,}"
            )
        items = np.frombuffer(bytearray(raw), dtype)
        if self._big_endian:
            items = items.byteswap()
        return widen(items) if kind == BFLOAT16 else items

    def check_items(self, key: str, kind: str, n_items: int) -> None:
        """See that the items of a storage are there."""
        name = f"data/{key}"
        n_bytes = n_items * ITEM_TYPES[kind].itemsize
        if not self.has(name) or self._members[self._folder + name].file_size != n_bytes:
            raise HwbenchError(f"{self._path}: storage {key[:100]!r} is of another size")


# --- the format before torch 1.6 --------------------------------------------------------------


class _Legacy:
    """A torch file in the old format, read up to the object's pickle."""

    def __init__(self, file: BinaryIO, path: Path, size: int, max_bytes: int) -> None:
        self.stream = ByteStream(file, str(path), max_bytes=max_bytes, size=size)
        self._size = size
        self._claimed = 0
        self._pending: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}  # memory, items
        try:
            magic = self._small()
        except HwbenchError as error:
            raise HwbenchError(
                f"{path}: is no PyTorch file, or it was not fetched whole ({error})"
            ) from error
        if magic != MAGIC_NUMBER or self._small() != FORMAT_VERSION:
            raise HwbenchError(f"{path}: is no PyTorch file (its first number is wrong)")
        machine = self._small()
        if not isinstance(machine, dict) or machine.get("little_endian") is not True:
            raise HwbenchError(f"{path}: was written on a machine that is not known")

    def _small(self, max_objects: int = 10_000_000) -> Any:
        return PickleMachine(self.stream, max_objects=max_objects).load()

    def items(self, key: str, kind: str, n_items: int) -> NDArray[Any]:
        """Make room for a storage, which follows after the object; the file must be able to."""
        dtype = ITEM_TYPES[kind]
        self._claimed += n_items * dtype.itemsize
        self.stream.check_claim(self._claimed)
        memory = np.zeros(n_items, dtype)
        items = np.zeros(n_items, np.float32) if kind == BFLOAT16 else memory
        self._pending[key] = memory, items
        return items

    def fill(self) -> None:
        """Read the storages that follow the object.

        Raises
        ------
        HwbenchError
            Where they are not the ones that the object named, or the file ends too early.
        """
        keys = self._small()
        if type(keys) is not list or not all(type(key) is str for key in keys):
            raise self.stream.error("the names of the storages are damaged")
        if sorted(keys) != sorted(self._pending):
            raise self.stream.error("the storages are not those of the tensors")
        for key in keys:
            memory, items = self._pending[key]
            n_items = int.from_bytes(self.stream.take(8), "little", signed=True)
            if n_items != len(memory):
                raise self.stream.error(
                    f"storage {key[:100]!r} holds {n_items:,} items instead of {len(memory):,}"
                )
            content = memory.view(np.uint8)
            for start in range(0, len(content), 1 << 20):
                piece = content[start : start + (1 << 20)]
                piece[:] = np.frombuffer(self.stream.take(len(piece)), np.uint8)
            if items is not memory:
                items[:] = widen(memory)


# --- both -------------------------------------------------------------------------------------


def _open(file: BinaryIO, path: Path, size: int, max_bytes: int) -> _Archive | _Legacy:
    start = file.read(512)
    file.seek(0)
    if start.startswith(_ZIP_MAGIC):
        return _Archive(file, path, size, max_bytes)
    if start[257:262] == b"ustar":
        raise HwbenchError(
            f"{path}: is in the format of torch 0.1, which is not read; "
            "load and save it with a torch between 0.2 and 1.12"
        )
    return _Legacy(file, path, size, max_bytes)


def load_torch(
    path: Path,
    *,
    max_bytes: int = MAX_BYTES,
    max_objects: int = MAX_OBJECTS,
    stand_ins: bool = False,
) -> Any:
    """Read a file that `torch.save` wrote, of plain data and tensors.

    Parameters
    ----------
    path : the file, in the zip format or in the one of torch before 1.6.
    max_bytes : the largest size, once unpacked.
    max_objects, stand_ins : as in `load_pickle`.

    Returns
    -------
    What the file holds, numpy arrays in the place of tensors and parameters; views of one storage
    share memory. bfloat16 becomes float32.

    Raises
    ------
    HwbenchError
        Where the file cannot be read, is damaged or too large, or names anything but plain data and
        dense tensors.
    """
    with open_file(path) as (file, size):
        opened = _open(file, path, size, max_bytes)
        storages = Storages(opened.items)
        with contextlib.ExitStack() as stack:
            if isinstance(opened, _Archive):
                stream = stack.enter_context(opened.open("data.pkl"))
            else:
                stream = opened.stream
            machine = PickleMachine(
                stream,
                max_objects=max_objects,
                max_copies=min(max_bytes, MAX_COPIES),
                allowed=ALLOWED,
                stand_ins=stand_ins,
                persistent=storages,
            )
            value = load_checked(machine, stream)
        if isinstance(opened, _Legacy):
            opened.fill()
        return value


def check_torch(path: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """See that `torch.load` may read a file: that it is whole, and made of plain data and tensors.

    Tensors are not read.

    Parameters
    ----------
    path : the file, in the zip format.
    max_bytes : the largest size, once unpacked.

    Raises
    ------
    HwbenchError
        As `load_torch`; and where the file is of the format of torch before 1.6.
    """
    with open_file(path) as (file, size):
        opened = _open(file, path, size, max_bytes)
        if not isinstance(opened, _Archive):
            raise HwbenchError(f"{path}: is in the format of torch before 1.6; save it again")
        with opened.open("data.pkl") as stream:
            machine = PickleMachine(
                stream, allowed=ALLOWED, persistent=Storages(opened.check_items)
            )
            load_checked(machine, stream)


def stream_torch(
    path: Path,
    *,
    where: Sequence[Any],
    on_item: OnItem,
    max_bytes: int = MAX_STREAM_BYTES,
    max_objects: int = MAX_OBJECTS,
    stand_ins: bool = False,
) -> Any:
    """Read a huge file that `torch.save` wrote, entry by entry; see `stream_pickle`.

    Tensors are not read: a `TensorShape` stands in the place of each.

    Parameters
    ----------
    path : the file, in the zip format or in the one of torch before 1.6.
    where, on_item, max_bytes, max_objects, stand_ins : as in `stream_pickle`.

    Returns
    -------
    What the file holds, the dictionaries under `where` emptied.

    Raises
    ------
    HwbenchError
        As `load_torch` and `stream_pickle`.
    """
    with open_file(path) as (file, size), contextlib.ExitStack() as stack:
        opened = _open(file, path, size, max_bytes)
        if isinstance(opened, _Archive):
            stream = stack.enter_context(opened.open("data.pkl"))
        else:
            stream = opened.stream
        taker = EntryTaker(where, on_item)
        machine = PickleMachine(
            stream,
            max_objects=max_objects,
            max_copies=max_bytes,
            allowed=ALLOWED,
            stand_ins=stand_ins,
            persistent=Storages(None),
            watcher=taker,
        )
        return finish_entries(machine, taker, stream)
