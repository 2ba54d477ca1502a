"""Stacked separable convolutions that start from the weights of others (LAUBE 801-813)."""

from __future__ import annotations

from torch import Tensor, nn

from hwbench.live.morphisms.depth import make_identity
from hwbench.live.morphisms.kernel import centred
from hwbench.live.morphisms.layers import NEW, Sources, convolution, normalisation
from hwbench.live.origins import Origin


def inherit_stages(child: nn.Sequential, parent: nn.Sequential) -> dict[Tensor, Origin]:
    """Give stages the weights of others, in place, for all six transformations.

    Kernels keep their middle, and what is larger is zero around it; new filters are drawn, and what
    reads them does so with weights of zero; stages that the parent lacks are the identity. Of a
    larger kernel and of a wider stage the function is the parent's to the last bit; of an inserted
    stage, which begins with a ReLU, it is not.

    Parameters
    ----------
    child, parent : stages of a ReLU, a depthwise and a pointwise convolution, and normalisation;
        the child has no fewer stages and no narrower ones.

    Returns
    -------
    The origins of the child's parameters; those of new stages have none.
    """
    origins: dict[Tensor, Origin] = {}
    for place, made in enumerate(child):
        old = parent[place] if place < len(parent) else None
        new: nn.Module | None = None
        own: dict[Tensor, Origin] = {}
        if isinstance(made, nn.Conv2d) and isinstance(old, nn.Conv2d):
            new, own = convolution(
                old,
                outputs=_extended(old.out_channels, made.out_channels),
                inputs=_extended(old.weight.shape[1], made.weight.shape[1]),
                kernel=centred(old.kernel_size[0], made.kernel_size[0]),
                dilation=made.dilation[0],
            )
        elif isinstance(made, nn.BatchNorm2d) and isinstance(old, nn.BatchNorm2d):
            new, own = normalisation(old, _extended(old.num_features, made.num_features))
        elif isinstance(made, nn.Conv2d):
            make_identity(made)
        if new is not None:
            child[place] = new.train(child.training)
            origins.update(own)
    return origins


def _extended(old: int, new: int) -> Sources:
    return [*range(old), *[NEW] * (new - old)]
