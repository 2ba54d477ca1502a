"""The one-hot encoding that is expected of a supernet, from the probabilities of its candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from hwbench.live.supernets.supernet import Supernet


class IndependentChoices(nn.Module):
    """Each position of the supernet is one of the space, and drawn alone."""

    def __init__(self, supernet: Supernet) -> None:
        super().__init__()
        space = supernet.space
        offsets = np.concatenate([[0], np.cumsum(space.n_choices)])
        # Operations that the space does not have are none of its features.
        columns = [
            int(offsets[i]) + space.choices[i].index(name)
            for i, position in enumerate(supernet.positions)
            for name in position.operations
            if name in space.choices[i]
        ]
        present = [
            [k < size and position.operations[k] in choices for k in range(max(supernet.sizes))]
            for size, position, choices in zip(
                supernet.sizes, supernet.positions, space.choices, strict=True
            )
        ]
        self.n_features = int(offsets[-1])
        self.register_buffer("columns", torch.tensor(columns))
        self.register_buffer("places", torch.tensor(present).flatten().nonzero()[:, 0])

    def forward(self, probabilities: Tensor) -> Tensor:
        # By their places: by a mask, a GPU would have to say first how many they are.
        values = probabilities.flatten()[self.get_buffer("places")]
        empty = values.new_zeros(self.n_features)
        return empty.index_copy(0, self.get_buffer("columns"), values)
