"""Energy of an NVIDIA GPU by the counter of its driver."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwbench.errors import one_line
from hwbench.imports import import_module_of
from hwbench.tables.made.energy.base import EnergyMeter
from hwbench.tables.made.remedy import RemedyError
from hwbench.tables.made.runtimes.base import MeasureError


class Nvml(EnergyMeter):
    """The whole board of the GPU that torch computes on, memory included.

    The driver counts millijoules since it was loaded, on GPUs from Volta on
    (`nvmlDeviceGetTotalEnergyConsumption`).

    Raises
    ------
    HwbenchError
        Where the library is missing, or there is no GPU that counts its energy.
    """

    columns = {"energy": "energy of a run, of the whole GPU"}  # noqa: RUF012  never changed

    def __init__(self) -> None:
        self._nvml: Any = import_module_of("pynvml", owner="measure: --energy nvml")
        try:
            self._nvml.nvmlInit()
            self._device = self._nvml.nvmlDeviceGetHandleByUUID(_uuid())
            self.read()
        except (self._nvml.NVMLError, MeasureError) as error:
            raise RemedyError(
                f"measure: --energy nvml: no GPU here counts its energy ({one_line(error)})",
                "measure the latency alone",
                {"--energy": ""},
            ) from error

    def read(self) -> Mapping[str, int]:
        try:
            counted = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._device)
        except self._nvml.NVMLError as error:
            raise MeasureError(f"the GPU's energy cannot be read: {one_line(error)}") from error
        return {"gpu": 1000 * int(counted)}

    def used(self, before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float]:
        return {"energy": (after["gpu"] - before["gpu"]) / 1000}


def _uuid() -> str:
    """Of the GPU that torch computes on, which need not be the driver's first.

    Raises
    ------
    HwbenchError
        Where torch has none.
    """
    import torch

    if not torch.cuda.is_available():
        raise RemedyError(
            "measure: --energy nvml: this machine has no CUDA device that torch can use",
            "measure the latency alone",
            {"--energy": ""},
        )
    return f"GPU-{torch.cuda.get_device_properties(torch.cuda.current_device()).uuid}"
