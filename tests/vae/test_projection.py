"""Latents in the plane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from hwbench.errors import HwbenchError
from hwbench.vae.projection import neighbour_correlation, principal_plane


@given(st.integers(0, 2**31), st.integers(2, 30), st.integers(2, 6))
@settings(max_examples=30)
def test_the_plane_is_that_of_principal_components(seed, n_latents, size):
    latents = np.random.default_rng(seed).normal(size=(n_latents, size)) * np.arange(1, size + 1)
    found = principal_plane(latents)
    fitted = PCA(2, svd_solver="full").fit(latents)
    expected = fitted.transform(latents)
    np.testing.assert_allclose(np.abs(found.points), np.abs(expected), atol=1e-6)
    np.testing.assert_allclose(found.explained, fitted.explained_variance_ratio_, atol=1e-9)
    np.testing.assert_array_equal(found.points, principal_plane(latents).points)


def test_a_single_latent_and_latents_that_are_all_alike():
    found = principal_plane(np.arange(4.0)[:, None])
    np.testing.assert_allclose(found.points, [[-1.5, 0], [-0.5, 0], [0.5, 0], [1.5, 0]])
    assert found.explained == (1.0, 0.0)
    assert principal_plane(np.ones((3, 4))).explained == (0.0, 0.0)


def test_neighbours_agree_where_latents_say_something():
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(500, 3))
    assert neighbour_correlation(latents, latents[:, 0]) > 0.9
    assert abs(neighbour_correlation(latents, rng.normal(size=500))) < 0.15


def test_too_few_latents_are_refused():
    with pytest.raises(HwbenchError, match="at least two"):
        principal_plane(np.ones((1, 4)))
    with pytest.raises(HwbenchError, match="more than 10"):
        neighbour_correlation(np.ones((10, 2)), np.ones(10))
