"""Energy meters: counters of what a machine has used, by name."""

from __future__ import annotations

from hwbench.registry import Registry

_HERE = "hwbench.tables.made.energy"

ENERGY_METERS = Registry(
    "energy meter",
    {
        "nvml": f"{_HERE}.nvml:Nvml",
        "rapl": f"{_HERE}.rapl:Rapl",
    },
    "hwbench.energy_meters",
    base=f"{_HERE}.base:EnergyMeter",
)
"""Subclasses of `EnergyMeter`."""
