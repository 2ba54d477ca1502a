"""Architecture strategies by name. A new one is a class of its own, named "module:Class"."""

from __future__ import annotations

from hwbench.registry import Registry

STRATEGIES = Registry(
    "strategy",
    {
        "bayes_nas": "hwbench.live.strategies.bayes_nas:BayesNAS",
        "bt_nas": "hwbench.live.strategies.beta:BtNAS",
        "darts": "hwbench.live.strategies.darts:DARTS",
        "darts_elu": "hwbench.live.strategies.darts:DARTSELU",
        "dr_nas": "hwbench.live.strategies.sampled:DrNAS",
        "enas": "hwbench.live.strategies.enas:ENAS",
        "fair_darts": "hwbench.live.strategies.darts:FairDARTS",
        "fair_nas": "hwbench.live.strategies.single_path:FairNAS",
        "gdas": "hwbench.live.strategies.sampled:GDAS",
        "gumbel_sigmoid": "hwbench.live.strategies.sampled:GumbelSigmoid",
        "pc_darts": "hwbench.live.strategies.darts:PCDARTS",
        "pr_darts": "hwbench.live.strategies.pr_darts:PRDARTS",
        "proxyless_nas": "hwbench.live.strategies.sampled:ProxylessNAS",
        "snas": "hwbench.live.strategies.sampled:SNAS",
        "spos": "hwbench.live.strategies.single_path:SPOS",
        "vs_darts": "hwbench.live.strategies.darts:VSDARTS",
    },
    "hwbench.architecture_strategies",
    base="hwbench.live.strategies.base:ArchitectureStrategy",
)
"""Subclasses of `ArchitectureStrategy`."""
