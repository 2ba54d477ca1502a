"""CHOE Fig. 3.6: variance of a mixed operation's output over that of its input, while searching."""

import numpy as np
import pytest
import torch

from hwbench.devices import seeded
from hwbench.live.config import load_config, with_change
from hwbench.live.search import make_search, observed_variances
from hwbench.optimisation import denormals_flushed

CPU = torch.device("cpu")


def _median_ratios(name):
    """At the start and after 6 epochs."""
    config = with_change(load_config(name, "small"), "trainer.epochs", 6)
    with seeded(0, CPU, 1), denormals_flushed():
        search = make_search(config, CPU)
        before = _median_ratio(search)
        for epoch in range(6):
            search.train_epoch(epoch)
        return before, _median_ratio(search)


def _median_ratio(search):
    with torch.no_grad(), observed_variances(search.supernet) as ratios:
        search.supernet(search.data.validation.images[:256], search.strategy.mixture())
    return np.median(ratios)


@pytest.mark.slow
def test_vs_darts_comes_near_one_where_darts_stays_below_a_half():
    darts, vs_darts = _median_ratios("darts"), _median_ratios("vs_darts")
    assert max(darts) < 0.5
    assert abs(vs_darts[1] - 1) < 0.2
    assert abs(vs_darts[1] - 1) < abs(vs_darts[0] - 1)
