"""Image sets that come as events, and what can be trained on them."""

from __future__ import annotations

from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.spaces import Space


def check_events(images: ImageSet, space: Space) -> None:
    """Refuse events for networks that are shown images which stand still.

    Raises
    ------
    HwbenchError
        Naming both, and the spaces that there are for events.
    """
    if images.time_steps is not None and not space.takes_events:
        raise HwbenchError(
            f"image set {images.name}: holds events of {images.time_steps} steps, which networks "
            f"of {space.name} cannot be shown; spiking networks can, such as those of autosnn"
        )
