"""Architecture strategies by name. A new one is a class of its own, named "module:Class"."""

from __future__ import annotations

from hwbench.registry import Registry

STRATEGIES = Registry(
    "strategy",
    {
        "darts": "hwbench.live.strategies.darts:DARTS",
        "dr_nas": "hwbench.live.strategies.sampled:DrNAS",
        "fair_darts": "hwbench.live.strategies.darts:FairDARTS",
        "fair_nas": "hwbench.live.strategies.single_path:FairNAS",
        "gdas": "hwbench.live.strategies.sampled:GDAS",
        "pc_darts": "hwbench.live.strategies.darts:PCDARTS",
        "proxyless_nas": "hwbench.live.strategies.sampled:ProxylessNAS",
        "snas": "hwbench.live.strategies.sampled:SNAS",
        "spos": "hwbench.live.strategies.single_path:SPOS",
        "vs_darts": "hwbench.live.strategies.darts:VSDARTS",
    },
    "hwbench.architecture_strategies",
    base="hwbench.live.strategies.base:ArchitectureStrategy",
)
"""Subclasses of `ArchitectureStrategy`."""
