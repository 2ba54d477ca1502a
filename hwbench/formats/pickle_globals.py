"""The classes and functions a pickle may name, and what hwbench does in their place.

Nothing is imported and no function that a file names is called: each permitted name leads to one
of the builders below, which checks its arguments and makes plain data.
"""

from __future__ import annotations

import math
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from hwbench.errors import HwbenchError
from hwbench.formats.plain_data import ATOMS, NotPlain, check_key

MAX_ITEM_BYTES = 1 << 20  # of one element of an array
MAX_DIMENSIONS = 32
MAX_COPIES = 1 << 28
ELEMENT_BYTES = 64  # what one element of a set or dictionary takes, at most
SET_BYTES, DEQUE_BYTES, ARRAY_BYTES = 256, 1024, 256  # what an empty one takes
_DTYPE = re.compile(
    r"(?:b1|[iu][1248]|f(?:2|4|8|16)|c(?:8|16|32)|O8?|[SUV]\d{1,7}|[?bBhHiIlLqQefdgFD])\Z"
)
_LATIN1 = frozenset({"latin1", "latin-1", "latin_1", "iso-8859-1"})


class Budget:
    """Bytes that calls may allocate beyond what stands in the file.

    A few bytes of a pickle can ask for a copy of something large, again and again. The allowance
    grows with the bytes read, so that honest files never meet it.

    Parameters
    ----------
    limit : the largest sum of bytes beyond those read.
    n_read : tells how many bytes of the file were read so far.
    """

    FLOOR = 16 << 20
    RATIO = 64

    def __init__(self, limit: int, n_read: Callable[[], int]) -> None:
        self._limit = limit
        self._n_read = n_read
        self._spent = 0

    def charge(self, n_bytes: int) -> None:
        """Take `n_bytes` off the allowance.

        Raises
        ------
        HwbenchError
            Where it is used up.
        """
        self._spent += n_bytes
        if self._spent <= self.FLOOR:
            return
        n_read = self._n_read()
        if self._spent > self.FLOOR + min(self._limit + n_read, self.RATIO * n_read):
            raise HwbenchError("copies parts of itself too often to be plain data")


class Fresh:
    """Arrays and dtypes that were made empty and may be filled once.

    Attributes
    ----------
    objects : the unfilled ones by `id`; held here, so that no other object can take the `id`.
    """

    def __init__(self) -> None:
        self.objects: dict[int, Any] = {}

    def add(self, value: Any) -> Any:
        self.objects[id(value)] = value
        return value

    def fill(self, value: Any, state: Any, budget: Budget) -> None:
        """Give an array its shape, dtype and values, or a dtype its byte order.

        Raises
        ------
        HwbenchError
            Where `value` was not made empty by this pickle, or the state does not fit.
        """
        if self.objects.pop(id(value), None) is None:
            raise HwbenchError(
                f"a value of type {type(value).__name__} is given a state it cannot have"
            )
        if isinstance(value, np.dtype):
            _fill_dtype(value, state)
        else:
            _fill_array(value, state, budget)


Builder = Callable[["Workshop", tuple[Any, ...]], Any]


class Workshop:
    """What builders need beside their arguments."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.fresh = Fresh()


def _wrong(what: str) -> HwbenchError:
    return HwbenchError(f"wrong arguments for {what}")


def is_index(value: Any) -> bool:
    """Whether `value` is a plain, non-negative integer of at most 64 bits."""
    return type(value) is int and 0 <= value < 1 << 64


def _as_bytes(raw: Any) -> bytes:
    """Raw memory as bytes; Python 2 wrote it as text."""
    if type(raw) is bytes:
        return raw
    if type(raw) is bytearray:
        return bytes(raw)
    if type(raw) is str:
        return raw.encode("latin-1")
    raise HwbenchError(f"a value of type {type(raw).__name__} stands where raw memory should")


# --- builtins and collections -----------------------------------------------------------------


def _empty(kind: type) -> Builder:
    """Make a builder that calls `kind` without arguments only."""

    def build(_workshop: Workshop, args: tuple[Any, ...]) -> Any:
        if args:
            raise _wrong(kind.__name__)
        return kind()

    return build


def _set(kind: type) -> Builder:
    def build(workshop: Workshop, args: tuple[Any, ...]) -> Any:
        workshop.budget.charge(SET_BYTES)
        if not args:
            return kind()
        if len(args) != 1 or type(args[0]) not in (list, tuple):
            raise _wrong(kind.__name__)
        workshop.budget.charge(ELEMENT_BYTES * len(args[0]))
        for value in args[0]:
            if type(value) not in ATOMS or type(value) is int:
                workshop.budget.charge(8 * check_key(value))
        return kind(args[0])

    return build


def _complex(_workshop: Workshop, args: tuple[Any, ...]) -> complex:
    if len(args) != 2 or not {type(part) for part in args} <= {int, float}:
        raise _wrong("complex")
    return complex(*args)


def _bytearray(workshop: Workshop, args: tuple[Any, ...]) -> bytearray:
    if not args:
        return bytearray()
    encoded = len(args) == 2 and args[1] in _LATIN1
    if encoded or (len(args) == 1 and type(args[0]) is bytes):
        raw = _as_bytes(args[0])
        workshop.budget.charge(len(raw))
        return bytearray(raw)
    raise _wrong("bytearray")


def _range(_workshop: Workshop, args: tuple[Any, ...]) -> range:
    if not 1 <= len(args) <= 3 or not all(is_index(abs(n)) for n in args if type(n) is int):
        raise _wrong("range")
    if any(type(n) is not int for n in args):
        raise _wrong("range")
    return range(*args)


def _slice(_workshop: Workshop, args: tuple[Any, ...]) -> slice:
    if not 1 <= len(args) <= 3 or any(type(n) not in (int, type(None)) for n in args):
        raise _wrong("slice")
    return slice(*args)


def _encode(workshop: Workshop, args: tuple[Any, ...]) -> bytes:
    if len(args) != 2 or type(args[0]) is not str or args[1] not in _LATIN1:
        raise _wrong("_codecs.encode")
    workshop.budget.charge(len(args[0]))
    return args[0].encode("latin-1")


def _ordered_dict(workshop: Workshop, args: tuple[Any, ...]) -> OrderedDict[Any, Any]:
    made: OrderedDict[Any, Any] = OrderedDict()
    if not args:
        return made
    if len(args) != 1 or type(args[0]) is not list:
        raise _wrong("collections.OrderedDict")
    for pair in args[0]:
        if type(pair) not in (list, tuple) or len(pair) != 2:
            raise _wrong("collections.OrderedDict")
        workshop.budget.charge(ELEMENT_BYTES + 8 * check_key(pair[0]))
        made[pair[0]] = pair[1]
    return made


def _defaultdict(_workshop: Workshop, args: tuple[Any, ...]) -> defaultdict[Any, Any]:
    factories = (list, dict, set, int, float, str, tuple, bool, OrderedDict, None)
    if len(args) > 1 or not any(factory is (args or (None,))[0] for factory in factories):
        raise _wrong("collections.defaultdict")
    return defaultdict(*args)


def _deque(workshop: Workshop, args: tuple[Any, ...]) -> deque[Any]:
    content = args[0] if args else ()
    length = args[1] if len(args) > 1 else None
    if (
        len(args) > 2
        or type(content) not in (list, tuple)
        or not (length is None or is_index(length))
    ):
        raise _wrong("collections.deque")
    workshop.budget.charge(DEQUE_BYTES + 8 * len(content))
    return deque(content, length)


def _counter(workshop: Workshop, args: tuple[Any, ...]) -> Counter[Any]:
    if not args:
        return Counter()
    if len(args) != 1 or type(args[0]) is not dict:
        raise _wrong("collections.Counter")
    workshop.budget.charge(ELEMENT_BYTES * len(args[0]))
    made: Counter[Any] = Counter()
    dict.update(made, args[0])
    return made


# --- numpy ------------------------------------------------------------------------------------


def _dtype(workshop: Workshop, args: tuple[Any, ...]) -> np.dtype[Any]:
    code = args[0] if args else None
    if not 1 <= len(args) <= 3 or type(code) is not str or any(n not in (0, 1) for n in args[1:]):
        raise _wrong("numpy.dtype")
    if _DTYPE.match(code) is None:
        raise HwbenchError(
            f"numpy dtype {code[:40]!r} is not read; only plain numbers and text are"
        )
    workshop.budget.charge(ARRAY_BYTES)
    made = np.dtype(code, copy=True)
    if made.itemsize > MAX_ITEM_BYTES:
        raise HwbenchError(f"numpy dtype {code!r} has items of more than {MAX_ITEM_BYTES:,} bytes")
    return workshop.fresh.add(made)


def _set_state(value: Any, state: tuple[Any, ...]) -> None:
    """Call numpy's own `__setstate__`, with a state that was checked."""
    value.__setstate__(state)


def _fill_dtype(dtype: np.dtype[Any], state: Any) -> None:
    if type(state) is not tuple or not 8 <= len(state) <= 9 or state[1] not in ("<", ">", "|", "="):
        raise _wrong("the state of a numpy dtype")
    if state[2:5] != (None, None, None) or any(state[8:]):
        raise HwbenchError("structured numpy arrays are not read; only plain numbers and text are")
    if state[1] == ">" and dtype.kind in "iufcU":
        # the sizes are numpy's own, never the file's
        flexible = dtype.kind == "U"
        size, align = (dtype.itemsize, dtype.alignment) if flexible else (-1, -1)
        _set_state(dtype, (3, ">", None, None, None, size, align, 8 if flexible else 0))


def _known_dtype(value: Any) -> np.dtype[Any]:
    """Return `value` where it is a plain dtype; all dtypes of a pickle came from `_dtype`."""
    if not isinstance(value, np.dtype):
        raise HwbenchError(
            f"a value of type {type(value).__name__} stands where a numpy dtype should"
        )
    return value


def _n_elements(shape: Any) -> int:
    if (
        type(shape) is not tuple
        or len(shape) > MAX_DIMENSIONS
        or not all(is_index(length) for length in shape)
        or any(length >= 1 << 40 for length in shape)
    ):
        raise HwbenchError("the shape of a numpy array is wrong")
    return math.prod(shape)


def _check_size(shape: Any, dtype: np.dtype[Any], n_bytes: int) -> None:
    claimed = _n_elements(shape) * dtype.itemsize
    if claimed != n_bytes:
        raise HwbenchError(
            f"a numpy array claims {claimed:,} bytes but holds {n_bytes:,}; the file is damaged"
        )


def _reconstruct(workshop: Workshop, args: tuple[Any, ...]) -> NDArray[Any]:
    if len(args) != 3 or args[0] is not np.ndarray:
        raise HwbenchError("only plain numpy arrays are read, no subclass of them")
    workshop.budget.charge(ARRAY_BYTES)
    return workshop.fresh.add(np.empty(0, dtype=np.int8))


def _empty_array(_workshop: Workshop, _args: tuple[Any, ...]) -> NoReturn:
    raise _wrong("numpy.ndarray")


def _fill_array(array: NDArray[Any], state: Any, budget: Budget) -> None:
    if type(state) is not tuple or len(state) != 5 or type(state[3]) not in (bool, int):
        raise _wrong("the state of a numpy array")
    _, shape, dtype, fortran, raw = state
    dtype = _known_dtype(dtype)
    if dtype.hasobject:
        if type(raw) is not list or len(raw) != _n_elements(shape):
            raise HwbenchError("a numpy array of objects has another size than its shape says")
        budget.charge(8 * len(raw))
        _set_state(array, (1, shape, dtype, bool(fortran), raw))
        return
    raw = _as_bytes(raw)
    _check_size(shape, dtype, len(raw))
    budget.charge(len(raw))
    # numpy would let a writable array share the memory of immutable bytes
    _set_state(array, (1, shape, dtype, bool(fortran), bytes(memoryview(raw))))


def _frombuffer(workshop: Workshop, args: tuple[Any, ...]) -> NDArray[Any]:
    if len(args) != 4 or args[3] not in ("C", "F"):
        raise _wrong("numpy.core.numeric._frombuffer")
    raw, dtype, shape = _as_bytes(args[0]), _known_dtype(args[1]), args[2]
    if dtype.hasobject:
        raise _wrong("numpy.core.numeric._frombuffer")
    _check_size(shape, dtype, len(raw))
    workshop.budget.charge(len(raw))
    if not raw:
        return np.empty(shape, dtype, order=args[3])
    return np.frombuffer(bytearray(raw), dtype).reshape(shape, order=args[3])


def _scalar(workshop: Workshop, args: tuple[Any, ...]) -> Any:
    if len(args) != 2:
        raise _wrong("numpy.core.multiarray.scalar")
    dtype, raw = _known_dtype(args[0]), args[1]
    if type(raw) is not bytes:
        raw = _as_bytes(raw)
    if dtype.hasobject or len(raw) != dtype.itemsize:
        raise _wrong("numpy.core.multiarray.scalar")
    workshop.budget.charge(len(raw))
    return np.frombuffer(raw, dtype)[0] if raw else dtype.type()


class Call(NotPlain):
    """A function that a pickle may name: its own inert object, known to no one else.

    Attributes
    ----------
    name : the function's dotted name.
    builder : what hwbench does in its place.
    """

    __slots__ = ("builder", "name")

    def __init__(self, name: str, builder: Builder) -> None:
        self.name = name
        self.builder = builder

    def __repr__(self) -> str:
        return f"<{self.name}>"


CLASS_BUILDERS: Mapping[type, Builder] = {
    **{kind: _empty(kind) for kind in (list, dict, tuple, int, float, str, bool, bytes)},
    set: _set(set),
    frozenset: _set(frozenset),
    complex: _complex,
    bytearray: _bytearray,
    range: _range,
    slice: _slice,
    OrderedDict: _ordered_dict,
    defaultdict: _defaultdict,
    deque: _deque,
    Counter: _counter,
    np.dtype: _dtype,
    np.ndarray: _empty_array,
}


def _allowed() -> dict[tuple[str, str], Any]:
    allowed: dict[tuple[str, str], Any] = {}
    for kind in CLASS_BUILDERS:
        if kind.__module__ == "builtins":
            allowed["builtins", kind.__name__] = allowed["__builtin__", kind.__name__] = kind
        else:
            allowed[kind.__module__, kind.__name__] = kind
    for old, kind in (("xrange", range), ("unicode", str), ("long", int)):  # Python 2
        allowed["__builtin__", old] = kind
    allowed["_codecs", "encode"] = Call("_codecs.encode", _encode)
    for core in ("numpy.core", "numpy._core"):
        for part, name, builder in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        ):
            allowed[f"{core}.{part}", name] = Call(f"{core}.{part}.{name}", builder)
    return allowed


ALLOWED: Mapping[tuple[str, str], Any] = _allowed()
