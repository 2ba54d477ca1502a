"""The random states that a process has once, which no part of hwbench may depend on or change."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def seed_global_states(seed: int) -> None:
    """Seed Python's, numpy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  the global state is what this is about
    torch.manual_seed(seed)


def global_states() -> tuple[Any, ...]:
    """The states of Python's, numpy's and torch's global generators, to be compared."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    torch_state = torch.get_rng_state().numpy().tobytes()
    return random.getstate(), name, np.asarray(keys).tobytes(), *rest, torch_state
