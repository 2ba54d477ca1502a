"""Pickles of fitted models that can be read although somebody else may have made them.

A pickle names functions and classes and says what to call them with, so that an ordinary reader
runs whatever a file says. This one

- calls nothing that a file names but the makers below, which check what they are given. Arrays
  and tensors are written as `.npy` bytes, generators as their states, so that little else is met;
- makes objects without calling their constructors, of estimator libraries' classes alone;
- gives an inert mark where a class or function itself is the value, but for a few known ones: no
  attribute of a model can become a function of the file's choice.

What it cannot do is check the numbers: libraries written in C trust those of their own trees, and
a file made with malice may crash them.
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
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from hwbench.errors import HwbenchError, one_line
from hwbench.imports import MOVED
from hwbench.spaces import Space, get_space
from hwbench.spaces.registry import named_space

PROTOCOL = 4

LIBRARIES = {
    "hwbench.predictors": "hwbench",
    "sklearn": "scikit-learn",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "ngboost": "ngboost",
    "catboost": "catboost",
    "torch": "torch",
}
"""Modules whose classes a file may name, and the distributions they are of.

PyTorch Geometric is not among them: its layers generate code from their state as they are read.
"""

# Any class of these is made of Python objects alone. Of the others, which have classes that free
# memory wherever an attribute points to, estimators and modules may be named, and these:
_OF_PYTHON_OBJECTS = ("hwbench.predictors", "sklearn")
_OTHER_CLASSES = {
    ("catboost.core", "CatBoostRegressor"),
    ("lightgbm.basic", "Booster"),
    ("xgboost.core", "Booster"),
}
_CLASSES_AS_VALUES = ("ngboost.distns", "ngboost.scores")
_NUMBER_TYPES = frozenset((
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
))  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "SFC64")
_MT19937_WORDS = 624


class ForeignClassError(HwbenchError):
    """A file names a class or function of a module that is not trusted."""


# ---------------------------------------------------------------------- writing


def dump_model(model: Any) -> tuple[bytes, set[str]]:
    """Pickle an object for `load_pickled_model`.

    Returns
    -------
    The pickle, and the modules of all classes that it names.

    Raises
    ------
    HwbenchError
        Where the object holds something that cannot be pickled.
    """
    stream = io.BytesIO()
    writer = _Writer(stream, PROTOCOL)
    try:
        writer.dump(model)
    except (pickle.PicklingError, TypeError, AttributeError, RuntimeError, ValueError) as error:
        raise HwbenchError(f"{type(model).__name__} cannot be saved: {one_line(error)}") from error
    return stream.getvalue(), writer.modules


class _Writer(pickle.Pickler):
    """Writes arrays, generators and tensors as calls of the makers below."""

    def __init__(self, stream: io.BytesIO, protocol: int) -> None:
        super().__init__(stream, protocol)
        self.modules: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type):
            self.modules.add(obj.__module__)
            return NotImplemented
        if type(obj) in (np.ndarray, np.memmap):
            if obj.dtype.hasobject:
                return object_array, (obj.shape, list(obj.ravel()))
            return array, (_npy(obj),)
        if isinstance(obj, np.generic):
            return scalar, (_npy(np.asarray(obj)),)
        if isinstance(obj, np.dtype):
            return number_type, (obj.str,)
        if isinstance(obj, np.random.RandomState):
            return random_state, (obj.get_state(legacy=False),)
        if isinstance(obj, np.random.Generator):
            return generator, (obj.bit_generator.state,)
        return self._reduce_tensor(obj)

    def _reduce_tensor(self, obj: Any) -> Any:
        torch = sys.modules.get("torch")
        if torch is None or not isinstance(obj, torch.Tensor):
            return NotImplemented
        self.modules.add("torch")
        values = obj.detach().cpu().numpy()
        return tensor, (values, obj.requires_grad, isinstance(obj, torch.nn.Parameter))


def _npy(values: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, allow_pickle=False)
    return stream.getvalue()


# ---------------------------------------------------------------------- makers


def array(npy: bytes) -> Any:
    """The array that bytes of a `.npy` file hold; never of Python objects."""
    return np.lib.format.read_array(io.BytesIO(npy), allow_pickle=False)


def object_array(shape: tuple[int, ...], values: list[Any]) -> Any:
    """An array of Python objects, in C order."""
    result = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # at once, numpy would look into lists
        result[place] = value
    return result.reshape(shape)


def scalar(npy: bytes) -> Any:
    """A scalar of numpy."""
    return array(npy)[()]


def number_type(text: str) -> Any:
    """The dtype of plain numbers that a text such as "<f8" names."""
    if not re.fullmatch(r"[<>|=][biuf]\d{1,2}", text):
        raise HwbenchError(f"holds an unknown type of numbers {text[:40]!r}")
    return np.dtype(text)


def random_state(state: dict[str, Any]) -> np.random.RandomState:
    """A generator of numpy's older kind."""
    if not 0 <= state["state"]["pos"] <= _MT19937_WORDS:
        raise HwbenchError("holds a broken random state")
    result = np.random.RandomState()
    result.set_state(state)
    return result


def generator(state: dict[str, Any]) -> np.random.Generator:
    """A generator of numpy."""
    if state["bit_generator"] not in _BIT_GENERATORS:
        raise HwbenchError("holds an unknown generator of random numbers")
    bits = getattr(np.random, state["bit_generator"])(0)
    bits.state = state
    return np.random.Generator(bits)


def tensor(values: Any, requires_grad: bool, is_parameter: bool) -> Any:
    """A tensor of torch, on the processor."""
    import torch

    result = torch.from_numpy(np.array(values))
    if is_parameter:
        return torch.nn.Parameter(result, requires_grad=bool(requires_grad))
    return result.requires_grad_(bool(requires_grad))


def _device(*place: Any) -> Any:
    import torch

    return torch.device("cpu") if place[0] == "cpu" else torch.device(str(place[0]), int(place[1]))


def _bytes(content: bytes) -> bytearray:
    if not isinstance(content, bytes):  # a number would ask for that many
        raise HwbenchError("holds broken bytes")
    return bytearray(content)


def _default_dict(factory: _Maker) -> Any:
    if factory.make not in (OrderedDict, dict, list, set, int, float):
        raise HwbenchError("holds a broken dictionary")
    return defaultdict(factory.make)


def _space(name: str) -> Space:
    return named_space(name)


def _tree(n_features: int, n_classes: Any, n_outputs: int) -> Any:
    from sklearn.tree._tree import Tree

    return Tree(n_features, n_classes, n_outputs)


def _without_constructor(kind: _Class) -> Any:
    return kind.new()


@dataclass(frozen=True, slots=True)
class _Maker:
    """A mark for something that a file may call."""

    make: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class _Class:
    """A mark for a class of which a file may make objects."""

    kind: type

    def new(self) -> Any:
        make: Any = self.kind.__new__
        return make(self.kind)


_MAKERS: dict[tuple[str, str], _Maker] = {
    **{
        (__name__, make.__name__): _Maker(make)
        for make in (array, object_array, scalar, number_type, random_state, generator, tensor)
    },
    ("hwbench.spaces", "get_space"): _Maker(_space),  # as hwbench 0.1.0 wrote it
    (get_space.__module__, get_space.__name__): _Maker(_space),
    **{("builtins", kind.__name__): _Maker(kind) for kind in (dict, list, set, int, float, slice)},
    ("builtins", "bytearray"): _Maker(_bytes),
    ("collections", "OrderedDict"): _Maker(OrderedDict),
    ("collections", "defaultdict"): _Maker(_default_dict),
    ("sklearn.tree._tree", "Tree"): _Maker(_tree),
    ("torch", "device"): _Maker(_device),
}


# ---------------------------------------------------------------------- reading


def load_pickled_model(content: bytes, trust: Collection[str] = ()) -> Any:
    """Read what `dump_model` wrote.

    Parameters
    ----------
    content : the pickle.
    trust : modules of the reader's own, such as "my_module". A file may call whatever functions
        and classes are defined in them and in what is inside them.

    Raises
    ------
    ForeignClassError
        Where a file names classes or functions of other modules than those of `LIBRARIES`.
    HwbenchError
        Where a class is gone, or the pickle is damaged or made by something else.
    """
    try:
        return _Reader(io.BytesIO(content), trust).load()
    except HwbenchError:
        raise
    except Exception as error:  # whatever broken bytes make of a reader
        raise HwbenchError(
            f"is damaged ({type(error).__name__}: {one_line(error, 100)})"
        ) from error


_NEVER_WRITTEN = (
    pickle.PERSID, pickle.BINPERSID, pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.EXT1,
    pickle.EXT2, pickle.EXT4, pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
)  # fmt: skip

_LOAD_BUILD: Any = pickle._Unpickler.dispatch[pickle.BUILD[0]]


class _Reader(pickle._Unpickler):
    """Reads the pickles of `_Writer`: the reader in Python, in which calls can be taken over."""

    dispatch: ClassVar[dict[int, Callable[..., None]]] = {
        code: load
        for code, load in pickle._Unpickler.dispatch.items()
        if bytes([code]) not in _NEVER_WRITTEN
    }
    stack: list[Any]

    def __init__(self, stream: io.BytesIO, trust: Collection[str]) -> None:
        super().__init__(stream)
        self._trust = tuple(trust)
        self._trusted: list[Any] = []
        self._made: dict[int, Any] = {}

    def find_class(self, module: str, name: str) -> Any:
        module = MOVED.get(module, module)
        if (module, name) in _MAKERS:
            return _MAKERS[module, name]
        if not _NAME.fullmatch(module) or not _NAME.fullmatch(name):
            raise HwbenchError("is damaged (it names what cannot be a class)")
        if _inside(module, self._trust):
            found = _import(module)
            for part in name.split("."):
                found = _attribute(found, part)
            if not _inside(getattr(found, "__module__", None) or "", self._trust):
                raise ForeignClassError(_refusal(module, name))  # what it has imported itself
            self._trusted.append(found)
            return found
        if module == "numpy" and name in _NUMBER_TYPES:
            return getattr(np, name)
        if not _inside(_RENAMED.get(module, module), LIBRARIES):
            raise ForeignClassError(_refusal(module, name))
        return _mark(module, name)

    def load_reduce(self) -> None:
        arguments = self.stack.pop()
        called = self.stack[-1]
        if isinstance(called, _Maker):
            self.stack[-1] = called.make(*arguments)
            if called.make not in (_tree, _without_constructor):
                return
        elif isinstance(called, _Class) and not arguments:
            self.stack[-1] = called.new()
        elif self._is_trusted(called):
            self.stack[-1] = called(*arguments)
        else:
            raise HwbenchError("is damaged or made with malice (it calls what is no function)")
        self._remember()

    def load_newobj(self) -> None:
        arguments = self.stack.pop()
        kind = self.stack[-1]
        if isinstance(kind, _Class) and not arguments:
            self.stack[-1] = kind.new()
        elif self._is_trusted(kind):
            self.stack[-1] = kind.__new__(kind, *arguments)
        else:
            raise HwbenchError("is damaged or made with malice (it makes objects of no class)")
        self._remember()

    def load_build(self) -> None:
        # What is shared with the rest of the program, a search space for one, must stay as it is.
        if id(self.stack[-2]) not in self._made:
            raise HwbenchError("is damaged or made with malice (it changes what it did not make)")
        _LOAD_BUILD(self)

    dispatch[pickle.REDUCE[0]] = load_reduce
    dispatch[pickle.NEWOBJ[0]] = load_newobj
    dispatch[pickle.BUILD[0]] = load_build

    def _remember(self) -> None:
        self._made[id(self.stack[-1])] = self.stack[-1]

    def _is_trusted(self, found: Any) -> bool:
        return any(found is trusted for trusted in self._trusted)


_RENAMED = {"_loss": "sklearn._loss._loss"}
"""What compiled classes of some releases of scikit-learn call their module, and what it is."""


def _inside(module: str, roots: Collection[str]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)


def _mark(module: str, name: str) -> Any:
    """What stands for a class or function of the libraries.

    Raises
    ------
    ForeignClassError
        Where files may not name it.
    """
    module = _RENAMED.get(module, module)
    found = _attribute(_import(module), name)
    if module == "torch" and type(found).__name__ == "dtype":
        return found
    if name == "newObj" and _inside(module, ("sklearn",)):
        return _Maker(_without_constructor)  # how scikit-learn's compiled classes are pickled
    if not isinstance(found, type) or _RENAMED.get(found.__module__, found.__module__) != module:
        raise ForeignClassError(_refusal(module, name))
    if _inside(module, _CLASSES_AS_VALUES):
        return found
    if (
        _inside(module, _OF_PYTHON_OBJECTS)
        or (module, name) in _OTHER_CLASSES
        or issubclass(found, BaseEstimator)
        or _is_torch_module(found)
    ):
        return _Class(found)
    raise ForeignClassError(_refusal(module, name))


def _is_torch_module(found: type) -> bool:
    if not _inside(found.__module__, ("torch.nn.modules",)):
        return False
    import torch

    return issubclass(found, torch.nn.Module)


def _import(module: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise HwbenchError(f"needs {module}, which cannot be imported ({error})") from error


def _attribute(owner: Any, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError as error:
        place = getattr(owner, "__name__", "it")
        raise HwbenchError(f"needs {place}.{name}, which is not there (any more)") from error


def _refusal(module: str, name: str) -> str:
    root = module.partition(".")[0]
    known = {library.partition(".")[0] for library in LIBRARIES}
    if root in sys.stdlib_module_names | known | {"numpy", "__builtin__"}:
        return f"names {module}.{name}, which no model is made of; do not trust the file"
    return (
        f"names {module}.{name}, which is of no library that hwbench knows; if you trust the file "
        f"and that module, say so: trust=('{root}',), or --trust {root}"
    )
