"""The version of a search's code is of all that its training runs."""

import pytest

TREE = {
    "title": "tiny",
    "data": {"validation_share": 0.9, "augmentation": {"shift": 1}},
    "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
    "selection": {"name": "ranking"},
    "ranking": {"architectures": 5},
}
ONE_LEVEL = {"name": "single_level", "epochs": 1, "batch_size": 32}
TWO_LEVELS = {"name": "bilevel", "epochs": 1, "batch_size": 32}
NODES = [
    {"strategy": {"name": "spos"}, "trainer": ONE_LEVEL},
    {"strategy": {"name": "darts"}, "trainer": TWO_LEVELS},
    {
        "strategy": {"name": "gdas"},
        "trainer": TWO_LEVELS,
        "cost": {
            "target": "nb201-digits:latency",
            "predictor": "pairwise_ridge",
            "samples": 50,
            "weight": 0.1,
        },
    },
]

RUN = """
import torch._dynamo, sklearn.datasets
from hwbench.code_version import counted_modules, module_of
from hwbench.live.config import config_of
from hwbench.devices import seeded
from hwbench.live.search import make_search

def run(tree):
    config = config_of(tree, where="tiny.toml")
    with seeded(0, torch.device("cpu"), 1):
        search = make_search(config, torch.device("cpu"))
        search.train_epoch(0)
    ran = {each for each in sys.modules if each.partition(".")[0] == "hwbench"}
    from hwbench.live.selections import SELECTIONS
    from hwbench.live.training import search_modules
    # An architecture is selected by what has been trained; nothing is trained by its selection.
    selection = module_of(SELECTIONS.path_of(config.selection["name"]))
    counted = counted_modules(*search_modules(search), selection)
    return sorted(ran - set(counted))
"""


@pytest.mark.slow
def test_a_version_is_of_all_that_training_runs(hwbench_home, modules_run, harmless):
    cases = [[{**TREE, **nodes}] for nodes in NODES]
    for nodes, (missing, _) in zip(NODES, modules_run(RUN, cases, hwbench_home), strict=True):
        assert set(missing) <= harmless, nodes
