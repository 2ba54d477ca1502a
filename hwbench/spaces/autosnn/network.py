"""Spiking networks: a stem that is shown an image over and over, layers that fire, and a vote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from hwbench.spaces.autosnn.blocks import (
    AveragePooling,
    Convolution,
    MaxPooling,
    firing_convolution,
    make_block,
    neurons,
)
from hwbench.spaces.autosnn.energy import energy_of
from hwbench.spaces.autosnn.neuron import counted_spikes, forget_spikes
from hwbench.spaces.autosnn.skeleton import (
    VOTERS,
    LayerShape,
    Macro,
    SpikingSkeleton,
    layer_shapes,
)


class Stem(nn.Module):
    """A convolution with normalisation, computed once for an image, and neurons at every step.

    Parameters
    ----------
    skeleton : sizes of the network; see `SpikingSkeleton.stem_poolings` for what may follow.
    """

    def __init__(self, skeleton: SpikingSkeleton) -> None:
        super().__init__()
        channels, size = skeleton.channels, skeleton.input_size
        shape = LayerShape(skeleton.input_channels, channels, 1, size)
        self.time_steps = skeleton.time_steps
        self.convolution = Convolution(shape, 3, skeleton)
        self.neurons = neurons(skeleton)
        further: list[nn.Module] = []
        for _ in range(skeleton.stem_poolings):
            size = -(-size // 2)
            further += [
                MaxPooling(),
                firing_convolution(LayerShape(channels, channels, 1, size), 3, skeleton),
            ]
        self.further = nn.Sequential(*further)

    def forward(self, images: Tensor) -> Tensor:
        """Spikes of shape (T, batch, channels, height, width).

        Parameters
        ----------
        images : of shape (batch, channels, height, width), shown at every time step; or events of
            shape (batch, T, channels, height, width).
        """
        if images.dim() == 5:
            given = self.convolution(images.movedim(1, 0))
        else:
            given = self.convolution(images[None]).expand(self.time_steps, -1, -1, -1, -1)
        fired: Tensor = self.further(self.neurons(given))
        return fired


class Voting(nn.Module):
    """Layers of neurons behind linear ones, of which the last vote for the classes.

    Parameters
    ----------
    features : of an image and step.
    hidden : neurons of each layer before the last.
    skeleton : of the neurons, and with the classes.
    """

    def __init__(self, features: int, hidden: Sequence[int], skeleton: SpikingSkeleton) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (*hidden, VOTERS * skeleton.classes):
            layers += [nn.Linear(features, width, bias=False), neurons(skeleton)]
            features = width
        self.layers = nn.Sequential(*layers)

    def forward(self, spikes: Tensor) -> Tensor:
        """Votes for each class, 0 .. `VOTERS`, mean over the time steps; of shape (batch, classes).

        Parameters
        ----------
        spikes : of shape (T, batch, ...).
        """
        votes: Tensor = self.layers(spikes.flatten(2)).mean(dim=0)
        return votes.reshape(len(votes), -1, VOTERS).sum(dim=2)


def voting_loss(
    votes: Tensor, labels: Tensor, skeleton: SpikingSkeleton, label_smoothing: float = 0.0
) -> Tensor:
    """What training minimises, a scalar; see `SpikingSkeleton.loss`.

    Parameters
    ----------
    votes : of shape (batch, classes), as `Voting` gives them.
    labels : int64 of shape (batch,).
    skeleton : says which.
    label_smoothing : the share of each label that is spread over all classes.
    """
    if skeleton.loss == "cross_entropy":
        return cross_entropy(votes, labels, label_smoothing=label_smoothing)
    classes = votes.shape[1]
    wanted = one_hot(labels, classes).to(votes.dtype) * (1.0 - label_smoothing)
    return mse_loss(votes / VOTERS, wanted + label_smoothing / classes)


def measured(network: nn.Module) -> dict[str, Tensor]:
    """Spikes of an image in a network's last pass, and an estimate of their energy; see `MEASURED`.

    Scalars, means over the images.
    """
    spikes = counted_spikes(network)
    return {"spikes": spikes, "spike_energy": energy_of(spikes)}


def make_pooling(macro: Macro, shape: LayerShape, skeleton: SpikingSkeleton) -> nn.Module:
    """A pooling between blocks; one that halves nothing hands on what it is given."""
    if shape.stride == 1:
        return nn.Identity()
    return MaxPooling() if macro.pooling == "max" else AveragePooling(skeleton)


class SpikingNetwork(nn.Module):
    """Stem, layers, votes.

    Parameters
    ----------
    layers : from spikes to spikes.
    features : of what the last of them gives, for an image and step.
    skeleton : of stem, neurons and loss.
    hidden : see `Voting`.
    """

    def __init__(
        self,
        layers: Iterable[nn.Module],
        features: int,
        skeleton: SpikingSkeleton,
        hidden: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.skeleton = skeleton
        self.stem = Stem(skeleton)
        self.layers = nn.Sequential(*layers)
        self.classifier = Voting(features, hidden, skeleton)

    def forward(self, images: Tensor) -> Tensor:
        """Votes of shape (batch, classes); images as for `Stem`."""
        forget_spikes(self)
        votes: Tensor = self.classifier(self.layers(self.stem(images)))
        return votes

    def loss(self, output: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """What training minimises, see `voting_loss`."""
        return voting_loss(output, labels, self.skeleton, label_smoothing)

    def measurements(self) -> Mapping[str, Tensor]:
        """What the last pass measured besides its output, see `measured`."""
        return measured(self)


def autosnn_network(
    operations: Sequence[str], macro: Macro, skeleton: SpikingSkeleton
) -> SpikingNetwork:
    """The network of chosen blocks.

    Parameters
    ----------
    operations : the name of each block.
    macro : where they stand.
    skeleton : sizes of the network; `depth` repeats every block.
    """
    names = iter(operations)
    layers: list[nn.Module] = []
    shapes = layer_shapes(macro, skeleton)
    for place, shape in zip(macro.places, shapes, strict=True):
        if not place.is_block:
            layers.append(make_pooling(macro, shape, skeleton))
            continue
        name = next(names)
        layers.append(make_block(name, shape, skeleton))
        layers += [make_block(name, shape.repeat, skeleton) for _ in range(skeleton.depth - 1)]
    if macro.averaged:
        layers.append(AveragePooling(skeleton, whole=True))
    return SpikingNetwork(layers, classifier_features(macro, skeleton), skeleton)


def classifier_features(macro: Macro, skeleton: SpikingSkeleton) -> int:
    """Features that the classifier of a macro architecture is given."""
    last = layer_shapes(macro, skeleton)[-1]
    return last.out_channels * (1 if macro.averaged else last.out_size**2)
