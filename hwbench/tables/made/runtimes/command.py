"""A command of one's own that measures: on a board, a phone, another machine, in any runtime."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Annotated, Any

from hwbench.arguments import one_of
from hwbench.errors import HwbenchError
from hwbench.tables.made.remedy import RemedyError
from hwbench.tables.made.runtimes.base import MeasureError, Run, Runtime, Work
from hwbench.tables.made.runtimes.command_line import CommandLine
from hwbench.tables.made.runtimes.printed_times import TIME_UNITS, WHICH, PrintedTimes
from hwbench.tables.made.runtimes.programs import output_of

SECONDS = 600.0
"""Of a call, where no limit was given."""


class Command(Runtime):
    """A command that is given a network's file and prints how long a run takes.

    It is called for every run, warm-up included, or once a visit where it names `{repeats}` and so
    repeats by itself; without a shell, and with nothing on its standard input. What it prints on
    its standard output is read; an exit code other than 0, or an output that is no time, is a
    failure of that visit.

    Parameters
    ----------
    command : its words, with places in braces, see `hwbench.tables.made.runtimes.command_line`.
    read, pattern, key, unit : where the times are, see `PrintedTimes`.
    in_shell : whether a shell runs it.
    """

    libraries = ("onnx",)
    in_process = False

    def __init__(
        self,
        *,
        command: str,
        read: Annotated[str, one_of(WHICH)] = "only",
        pattern: str = "",
        key: str = "",
        unit: Annotated[str, one_of(("", *TIME_UNITS))] = "",
        in_shell: bool = False,
    ) -> None:
        self.command = command
        self.read = read
        self.pattern = pattern
        self.key = key
        self.unit = unit
        self.in_shell = in_shell

    def check(self, name: str, dtype: str, device: str) -> None:
        del device  # it is wherever the command says
        line = CommandLine(self.command, in_shell=self.in_shell)
        if "onnx" in line.named:
            super().check(name, dtype, "cpu")
        else:
            self.check_dtype(name, dtype)
        if self.pattern and self.key:
            raise RemedyError(
                "--pattern and --key: give one; --key is for JSON, --pattern for other text",
                "with the key alone",
                {"--pattern": ""},
            )
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise HwbenchError(
                f"--pattern {self.pattern!r} is no regular expression ({error}); one such as "
                "'mean = ([0-9.]+)' has a group around the number"
            ) from error

    def calls(self, warmup: int, repeats: int) -> tuple[int, int]:
        named = CommandLine(self.command, in_shell=self.in_shell).named
        own = {"warmup", "repeats"} & named
        return 0 if own else warmup, 1 if "repeats" in named else repeats

    def prepare(self, work: Work) -> Run:
        line = CommandLine(self.command, in_shell=self.in_shell)
        words = line.filled(_values(line, work))
        printed = PrintedTimes(self.read, self.pattern, self.key, self.unit)

        def run() -> list[float]:
            return printed.milliseconds(output_of(words, work.timeout or SECONDS))

        return run

    def words(self) -> str:
        return f"times told by: {self.command}"

    def device_name(self, device: str) -> str:
        del device
        return f"the device of: {self.command}"


def _values(line: CommandLine, work: Work) -> dict[str, Any]:
    batch, channels, _, size = work.images.shape
    values: dict[str, Any] = {
        "arch": work.name,
        "batch": batch,
        "threads": work.threads,
        "warmup": work.warmup,
        "repeats": work.repeats,
        "seed": work.seed,
        "channels": channels,
        "input_size": size,
    }
    for name in ("onnx", "torchscript", "torch_export", "input"):
        if name in line.named:
            values[name] = _written(name, work)
    return values


def _written(kind: str, work: Work) -> Path:
    """A file of that kind, in the folder of the visit."""
    import numpy as np
    import torch

    suffix = {"torchscript": "pt", "torch_export": "pt2", "input": "npy"}.get(kind, kind)
    path = work.folder / f"network.{suffix}"
    if kind == "onnx":
        from hwbench.tables.made.onnx_graph import onnx_model

        path.write_bytes(onnx_model(work.network, work.images))
    elif kind == "input":
        path = path.with_stem("images")
        np.save(path, work.images.numpy())
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of what it will replace
            try:
                if kind == "torchscript":
                    trace: Any = torch.jit.trace  # without types
                    torch.jit.save(trace(work.network, work.images), str(path))
                else:
                    torch.export.save(torch.export.export(work.network, (work.images,)), path)
            except RuntimeError as error:
                raise MeasureError(f"the network cannot be written as {kind}: {error}") from error
    return path
