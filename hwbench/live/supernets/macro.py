"""Supernets of NAS-Bench-Macro: eight layers in sequence."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.layers import conv_bn
from hwbench.spaces.nasbench_macro.network import make_operation
from hwbench.spaces.nasbench_macro.skeleton import HEAD_CHANNELS, layer_shapes


class MacroSupernet(Supernet):
    """Stem, eight layers of three candidates, a wide 1x1 convolution, classifier.

    The weights of a layer depend on the choice of the layer before it (LAUBE 6.3.3).
    """

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        return tuple(
            Position(name, space.choices[i], name, before, after=before)
            for i, name in enumerate(space.positions)
            for before in [(i - 1,) if i else ()]
        )

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        return make_operation(name, channels, out_channels or channels, stride)

    def _build(self) -> None:
        if self.options.partial_channels > 1 or self.options.node_normalisation:
            raise HwbenchError(
                f"supernet of {self.space.name}: layers in sequence have neither partial channels "
                "nor node normalisation"
            )
        if self.skeleton.depth > 1:
            raise HwbenchError(f"supernet of {self.space.name}: depth must be 1")
        channels = self.skeleton.channels
        self.stem = nn.Sequential(*conv_bn(self.skeleton.input_channels, channels, 3, relu=True))
        layers = []
        for i, (in_channels, channels, stride, _) in enumerate(layer_shapes(self.skeleton)):
            layers.append(self._mixed_operation(i, in_channels, stride, channels))
        self.layers = nn.ModuleList(layers)
        self.head = nn.Sequential(*conv_bn(channels, HEAD_CHANNELS, relu=True))
        self.classifier = nn.Linear(HEAD_CHANNELS, self.skeleton.classes)

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        mixture = self._mixture(mixture)
        features = self._first_features(images)
        for layer in self.layers:
            features = layer(features, mixture)
        return self.classifier(torch.mean(self.head(features), dim=(2, 3)))
