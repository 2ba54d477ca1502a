"""The network around the blocks of AutoSNN: where they stand, how large, and of what neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field

from hwbench.arguments import NotNegative
from hwbench.spaces.base import Size, Skeleton

VOTERS = 10
"""Neurons that vote for a class: kernel size and stride of the voting layer (NA 1310)."""

Loss = Literal["squared_error", "cross_entropy"]
Surrogate = Literal["scaled", "printed"]
Normalised = Literal["step", "sequence"]


@dataclass(frozen=True)
class SpikingSkeleton(Skeleton):
    """A skeleton whose layers fire.

    The defaults are the published settings (NA 1480-1490), but for the threshold: printed as 0, at
    which a neuron without any input fires all the time; 1 is that of the public code and of PLIF.

    Attributes
    ----------
    time_steps : T, how often an image is shown; what comes as events has its own.
    threshold : V_th, the potential from which on a neuron fires.
    tau : at the start of training; 1 / tau is the share of its input that a neuron takes up in a
        step, and is learned, one for each layer.
    surrogate : of the derivative of a spike: "scaled" is 1 / (1 + (pi x)^2), as in the public code,
        "printed" 1 / (1 + x^2) (NA 471).
    detach_reset : whether no gradient passes through the reset of a neuron that has fired, as in
        the public code; eq. 2.17 keeps it.
    normalised : whether batches are normalised in training "step" by step, as in the public code,
        or over the whole "sequence" of steps.
    loss : what training minimises: the "squared_error" of firing rates and one-hot labels, as in
        the public code, or the "cross_entropy" of votes.
    stem_poolings : how often the stem halves the size again, each time by a max-pooling and another
        convolution: 1 for images of 64 pixels, 2 for events of 128 (NA 1483-1496).
    halvings : how many of the three places between blocks that halve the size do so. Maps of images
        below 32 pixels become small: with 2 of them the one in the middle is left out, with 1 the
        first as well.
    """

    time_steps: Size = 8
    threshold: NotNegative = 1.0
    tau: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 2.0
    surrogate: Surrogate = "scaled"
    detach_reset: bool = True
    normalised: Normalised = "step"
    loss: Loss = "squared_error"
    stem_poolings: Annotated[int, Field(ge=0, le=8, strict=True)] = 0
    halvings: Annotated[int, Field(ge=0, le=3, strict=True)] = 3

    @classmethod
    def of(cls, skeleton: Skeleton) -> Self:
        """A skeleton as one of spiking networks, with the defaults for what it does not say."""
        return skeleton if isinstance(skeleton, cls) else cls(**vars(skeleton))


class BlockKind(NamedTuple):
    """What the name of a block with weights says.

    Attributes
    ----------
    kind : "SCB" (convolutions), "SRB" (with a residual) or "SIB" (an inverted bottleneck).
    kernel_size : of its convolutions, of a bottleneck's the one in the middle.
    expansion : of a bottleneck.
    """

    kind: str
    kernel_size: int
    expansion: int = 1


BLOCKS = {
    "SCB_k3": BlockKind("SCB", 3),
    "SCB_k5": BlockKind("SCB", 5),
    "SRB_k3": BlockKind("SRB", 3),
    "SRB_k5": BlockKind("SRB", 5),
    "SIB_k3_e1": BlockKind("SIB", 3, 1),
    "SIB_k3_e3": BlockKind("SIB", 3, 3),
    "SIB_k5_e1": BlockKind("SIB", 5, 1),
    "SIB_k5_e3": BlockKind("SIB", 5, 3),
}
"""Blocks with weights by name."""


class Place(NamedTuple):
    """A layer of a macro architecture: a block, or the pooling between blocks.

    Attributes
    ----------
    multiple : of a block's output channels, times those of the stem; 0 for a pooling, which keeps
        channels and halves the size.
    stride : of a block.
    """

    multiple: int
    stride: int = 1

    @property
    def is_block(self) -> bool:
        """Whether a block is chosen for it."""
        return self.multiple > 0

    @property
    def halves(self) -> bool:
        """Whether it is one of the three places of a macro architecture that halve the size."""
        return not self.is_block or self.stride > 1


class Macro(NamedTuple):
    """A macro architecture (NA Fig. 5.3).

    Attributes
    ----------
    places : its layers between stem and classifier.
    pooling : of what kind the poolings are: "max", or "average" with neurons behind it.
    averaged : whether the map is averaged, again with neurons, before the classifier.
    """

    places: tuple[Place, ...]
    pooling: Literal["max", "average"] = "max"
    averaged: bool = False

    @property
    def n_blocks(self) -> int:
        """How many blocks are chosen."""
        return sum(place.is_block for place in self.places)


_POOL = Place(0)

_FIVE = (Place(1), _POOL, Place(2), Place(2), _POOL, Place(4), Place(4), _POOL)

PROPOSED = Macro(_FIVE)
VARIANT_1 = Macro(_FIVE, averaged=True)
VARIANT_2 = Macro(
    (
        Place(1),
        Place(2, stride=2),
        Place(2),
        Place(2),
        Place(4, stride=2),
        Place(4),
        Place(4),
        Place(8, stride=2),
    )
)
VARIANT_3 = Macro(_FIVE, pooling="average")
ENLARGED = Macro(
    (
        *(Place(1), Place(1), _POOL),
        *(Place(2), Place(2), Place(2), _POOL),
        *(Place(4), Place(4), Place(4), _POOL),
    )
)
"""Those of Table 5.1, and that with a block more before each pooling (Table 5.9)."""


class LayerShape(NamedTuple):
    """What a layer is given and what it makes of it.

    Attributes
    ----------
    in_channels, out_channels : of its maps.
    stride : 2 where it halves the size.
    size : height of its input in pixels.
    """

    in_channels: int
    out_channels: int
    stride: int
    size: int

    @property
    def out_size(self) -> int:
        """Height of the output."""
        return -(-self.size // self.stride)

    @property
    def changes(self) -> bool:
        """Whether the output has another shape than the input."""
        return self.stride > 1 or self.in_channels != self.out_channels

    @property
    def repeat(self) -> LayerShape:
        """The shape of another layer behind this one that changes nothing."""
        return LayerShape(self.out_channels, self.out_channels, 1, self.out_size)


def stem_size(skeleton: SpikingSkeleton) -> int:
    """Height of what the stem gives."""
    size = skeleton.input_size
    for _ in range(skeleton.stem_poolings):
        size = -(-size // 2)
    return size


def layer_shapes(macro: Macro, skeleton: SpikingSkeleton) -> list[LayerShape]:
    """The shapes of a macro architecture's layers, block or pooling, in order.

    With a depth above 1 each block is repeated; the repeats keep channels and size. A pooling that
    `SpikingSkeleton.halvings` leaves out has stride 1.
    """
    shapes = []
    channels, size = skeleton.channels, stem_size(skeleton)
    strides = iter(_STRIDES[skeleton.halvings])
    for place in macro.places:
        stride = next(strides) if place.halves else 1
        out_channels = place.multiple * skeleton.channels if place.is_block else channels
        shape = LayerShape(channels, out_channels, stride, size)
        shapes.append(shape)
        channels, size = shape.out_channels, shape.out_size
    return shapes


_STRIDES = {0: (1, 1, 1), 1: (1, 1, 2), 2: (2, 1, 2), 3: (2, 2, 2)}
"""By how many of them halve the size: the strides of the three places that may."""
