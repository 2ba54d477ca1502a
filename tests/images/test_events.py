"""Images that come as events: a sequence of frames each."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.augmentation import Augmentation
from hwbench.images.convert.of_arrays import npz_source
from hwbench.images.events import check_events
from hwbench.images.npz_file import describe_npz
from hwbench.images.sets import load_images
from hwbench.live.config import config_of
from hwbench.live.run import run_live
from hwbench.live.search import make_search
from hwbench.spaces import get_space

STEPS = 3


@pytest.fixture
def events(tmp_path):
    """A file of events: a spot that moves to the left or to the right."""
    generator = np.random.default_rng(0)
    arrays = {}
    for part, n in (("train", 64), ("test", 16)):
        labels = np.arange(n) % 2
        rows = generator.integers(0, 8, n)
        frames = (generator.random((n, STEPS, 2, 8, 8)) < 0.05).astype(np.uint8)
        for image, (label, row) in enumerate(zip(labels, rows, strict=True)):
            for step in range(STEPS):
                frames[image, step, 0, row, 3 + (step if label else -step)] = 3
        arrays |= {f"{part}_images": frames, f"{part}_labels": labels}
    path = tmp_path / "events.npz"
    np.savez(path, **arrays)
    return path


def test_events_are_read_with_their_steps(events):
    images = load_images(str(events))
    assert images.train_images.shape == (64, STEPS, 2, 8, 8)
    assert (images.time_steps, images.channels, images.size) == (STEPS, 2, 8)
    assert images.about()["time_steps"] == STEPS
    np.testing.assert_allclose(images.train_images.mean(axis=(0, 1, 3, 4)), 0, atol=1e-5)
    np.testing.assert_allclose(images.train_images.std(axis=(0, 1, 3, 4)), 1, atol=1e-4)
    assert images.black.shape == (2,)
    assert "time_steps" not in load_images("digits").about()
    assert load_images("digits").time_steps is None
    assert describe_npz(events)["channels"] == 2


def test_all_steps_of_an_image_are_moved_alike(events):
    images = torch.from_numpy(load_images(str(events)).train_images[:9])
    augmentation = Augmentation(shift=2, flip=True, cutout=3)
    black = torch.tensor([-1.0, 5.0])
    torch.manual_seed(4)
    together = augmentation(images, black)
    for step in range(STEPS):
        torch.manual_seed(4)
        assert torch.equal(augmentation(images[:, step], black), together[:, step])


@pytest.mark.parametrize("shape", [(4, STEPS, 2, 8, 7), (4, 1, STEPS, 2, 8, 8)])
def test_other_shapes_are_refused(tmp_path, shape):
    path = tmp_path / "wrong.npz"
    arrays = {f"{part}_images": np.zeros(shape) for part in ("train", "test")}
    np.savez(path, **arrays, train_labels=np.arange(4), test_labels=np.arange(4))
    with pytest.raises(HwbenchError, match=r"events of shape \(n, T, channels, size, size\)"):
        load_images(str(path))


def test_networks_that_know_no_time_are_not_shown_events(events):
    images = load_images(str(events))
    check_events(images, get_space("autosnn"))
    check_events(images, get_space("spiking_rivals"))
    check_events(load_images("digits"), get_space("darts"))
    with pytest.raises(HwbenchError, match="holds events of 3 steps, which networks of darts"):
        check_events(images, get_space("darts"))


def test_events_are_not_converted(events):
    with pytest.raises(HwbenchError, match="holds events, which cannot be converted"):
        npz_source(events)


def test_a_search_on_events(events, tmp_path):
    config = config_of(
        {
            "title": "Events",
            "data": {"name": str(events), "augmentation": {"shift": 1}},
            "space": {
                "name": "autosnn",
                "channels": 2,
                "depth": 1,
                "affine": True,
                "skeleton": {"halvings": 2},
            },
            "strategy": {"name": "spos"},
            "trainer": {
                "name": "single_level",
                "epochs": 2,
                "batch_size": 8,
                "weights": {"name": "adam"},
            },
            "selection": {
                "name": "black_box",
                "strategy": "random",
                "evaluations": 3,
                "fitness": {"measurement": "spikes"},
            },
        },
        where="events",
    )
    result = run_live(config, tmp_path / "run")
    assert result["measured"]["spikes"] > 0
    other = config.model_copy(
        update={"space": config.space.model_copy(update={"name": "nasbench201", "skeleton": {}})}
    )
    with pytest.raises(HwbenchError, match="networks of nasbench201 cannot be shown"):
        make_search(other, torch.device("cpu"))
