"""What a space says where it lacks something."""

from __future__ import annotations

from hwbench.errors import HwbenchError


class SpaceLacksError(HwbenchError):
    """The space does not say what was asked of it: it has no networks, or counts no parameters."""
