"""A device named "emulated" that computes on the CPU and sees what a GPU's queue would wait for.

Its tensors are none of the CPU's: mixed with those an operation fails, as on a GPU, and whatever
goes from one to the other is counted. `install` changes this process for good, so that what uses it
is a process of its own.
"""

from collections import Counter
from typing import ClassVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "emulated"
HOST = torch.device("cpu")
aten = torch.ops.aten

READS = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.bincount.default,
    aten._unique2.default,
}
"""What waits for the device's numbers, or for how many there are."""

INDEXING = {
    aten.index.Tensor,
    aten.index_put.default,
    aten.index_put_.default,
    aten._index_put_impl_.default,
}


def install():
    """Make the device known to torch, and return it; it works within `Emulation`."""
    _setup_privateuseone_for_python_backend(NAME)
    return torch.device(NAME, 0)


class Emulated(torch.Tensor):
    """A tensor of the device; `host` holds its numbers."""

    @staticmethod
    def __new__(cls, host):
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            host.size(),
            strides=host.stride(),
            storage_offset=host.storage_offset(),
            dtype=host.dtype,
            layout=host.layout,
            device=torch.device(NAME, 0),
            requires_grad=False,
        )
        made.host = host
        return made

    def __repr__(self):
        return f"Emulated({self.host!r})"

    def tolist(self):
        Emulation.waits["tolist"] += 1
        return self.host.tolist()

    def numpy(self, **_):
        raise TypeError("can't convert a tensor of another device to numpy; use Tensor.cpu()")

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return run(operation, args, kwargs or {})


class Emulation(TorchDispatchMode):
    """In which tensors may be on the device.

    Attributes
    ----------
    waits : how often the CPU had to wait until the device had done all it was asked for, by what
        for; sending without waiting is none.
    """

    waits: ClassVar[Counter[str]] = Counter()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return run(operation, args, kwargs or {})


def run(operation, args, kwargs):
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    theirs = [each for each in tensors if isinstance(each, Emulated)]
    goal = kwargs.get("device")
    with _disable_current_modes():
        if not theirs and (goal is None or goal.type != NAME):
            return operation(*args, **kwargs)
        _note_waiting(operation, args, kwargs, tensors, theirs)
        on_host = {**kwargs, **({} if goal is None else {"device": HOST})}
        on_host.pop("pin_memory", None)
        plain_args, plain_kwargs = tree_map(_host, (args, on_host))
        found = operation(*plain_args, **plain_kwargs)
        if goal is not None and goal.type != NAME:
            return found
        known = {id(each.host): each for each in theirs}
        return tree_map(lambda each: _ours(each, known), found)


def _host(value):
    return value.host if isinstance(value, Emulated) else value


def _ours(value, known):
    if not isinstance(value, torch.Tensor):
        return value
    return known[id(value)] if id(value) in known else Emulated(value)


def _note_waiting(operation, args, kwargs, tensors, theirs):
    if operation in READS:
        Emulation.waits[str(operation)] += 1
        return
    if operation in INDEXING:
        indices = [each for each in args[1] if each is not None]
        if any(each.dtype in (torch.bool, torch.uint8) for each in indices):
            Emulation.waits[f"{operation} by a mask"] += 1
        if not all(isinstance(each, Emulated) for each in indices):
            Emulation.waits[f"{operation} by an index of the CPU"] += 1
        return
    if operation is aten._to_copy.default and kwargs.get("device") is not None:
        arrives = kwargs["device"].type == NAME
        if theirs and not arrives:
            Emulation.waits["to the CPU"] += 1
        if arrives and not theirs and not kwargs.get("non_blocking"):
            Emulation.waits["from the CPU"] += 1
        return
    if operation is aten.copy_.default and len(theirs) == 1:
        Emulation.waits["copy_ between CPU and device"] += 1
        return
    strangers = [each for each in tensors if not isinstance(each, Emulated) and each.dim()]
    if theirs and strangers:
        raise RuntimeError(f"{operation}: expected all tensors to be on the same device")
