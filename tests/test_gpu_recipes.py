"""Recipes of live searches on a device, and how fast published ones are there.

On a GPU published recipes are what they are, but for random images; on the CPU, which shows that
the tests are right, their networks and batches are small.
"""

import time
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from hwbench.devices import device_title, seeded
from hwbench.images.sets import load_images
from hwbench.live import search as search_module
from hwbench.live.config import load_config, with_change
from hwbench.live.recipes import recipe_files
from hwbench.live.retrain import RetrainRecipe, retrain
from hwbench.live.run import run_live
from hwbench.live.search import make_search, observed_variances
from hwbench.live.supernets.supernet import Supernet
from hwbench.spaces import get_space

TINY = {"space.channels": 8, "space.depth": 1, "trainer.batch_size": 8}


@pytest.fixture(scope="module")
def random_images(tmp_path_factory, device):
    """The path of random images of ten classes, 32 pixels wide."""
    generator = np.random.default_rng(0)
    train, test = (3200, 512) if device.type == "cuda" else (64, 32)
    path = tmp_path_factory.mktemp("images") / "random.npz"
    np.savez(
        path,
        train_images=generator.integers(0, 256, (train, 3, 32, 32), dtype=np.uint8),
        train_labels=np.arange(train) % 10,
        test_images=generator.integers(0, 256, (test, 3, 32, 32), dtype=np.uint8),
        test_labels=np.arange(test) % 10,
    )
    return str(path)


def published(name, device, images, **changes):
    config = with_change(load_config(name, "published"), "data.name", images)
    sizes = {} if device.type == "cuda" else TINY
    for key, value in {**sizes, **changes}.items():
        config = with_change(config, key, value)
    return config


def search_of(config, device):
    search = make_search(config, device)
    search.supernet.train()
    return search


@pytest.mark.parametrize("name", recipe_files("small"))
def test_small_recipes(name, device, tmp_path):
    config = with_change(load_config(name, "small"), "trainer.epochs", 2)
    if config.strategy.get("split_epoch"):
        config = with_change(config, "strategy.split_epoch", 1)
    if config.ranking is not None:
        config = with_change(config, "ranking.architectures", 8)
    if config.selection["name"] == "perturbation":
        config = with_change(config, "selection.tuning_epochs", 0)
    if config.selection["name"] == "black_box":
        config = with_change(config, "selection.evaluations", 8)
        config = with_change(config, "selection.n_initial", 4)
    result = run_live(config, tmp_path, device=str(device))
    assert 0 < result["search_accuracy"] <= 100


def steps(search, epoch=0):
    """Train an epoch; its loss, and its steps."""
    numbers = search.trainer.train_epoch(epoch, search.data, search.augmentation)
    return numbers["train_loss"], search.data.train.steps(search.trainer.batch_size)


def pace(config, device, **options):
    """Milliseconds of a step after the first ones, images a second and the most memory, in GiB."""
    epoch = config.trainer["warm_up_epochs"]
    with seeded(0, device, 4, **options):
        search = search_of(config, device)
        loss, count = steps(search, epoch)
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            torch.cuda.synchronize()
        start = time.perf_counter()
        loss, count = steps(search, epoch)  # reads the loss, and so waits for all of it
        seconds = time.perf_counter() - start
    assert np.isfinite(loss)
    batch = search.trainer.batch_size
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None
    return {
        "ms_a_step": round(1e3 * seconds / count, 2),
        "images_a_second": round(count * batch / seconds),
        "GiB": None if memory is None else round(memory, 2),
        "loss": loss,
    }


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", recipe_files("published"))
def test_paces_of_published_recipes(name, precision, device, random_images, told):
    config = published(name, device, random_images, **{"trainer.precision": precision})
    found = pace(config, device)
    told(f"{name}, {precision}", device=device_title(device), **found)


@pytest.mark.parametrize("way", ["contiguous", "without cudnn.benchmark", "deterministic"])
def test_pace_of_darts_in_other_ways(way, device, random_images, told, monkeypatch):
    config = published("darts", device, random_images)
    if way == "contiguous":
        make = Supernet.__init__

        def contiguous(self, *args, **kwargs):
            make(self, *args, **kwargs)
            self.to(memory_format=torch.contiguous_format)

        monkeypatch.setattr(Supernet, "__init__", contiguous)
        monkeypatch.setattr(Supernet, "_first_features", lambda self, images: self.stem(images))
    if way == "without cudnn.benchmark":
        monkeypatch.setattr(search_module, "arithmetic", lambda *_args, **_options: nullcontext())
    found = pace(config, device, deterministic=way == "deterministic")
    told(f"darts, {way}", device=device_title(device), **found)


def test_what_variances_cost_a_validation(device, random_images, told):
    with seeded(0, device, 4):
        search = search_of(published("darts", device, random_images), device)
        seconds = []
        for observed in (False, True, False, True):
            start = time.perf_counter()
            if observed:
                with observed_variances(search.supernet) as ratios:
                    search.validate(search.strategy.mixture)
            else:
                search.validate(search.strategy.mixture)
            seconds.append(time.perf_counter() - start)
    assert np.isfinite(ratios).all()
    told("variances", device=device_title(device), without=seconds[2], observed=seconds[3])


@pytest.mark.parametrize("name", ["darts", "gdas", "spos"])
def test_bfloat16_is_near_float32(name, device, random_images):
    losses = []
    for precision in ("float32", "bfloat16"):
        changes = {"trainer.precision": precision}
        with seeded(0, device, 4):
            search = search_of(published(name, device, random_images, **changes), device)
            batch = search.data.train[:32]
            with torch.no_grad():
                loss, _ = search.trainer.weight_loss(batch, search.strategy.mixture())
        losses.append(loss.item())
    assert losses[1] == pytest.approx(losses[0], rel=0.05)
    assert losses[1] != losses[0]


def test_training_the_published_network_from_scratch(device, random_images, told):
    images = load_images(random_images)
    space = get_space("darts")
    sizes = {} if device.type == "cuda" else {"channels": 4, "depth": 1, "batch_size": 32}
    start = time.perf_counter()
    with seeded(0, device, 4):
        result = retrain(
            space,
            space.sample(1, seed=0)[0],
            images,
            RetrainRecipe(epochs=1, **sizes),
            device=device,
        )
    seconds = time.perf_counter() - start
    assert np.isfinite(result.train_loss)
    told(
        "retraining", device=device_title(device), seconds=seconds, images=len(images.train_labels)
    )
