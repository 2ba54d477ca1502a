"""Sparse Bayesian learning: every group is shrunk by what the curvature says of it (YANG A)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hwbench.compress.curvature import layer_curvatures
from hwbench.compress.methods.base import Method, Network, relative
from hwbench.compress.sparse_bayes import (
    chained,
    group_reweighting,
    scaled_curvature,
)
from hwbench.compress.units import layers_of
from hwbench.errors import HwbenchError

MOST_VALUES = 1 << 26
"""Of one layer's weights times images that curvatures take at a time: 256 MiB."""


class SparseBayes(Method):
    """Algorithm 2 of YANG: omega of each group from the curvature, gamma from omega.

    Lambda is 1/N by default, N the number of training images: then the mean loss with the penalty
    is the posterior of sparse Bayesian learning. Convolutions have asked for a fifth of it (see
    docs/concepts/compress-results.md). Curvatures are those of Gauss and Newton, added up over
    positions. The mean over a layer's weights is added to each:
    without it a weight that nothing depends on, such as that of a pixel which never changes, would
    never be shrunk (see `hwbench.compress.sparse_bayes`), and few images say little of each weight.
    YANG's threshold of the entropy is for scalars near 1 and would leave out all groups of weights:
    here those go that have become zero. Under a budget the next are those whose gamma, chained over
    what leads to a unit and what leads away (eq. 3-5), is the smallest.
    """

    penalised = True

    def penalties(self, network: Network) -> list[Tensor]:
        strength = 1.0 / len(network.images) if self.strength is None else self.strength
        scaled = {
            name: scaled_curvature(each + each.mean(), strength)
            for name, each in _curvatures(network).items()
        }
        gammas = self._variances(network)
        for family, gamma in zip(network.families, gammas, strict=True):
            self.state[family.name] = group_reweighting(gamma, family.matrix(scaled))
        return [strength * self.state[family.name] for family in network.families]

    def scores(self, network: Network) -> list[Tensor]:
        own: dict[int, dict[str, Tensor]] = {}
        for family, gamma in zip(network.families, self._variances(network), strict=True):
            if family.kind != "shape":
                own.setdefault(family.place, {})[family.kind] = gamma
        found = []
        for place, size in enumerate(network.units.sizes):
            gammas = own.get(place, {})
            leading = gammas.get("output")
            away = gammas.get("input")
            if leading is None or away is None:
                alone = away if leading is None else leading
                found.append(torch.ones(size) if alone is None else relative(alone))
            else:
                found.append(relative(chained(leading, away)))
        return found

    def _variances(self, network: Network) -> list[Tensor]:
        """Gamma of each group, 1 before the first update."""
        weights = network.weights
        return [
            torch.ones_like(norms)
            if family.name not in self.state
            else norms / self.state[family.name]
            for family in network.families
            for norms in [family.norms(weights)]
        ]


def _curvatures(network: Network) -> dict[str, Tensor]:
    """Curvatures of the mean loss by the weights of all layers, by name."""
    module = network.module
    was_training = module.training
    layers = layers_of(module)
    total: dict[str, Tensor] = {
        name: torch.zeros_like(layer.weight) for name, layer in layers.items()
    }
    images = network.images[_drawn(network)]
    try:
        module.eval()
        for batch in images.batches(_images_at_a_time(module)):
            found = layer_curvatures(module, batch.images, draws=network.curvature_draws)
            for name, layer in layers.items():
                if layer in found:
                    total[name] += found[layer] * (len(batch) / len(images))
    except ValueError as error:  # a layer is passed twice, or pads otherwise
        raise HwbenchError(
            f"compress: sparse_bayes cannot take curvatures of this network ({error}); use "
            "--method group_lasso"
        ) from error
    finally:
        module.train(was_training)
    return total


def _drawn(network: Network) -> Tensor:
    order = torch.randperm(len(network.images))[: network.curvature_images]
    return order.to(network.images.labels.device)


def _images_at_a_time(module: nn.Module) -> int:
    """Gradients of a convolution's weight are kept for each image of a pass."""
    convolutions = [each for each in layers_of(module).values() if isinstance(each, nn.Conv2d)]
    largest = max((each.weight.numel() for each in convolutions), default=1)
    return max(1, min(256, MOST_VALUES // largest))
