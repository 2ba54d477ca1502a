"""Pickles of fitted models: how they are written, and what of it `model_reading` calls.

Arrays and tensors are written as `.npy` bytes, generators as their states, spaces as their names:
calls of the makers below, which check what they are given. All else is plain data and objects.
"""

from __future__ import annotations

import io
import pickle
import re
import sys
from typing import Any

import numpy as np

from hwbench.errors import HwbenchError, one_line
from hwbench.formats.archives import read_layout

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
"""Modules of estimators, and the distributions they are of."""

_KINDS = "biufcUSVmM"  # those that hold no Python objects
_BIT_GENERATORS = ("PCG64", "PCG64DXSM", "SFC64")
_MT19937_WORDS = 624
_MOST_COLUMNS = 2**24


# ---------------------------------------------------------------------- writing


def dump_model(model: Any) -> tuple[bytes, set[tuple[str, str]]]:
    """Pickle an object for `hwbench.predictors.model_reading`.

    Returns
    -------
    The pickle, and module and name of all classes that it names.

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
    return stream.getvalue(), writer.classes


class _Writer(pickle.Pickler):
    """Writes arrays, generators and tensors as calls of the makers below."""

    def __init__(self, stream: io.BytesIO, protocol: int) -> None:
        super().__init__(stream, protocol)
        self.classes: set[tuple[str, str]] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type):
            self.classes.add((obj.__module__, obj.__qualname__))
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
        self.classes.add(("torch", "Tensor"))
        values = obj.detach().cpu().numpy()
        return tensor, (values, obj.requires_grad, isinstance(obj, torch.nn.Parameter))


def _npy(values: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, allow_pickle=False)
    return stream.getvalue()


# ---------------------------------------------------------------------- makers


def array(npy: bytes) -> Any:
    """The array that bytes of a `.npy` file hold; never of Python objects."""
    stream = io.BytesIO(npy)
    try:
        read_layout(stream, len(npy), kinds=_KINDS)
    except HwbenchError as error:
        raise HwbenchError(f"holds an array that {error}") from error
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


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


def read_bytes(content: bytes) -> bytearray:
    """Bytes that can be changed."""
    if not isinstance(content, bytes):  # a number would ask for that many
        raise HwbenchError("holds broken bytes")
    return bytearray(content)


def tree(n_features: int, n_classes: Any, n_outputs: int) -> Any:
    """A decision tree of scikit-learn without nodes."""
    from sklearn.tree._tree import Tree

    if not 0 < n_features < _MOST_COLUMNS or n_outputs != 1 or np.any(n_classes != np.ones(1)):
        raise HwbenchError("holds a broken tree")
    return Tree(n_features, n_classes, n_outputs)
