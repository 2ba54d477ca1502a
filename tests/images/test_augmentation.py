import numpy as np
import pytest
import torch

from hwbench.images.augmentation import Augmentation
from hwbench.images.parts import Part, parts_of
from hwbench.images.reading import normalised


@pytest.fixture(autouse=True)
def _seeded():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def _augmented(augmentation, images, black=None):
    torch.manual_seed(7)
    found = augmentation(images, black)
    return found, torch.get_rng_state()


def test_shift_moves_and_fills_with_zeros():
    images = torch.arange(1.0, 26.0).reshape(1, 1, 5, 5).repeat(64, 1, 1, 1)
    shifted = Augmentation(shift=2)(images)
    seen = set()
    for image in shifted[:, 0]:
        row, column = divmod(int(image.flatten()[image.flatten() > 0][0]) - 1, 5)
        target_row, target_column = (image > 0).nonzero()[0].tolist()
        down, right = target_row - row, target_column - column
        padded = torch.nn.functional.pad(images[0, 0], [2] * 4)
        assert torch.equal(image, padded[2 - down : 7 - down, 2 - right : 7 - right])
        seen.add((down, right))
    assert len(seen) > 10


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("channels", [1, 3])
def test_black_comes_in_as_if_raw_images_were_padded(flip, channels):
    raw = np.random.default_rng(0).integers(1, 256, (200, channels, 8, 8), dtype=np.uint8)
    labels = np.arange(200) % 3
    train, _ = parts_of(normalised("mine", "mine", (raw, labels), (raw, labels), 3))
    augmentation = Augmentation(shift=2, flip=flip)
    moved, state = _augmented(augmentation, train.images, train.black)
    raw_moved, raw_state = _augmented(augmentation, torch.from_numpy(raw).float())
    mean, deviation = (
        statistic(raw, axis=(0, 2, 3), dtype=np.float64).astype(np.float32)[:, None, None]
        for statistic in (np.mean, np.std)
    )
    np.testing.assert_array_equal(moved, (raw_moved.numpy() - mean) / deviation)
    assert (raw_moved == 0).any()
    assert torch.equal(state, raw_state)
    # Zeros come in where black is not known, and the draws are the same.
    plain, plain_state = _augmented(augmentation, train.images)
    assert torch.equal(plain == 0, raw_moved == 0)
    assert torch.equal(plain[raw_moved != 0], moved[raw_moved != 0])
    assert torch.equal(state, plain_state)


def test_a_corner_is_black_or_of_the_image():
    images = torch.randn(300, 3, 6, 6)
    black = torch.tensor([-9.0, -8.0, -7.0])
    moved = Augmentation(shift=1)(images, black)
    for place in ((0, 0), (0, 5), (5, 0), (5, 5)):
        corner = moved[:, :, place[0], place[1]]
        is_black = (corner == black).all(dim=1)
        assert 100 < int(is_black.sum()) < 230  # 5 of 9 moves bring one in
        assert not (corner[~is_black] < -6.5).any()


def test_cutout_is_of_the_mean_colour():
    black = torch.tensor([-9.0])
    found = Augmentation(shift=1, cutout=4)(torch.ones(100, 1, 8, 8), black)
    assert set(found.unique().tolist()) == {-9.0, 0.0, 1.0}


def test_a_part_keeps_its_labels_and_black():
    part = Part(torch.randn(20, 2, 8, 8), torch.arange(20) % 3, torch.tensor([-1.0, -2.0]))
    before = part.images.clone()
    augmentation = Augmentation(shift=2, flip=True, cutout=3)
    torch.manual_seed(7)
    found = augmentation.apply(part)
    assert found.labels is part.labels
    assert found.black is part.black
    assert torch.equal(found.images, _augmented(augmentation, part.images, part.black)[0])
    assert torch.equal(part.images, before)
    assert Augmentation().apply(part).images is part.images


def test_flip_mirrors_about_half():
    images = torch.arange(9.0).reshape(1, 1, 3, 3).repeat(200, 1, 1, 1)
    flipped = Augmentation(flip=True)(images)
    mirrored = (flipped == images.flip(-1)).flatten(1).all(dim=1)
    same = (flipped == images).flatten(1).all(dim=1)
    assert bool((mirrored ^ same).all())
    assert 60 < int(mirrored.sum()) < 140


def test_cutout_zeroes_a_square():
    cut = Augmentation(cutout=4)(torch.ones(300, 2, 8, 8)) == 0
    assert torch.equal(cut[:, 0], cut[:, 1])
    sizes = cut[:, 0].sum(dim=(1, 2))
    assert int(sizes.max()) == 16
    assert int(sizes.min()) >= 4  # in a corner a quarter is left


def test_nothing_asked_changes_nothing():
    images = torch.randn(4, 1, 8, 8)
    assert Augmentation()(images) is images
