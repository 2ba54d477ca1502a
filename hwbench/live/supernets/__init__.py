"""Supernets: networks that hold the weights of all architectures of a space."""

from __future__ import annotations

from hwbench.registry import Registry

SUPERNETS = Registry(
    "supernet",
    {
        "autosnn": "hwbench.live.supernets.spiking:SpikingSupernet",
        "autosnn_8": "hwbench.live.supernets.spiking:SpikingSupernet",
        "autosnn_avgpool": "hwbench.live.supernets.spiking:SpikingSupernet",
        "autosnn_downsampling": "hwbench.live.supernets.spiking:SpikingSupernet",
        "autosnn_gap": "hwbench.live.supernets.spiking:SpikingSupernet",
        "autosnn_sib": "hwbench.live.supernets.spiking:SpikingSupernet",
        "darts": "hwbench.live.supernets.darts:DARTSSupernet",
        "ext_cell": "hwbench.live.supernets.ext_cell:ExtCellSupernet",
        "nasbench1shot1_1": "hwbench.live.supernets.one_shot:OneShotCellSupernet",
        "nasbench1shot1_2": "hwbench.live.supernets.one_shot:OneShotCellSupernet",
        "nasbench1shot1_3": "hwbench.live.supernets.one_shot:OneShotCellSupernet",
        "nasbench201": "hwbench.live.supernets.edge_cell:EdgeCellSupernet",
        "nasbench_macro": "hwbench.live.supernets.macro:MacroSupernet",
        "pr_darts": "hwbench.live.supernets.pr_darts:PRDARTSSupernet",
        "shufflenasnet": "hwbench.live.supernets.shufflenasnet:ShuffleSupernet",
        "tree_cell": "hwbench.live.supernets.tree_cell:TreeCellSupernet",
        "tree_cell_6": "hwbench.live.supernets.tree_cell:SmallTreeCellSupernet",
    },
    "hwbench.supernets",
    base="hwbench.live.supernets.supernet:Supernet",
)
"""Subclasses of `Supernet`, each under the name of its space."""
