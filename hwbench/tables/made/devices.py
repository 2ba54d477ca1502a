"""Where networks are measured and trained, and in which numbers."""

from __future__ import annotations

from hwbench.errors import HwbenchError

DTYPES = ("float32", "float64", "float16", "bfloat16")
DEVICES = ("cpu", "cuda")


def check_device(device: str, *, owner: str) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    HwbenchError
        Where torch has no CUDA device and one is asked for.
    """
    if device != "cuda":
        return
    import torch

    if not torch.cuda.is_available():
        raise HwbenchError(f"{owner}: this machine has no CUDA device that torch can use")
