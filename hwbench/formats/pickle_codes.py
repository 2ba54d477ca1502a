"""The byte codes of the pickle format, each carried out so that it can only make plain data."""

from __future__ import annotations

import codecs
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, NoReturn, Protocol

from hwbench.errors import HwbenchError
from hwbench.formats.messages import shown
from hwbench.formats.pickle_globals import (
    ALLOWED,
    CLASS_BUILDERS,
    SET_BYTES,
    Budget,
    Call,
    Workshop,
    is_index,
)
from hwbench.formats.plain_data import ATOMS, MAX_KEY_BITS, check_key
from hwbench.formats.stand_ins import StandIn, StandInType
from hwbench.formats.streams import ByteStream

MAX_NAME = 1000  # bytes of a module's or class's name
MAX_LINE = 1 << 24
MAX_INTEGER_BYTES = 1024

_int32_at = Struct("<i").unpack_from
_uint16_at = Struct("<H").unpack_from


class Watcher(Protocol):
    """Someone who takes the entries of a dictionary away while they are read.

    Attributes
    ----------
    depth : the number of open marks up to which the machine reports.
    forgotten : the number of memo entries taken away.
    errors : what the receiver of the entries raised, to be passed on as it is.
    """

    depth: int
    forgotten: int
    errors: list[BaseException]

    def at_mark(self, frames: list[list[Any]], stack: list[Any], memo: dict[int, Any]) -> None:
        """A mark is about to be set on `stack`."""
        ...

    def at_setitems(self, target: Any, items: list[Any], memo: dict[int, Any]) -> bool:
        """Keys and values in turn are about to be stored; True where they were taken."""
        ...

    def at_setitem(self, frames: list[list[Any]], stack: list[Any], memo: dict[int, Any]) -> bool:
        """The last two of `stack` are about to be stored in the third; True where taken."""
        ...

    def recall(self, index: int) -> Any:
        """Return what the memo held; KeyError where it never did."""
        ...


class PickleState:
    """The stack and the memo of a pickle that is being read, and what each byte code does to them.

    Parameters
    ----------
    stream : the bytes; its next one is the first operand of the byte code carried out.
    max_copies : the most that calls may allocate beyond what stands in the file, in bytes.
    allowed : names beyond the usual ones, each with its `Call` or class.
    stand_ins : make inert stand-ins for other names, instead of refusing them.
    persistent : makes the object for a persistent id; without, such ids are refused.
    watcher : takes entries of a dictionary away while they are read.
    """

    def __init__(
        self,
        stream: ByteStream,
        *,
        max_copies: int,
        allowed: Mapping[tuple[str, str], Any] | None,
        stand_ins: bool,
        persistent: Callable[[Any], Any] | None,
        watcher: Watcher | None,
    ) -> None:
        self._stream = stream
        self._allowed = {**ALLOWED, **(allowed or {})}
        self._stand_ins = stand_ins
        self._stand_in_types: dict[tuple[str, str], StandInType] = {}
        self._persistent = persistent
        self._watcher = watcher
        self._frames: list[list[Any]] = []
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._wide_integers = False
        self._n_idle = 0  # byte codes that make no object: a place on the stack is all they take
        start = stream.tell()
        self._budget = Budget(max_copies, lambda: stream.tell() - start)
        self._workshop = Workshop(self._budget)

    def _recall(self, index: int) -> Any:
        """Return what the memo held before it was taken away."""
        try:
            if self._watcher is None:
                return self._memo[index]
            return self._watcher.recall(index)
        except KeyError:
            raise HwbenchError(f"refers to object {index}, which the pickle never kept") from None

    def _pop_frame(self) -> list[Any]:
        items = self._stack
        self._stack = self._frames.pop()
        return items

    # --- operands -----------------------------------------------------------------------------

    def _uint(self, n_bytes: int) -> int:
        return int.from_bytes(self._stream.take(n_bytes), "little")

    def _name(self) -> str:
        return self._stream.take_line(MAX_NAME).decode()

    # --- numbers ------------------------------------------------------------------------------

    def _number(self, value: int) -> None:
        if value.bit_length() > MAX_KEY_BITS:
            self._wide_integers = True
        self._stack.append(value)

    def _do_int(self) -> None:
        line = self._stream.take_line(MAX_INTEGER_BYTES)
        if line in (b"00", b"01"):
            self._stack.append(line == b"01")
        else:
            self._number(int(line))

    def _do_long(self) -> None:
        self._number(int(self._stream.take_line(MAX_INTEGER_BYTES).removesuffix(b"L")))

    def _do_long1(self) -> None:
        self._number(int.from_bytes(self._stream.take(self._uint(1)), "little", signed=True))

    def _do_long4(self) -> None:
        n_bytes = self._uint(4)
        if n_bytes > MAX_INTEGER_BYTES:
            raise HwbenchError(f"an integer of {n_bytes:,} bytes; the file is damaged")
        self._number(int.from_bytes(self._stream.take(n_bytes), "little", signed=True))

    def _do_binint(self) -> None:
        self._stack.append(_int32_at(self._stream.take(4))[0])

    def _do_binint2(self) -> None:
        self._stack.append(_uint16_at(self._stream.take(2))[0])

    def _do_float(self) -> None:
        self._stack.append(float(self._stream.take_line(MAX_NAME)))

    # --- text and bytes -----------------------------------------------------------------------

    def _do_short_binunicode(self) -> None:
        self._stack.append(self._stream.take(self._uint(1)).decode())

    def _do_binunicode(self) -> None:
        self._stack.append(self._stream.take(self._uint(4)).decode())

    def _do_binunicode8(self) -> None:
        self._stack.append(self._stream.take(self._uint(8)).decode())

    def _do_unicode(self) -> None:
        text = self._stream.take_line(MAX_LINE).decode("raw-unicode-escape")
        text.encode()  # a lone half of a surrogate pair is no text
        self._stack.append(text)

    def _do_short_binbytes(self) -> None:
        self._stack.append(self._stream.take(self._uint(1)))

    def _do_binbytes(self) -> None:
        self._stack.append(self._stream.take(self._uint(4)))

    def _do_binbytes8(self) -> None:
        self._stack.append(self._stream.take(self._uint(8)))

    def _do_bytearray8(self) -> None:
        self._stack.append(bytearray(self._stream.take(self._uint(8))))

    # Python 2 knew one type for text and raw memory; read as Latin-1 nothing is lost.
    def _do_string(self) -> None:
        line = self._stream.take_line(MAX_LINE)
        if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
            raise HwbenchError("a text without quotes; the file is damaged")
        self._stack.append(codecs.escape_decode(line[1:-1])[0].decode("latin-1"))

    def _do_short_binstring(self) -> None:
        self._stack.append(self._stream.take(self._uint(1)).decode("latin-1"))

    def _do_binstring(self) -> None:
        self._stack.append(self._stream.take(self._uint(4)).decode("latin-1"))

    # --- containers ---------------------------------------------------------------------------

    def _do_tuple(self) -> None:
        items = self._pop_frame()
        self._stack.append(tuple(items))

    def _do_list(self) -> None:
        items = self._pop_frame()
        self._stack.append(items)

    def _do_dict(self) -> None:
        items = self._pop_frame()
        self._stack.append({})
        self._store(self._stack[-1], items)

    def _do_frozenset(self) -> None:
        items = self._pop_frame()
        self._check_keys(items)
        self._stack.append(frozenset(items))

    def _do_empty_set(self) -> None:
        self._budget.charge(SET_BYTES)
        self._stack.append(set())

    def _do_tuple1(self) -> None:
        self._stack[-1] = (self._stack[-1],)

    def _do_tuple2(self) -> None:
        self._stack[-2:] = [(self._stack[-2], self._stack[-1])]

    def _do_tuple3(self) -> None:
        self._stack[-3:] = [(self._stack[-3], self._stack[-2], self._stack[-1])]

    def _check_keys(self, keys: list[Any]) -> None:
        if self._wide_integers or not ATOMS.issuperset(map(type, keys)):
            for key in keys:
                self._budget.charge(8 * check_key(key))

    def _store(self, target: Any, items: list[Any]) -> None:
        if len(items) % 2:
            raise HwbenchError("a key without a value; the file is damaged")
        keys = items[::2]
        self._check_keys(keys)
        kind = type(target)
        if kind is dict or kind is defaultdict or kind is Counter:
            dict.update(target, zip(keys, items[1::2], strict=True))
        elif kind is OrderedDict:
            target.update(zip(keys, items[1::2], strict=True))
        elif kind is StandIn:
            target.pairs.extend(zip(keys, items[1::2], strict=True))
        else:
            raise HwbenchError(
                f"a value of type {kind.__name__} is given keys and values; the file is damaged"
            )

    def _do_setitem(self) -> None:
        watcher = self._watcher
        if (
            watcher is not None
            and len(self._frames) <= watcher.depth
            and watcher.at_setitem(self._frames, self._stack, self._memo)
        ):
            return
        target, key, value = self._stack[-3:]
        del self._stack[-2:]
        self._store(target, [key, value])

    def _do_setitems(self) -> None:
        items = self._pop_frame()
        target = self._stack[-1]
        if self._watcher is None or not self._watcher.at_setitems(target, items, self._memo):
            self._store(target, items)

    def _extend(self, target: Any, items: list[Any]) -> None:
        kind = type(target)
        if kind is list or kind is deque:
            target.extend(items)
        elif kind is StandIn:
            target.items.extend(items)
        else:
            raise HwbenchError(
                f"a value of type {kind.__name__} is appended to; the file is damaged"
            )

    def _do_append(self) -> None:
        item = self._stack.pop()
        self._extend(self._stack[-1], [item])

    def _do_appends(self) -> None:
        items = self._pop_frame()
        self._extend(self._stack[-1], items)

    def _do_additems(self) -> None:
        items = self._pop_frame()
        target = self._stack[-1]
        if type(target) is set:
            self._check_keys(items)
            target.update(items)
        else:
            self._extend(target, items)

    # --- the stack and the memo ---------------------------------------------------------------

    def _do_pop(self) -> None:
        self._n_idle += 1
        if self._stack:
            del self._stack[-1]
        else:
            self._pop_frame()

    def _do_dup(self) -> None:
        self._n_idle += 1
        self._stack.append(self._stack[-1])

    def _do_get(self) -> None:
        index = int(self._stream.take_line(MAX_NAME))
        self._stack.append(self._memo[index] if index in self._memo else self._recall(index))

    def _do_put(self) -> None:
        index = int(self._stream.take_line(MAX_NAME))
        if not is_index(index):
            raise HwbenchError("a negative place in the memo; the file is damaged")
        self._memo[index] = self._stack[-1]

    # --- names and calls ----------------------------------------------------------------------

    def _find(self, module: Any, name: Any) -> Any:
        if type(module) is not str or type(name) is not str:
            raise HwbenchError("a name that is no text; the file is damaged")
        if max(len(module), len(name)) > MAX_NAME:
            raise HwbenchError(f"a name of more than {MAX_NAME} characters; the file is damaged")
        found = self._allowed.get((module, name))
        if found is not None:
            return found
        if not self._stand_ins:
            name = shown(f"{module}.{name}")
            raise HwbenchError(
                f"{self._stream.name}: byte {self._stream.tell():,}: would run {name}; "
                "hwbench reads only plain data"
            )
        return self._stand_in_types.setdefault((module, name), StandInType(module, name))

    def _do_global(self) -> None:
        module = self._name()
        self._stack.append(self._find(module, self._name()))

    def _do_stack_global(self) -> None:
        module, name = self._stack[-2:]
        self._stack[-2:] = [self._find(module, name)]

    def _call(self, called: Any, args: Any, kwargs: Any = None) -> Any:
        if type(args) is not tuple or not (kwargs is None or type(kwargs) is dict):
            raise HwbenchError("a call without a list of arguments; the file is damaged")
        kind = type(called)
        if kind is StandInType or kind is StandIn:
            return StandIn(called, args, kwargs)
        if kwargs:
            raise HwbenchError("a call with arguments by name; hwbench reads only plain data")
        if kind is Call:
            return called.builder(self._workshop, args)
        if isinstance(called, type) and called in CLASS_BUILDERS:
            return CLASS_BUILDERS[called](self._workshop, args)
        raise HwbenchError(f"a value of type {kind.__name__} is called; the file is damaged")

    def _do_reduce(self) -> None:
        called, args = self._stack[-2:]
        self._stack[-2:] = [self._call(called, args)]

    def _do_newobj_ex(self) -> None:
        called, args, kwargs = self._stack[-3:]
        self._stack[-3:] = [self._call(called, args, kwargs)]

    def _do_inst(self) -> None:
        module = self._name()
        called = self._find(module, self._name())
        args = self._pop_frame()
        self._stack.append(self._call(called, tuple(args)))

    def _do_obj(self) -> None:
        items = self._pop_frame()
        self._stack.append(self._call(items[0], tuple(items[1:])))

    def _do_build(self) -> None:
        target, state = self._stack[-2:]
        self._stack.pop()
        if type(target) is StandIn:
            target.state = state
        elif type(target) is OrderedDict:
            _set_metadata(target, state)
        else:
            self._workshop.fresh.fill(target, state, self._budget)

    def _do_persid(self) -> None:
        self._stack.append(self._from_id(self._name()))

    def _do_binpersid(self) -> None:
        self._stack[-1] = self._from_id(self._stack[-1])

    def _from_id(self, key: Any) -> Any:
        if self._persistent is None:
            raise HwbenchError("refers to objects outside of the file, which hwbench does not read")
        return self._persistent(key)

    # --- the file itself ----------------------------------------------------------------------

    def _do_proto(self) -> None:
        version = self._uint(1)
        if version > 5:
            raise HwbenchError(f"pickle protocol {version} is not known; 0 to 5 are")

    def _do_frame(self) -> None:
        n_bytes = self._uint(8)
        self._stream.check_claim(n_bytes)

    def _do_extension(self) -> NoReturn:
        raise HwbenchError("would run a registered extension; hwbench reads only plain data")

    def _do_buffer(self) -> NoReturn:
        raise HwbenchError("refers to memory outside of the file, which hwbench does not read")

    def _do_unknown(self) -> NoReturn:
        raise HwbenchError("this is no pickle, or it is damaged (unknown byte code)")


def _set_metadata(target: OrderedDict[Any, Any], state: Any) -> None:
    """Keep the one attribute that torch gives to its dictionaries."""
    if type(state) is not dict or set(state) != {"_metadata"}:
        raise HwbenchError("a dictionary with attributes; hwbench reads only plain data")
    target._metadata = state["_metadata"]  # type: ignore[attr-defined]


def _constant(value: Any) -> Callable[[PickleState], None]:
    def push(machine: PickleState) -> None:
        machine._n_idle += 1
        machine._stack.append(value)

    return push


def _handlers() -> list[Callable[[PickleState], None]]:
    machine = PickleState
    table: list[Callable[[PickleState], None]] = [machine._do_unknown] * 256
    named: dict[bytes, Callable[[PickleState], None]] = {
        b"I": machine._do_int,
        b"L": machine._do_long,
        b"\x8a": machine._do_long1,
        b"\x8b": machine._do_long4,
        b"J": machine._do_binint,
        b"M": machine._do_binint2,
        b"F": machine._do_float,
        b"N": _constant(None),
        b"\x88": _constant(True),
        b"\x89": _constant(False),
        b"\x8c": machine._do_short_binunicode,
        b"X": machine._do_binunicode,
        b"\x8d": machine._do_binunicode8,
        b"V": machine._do_unicode,
        b"C": machine._do_short_binbytes,
        b"B": machine._do_binbytes,
        b"\x8e": machine._do_binbytes8,
        b"\x96": machine._do_bytearray8,
        b"S": machine._do_string,
        b"U": machine._do_short_binstring,
        b"T": machine._do_binstring,
        b"]": lambda this: this._stack.append([]),
        b"}": lambda this: this._stack.append({}),
        b")": _constant(()),
        b"\x8f": machine._do_empty_set,
        b"t": machine._do_tuple,
        b"l": machine._do_list,
        b"d": machine._do_dict,
        b"\x91": machine._do_frozenset,
        b"\x85": machine._do_tuple1,
        b"\x86": machine._do_tuple2,
        b"\x87": machine._do_tuple3,
        b"s": machine._do_setitem,
        b"u": machine._do_setitems,
        b"a": machine._do_append,
        b"e": machine._do_appends,
        b"\x90": machine._do_additems,
        b"0": machine._do_pop,
        b"1": lambda this: this._pop_frame().clear(),
        b"2": machine._do_dup,
        b"g": machine._do_get,
        b"p": machine._do_put,
        b"c": machine._do_global,
        b"\x93": machine._do_stack_global,
        b"R": machine._do_reduce,
        b"\x81": machine._do_reduce,
        b"\x92": machine._do_newobj_ex,
        b"i": machine._do_inst,
        b"o": machine._do_obj,
        b"b": machine._do_build,
        b"P": machine._do_persid,
        b"Q": machine._do_binpersid,
        b"\x80": machine._do_proto,
        b"\x95": machine._do_frame,
        b"\x82": machine._do_extension,
        b"\x83": machine._do_extension,
        b"\x84": machine._do_extension,
        b"\x97": machine._do_buffer,
        b"\x98": machine._do_buffer,
    }
    for code, handler in named.items():
        table[code[0]] = handler
    return table


HANDLERS = _handlers()
