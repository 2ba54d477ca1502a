"""The real network of a ladder: stem, `depth` equal cells, classifier."""

import torch
from torch import nn

from hwbench.spaces.layers import relu_conv_bn
from hwbench_ladder.space import EDGES, N_NODES


def make_operation(name, channels):
    return nn.Identity() if name == "skip" else relu_conv_bn(channels, channels, 3)


class LadderCell(nn.Module):
    def __init__(self, operations, channels):
        super().__init__()
        self.steps = nn.ModuleDict(
            {
                f"{source}-{target}": make_operation(name, channels)
                for (source, target), name in zip(EDGES, operations, strict=True)
                if name != "none"
            }
        )

    def forward(self, x):
        nodes = [x, *(torch.zeros_like(x) for _ in range(N_NODES - 1))]
        for source, target in EDGES:
            if f"{source}-{target}" in self.steps:
                nodes[target] = nodes[target] + self.steps[f"{source}-{target}"](nodes[source])
        return nodes[-1]


class LadderNetwork(nn.Module):
    def __init__(self, operations, skeleton):
        super().__init__()
        channels = skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(skeleton.input_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.cells = nn.Sequential(
            *(LadderCell(operations, channels) for _ in range(skeleton.depth))
        )
        self.last = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, skeleton.classes)

    def forward(self, images):
        features = self.last(self.cells(self.stem(images)))
        return self.classifier(features.mean(dim=(2, 3)))
