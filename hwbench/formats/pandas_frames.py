"""Data frames out of pickles that any pandas wrote, without unpickling pandas objects.

pandas' own reader runs functions of the pandas that wrote the file, which newer ones have lost.
Here the frame is put together from the arrays that its inert stand-ins hold.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.arrow_texts import holds_texts, texts_of
from hwbench.formats.messages import shown
from hwbench.formats.pickle_machine import MAX_OBJECTS
from hwbench.formats.pickles import MAX_BYTES, load_pickle
from hwbench.formats.stand_ins import StandIn, StandInType

if TYPE_CHECKING:
    import pandas as pd

_FRAMES = ("pandas.DataFrame", "pandas.core.frame.DataFrame")  # the former since pandas 3

_BLOCK_MAKERS = frozenset(
    {
        "pandas._libs.internals._unpickle_block",
        "pandas.core.internals.blocks.new_block",
        "pandas.core.internals.blocks.make_block",
    }
)

Block = tuple[NDArray[Any], Any]  # values of shape (n_columns, n_rows), and the columns they are


def frame_from_pickle(
    source: Path | bytes, *, max_bytes: int = MAX_BYTES, max_objects: int = MAX_OBJECTS
) -> pd.DataFrame:
    """Read a pickled `pandas.DataFrame` of numbers and text, by pandas 0.14 or any later one.

    Parameters
    ----------
    source : a file (plain, gzip or bzip2), or the bytes themselves.
    max_bytes, max_objects : as in `load_pickle`.

    Returns
    -------
    The frame; its columns are of the pickled dtypes, its index as pickled.

    Raises
    ------
    HwbenchError
        Where the file is damaged, holds something else than one frame, or columns or an index that
        are neither plain numpy arrays nor texts (categories, dates, several levels).
    """
    value = load_pickle(source, max_bytes=max_bytes, max_objects=max_objects, stand_ins=True)
    name = source if isinstance(source, Path) else "the bytes given"
    try:
        return _frame(value)
    except Exception as error:
        raise HwbenchError(f"{name}: {shown(str(error), 200)}") from error


def _frame(value: Any) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(value, StandIn) or value.name not in _FRAMES:
        kind = value.name if isinstance(value, StandIn) else type(value).__name__
        raise HwbenchError(f"holds a {shown(kind)}, not a pandas.DataFrame")
    state = value.state if isinstance(value.state, dict) else {}
    manager = state.get("_mgr", state.get("_data"))  # the name before pandas 1.1
    if not isinstance(manager, StandIn):
        raise HwbenchError("the data frame holds no data")
    axes, blocks = _contents(manager)
    if len(axes) != 2:
        raise HwbenchError("the data frame does not have two axes")
    names, rows = _labels(axes[0]), _labels(axes[1])
    columns: dict[int, NDArray[Any]] = {}
    for values, places in blocks:
        chosen = _positions(places, len(names), values.shape[0])
        if values.shape[1] != len(rows):
            raise HwbenchError(
                f"a block of the data frame has {values.shape[1]:,} rows instead of {len(rows):,}"
            )
        if not columns.keys().isdisjoint(chosen):
            raise HwbenchError("two blocks of the data frame hold the same column")
        columns.update(zip(chosen, values, strict=True))
    if len(columns) != len(names):
        raise HwbenchError("columns of the data frame have names but no values")
    frame = pd.DataFrame({i: columns[i] for i in range(len(names))}, index=rows)
    frame.columns = names
    return frame


def _contents(manager: StandIn) -> tuple[list[Any], list[Block]]:
    """The axes and blocks of a BlockManager."""
    if manager.args:  # pandas 1.3 and later: BlockManager(blocks, axes)
        made, axes = manager.args[:2]
        return list(axes), [_block(block) for block in made]
    state = manager.state
    if isinstance(state, tuple) and len(state) == 4 and "0.14.1" in state[3]:
        found = state[3]["0.14.1"]
        return list(found["axes"]), [
            (_values(block["values"]), block["mgr_locs"]) for block in found["blocks"]
        ]
    raise HwbenchError("the data frame is laid out in a way that is not known")


def _block(block: Any) -> Block:
    maker = block
    if isinstance(block, StandIn) and isinstance(block.kind, StandIn):
        maker = block.kind  # functools.partial(new_block, ndim=2)
        if maker.name == "functools.partial" and isinstance(maker.args[0], StandInType):
            maker = maker.args[0]
    if not isinstance(maker, StandIn | StandInType) or maker.name not in _BLOCK_MAKERS:
        raise HwbenchError("the data frame is laid out in a way that is not known")
    values, places = block.args[:2]
    return _values(values), places


def _values(values: Any) -> NDArray[Any]:
    if isinstance(values, np.ndarray) and values.ndim == 2:
        return values
    if holds_texts(values):
        return texts_of(values)[None, :]
    kind = values.name if isinstance(values, StandIn) else type(values).__name__
    raise HwbenchError(f"columns held as {shown(kind)} are not read; only plain arrays are")


def _positions(places: Any, n_columns: int, n_chosen: int) -> list[int]:
    """The columns of a block, from a slice or an array of integers."""
    if isinstance(places, slice):
        found = range(n_columns)[places]
        if len(found) == n_chosen:
            return list(found)
    elif isinstance(places, np.ndarray) and places.dtype.kind == "i":
        chosen = places.ravel().tolist()
        if len(chosen) == n_chosen and all(0 <= place < n_columns for place in chosen):
            return chosen
    raise HwbenchError("a block of the data frame does not say which columns it holds")


def _labels(axis: Any) -> pd.Index:
    """The index that a pickled one stands for."""
    import pandas as pd

    if not isinstance(axis, StandIn) or axis.name != "pandas.core.indexes.base._new_Index":
        kind = axis.name if isinstance(axis, StandIn) else type(axis).__name__
        raise HwbenchError(f"an axis of the data frame is a {shown(kind)}, which is not read")
    made, content = axis.args
    kind = made.qualname if isinstance(made, StandInType) else ""
    if kind == "RangeIndex":
        start, stop, step = (content[key] for key in ("start", "stop", "step"))
        if not all(type(n) is int for n in (start, stop, step)):
            raise HwbenchError("the index of the data frame is damaged")
        return pd.RangeIndex(start, stop, step, name=content["name"])
    data = content.get("data")
    if holds_texts(data):
        data = texts_of(data)
    if (
        kind not in ("Index", "Int64Index", "UInt64Index", "Float64Index")
        or not isinstance(data, np.ndarray)
        or data.ndim != 1
    ):
        raise HwbenchError(f"an axis of the data frame is a {shown(kind)}, which is not read")
    return pd.Index(data, name=content.get("name"))
