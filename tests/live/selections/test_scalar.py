"""Selection by the scalars of BayesNAS, beside that by its variances."""

import pytest
import torch

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.live.config import config_of
from hwbench.live.search import make_search
from hwbench.live.selections.scalar import Scalar
from hwbench.live.selections.strength import Strength
from hwbench.progress import silent_stage
from hwbench.testing.live_example import example_config

CPU = torch.device("cpu")


def _search():
    tree = {
        "title": "scalars",
        "data": {"name": "digits", "validation_share": 0.5},
        "space": {"name": "nasbench201", "channels": 2, "depth": 1, "operations": "no-zero"},
        "strategy": {"name": "bayes_nas"},
        "trainer": {"name": "single_level", "epochs": 1},
        "selection": {"name": "strength"},
    }
    return make_search(config_of(tree, where="test"), CPU)


def test_the_largest_scalars_are_taken_whatever_their_variances():
    with seeded(0, CPU, 1):
        search = _search()
    strategy = search.strategy
    with torch.no_grad():
        strategy.alpha.fill_(0.5)
        strategy.alpha[:, 1] = -0.9  # the largest in amount
        strategy.omega.fill_(1.0)
        strategy.omega[:, 1] = 9.0  # and of the smallest variance
        strategy.omega[:, 2] = 0.1
    names = [names[0:3] for names in search.supernet.structure.operations]
    scalars = search.supernet.space.to_string(Scalar().select(search, silent_stage))
    gammas = search.supernet.space.to_string(Strength().select(search, silent_stage))
    assert scalars.count(names[0][1]) == 6
    assert gammas.count(names[0][2]) == 6


def test_others_have_no_scalars():
    with seeded(0, CPU, 1):
        search = make_search(example_config("darts"), CPU)
    with pytest.raises(HwbenchError, match="darts scales no candidate by a free number"):
        Scalar().select(search, silent_stage)
