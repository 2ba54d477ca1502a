"""Reading pickles of fitted models although somebody else may have made them.

A pickle names functions and classes and says what to call them with, so that an ordinary reader
runs whatever a file says. This one

- compares every name with a closed list (see `model_classes`) before anything is imported, and
  imports nothing but what is listed;
- calls nothing that a file names but the makers of `model_pickle`, which check what they are
  given;
- makes objects without calling their constructors, and gives them no attribute that stands in the
  place of a method: only plain data, arrays, and objects of listed classes, nothing callable;
- reads a bounded number of steps.

What it cannot do is check all numbers: libraries written in C trust their own models, and a file
made with malice may crash them.
"""

from __future__ import annotations

import io
import pickle
import re
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import IO, Any, ClassVar

import numpy as np
from pydantic import BaseModel

from hwbench.errors import HwbenchError, one_line
from hwbench.extras import missing_extra
from hwbench.imports import MOVED
from hwbench.predictors import model_pickle
from hwbench.predictors.model_classes import (
    CLASS_VALUES,
    CLASSES,
    TREE,
    checked_state,
    is_checked_tree,
)
from hwbench.spaces import Space, get_space
from hwbench.spaces.registry import named_space

MOST_STEPS = 2**20
"""Steps of a pickle that are read; a forest of 500 trees has some 50,000."""

_LISTED = CLASSES | CLASS_VALUES
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


class ForeignClassError(HwbenchError):
    """A file names a class or function that is not in the closed list, nor trusted."""


@dataclass(frozen=True, slots=True)
class _Maker:
    """A mark for something that a file may call."""

    make: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Class:
    """A mark for a class of which a file may make objects."""

    module: str
    name: str

    def load(self) -> type:
        kind: type = _attribute(_import(self.module), self.name)
        return kind


@dataclass(frozen=True, slots=True)
class _Factory:
    """A mark for what a dictionary makes its missing values with."""

    make: Callable[[], Any]


def _default_dict(factory: _Factory) -> Any:
    if not isinstance(factory, _Factory):
        raise HwbenchError("holds a broken dictionary")
    return defaultdict(factory.make)


def _space(name: str) -> Space:
    if not isinstance(name, str):
        raise HwbenchError("holds a broken search space")
    return named_space(name)


_PARTS = (
    model_pickle.array, model_pickle.object_array, model_pickle.scalar, model_pickle.number_type,
    model_pickle.random_state, model_pickle.generator, model_pickle.tensor,
)  # fmt: skip

_MARKS: dict[tuple[str, str], _Maker | _Factory] = {
    **{(part.__module__, part.__name__): _Maker(part) for part in _PARTS},
    ("hwbench.spaces", "get_space"): _Maker(_space),  # as hwbench 0.1.0 wrote it
    (get_space.__module__, get_space.__name__): _Maker(_space),
    ("builtins", "bytearray"): _Maker(model_pickle.read_bytes),
    ("collections", "defaultdict"): _Maker(_default_dict),
    ("sklearn.tree._tree", "Tree"): _Maker(model_pickle.tree),
    ("collections", "OrderedDict"): _Factory(OrderedDict),
    **{("builtins", kind.__name__): _Factory(kind) for kind in (dict, list, set, int, float)},
}


def load_pickled_model(content: bytes | IO[bytes], trust: Collection[str] = ()) -> Any:
    """Read what `dump_model` wrote.

    Parameters
    ----------
    content : the pickle, or a file of it, which is read to its end.
    trust : modules such as "my_module". A file may call whatever functions and classes are defined
        in them and in what is inside them: that is to run what the file says.

    Raises
    ------
    ForeignClassError
        Where a file names a class or function that no predictor of the zoo is made of.
    HwbenchError
        Where a class is gone, or the pickle is damaged or made by something else.
    """
    stream = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        model = _Reader(stream, trust).load()
        _check_end(stream)
        _check_parts(model, trust)
        return model
    except HwbenchError:
        raise
    except Exception as error:  # whatever broken bytes make of a reader
        raise HwbenchError(
            f"is damaged ({type(error).__name__}: {one_line(error, 100)})"
        ) from error


def _check_end(stream: IO[bytes]) -> None:
    # An archive's member is compared with its checksum when its end is read.
    if stream.read(1):
        raise HwbenchError("is damaged (it goes on after its end)")


# GLOBAL is of older protocols: of files in those, the message says what they name.
_WRITTEN = (
    pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK,
    pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE,
    pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1, pickle.BINFLOAT,
    pickle.SHORT_BINUNICODE, pickle.BINUNICODE, pickle.BINUNICODE8,
    pickle.SHORT_BINBYTES, pickle.BINBYTES, pickle.BINBYTES8,
    pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.TUPLE,
    pickle.EMPTY_LIST, pickle.APPEND, pickle.APPENDS,
    pickle.EMPTY_DICT, pickle.SETITEM, pickle.SETITEMS,
    pickle.EMPTY_SET, pickle.ADDITEMS, pickle.FROZENSET,
    pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET,
    pickle.STACK_GLOBAL, pickle.GLOBAL, pickle.REDUCE, pickle.NEWOBJ, pickle.BUILD,
)  # fmt: skip

_PICKLE: Any = pickle
_OF_PICKLE: Any = pickle._Unpickler.dispatch


class _Reader(pickle._Unpickler):
    """Reads the pickles of `dump_model`: the reader in Python, whose steps can be taken over."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        code[0]: _OF_PICKLE[code[0]] for code in _WRITTEN
    }
    stack: list[Any]

    def __init__(self, stream: IO[bytes], trust: Collection[str]) -> None:
        super().__init__(stream)
        self._file = stream
        self._trust = tuple(trust)
        self._trusted: list[Any] = []
        self._made: dict[int, Any] = {}

    def load(self) -> Any:
        """Read the file; as the standard library's reader, for so many steps."""
        self._unframer = _PICKLE._Unframer(self._file.read, self._file.readline)
        self.read = self._unframer.read
        self.readinto = self._unframer.readinto
        self.readline = self._unframer.readline
        self.metastack: list[Any] = []
        self.stack = []
        self.append = self.stack.append
        self.proto = 0
        read, steps = self.read, self.dispatch
        try:
            for _ in range(MOST_STEPS):
                code = read(1)
                if not code:
                    raise EOFError("it ends too early")
                step = steps.get(code[0])
                if step is None:
                    raise HwbenchError("is damaged or made with malice (no model is written so)")
                step(self)
        except _PICKLE._Stop as stop:
            return stop.value
        raise HwbenchError(f"takes more than {MOST_STEPS:,} steps to read, which no model does")

    def find_class(self, module: str, name: str) -> Any:
        module = MOVED.get(module, module)
        if (module, name) in _MARKS:
            return _MARKS[module, name]
        if not _NAME.fullmatch(module) or not _NAME.fullmatch(name):
            raise HwbenchError("is damaged (it names what cannot be a class)")
        module = _RENAMED.get(module, module)
        if not _inside(module, self._trust):
            if (module, name) in _LISTED:
                return _Class(module, name)
            raise ForeignClassError(_refusal(module, name))
        found: Any = _import(module)
        for part in name.split("."):
            found = _attribute(found, part)
        of = getattr(found, "__module__", None) or ""
        if not _inside(_RENAMED.get(of, of), self._trust):
            raise ForeignClassError(_refusal(module, name))  # what it has imported itself
        self._trusted.append(found)
        return found

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        called = self.stack[-1]
        if isinstance(called, _Maker):
            self.stack[-1] = called.make(*arguments)
            if called.make is model_pickle.tree:
                self._remember()
        elif isinstance(called, _Factory) and called.make is OrderedDict and not arguments:
            self.stack[-1] = OrderedDict()
        elif self._is_trusted(called):
            self.stack[-1] = called(*arguments)
            self._remember()
        else:
            raise HwbenchError("is damaged or made with malice (it calls what is no function)")

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        kind = self.stack[-1]
        if isinstance(kind, _Class) and (kind.module, kind.name) in CLASSES and arguments == ():
            made = kind.load()
            new: Any = made.__new__
            self.stack[-1] = new(made)
        elif self._is_trusted(kind):
            self.stack[-1] = kind.__new__(kind, *arguments)
        else:
            raise HwbenchError("is damaged or made with malice (it makes objects of no class)")
        self._remember()

    def load_build(self) -> None:
        # What is shared with the rest of the program, a search space for one, must stay as it is.
        made = self._made.pop(id(self.stack[-2]), None)
        if made is None:
            raise HwbenchError("is damaged or made with malice (it changes what it did not make)")
        if (type(made).__module__, type(made).__name__) not in CLASSES:
            _OF_PICKLE[pickle.BUILD[0]](self)
            return
        _give(made, checked_state(made, _with_classes(made, self.stack.pop())))

    def load_setitem(self) -> None:
        _check_keys(self.stack[-2:-1])
        _OF_PICKLE[pickle.SETITEM[0]](self)

    def load_setitems(self) -> None:
        _check_keys(self.stack[::2])
        _OF_PICKLE[pickle.SETITEMS[0]](self)

    def load_additems(self) -> None:
        _check_keys(self.stack)
        _OF_PICKLE[pickle.ADDITEMS[0]](self)

    def load_frozenset(self) -> None:
        _check_keys(self.stack)
        _OF_PICKLE[pickle.FROZENSET[0]](self)

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.BUILD[0]] = load_build
    dispatch[pickle.SETITEM[0]] = load_setitem
    dispatch[pickle.SETITEMS[0]] = load_setitems
    dispatch[pickle.ADDITEMS[0]] = load_additems
    dispatch[pickle.FROZENSET[0]] = load_frozenset

    def _remember(self) -> None:
        self._made[id(self.stack[-1])] = self.stack[-1]

    def _is_trusted(self, found: Any) -> bool:
        return any(found is trusted for trusted in self._trusted)


_KEYS = (str, int, float, bool, bytes, type(None))


def _check_keys(keys: Collection[Any]) -> None:
    """Refuse keys in keys: to hash those without end would end the process."""
    for key in keys:
        parts = key if type(key) is tuple else (key,)
        if not all(type(part) in _KEYS or isinstance(part, np.generic) for part in parts):
            raise HwbenchError(f"is damaged (a {type(key).__name__} as a key)")


def _with_classes(made: Any, state: Any) -> Any:
    """A state in which the two classes of NGBoost stand for their marks."""
    if (type(made).__module__, type(made).__name__) != ("ngboost.api", "NGBRegressor"):
        return state
    if type(state) is not dict:
        return state
    return {
        key: value.load()
        if isinstance(value, _Class) and (value.module, value.name) in CLASS_VALUES
        else value
        for key, value in state.items()
    }


def _give(made: Any, state: dict[str, Any]) -> None:
    """Give an object its attributes, which were checked."""
    if isinstance(made, BaseModel):
        fields = state.get("__dict__")
        if type(fields) is not dict:
            raise HwbenchError(f"holds a broken {type(made).__name__}")
        checked: Any = type(made).model_validate(fields)
        made.__setstate__(checked.__getstate__())
        return
    take: Any = getattr(made, "__setstate__", None)
    if take is None:
        made.__dict__.update(state)
    else:
        take(state)


# ---------------------------------------------------------------------- what it is made of

_LEAVES = frozenset((
    type(None), bool, int, float, str, bytes, bytearray, np.random.RandomState,
    np.random.Generator,
))  # fmt: skip


_WITH_ATTRIBUTES = CLASSES - {TREE}


def _check_parts(model: Any, trust: Collection[str]) -> None:
    """See that a model holds plain data, arrays and objects of known classes, and nothing else."""
    waiting, seen = [model], set()
    while waiting:
        part = waiting.pop()
        kind = type(part)
        if kind in _LEAVES or id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict) and kind in (dict, OrderedDict, defaultdict):
            waiting += part.values()
        elif kind in (list, tuple, set, frozenset):
            waiting += part
        elif kind is np.ndarray:
            if part.dtype.hasobject:
                waiting += part.ravel().tolist()
        elif (kind.__module__, kind.__name__) in _WITH_ATTRIBUTES:
            waiting += [
                value
                for name, value in vars(part).items()
                if not (_is_of_library(value) or (name == "tree_" and is_checked_tree(part, value)))
            ]
        elif trust and kind not in (_Maker, _Class, _Factory):
            if not isinstance(part, type | ModuleType):
                waiting += getattr(part, "__dict__", {}).values()
        elif not (isinstance(part, Space | np.generic | np.dtype) or _is_tensor(part)):
            raise HwbenchError(
                f"is damaged or made with malice (a {kind.__name__} is part of no model)"
            )


def _is_of_library(value: Any) -> bool:
    """Whether a value is what a library's own code has put there: a class of NGBoost, a handle.

    No file can put one there: in it, marks stand for classes, and of handles there is no maker.
    """
    return isinstance(value, type) or type(value).__module__ in ("ctypes", "_catboost")


def _is_tensor(part: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and type(part) in (torch.Tensor, torch.nn.Parameter)


# ---------------------------------------------------------------------- names

_RENAMED = {"_loss": "sklearn._loss._loss"}
"""What compiled classes of some releases of scikit-learn call their module, and what it is."""


def _inside(module: str, roots: Collection[str]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def _import(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        missing = missing_extra(error, "the model")
        if missing is not None:
            raise missing from error
        raise HwbenchError(f"needs {module}, which cannot be imported ({error})") from error


def _attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        place = getattr(owner, "__name__", "it")
        raise HwbenchError(f"needs {place}.{name}, which is not there (any more)") from error


_NEVER = sys.stdlib_module_names | {"numpy", "hwbench", "__builtin__"}


def _refusal(module: str, name: str) -> str:
    root = module.partition(".")[0]
    if root in _NEVER:
        return f"names {module}.{name}, which no model is made of; do not trust the file"
    return (
        f"names {module}.{name}, which no predictor of hwbench is made of; a file whose maker you "
        f"would let run a program here, and no other, is read with trust=('{root}',), "
        f"--trust {root}"
    )
