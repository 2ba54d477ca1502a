"""What a runtime is: it makes of a network something that can be run and timed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hwbench.arguments import check_constructor, complete_arguments, parameters_of
from hwbench.environment import processor_name
from hwbench.errors import HwbenchError
from hwbench.extras import MissingExtraError, extra_of, is_there
from hwbench.spaces.base import Measurement
from hwbench.tables.made.devices import check_device
from hwbench.tables.made.remedy import RemedyError
from hwbench.tables.made.runtimes import RUNTIMES

if TYPE_CHECKING:
    import torch

Run = Callable[[], Any]
"""One pass of the network; it returns when the pass is done."""


class MeasureError(Exception):
    """One architecture could not be measured, whatever becomes of the others; the text says why."""


@dataclass(frozen=True)
class Work:
    """What a runtime is given for one visit to an architecture.

    Attributes
    ----------
    network : a module in evaluation mode, on the device and of the dtype of the images.
    images : float tensor of shape (batch, channels, height, width).
    name : the architecture's string.
    threads : that may compute.
    warmup, repeats : unrecorded and recorded runs of the visit.
    seed : of whatever is drawn.
    folder : an empty folder, which is removed after the visit.
    kept : path, without a suffix, of files that are kept for further visits to this architecture
        with this batch size; the folder that it is in is there, and is removed at the end.
    timeout : seconds that a run may take; None for any. Only a runtime that works in another
        process is asked to keep it.
    """

    network: torch.nn.Module
    images: torch.Tensor
    name: str
    threads: int
    warmup: int
    repeats: int
    seed: int
    folder: Path
    kept: Path
    timeout: float | None = None


class Runtime(ABC):
    """What executes a network. One of one's own is named "module:Class".

    A constructor takes options by keyword, which are checked by their annotations, and stores
    them. Options, with the defaults of those left out, are part of a table's record.

    Attributes
    ----------
    dtypes, devices : those of `hwbench.tables.made.devices` that it measures.
    libraries : modules that must be there besides torch, in which networks are built.
    distributions : installed packages whose versions a table records.
    in_process : whether it computes in this process, which is then kept quiet: no more cores than
        `cores` says, no garbage collection. Else it measures elsewhere, and its runs return
        milliseconds, a list of floats, instead of being timed.
    outcomes : what else it tells of an architecture, see `outcomes_of`.
    """

    dtypes: ClassVar[tuple[str, ...]] = ("float32",)
    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    libraries: ClassVar[Collection[str]] = ()
    distributions: ClassVar[tuple[str, ...]] = ()
    in_process: ClassVar[bool] = True
    outcomes: ClassVar[Mapping[str, Measurement]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_constructor(cls, lambda part: f"runtime {type(part).__name__}")

    @classmethod
    def missing_libraries(cls) -> list[str]:
        """Those of its libraries, and torch, that are not installed."""
        return [name for name in ("torch", *cls.libraries) if not is_there(name)]

    def check(self, name: str, dtype: str, device: str) -> None:
        """Refuse what cannot be measured here; called before the first network is built.

        Parameters
        ----------
        name : of the runtime, for messages.
        dtype, device : of the recipe.

        Raises
        ------
        HwbenchError
            Where the device is absent, a library is missing, or the runtime lacks the dtype.
        """
        for library in self.missing_libraries():
            if not extra_of(library):
                raise HwbenchError(f"measure: runtime {name} needs {library}; install it with pip")
            raise MissingExtraError(f"measure: runtime {name}", library)
        check_device(device, owner="measure")
        self.check_dtype(name, dtype)
        if device not in self.devices:
            raise RemedyError(
                f"measure: runtime {name} measures on {' and '.join(self.devices)} alone, "
                f"not on {device}",
                "measure there",
                {"--device": self.devices[0]},
            )

    def check_dtype(self, name: str, dtype: str) -> None:
        """Refuse numbers that the runtime does not compute with; parameters as of `check`."""
        if dtype not in self.dtypes:
            raise RemedyError(
                f"measure: runtime {name} measures {' and '.join(self.dtypes)} alone, not {dtype}",
                "measure in that",
                {"--dtype": self.dtypes[0]},
            )

    @abstractmethod
    def prepare(self, work: Work) -> Run:
        """Make the network ready to run; neither this nor the first runs are timed.

        Raises
        ------
        MeasureError
            Where this network cannot be run; any other exception but a `HwbenchError` counts as
            that too. A run may raise the same.
        HwbenchError
            Where nothing can be measured at all: it ends the measurement.
        """

    def cores(self, threads: int) -> int:
        """How many cores are taken by runs with so many threads; the process is pinned to them."""
        return threads

    def calls(self, warmup: int, repeats: int) -> tuple[int, int]:
        """How often a visit runs the network unrecorded and recorded, of what was asked for."""
        return warmup, repeats

    def outcomes_of(self, work: Work, run: Run) -> dict[str, float]:
        """Values of `outcomes`; asked once an architecture, after its first visit's runs.

        Parameters
        ----------
        work, run : what was given to `prepare`, and what it returned.
        """
        del work, run
        return {}

    def versions(self) -> dict[str, str]:
        """Versions of what computes, for a table's record."""
        found = {}
        for name in self.distributions:
            try:
                found[name] = metadata.version(name)
            except metadata.PackageNotFoundError:  # a build under another name
                found[name] = "unknown"
        return found

    def device_name(self, device: str) -> str:
        """The name of what computes, for the table's columns."""
        if device == "cpu":
            return processor_name()
        import torch

        return torch.cuda.get_device_name()

    def words(self) -> str:
        """What the sources of a table's columns say of the options; "" for nothing."""
        own = parameters_of(type(self))
        changed = {
            name: getattr(self, name)
            for name, each in own.items()
            if getattr(self, name, each.default) != each.default
        }
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changed.items())

    def about(self) -> dict[str, Any]:
        """What else a table should record of how it was measured; it can be written as JSON."""
        return {}


def complete_options(runtime: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a runtime, checked, with the defaults of those left out.

    Raises
    ------
    HwbenchError
        Where there is no such runtime or option, or a value is not what the option takes.
    """
    part = RUNTIMES.load(runtime, where="measure")
    return complete_arguments(part, options, where=f"measure: runtime {runtime}")


def make_runtime(runtime: str, options: Mapping[str, Any]) -> Runtime:
    """The runtime of that name with these options; errors as of `complete_options`."""
    made: Runtime = RUNTIMES.load(runtime, where="measure")(**options)
    return made
