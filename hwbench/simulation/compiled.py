"""Compiling functions: machine code is made at the first call and kept for the next process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit, types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function with numba; it releases the interpreter's lock while it runs.

    The machine code is kept beside the source or, where that is read-only, in the user's cache
    folder; where neither can be written, every process compiles anew.
    """
    try:
        return njit(function, cache=True, nogil=True)
    except RuntimeError:  # numba found no folder to keep the code in
        return njit(function, nogil=True)


@intrinsic  # type: ignore[untyped-decorator]
def count_bits(_typing: Any, _word: Any) -> Any:
    """The number of bits that are set in a uint64, as uint64."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def lowest_bit(_typing: Any, _word: Any) -> Any:
    """The position of the lowest bit that is set in a uint64 other than 0, as uint64."""

    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate
