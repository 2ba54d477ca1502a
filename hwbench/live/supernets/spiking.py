"""Supernets of AutoSNN: the spiking blocks of a network, one of which is active at each place."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from hwbench.errors import HwbenchError
from hwbench.live.supernets.cell import without_affine
from hwbench.live.supernets.mixed_operation import MixedOperation
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench.spaces import Space
from hwbench.spaces.autosnn.blocks import AveragePooling, make_block
from hwbench.spaces.autosnn.network import (
    Stem,
    Voting,
    classifier_features,
    make_pooling,
    measured,
    voting_loss,
)
from hwbench.spaces.autosnn.neuron import counted_spikes, forget_spikes
from hwbench.spaces.autosnn.skeleton import LayerShape, SpikingSkeleton, layer_shapes
from hwbench.spaces.autosnn.space import AutoSNN


class SpikingSupernet(Supernet):
    """Stem, blocks of several candidates, poolings, votes (NA 1423-1440).

    It measures the spikes of an image, and keeps their average over the architectures of an epoch
    in training.

    Attributes
    ----------
    summed_spikes, passes : of the last epoch in training.
    """

    summed_spikes: Tensor
    passes: Tensor

    @classmethod
    def all_positions(cls, space: Space) -> tuple[Position, ...]:
        return tuple(
            Position(name, space.choices[i], name, (i - 1,) if i else ())
            for i, name in enumerate(space.positions)
        )

    @classmethod
    def make_operation(
        cls, name: str, channels: int, stride: int, out_channels: int | None = None
    ) -> nn.Module:
        shape = LayerShape(channels, out_channels or channels, stride, size=1)
        return make_block(name, shape, AutoSNN.default_skeleton)

    def _build(self) -> None:
        options, where = self.options, f"supernet of {self.space.name}"
        if options.partial_channels > 1 or options.node_normalisation:
            raise HwbenchError(
                f"{where}: layers in sequence have neither partial channels nor node normalisation"
            )
        if options.linear_transformers:
            raise HwbenchError(f"{where}: skips hand on spikes, which pass no linear transformers")
        if self.skeleton.depth > 1:
            raise HwbenchError(f"{where}: depth must be 1")
        skeleton, macro = self._spiking, cast("AutoSNN", self.space).macro
        self.stem = Stem(skeleton)
        layers: list[nn.Module] = []
        position = 0
        for place, shape in zip(macro.places, layer_shapes(macro, skeleton), strict=True):
            if place.is_block:
                layers.append(self._blocks(position, shape))
                position += 1
            else:
                layers.append(make_pooling(macro, shape, skeleton))
        if macro.averaged:
            layers.append(AveragePooling(skeleton, whole=True))
        self.layers = nn.ModuleList(layers)
        self.classifier = Voting(classifier_features(macro, skeleton), (), skeleton)
        self.register_buffer("summed_spikes", torch.zeros(()))
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))

    @property
    def _spiking(self) -> SpikingSkeleton:
        return SpikingSkeleton.of(self.skeleton)

    def _blocks(self, position: int, shape: LayerShape) -> MixedOperation:
        make = partial(
            _make_candidate, shape=shape, skeleton=self._spiking, affine=self.options.affine
        )
        return MixedOperation(position, self.positions[position].operations, make)

    def forward(self, images: Tensor, mixture: Mixture | None = None) -> Tensor:
        """Votes of shape (batch, classes); images as for `Stem`."""
        mixture = self._mixture(mixture)
        forget_spikes(self)
        spikes = self.stem(images)
        for layer in self.layers:
            mixed = isinstance(layer, MixedOperation)
            spikes = layer(spikes, mixture) if mixed else layer(spikes)
        votes: Tensor = self.classifier(spikes)
        if self.training and torch.is_grad_enabled():  # no pass that only sets statistics
            self.summed_spikes += counted_spikes(self)
            self.passes += 1
        return votes

    def loss(self, output: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        return voting_loss(output, labels, self._spiking, label_smoothing)

    def measurements(self) -> Mapping[str, Tensor]:
        return measured(self)

    def begin_epoch(self) -> None:
        self.summed_spikes.zero_()
        self.passes.zero_()

    def averages(self) -> Mapping[str, float]:
        passes = int(self.passes)
        return {"spikes": float(self.summed_spikes) / passes} if passes else {}


def _make_candidate(
    name: str, *, shape: LayerShape, skeleton: SpikingSkeleton, affine: bool
) -> nn.Module:
    made = make_block(name, shape, skeleton)
    return made if affine else without_affine(made)
