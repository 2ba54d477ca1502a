"""Compiling functions: machine code is made at the first call and kept for the next process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])

Ints = NDArray[np.int32]
Owners = NDArray[np.signedinteger]
Words = NDArray[np.uint64]
"""Arrays of compiled functions: ranks and places, the objects that rows belong to, random bits."""

SOURCES = tuple(
    (path.name, path.stat().st_mtime, path.stat().st_size)
    for path in sorted(Path(__file__).parent.glob("*.py"))
)
"""What kept code must have been made from."""


def compiled(function: Function) -> Function:
    """Compile a function with numba; it releases the interpreter's lock while it runs.

    The machine code is kept beside the source or, where that is read-only, in the user's cache
    folder; where neither can be written, every process compiles anew.
    """
    try:
        dispatcher = njit(function, cache=True, nogil=True)
        # Kept code holds that of the functions it calls, but numba looks for changes in the
        # function's own file alone.
        dispatcher._cache._cache_file._source_stamp = SOURCES
    except (RuntimeError, AttributeError):  # no folder to keep code in, or numba keeps it otherwise
        return njit(function, nogil=True)
    return dispatcher


def _count_bits(_typing: Any, _word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


def _lowest_bit(_typing: Any, _word: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate


count_bits: Any = intrinsic(_count_bits)
"""In compiled code: the number of bits that are set in a uint64, as uint64."""
lowest_bit: Any = intrinsic(_lowest_bit)
"""In compiled code: the position of the lowest bit that is set in a uint64 other than 0."""
