"""Fixtures that tests of predictors share."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from hwbench.spaces import get_space


@pytest.fixture(scope="session")
def model_files():
    """The module `model_files` of this folder."""
    path = Path(__file__).parent / "model_files.py"
    spec = importlib.util.spec_from_file_location("predictor_model_files", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def data():
    """Architectures of NAS-Bench-201, and a latency of each."""
    space = get_space("nasbench201")
    archs = space.sample(60, seed=1)
    return archs, space.flops(archs) / 1e6 + np.random.default_rng(0).normal(size=60)
