"""Where torch computes, and whether it computes the same numbers there run after run.

On a CPU it does. On a GPU some sums are taken in the order in which their terms happen to arrive,
and the fastest of several ways to convolve is chosen by a stopwatch: with `deterministic` neither
is, at the cost of speed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

from hwbench.errors import HwbenchError

WORKSPACE, WORKSPACE_SIZES = "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
"""What cuBLAS needs to be told for matrix products that are the same each time."""


def choose_device(name: str | None) -> torch.device:
    """The device of a name, by default CUDA where there is one, else the CPU.

    Raises
    ------
    HwbenchError
        Where torch does not know the device, or it is not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0].rstrip(".")
        raise HwbenchError(
            f"device {name!r} cannot be used ({reason}); use cpu, or cuda where there is a GPU"
        ) from error
    return device


def device_title(device: torch.device) -> str:
    """The device for people and records: the GPU's name beside its own."""
    if device.type != "cuda":
        return str(device)
    return f"{device} ({torch.cuda.get_device_name(device)})"


@contextmanager
def arithmetic(device: torch.device, *, deterministic: bool = False) -> Iterator[None]:
    """In which torch computes as training and evaluation want it; all flags are then put back.

    Parameters
    ----------
    device : to compute on. On a CPU nothing is changed but for `deterministic`.
    deterministic : whether the same call gives the same bits each time on the same machine with the
        same versions: operations that have no such version are refused, convolutions and products
        are exact float32 rather than TF32, and cuDNN chooses its ways by rule. Otherwise cuDNN
        measures which is fastest. A process that has multiplied matrices with CUDA before must have
        been started with CUBLAS_WORKSPACE_CONFIG=:4096:8; torch says so where it was not.
    """
    if device.type != "cuda" and not deterministic:
        yield
        return
    cudnn = torch.backends.cudnn
    with ExitStack() as stack:
        for name in ("benchmark", "deterministic", "allow_tf32"):
            stack.callback(setattr, cudnn, name, getattr(cudnn, name))
        cudnn.benchmark = not deterministic
        cudnn.deterministic = deterministic
        if deterministic:
            cudnn.allow_tf32 = False
            stack.callback(torch.set_float32_matmul_precision, torch.get_float32_matmul_precision())
            torch.set_float32_matmul_precision("highest")
            stack.callback(
                torch.use_deterministic_algorithms,
                torch.are_deterministic_algorithms_enabled(),
                warn_only=torch.is_deterministic_algorithms_warn_only_enabled(),
            )
            torch.use_deterministic_algorithms(True)
            if WORKSPACE not in os.environ:
                stack.callback(os.environ.pop, WORKSPACE, None)
                os.environ[WORKSPACE] = WORKSPACE_SIZES
        yield


@contextmanager
def forked_random(device: torch.device) -> Iterator[None]:
    """In which draws of torch's default generators, the CPU's and the device's, leave no trace."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield


@contextmanager
def seeded(
    seed: int, device: torch.device, threads: int, *, deterministic: bool = False
) -> Iterator[None]:
    """Seed torch's default generators, and give them and all that it sets back afterwards.

    Parameters
    ----------
    seed : of the CPU's generator and the device's.
    device : to compute on.
    threads : of torch.
    deterministic : see `arithmetic`.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with forked_random(device), arithmetic(device, deterministic=deterministic):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def sent(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Values of the CPU on a device, without waiting for what the device is computing.

    They must not be changed afterwards. A plain `to` waits until all that was asked of the device
    before is done; in a step of training that costs more than the step.
    """
    return values.to(device, non_blocking=True)
