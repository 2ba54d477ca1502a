"""The tensors and storages that the pickle of a PyTorch file names, as numpy arrays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.pickle_globals import Call, Workshop, is_index
from hwbench.formats.plain_data import NotPlain

MAX_DIMENSIONS = 32

# The item types of storages, by the name of torch's class.
BFLOAT16 = "BFloat16Storage"
ITEM_TYPES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    BFLOAT16: np.dtype("<u2"),  # the upper half of a float32
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
    "UntypedStorage": np.dtype("u1"),
    "ComplexFloatStorage": np.dtype("<c8"),
    "ComplexDoubleStorage": np.dtype("<c16"),
}

ReadItems = Callable[[str, str, int], NDArray[Any] | None]


@dataclass(frozen=True)
class TensorShape:
    """What stands for a tensor where a file is streamed: its numbers are not read.

    Attributes
    ----------
    shape : the lengths of its dimensions.
    dtype : numpy's name of the items' type; "bfloat16" for torch's own.
    """

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Storage(NotPlain):
    """Memory that tensors share.

    Attributes
    ----------
    kind : the name of torch's class.
    n_items : its length in items.
    items : the memory, of shape (n_items,); None where tensors are not read.
    """

    kind: str
    n_items: int
    items: NDArray[Any] | None


def widen(raw: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Make float32 of bfloat16, which numpy does not have; no value changes."""
    return (raw.astype(np.uint32) << 16).view(np.float32)


def _shape(sizes: Any) -> tuple[int, ...]:
    if type(sizes) is not tuple or len(sizes) > MAX_DIMENSIONS or not all(map(is_index, sizes)):
        raise HwbenchError("the shape of a tensor is wrong; the file is damaged")
    return sizes


def _rebuild_tensor(_workshop: Workshop, args: tuple[Any, ...]) -> Any:
    """Make an array of a storage, the offset of its first item, its shape and its strides."""
    if len(args) < 4 or type(args[0]) is not Storage or not is_index(args[1]):
        raise HwbenchError("a tensor without its storage; the file is damaged")
    storage, offset, shape, strides = args[0], args[1], _shape(args[2]), _shape(args[3])
    n_items = math.prod(shape)
    last = sum((length - 1) * step for length, step in zip(shape, strides, strict=True))
    if n_items and (offset + last >= storage.n_items or n_items > storage.n_items):
        raise HwbenchError("a tensor is larger than its storage; the file is damaged")
    if storage.items is None:
        name = "bfloat16" if storage.kind == BFLOAT16 else ITEM_TYPES[storage.kind].name
        return TensorShape(shape, name)
    if n_items == 0:
        return np.empty(shape, storage.items.dtype)
    steps = tuple(step * storage.items.itemsize for step in strides)
    return np.lib.stride_tricks.as_strided(storage.items[offset:], shape, steps)


def _rebuild_parameter(_workshop: Workshop, args: tuple[Any, ...]) -> Any:
    if not args or not isinstance(args[0], np.ndarray | TensorShape):
        raise HwbenchError("a parameter without its tensor; the file is damaged")
    return args[0]


def _size(_workshop: Workshop, args: tuple[Any, ...]) -> tuple[int, ...]:
    if len(args) != 1:
        raise HwbenchError("wrong arguments for torch.Size")
    return _shape(tuple(args[0]) if type(args[0]) is list else args[0])


def _refuse_call(_workshop: Workshop, _args: tuple[Any, ...]) -> Any:
    raise HwbenchError("a storage outside of a persistent id; the file is damaged")


def _allowed() -> dict[tuple[str, str], Call]:
    allowed = {
        ("torch._utils", "_rebuild_tensor"): Call("_rebuild_tensor", _rebuild_tensor),
        ("torch._utils", "_rebuild_tensor_v2"): Call("_rebuild_tensor_v2", _rebuild_tensor),
        ("torch._utils", "_rebuild_parameter"): Call("_rebuild_parameter", _rebuild_parameter),
        ("torch", "Size"): Call("Size", _size),
    }
    for kind in ITEM_TYPES:
        for module in ("torch", "torch.cuda", "torch.storage"):
            allowed[module, kind] = Call(kind, _refuse_call)
    return allowed


ALLOWED = _allowed()


class Storages:
    """Makes the storages that persistent ids name, each once.

    Parameters
    ----------
    read : returns the items of a storage, given its key, torch's class and its length, or None
        where they are not to be read; None where no tensors are.
    """

    def __init__(self, read: ReadItems | None) -> None:
        self._read = read
        self._made: dict[str, Storage] = {}

    def __call__(self, key: Any) -> Storage:
        """Return the storage with a persistent id.

        Raises
        ------
        HwbenchError
            Where the id is no storage's, or contradicts an earlier one.
        """
        if (
            type(key) is not tuple
            or not 5 <= len(key) <= 6
            or key[0] != "storage"
            or type(key[1]) is not Call
            or key[1].name not in ITEM_TYPES
            or type(key[2]) is not str
            or not is_index(key[4])
        ):
            raise HwbenchError("a storage is described in a way that is not known")
        if len(key) == 6 and key[5] is not None:
            raise HwbenchError("a storage that is part of another is not read")
        kind, name, n_items = key[1].name, key[2], key[4]
        found = self._made.get(name)
        if found is None:
            items = None if self._read is None else self._read(name, kind, n_items)
            found = Storage(kind, n_items, items)
            if self._read is not None:
                self._made[name] = found
        if (found.kind, found.n_items) != (kind, n_items):
            raise HwbenchError(f"storage {name[:100]!r} is described in two ways")
        return found
