"""An estimate of the energy of spikes."""

from __future__ import annotations

from torch import Tensor

NANOJOULES_A_SPIKE = 1.7e-3
"""Energy of one spike within a tile of the chip Loihi: 1.7 pJ (Davies et al. 2018, Table 1).

A constant that is assumed, not measured: synaptic operations and updates of neurons take more, and
other chips take other amounts. It ranks networks as their spikes do.
"""


def energy_of(spikes: Tensor) -> Tensor:
    """Energy of so many spikes in nJ, `NANOJOULES_A_SPIKE` each."""
    return spikes * NANOJOULES_A_SPIKE
