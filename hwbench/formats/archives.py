"""Reading `.npz` archives of plain arrays: nothing that a member claims is believed unchecked."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError, one_line
from hwbench.formats.streams import unpacked_limit
from hwbench.regular_files import open_regular

SUFFIX = ".npy"
MOST_BYTES = 1 << 30
MOST_MEMBERS = 10_000
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def load_npz(path: Path, names: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Read arrays of numbers or text that `numpy.savez` wrote.

    Parameters
    ----------
    path : the file.
    names : of the arrays to read, those that it has; all by default.

    Returns
    -------
    The arrays by name.

    Raises
    ------
    HwbenchError
        Where the file cannot be read, is damaged, or no such archive; holds other than plain
        arrays; or holds more than `MOST_BYTES` bytes, or more than its size allows.
    """
    with open_regular(path) as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                members = _checked(archive.infolist(), size)
                return {
                    name: _read_array(archive, member)
                    for name, member in members.items()
                    if names is None or name in names
                }
        except HwbenchError as error:
            raise HwbenchError(f"{path}: {error}") from error
        except MemoryError as error:
            raise HwbenchError(f"{path}: is larger than the memory that is left") from error
        except Exception as error:  # neither zipfile nor numpy says what damage may raise
            raise HwbenchError(f"{path}: is damaged or no .npz ({one_line(error)})") from error


def _checked(members: list[zipfile.ZipInfo], size: int) -> dict[str, zipfile.ZipInfo]:
    """The members by the names of their arrays."""
    if len(members) > MOST_MEMBERS:
        raise HwbenchError(f"holds {len(members):,} members, more than {MOST_MEMBERS:,}")
    found: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        name = member.filename.removesuffix(SUFFIX)
        where = f"member {member.filename[:100]!r}"
        if name in found:
            raise HwbenchError(f"{where} stands twice")
        if member.flag_bits & 1 or member.compress_type not in _PACKINGS:
            raise HwbenchError(f"{where} is encrypted or packed in a way that is not read")
        found[name] = member
    if sum(member.compress_size for member in members) > size:
        raise HwbenchError("members overlap; it is damaged")
    total = sum(member.file_size for member in members)
    most = min(MOST_BYTES, unpacked_limit(size))
    if total > most:
        raise HwbenchError(
            f"holds {total:,} bytes once unpacked, more than the {most:,} that are read of a file "
            "of its size"
        )
    return found


def read_layout(
    content: IO[bytes], size: int, *, kinds: str = "biufcUS"
) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of an array in the format `.npy`, up to its values.

    Parameters
    ----------
    content : of the file, at its begin.
    size : bytes of the whole file.
    kinds : of numpy's types that are read.

    Returns
    -------
    Shape, whether the values stand in Fortran's order, and type.

    Raises
    ------
    HwbenchError
        Where it claims another size than it has, or is of another kind. Numpy's own errors where
        the header is damaged.
    """
    version = np.lib.format.read_magic(content)
    if version not in _HEADERS:
        raise HwbenchError("is of a numpy format that is not read")
    shape, fortran, dtype = _HEADERS[version](content)
    if dtype.kind not in kinds or min(shape, default=0) < 0:
        raise HwbenchError("is no array of numbers or text")
    if not dtype.itemsize or math.prod(shape) * dtype.itemsize != size - content.tell():
        raise HwbenchError("claims another size than it has; it is damaged")
    return shape, fortran, dtype


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    where = f"member {member.filename[:100]!r}"
    with archive.open(member) as content:
        try:
            shape, fortran, dtype = read_layout(content, member.file_size)
        except HwbenchError as error:
            raise HwbenchError(f"{where} {error}") from error
        n_bytes = math.prod(shape) * dtype.itemsize
        raw = content.read(n_bytes)
        if len(raw) < n_bytes:
            raise HwbenchError(f"{where} ends too early; it is damaged")
        if content.read(1):  # at the end, the checksum is compared
            raise HwbenchError(f"{where} goes on behind its array; it is damaged")
    if not n_bytes:
        return np.empty(shape, dtype)
    array = np.frombuffer(bytearray(raw), dtype).reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)
