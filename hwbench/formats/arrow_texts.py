"""Texts out of pickles that pandas 3 wrote: it keeps them in buffers of Arrow.

They are read as Arrow lays them out (its columnar format, variable-size binary layout): where each
text begins, all of their bytes, and a bit for each that is there. Nothing of Arrow's is unpickled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.stand_ins import StandIn

_ARRAYS = frozenset(
    {"pandas.arrays.ArrowStringArray", "pandas.core.arrays.string_arrow.ArrowStringArray"}
)
_OFFSETS: dict[str, np.dtype[Any]] = {"large_string": np.dtype("<i8"), "string": np.dtype("<i4")}


def holds_texts(value: Any) -> bool:
    """Whether a stand-in is for an array of texts that pandas keeps by Arrow."""
    return isinstance(value, StandIn) and value.name in _ARRAYS


def texts_of(value: StandIn) -> NDArray[Any]:
    """The texts, objects of shape (n,): strings, and None where there is none.

    Raises
    ------
    HwbenchError
        Where the array is laid out in another way, or its parts do not go together.
    """
    kept = value.state.get("_pa_array") if isinstance(value.state, dict) else None
    if not isinstance(kept, StandIn) or kept.name != "pyarrow.lib._restore_array":
        raise HwbenchError("texts of the data frame are laid out in a way that is not known")
    try:
        ((alias, length, _, first, buffers, _, _),) = kept.args
        (name,) = alias.args
        there, starts, content = (_bytes(each) for each in buffers)
        return _texts(_OFFSETS[name], length, first, there, starts, content)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise HwbenchError("texts of the data frame are damaged") from error


def _bytes(buffer: Any) -> bytes | None:
    if buffer is None:
        return None
    (content,) = buffer.args
    return bytes(content)


def _texts(
    kind: np.dtype[Any],
    length: int,
    first: int,
    there: bytes | None,
    starts: bytes | None,
    content: bytes | None,
) -> NDArray[Any]:
    found = np.full(length, None, dtype=object)
    if length == 0:
        return found
    end = first + length
    offsets = np.frombuffer(starts or b"", dtype=kind)[first : end + 1]
    whole = content or b""
    sound = len(offsets) == length + 1 and offsets[0] >= 0 and offsets[-1] <= len(whole)
    if first < 0 or not sound or (np.diff(offsets) < 0).any():
        raise ValueError("offsets that do not lie in the texts")
    known = np.ones(length, dtype=bool)
    if there is not None:
        bits = np.unpackbits(np.frombuffer(there, dtype=np.uint8), bitorder="little")
        known = bits[first:end].astype(bool)
        if len(known) < length:
            raise ValueError("too few bits")
    places = offsets.tolist()
    for row in np.flatnonzero(known).tolist():
        found[row] = whole[places[row] : places[row + 1]].decode("utf-8")
    return found
