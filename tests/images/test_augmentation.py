import torch

from hwbench.images.augmentation import Augmentation


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
