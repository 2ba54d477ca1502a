"""The first steps of every published recipe, on random images of 32 pixels and on a CPU.

The code is that of a GPU, the networks are those of the recipes: their channels, cells, candidates,
optimisers and augmentations. What is less is the batch, of which a CPU would take minutes a step.
"""

import numpy as np
import pytest
import torch

from hwbench.devices import seeded
from hwbench.live.config import load_config, with_change
from hwbench.live.recipes import recipe_files
from hwbench.live.search import make_search
from hwbench.optimisation import denormals_flushed

CPU = torch.device("cpu")
STEPS = 20
BATCH = {
    "autosnn": 8,
    "darts": 2,
    "ext_cell": 2,
    "nasbench201": 32,
    "nasbench_macro": 32,
    "pr_darts": 2,
    "shufflenasnet": 8,
    "tree_cell": 2,
}
"""By space. In DARTS cells, with all eight candidates on 28 edges, an image takes as long as
sixteen of the others."""

LARGER = {"bayes_nas": 18}
"""By recipe. Its scalars are bounded by nothing, and diverge where two images say where to go."""


@pytest.fixture
def random_images(tmp_path):
    """A maker of files of random images of ten classes."""

    def make(size):
        generator = np.random.default_rng(0)
        path = tmp_path / "random.npz"
        np.savez(
            path,
            train_images=generator.integers(0, 256, (size, 3, 32, 32), dtype=np.uint8),
            train_labels=np.arange(size) % 10,
            test_images=generator.integers(0, 256, (10, 3, 32, 32), dtype=np.uint8),
            test_labels=np.arange(10),
        )
        return str(path)

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", recipe_files("published"))
def test_the_first_steps_of_published_recipes(name, random_images):
    config = load_config(name, "published")
    batch = min(config.trainer["batch_size"], LARGER.get(name, BATCH[config.space.name]))
    share = config.data.validation_share
    images = int(np.ceil((STEPS + 0.5) * batch / (1 - share)))
    config = with_change(config, "data.name", random_images(images))
    config = with_change(config, "trainer.batch_size", batch)
    if config.trainer.get("memory_images"):
        config = with_change(config, "trainer.memory_images", 1)  # which no larger one fits
    # The first epoch in which everything happens: after warm-up, and with weights that are split.
    epoch = max(
        config.trainer["warm_up_epochs"],
        config.strategy.get("split_epoch") or 0,
        *config.strategy.get("grace", ())[:1],
    )
    with seeded(0, CPU, 1), denormals_flushed():
        search = make_search(config, CPU)
        assert len(search.data.train) // batch == STEPS
        search.trainer.become(search.strategy.before_epoch(epoch, search.trainer.epochs))
        before = [each.detach().clone() for each in search.supernet.parameters()]
        learned = [each.detach().clone() for each in search.strategy.parameters()]
        numbers = search.trainer.train_epoch(epoch, search.data, search.augmentation)
    assert np.isfinite(numbers["train_loss"])
    after = list(search.supernet.parameters())
    assert all(torch.isfinite(each).all() for each in after)
    moved = [not torch.equal(*pair) for pair in zip(before, after, strict=True)]
    if search.supernet.is_split:  # a step moves one of up to 25 sets of weights
        assert np.mean(moved) > 0.2
    elif config.strategy.get("train_on") == "epoch_best":  # all steps take one path
        assert np.mean(moved) > 0.1
    else:
        assert np.mean(moved) > 0.9
    for one, other in zip(learned, search.strategy.parameters(), strict=True):
        assert (one != other).float().mean() > 0.5
