"""What spiking networks measure besides their output."""

from __future__ import annotations

from hwbench.spaces.base import Measurement

SPIKING = {
    "spikes": Measurement(
        "spikes of an image over all layers and time steps", unit="1", direction="minimize"
    ),
    "spike_energy": Measurement(
        "energy of an image's spikes, estimated at 1.7 pJ each", unit="nJ", direction="minimize"
    ),
}
"""By name, see `hwbench.spaces.autosnn.network.measured`."""
