"""Sparse Bayesian learning, and smaller networks by it (YANG chapters 3, 4 and A)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from hwbench.compress.single import Compressed
    from hwbench.images.image_set import ImageSet

__all__ = ["compress"]


def compress(network: nn.Module, images: ImageSet | str, **options: Any) -> Compressed:
    """Train a network and leave units of it out: channels, neurons, inputs.

    The network that is given stays as it is; where it has been trained already, its weights are
    what is gone on from.

    Parameters
    ----------
    network : from images (batch, channels, size, size) to logits, of fully connected layers,
        convolutions and batch normalisation, sequential or with skips. Layers with other weights
        are left as they are.
    images : an image set, or the name of one.
    method : one of `hwbench.compress.methods.METHODS`, "sparse_bayes" by default.
    budget : share of the FLOPs that may be left. None where only those units go that have become
        zero, for methods with a penalty.
    strength : lambda, beside the mean loss; by default 1/N, N the number of training images.
    recipe : one of `hwbench.compress.recipe.RECIPES`, "cpu" by default.
    seed : of batches and draws.
    device, threads : of torch, the CPU and one by default.
    progress : called with (epochs done, epochs in all).
    **changes : fields of the recipe that are other, see
        `hwbench.compress.recipe.CompressRecipe`.

    Returns
    -------
    The smaller dense network and what it costs, see `hwbench.compress.single.Compressed`.

    Raises
    ------
    HwbenchError
        Where a name is unknown or a value out of range, torch-pruning is not installed, or the
        network cannot be followed or made smaller.
    """
    from hwbench.compress.single import compress_network

    return compress_network(network, images, **options)
