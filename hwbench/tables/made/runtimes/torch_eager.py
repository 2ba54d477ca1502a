"""The network as PyTorch runs it, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwbench.tables.made.devices import DEVICES, DTYPES
from hwbench.tables.made.runtimes.base import Run, Runtime, Work

if TYPE_CHECKING:
    import torch


class TorchEager(Runtime):
    """PyTorch without a compiler."""

    dtypes = DTYPES
    devices = DEVICES
    distributions = ("torch",)

    def prepare(self, work: Work) -> Run:
        return synchronised(lambda: work.network(work.images), work.images)


def synchronised(run: Run, images: torch.Tensor) -> Run:
    """A run that is over when the device has done the work: on a GPU a call returns before."""
    if not images.is_cuda:
        return run
    import torch

    def run_and_wait() -> object:
        result = run()
        torch.cuda.synchronize()
        return result

    return run_and_wait
