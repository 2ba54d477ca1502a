"""The residual networks that are trained on CIFAR (He et al. 2016)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

N_STAGES = 3


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a skip without weights.

    Where the size is halved the skip takes every second pixel, and fills up new channels with
    zeros.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.more = out_channels - in_channels
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        skip = x
        if self.stride > 1 or self.more:
            before = self.more // 2
            skip = pad(
                x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.more - before)
            )
        return torch.relu(self.body(x) + skip)


class ResNet(nn.Module):
    """Stem, three stages of blocks of which each doubles the channels, mean, classifier.

    Parameters
    ----------
    input_channels : of the images.
    classes : outputs.
    channels : of the first stage, 16 in ResNet-20.
    blocks : a stage; the network has 6 * blocks + 2 layers.
    """

    def __init__(
        self, input_channels: int, classes: int, *, channels: int = 16, blocks: int = 3
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(input_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
        ]
        width = channels
        for stage in range(N_STAGES):
            for block in range(blocks):
                out = channels * 2**stage
                layers.append(BasicBlock(width, out, 2 if stage and not block else 1))
                width = out
        self.body = nn.Sequential(*layers)
        self.classifier = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        """What the classifier is given, of shape (batch, 4 * channels)."""
        return torch.mean(self.body(images), dim=(2, 3))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images))
        return logits
