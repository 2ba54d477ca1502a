"""Kernels of convolutions: larger, smaller, dilated (LAUBE 715-722, 801-813)."""

from __future__ import annotations

from torch import nn

from hwbench.errors import HwbenchError
from hwbench.live.morphisms.layers import NEW, Morphed, Sources, convolution
from hwbench.live.morphisms.places import layer_at, replaced


def grow_kernel(network: nn.Sequential, place: int, *, size: int) -> Morphed:
    """Pad a convolution's kernels with zeros; the function stays to the last bit.

    Parameters
    ----------
    network : with the convolution.
    place : of it.
    size : rows and columns of the new kernels: odd, as those that are there, and not smaller.

    Raises
    ------
    HwbenchError
        Where the layer is no such convolution, or the size does not suit.
    """
    return _resized(network, place, size, "grow_kernel", "shrink_kernel", larger=True)


def shrink_kernel(network: nn.Sequential, place: int, *, size: int) -> Morphed:
    """Keep the middle of a convolution's kernels, which is no morphism: the function changes.

    Parameters
    ----------
    network, place : as of `grow_kernel`.
    size : rows and columns of the new kernels: odd, and not larger than they are.

    Raises
    ------
    HwbenchError
        As `grow_kernel`.
    """
    return _resized(network, place, size, "shrink_kernel", "grow_kernel", larger=False)


def dilate(network: nn.Sequential, place: int, *, dilation: int) -> Morphed:
    """Give a convolution another dilation and the weights it has.

    The function stays where its kernels are of size 1 alone.

    Parameters
    ----------
    network, place : as of `grow_kernel`.
    dilation : at least 1.

    Raises
    ------
    HwbenchError
        Where the layer is no convolution that keeps its input's size.
    """
    layer = layer_at(network, place, nn.Conv2d, "dilate")
    _square(layer, "dilate")
    if dilation < 1:
        raise HwbenchError(f"morphism dilate: dilation {dilation} must be at least 1")
    made, origins = convolution(layer, dilation=dilation)
    return Morphed(replaced(network, {place: made}), origins)


def centred(old: int, new: int) -> Sources:
    """The rows of a kernel of odd size `old` in the middle of one of odd size `new`."""
    shift = (new - old) // 2
    return [row - shift if 0 <= row - shift < old else NEW for row in range(new)]


def _resized(
    network: nn.Sequential, place: int, size: int, who: str, other: str, *, larger: bool
) -> Morphed:
    """A convolution's kernels in another size; `other` is what goes the other way."""
    layer = layer_at(network, place, nn.Conv2d, who)
    now = _square(layer, who)
    if size < 1 or size % 2 == 0 or (size < now if larger else size > now):
        way, bound = ("smaller", "least") if larger else ("larger", "most")
        raise HwbenchError(
            f"morphism {who}: size {size} must be odd and at {bound} {now}, the kernel's now; "
            f"{other} makes it {way}"
        )
    made, origins = convolution(layer, kernel=centred(now, size))
    return Morphed(replaced(network, {place: made}), origins)


def _square(layer: nn.Conv2d, who: str) -> int:
    """The size of kernels that are square and odd, and padded so that the image's size stays."""
    size = layer.kernel_size[0]
    padded = tuple(each * (size // 2) for each in layer.dilation)
    if layer.kernel_size != (size, size) or size % 2 == 0 or layer.padding != padded:
        raise HwbenchError(
            f"morphism {who}: the convolution has kernels {layer.kernel_size} and padding "
            f"{layer.padding}; only square ones of odd size, padded by half of it, can be changed"
        )
    return size
