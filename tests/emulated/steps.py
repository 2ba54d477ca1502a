"""Trains published recipes on the emulated device, and prints how often steps waited for it.

    python steps.py [RECIPE ...]

prints a line of JSON a recipe: its name, the waits of an epoch of one step and of one of more.
"""

import json
import sys

import torch
from device import NAME, Emulation, install

from hwbench.devices import seeded
from hwbench.live.config import config_of, load_config, with_change
from hwbench.live.recipes import recipe_files
from hwbench.live.search import make_search

BATCH = 8
IN_DARTS_CELLS = ("gdas",)
"""Others of that space are trained in the smaller one of NAS-Bench-201: what waits is in strategies
and trainers, and operations in Python are slow."""

STEPS = (1, 3)


def waits_of(recipe):
    config = load_config(recipe, "published")
    if config.space.name == "darts" and recipe not in IN_DARTS_CELLS:
        tree = config.model_dump(mode="python", exclude_none=True)
        tree["space"] = {"name": "nasbench201", "operations": "no-zero", "channels": 8, "depth": 1}
        config = config_of(tree, where=recipe)
    changes = {
        "data.name": "digits",
        "space.channels": 8,
        "space.depth": 1,
        "trainer.batch_size": BATCH,
        "trainer.warm_up_epochs": 0,
    }
    for key, value in changes.items():
        config = with_change(config, key, value)
    device = torch.device(NAME, 0)
    found = []
    with Emulation(), seeded(0, device, 1):
        search = make_search(config, device)
        parts = [search.supernet, search.strategy]
        tensors = [each for part in parts for each in (*part.parameters(), *part.buffers())]
        assert {each.device.type for each in tensors} == {NAME}
        data, epoch = search.data, search.trainer.epochs - 1  # weights that are ever split are
        for steps in STEPS:
            few = type(data)(data.train[: BATCH * steps], data.validation[: BATCH * 10], data.test)
            Emulation.waits.clear()
            numbers = search.trainer.train_epoch(epoch, few, search.augmentation)
            found.append(dict(Emulation.waits))
            assert numbers["train_loss"] == numbers["train_loss"]
            assert abs(numbers["train_loss"]) < 100
    return found


if __name__ == "__main__":
    install()
    names = sys.argv[1:] or list(recipe_files("published"))
    for name in names:
        sys.stdout.write(json.dumps([name, waits_of(name)]) + "\n")
        sys.stdout.flush()
