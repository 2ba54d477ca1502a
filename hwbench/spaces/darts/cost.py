"""Parameters and multiply-adds of what networks of DARTS cells are made of."""

from __future__ import annotations

from hwbench.spaces.darts.separable import SeparableConvolutions


def conv_cost(
    in_channels: int, out_channels: int, out_size: int, *, taps: int = 1
) -> tuple[int, int]:
    """Parameters of a convolution and its batch normalisation, and multiply-adds."""
    weights = taps * in_channels * out_channels
    return weights + 2 * out_channels, weights * out_size**2


def operation_cost(name: str, channels: int, out_size: int, *, strided: bool) -> tuple[int, int]:
    """Parameters and multiply-adds of an operation whose output has the given size."""
    if name == "skip_connect":
        return conv_cost(channels, channels, out_size) if strided else (0, 0)
    if name.endswith("pool_3x3"):
        return 0, 0
    convolutions = SeparableConvolutions.read(name)
    if convolutions is not None:
        return _cost_of_stages(convolutions, channels, out_size)
    taps = 25 if name.endswith("5x5") else 9
    weights = taps * channels + channels * channels
    repeats = 2 if name.startswith("sep") else 1
    return repeats * (weights + 2 * channels), repeats * weights * out_size**2


def _cost_of_stages(
    convolutions: SeparableConvolutions, channels: int, out_size: int
) -> tuple[int, int]:
    parameters = weights = 0
    given = channels
    for width in convolutions.widths:
        made = width * channels
        own = convolutions.kernel_size**2 * given + given * made
        weights += own
        parameters += own + 2 * made
        given = made
    return parameters, weights * out_size**2
