"""Layers that the networks of several spaces are made of."""

from __future__ import annotations

from torch import nn


def relu_conv_bn(
    in_channels: int, out_channels: int, kernel_size: int, stride: int = 1
) -> nn.Module:
    """ReLU, convolution without bias, batch normalisation; the size is kept at stride 1."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(
            in_channels, out_channels, kernel_size, stride, padding=kernel_size // 2, bias=False
        ),
        nn.BatchNorm2d(out_channels),
    )
