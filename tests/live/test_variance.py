"""CHOE Fig. 3.6: variance of a mixed operation's output over that of its input, while searching."""

import numpy as np
import torch

from hwbench.live.config import load_config, with_change
from hwbench.live.search import make_search, seeded

CPU = torch.device("cpu")


def _median_ratios(name):
    config = with_change(load_config(name, "small"), "trainer.epochs", 12)
    with seeded(0, CPU, 1):
        search = make_search(config, CPU)
        ratios = [_median_ratio(search)]
        for epoch in range(12):
            search.train_epoch(epoch)
            if epoch % 4 == 3:
                ratios.append(_median_ratio(search))
    return np.array(ratios)


def _median_ratio(search):
    seen = []
    hooks = [
        operation.register_forward_hook(
            lambda _, inputs, output: seen.append((output.var() / inputs[0].var()).item())
        )
        for operation in search.supernet.mixed_operations()
    ]
    with torch.no_grad():
        search.supernet(search.data.validation.images[:256], search.strategy.mixture())
    for hook in hooks:
        hook.remove()
    return np.median(seen)


def test_vs_darts_stays_near_one_where_darts_falls_from_below_a_half():
    darts, vs_darts = _median_ratios("darts"), _median_ratios("vs_darts")
    assert darts[0] < 0.45
    assert (np.diff(darts) < 0).all()
    assert (np.abs(vs_darts[1:] - 1) < 0.2).all()
