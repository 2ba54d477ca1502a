"""Batches that grow as memory allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.live.trainers.base import SingleLevel
from hwbench.live.trainers.growing_batch import grown_batch, next_batch


@pytest.mark.parametrize(
    ("batch", "usage", "expected"),
    [
        (24, 0.5, 40),  # 45.6 down to a multiple of 8
        (24, 0.1, 48),  # at most twice as many
        (96, 0.3, 128),  # and no more than that
        (24, 0.95, 24),
        (24, 1.2, 24),  # never fewer
        (20, 0.9, 20),
    ],
)
def test_the_next_batch(batch, usage, expected):
    assert next_batch(batch, usage) == expected


@given(st.integers(1, 200), st.floats(0.01, 1.5), st.integers(8, 256))
def test_batches_grow_within_limits(batch, usage, most):
    found = next_batch(batch, usage, most=most)
    assert batch <= found <= max(batch, min(most, 2 * batch))
    assert found == batch or (found % 8 == 0 and found * usage <= 0.95 * batch + 1e-9)


def test_pools_of_pr_darts_have_their_batches():
    # Large where pools are small, as LAUBE Fig. 4.7 shows it.
    assert [grown_batch(24, pool, 512) for pool in (4, 6, 4, 3, 2)] == [120, 80, 120, 128, 128]
    assert grown_batch(24, 30, 512) == 24


def test_a_trainer_follows_the_candidates_that_there_are(cells):
    supernet = cells()
    trainer = SingleLevel(batch_size=24, memory_images=400)
    trainer.supernet = supernet
    assert trainer.images_of_a_step() == 72  # 0.95 * 400 / 5
    trainer.supernet = cells("only-conv")
    assert trainer.images_of_a_step() == 128
    assert SingleLevel(batch_size=24).images_of_a_step() == 24
