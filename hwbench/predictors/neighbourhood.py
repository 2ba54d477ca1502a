"""The training set that is the same for every seed: one architecture and its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.spaces import Space


def neighbourhood(space: Space, baseline: ArrayLike | None = None) -> IntArray:
    """The architectures a lookup table is measured from.

    Parameters
    ----------
    space : the search space.
    baseline : integers of shape (n_positions,); by default the space's own.

    Returns
    -------
    int64 array of shape (1 + sum(n_choices - 1), n_positions), the baseline first.
    """
    centre = space.baseline if baseline is None else baseline
    centre = space.check(np.asarray(centre)[None, :])
    return np.concatenate([centre, space.neighbours(centre[0])])
