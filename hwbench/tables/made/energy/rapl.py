"""Energy of processor packages and memory by the counters of Linux's powercap ("RAPL")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hwbench.errors import HwbenchError
from hwbench.tables.made.energy.base import EnergyMeter
from hwbench.tables.made.remedy import RemedyError

ROOT = Path("/sys/class/powercap")
KINDS = ("intel-rapl", "intel-rapl-mmio")
"""Of zones, AMD's too; the second holds the same counters, read in another way."""


@dataclass(frozen=True)
class _Zone:
    """A counter: microjoules, which begin anew at `most`."""

    path: Path
    column: str
    most: int

    def read(self) -> int:
        return int(self.path.read_text("ascii"))


class Rapl(EnergyMeter):
    """All packages together, and all memory where it is counted apart.

    A package's cores and graphics are part of it; "psys", the whole board, holds packages and is
    left out. See Documentation/power/powercap/powercap.rst of the Linux kernel.

    Parameters
    ----------
    root : the folder of zones.

    Raises
    ------
    HwbenchError
        Where there is no zone, or it may not be read.
    """

    def __init__(self, root: Path | None = None) -> None:
        root = ROOT if root is None else root
        self._zones = _zones(root)
        if not any(each.column == "energy" for each in self._zones.values()):
            raise RemedyError(
                f"measure: --energy rapl: {root} holds no processor package, as in most virtual "
                "machines and containers",
                "measure the latency alone",
                {"--energy": ""},
            )
        titles = {
            "energy": "energy of a run, of all processor packages",
            "energy_memory": "energy of a run, of the memory",
        }
        found = {each.column for each in self._zones.values()}
        self.columns = {name: title for name, title in titles.items() if name in found}
        try:
            self.read()
        except PermissionError as error:
            raise HwbenchError(
                f"measure: --energy rapl: {error.filename} may not be read by you; let it be read "
                f"until the next start with: sudo chmod a+r {root}/intel-rapl*/energy_uj"
            ) from error
        except (OSError, ValueError) as error:
            raise HwbenchError(
                f"measure: --energy rapl: {root}: a counter cannot be read ({error})"
            ) from error

    def read(self) -> Mapping[str, int]:
        return {name: zone.read() for name, zone in self._zones.items()}

    def used(self, before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, float]:
        found = dict.fromkeys(self.columns, 0.0)
        for name, zone in self._zones.items():
            microjoules = after[name] - before[name]
            if microjoules < 0:  # it began anew
                microjoules += zone.most
            found[zone.column] += microjoules / 1000
        return found


def _zones(root: Path) -> dict[str, _Zone]:
    """The counters that are added up, by the names of their folders."""
    for kind in KINDS:
        found = {}
        for folder in sorted(root.glob(f"{kind}:*")):
            name = _text(folder / "name")
            column = {"dram": "energy_memory"}.get(name)
            if name.startswith("package"):
                column = "energy"
            if column is not None:
                most = _text(folder / "max_energy_range_uj")
                counter = folder / "energy_uj"
                found[folder.name] = _Zone(counter, column, int(most) if most.isdecimal() else 0)
        if found:
            return found
    return {}


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except OSError:
        return ""
