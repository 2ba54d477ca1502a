"""How latency is measured: everything that a measurement is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt, PositiveInt

from hwbench.arguments import Positive, check_fields, one_of
from hwbench.environment import available_cores
from hwbench.errors import HwbenchError
from hwbench.spaces.base import SkeletonValue
from hwbench.tables.made.devices import DEVICES, DTYPES
from hwbench.tables.made.energy import ENERGY_METERS
from hwbench.tables.made.remedy import RemedyError
from hwbench.tables.made.runtimes.base import complete_options, make_runtime

ENERGY_DEVICES = {"rapl": "cpu", "nvml": "cuda"}
"""What hwbench's own meters cover."""


@dataclass(frozen=True)
class MeasureRecipe:
    """How latency is measured.

    Attributes
    ----------
    runtime : what executes the network, one of `RUNTIMES`.
    options : of the runtime; those left out have its defaults.
    rounds : visits to each architecture.
    warmup : unrecorded runs at the start of a visit.
    repeats : recorded runs of a visit.
    threads : threads that compute, each pinned to a core of its own where the system allows it.
    batch_size : images in one run.
    further_batch_sizes : measured in the same rounds, each with columns of its own.
    dtype : of weights and images, one of `DTYPES`.
    device : "cpu" or "cuda".
    seed : of the visiting order, the weights and the input.
    skeleton : changes to the space's official skeleton.
    timeout : seconds that a visit may take, or a call of a command; then it is a failure. Networks
        then run in a process of its own, which may also crash. None for any time, of a command for
        ten minutes.
    energy : an energy meter, one of `ENERGY_METERS`; "" for none.
    percentiles : of all recorded runs, each with a column.
    device_name : what was measured on, for the columns; by default what the runtime says.
    """

    runtime: str = "torch-eager"
    rounds: PositiveInt = 5
    warmup: NonNegativeInt = 1
    repeats: PositiveInt = 2
    threads: PositiveInt = 1
    batch_size: PositiveInt = 1
    dtype: Annotated[str, one_of(DTYPES)] = "float32"
    device: Annotated[str, one_of(DEVICES)] = "cpu"
    seed: NonNegativeInt = 0
    skeleton: Mapping[str, SkeletonValue] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    further_batch_sizes: tuple[PositiveInt, ...] = ()
    timeout: Positive | None = None
    energy: str = ""
    percentiles: tuple[Annotated[float, Field(gt=0, lt=100)], ...] = ()
    device_name: str = ""

    def __post_init__(self) -> None:
        check_fields(self, "measure")
        options = complete_options(self.runtime, self.options)
        object.__setattr__(self, "options", options)
        runtime = make_runtime(self.runtime, options)
        cores = runtime.cores(self.threads)
        if runtime.in_process and cores > available_cores():
            raise RemedyError(
                f"measure: {cores} threads on {available_cores()} cores would measure "
                "their waiting for each other",
                "use fewer",
                {"--threads": str(max(1, self.threads - cores + available_cores()))},
            )
        if len({*self.batch_sizes}) < len(self.batch_sizes):
            raise HwbenchError("measure: a batch size is given twice; give each of them once")
        if self.energy:
            self._check_energy(in_process=runtime.in_process)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """All of them."""
        return (self.batch_size, *self.further_batch_sizes)

    def _check_energy(self, *, in_process: bool) -> None:
        ENERGY_METERS.path_of(self.energy, where="measure")
        if not in_process:
            raise RemedyError(
                f"measure: --energy {self.energy} reads this machine, and runtime {self.runtime} "
                "may measure on another",
                "measure the latency alone",
                {"--energy": ""},
            )
        device = ENERGY_DEVICES.get(self.energy, self.device)
        if device != self.device:
            meter = {"cpu": "rapl", "cuda": "nvml"}[self.device]
            raise RemedyError(
                f"measure: --energy {self.energy} covers --device {device}, and the networks run "
                f"on {self.device}",
                "read the meter of that",
                {"--energy": meter},
            )


def check_runtime(recipe: MeasureRecipe) -> None:
    """Refuse what cannot be measured here before the first network is built.

    Raises
    ------
    HwbenchError
        Where the device is absent, a library is missing, or the runtime lacks the dtype.
    """
    runtime = make_runtime(recipe.runtime, recipe.options)
    runtime.check(recipe.runtime, recipe.dtype, recipe.device)
