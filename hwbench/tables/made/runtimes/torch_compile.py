"""The network compiled by `torch.compile` for one shape of images."""

from __future__ import annotations

import warnings

from hwbench.errors import HwbenchError
from hwbench.tables.made.devices import DEVICES, DTYPES
from hwbench.tables.made.runtimes.base import Run, Runtime, Work
from hwbench.tables.made.runtimes.torch_eager import synchronised


class TorchCompile(Runtime):
    """PyTorch with its own compiler, which needs one of C++."""

    dtypes = DTYPES
    devices = DEVICES
    distributions = ("torch",)

    def prepare(self, work: Work) -> Run:
        import torch

        torch._dynamo.reset()  # a compiled network of another architecture must not be looked at
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the compiler warns of its own parts
                compiled = torch.compile(work.network, dynamic=False)
                compiled(work.images)
        except Exception as error:  # the compiler raises errors of many libraries
            # The first line says what is wrong, many more follow it.
            reason = str(error).strip().partition("\n")[0] or type(error).__name__
            raise HwbenchError(
                f"torch-compile does not work here ({reason}); use another runtime"
            ) from error
        return synchronised(lambda: compiled(work.images), work.images)
