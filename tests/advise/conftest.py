import numpy as np
import pandas as pd
import pytest

from hwbench.spaces import get_space


@pytest.fixture(scope="session")
def nasbench201():
    return get_space("nasbench201")


@pytest.fixture(scope="session")
def measured(nasbench201):
    """60 cells with a latency that grows with FLOPs, measured with little noise."""
    archs = nasbench201.sample(60, seed=3)
    generator = np.random.default_rng(0)
    work = nasbench201.flops(archs) / 1e6
    return pd.DataFrame(
        {
            "arch": nasbench201.to_strings(archs),
            "latency_ms": 1 + work / 50 + 0.05 * generator.standard_normal(len(archs)),
        }
    )
