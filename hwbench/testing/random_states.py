"""The random states that a process has once, which no part of hwbench may depend on or change."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from hwbench.extras import is_there


def seed_global_states(seed: int) -> None:
    """Seed Python's, numpy's and, where it is installed, torch's global generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  the global state is what this is about
    if is_there("torch"):
        import torch

        torch.manual_seed(seed)


def global_states() -> tuple[Any, ...]:
    """The states of the generators of `seed_global_states`, to be compared."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    states = (random.getstate(), name, np.asarray(keys).tobytes(), *rest)
    if not is_there("torch"):
        return states
    import torch

    return *states, torch.get_rng_state().numpy().tobytes()
