"""The Weisfeiler-Lehman kernel against one that relabels with tuples, graph by graph."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwbench as hb
from hwbench.predictors.models.weisfeiler_lehman import (
    WeisfeilerLehmanGaussianProcess,
    label_counts,
    weisfeiler_lehman_labels,
)
from hwbench.spaces.graphs import Graphs

SPACES = ("nasbench101", "nasbench201", "enas_macro", "transnas_micro")


def subtrees(adjacency, operations, iterations):
    """How often each subtree stands in a graph, as nested tuples."""
    vertices = [v for v, operation in enumerate(operations) if operation >= 0]
    labels = {v: (int(operations[v]),) for v in vertices}
    found = Counter((0, label) for label in labels.values())
    for depth in range(1, iterations + 1):
        labels = {
            v: (
                labels[v],
                tuple(sorted((labels[u] for u in vertices if adjacency[u, v]), key=repr)),
            )
            for v in vertices
        }
        found.update((depth, label) for label in labels.values())
    return found


def kernel(one, other):
    def product(a, b):
        return sum(count * b[label] for label, count in a.items())

    return product(one, other) / np.sqrt(product(one, one) * product(other, other))


@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 10**6), iterations=st.integers(0, 3))
def test_covariances_are_those_of_subtrees(name, seed, iterations):
    space = hb.get_space(name)
    graphs = space.graphs(space.sample(6, seed=seed))
    labels = weisfeiler_lehman_labels(graphs, iterations)
    counts = label_counts(labels, np.unique(labels[labels != 0]))
    trees = [
        subtrees(adjacency, operations, iterations)
        for adjacency, operations in zip(graphs.adjacency, graphs.operations, strict=True)
    ]
    expected = [[kernel(one, other) for other in trees] for one in trees]
    np.testing.assert_allclose((counts @ counts.T).toarray(), expected, atol=1e-12)


@given(seed=st.integers(0, 10**6))
def test_order_of_vertices_does_not_matter(seed):
    space = hb.get_space("nasbench201")
    graphs = space.graphs(space.sample(4, seed=seed))
    order = np.random.default_rng(seed).permutation(graphs.operations.shape[1])
    turned = Graphs(
        graphs.adjacency[:, order][:, :, order], graphs.operations[:, order], graphs.operation_names
    )
    one, other = (np.sort(weisfeiler_lehman_labels(each, 3), axis=2) for each in (graphs, turned))
    np.testing.assert_array_equal(one, other)


def test_labels_do_not_depend_on_the_other_graphs():
    space = hb.get_space("nasbench101")
    archs = space.sample(20, seed=0)
    together = weisfeiler_lehman_labels(space.graphs(archs), 2)
    alone = weisfeiler_lehman_labels(space.graphs(archs[7:8]), 2)
    np.testing.assert_array_equal(together[:, 7:8], alone)


def test_predictions_are_those_of_the_textbook():
    space = hb.get_space("nasbench201")
    archs = space.sample(40, seed=1)
    rows = space.encode(archs, "graph")
    values = space.encode(archs, "counts") @ np.arange(5) + 0.1 * np.sin(np.arange(40))
    model = WeisfeilerLehmanGaussianProcess(space).fit(rows[:30], values[:30])
    labels = weisfeiler_lehman_labels(space.graphs(archs), model.iterations_)
    counts = label_counts(labels, np.unique(labels[labels != 0]))
    covariance = model.variance_ * (counts @ counts.T).toarray()
    inverse = np.linalg.inv(covariance[:30, :30] + model.noise_ * np.eye(30))
    mean = model.mean_ + covariance[30:, :30] @ inverse @ (values[:30] - model.mean_)
    cross = covariance[30:, :30]
    variance = np.diag(covariance[30:, 30:] - cross @ inverse @ cross.T) + model.noise_
    found, deviation = model.predict(rows[30:], return_std=True)
    np.testing.assert_allclose(found, mean, rtol=1e-8)
    np.testing.assert_allclose(deviation**2, variance, rtol=1e-6)


def test_no_other_noise_or_iterations_are_more_likely():
    """The density of the training values, by scipy, is largest where the fit says."""
    from scipy.stats import multivariate_normal

    space = hb.get_space("nasbench201")
    archs = space.sample(60, seed=2)
    values = np.random.default_rng(0).normal(size=60) + space.encode(archs, "counts")[:, 3]
    model = WeisfeilerLehmanGaussianProcess(space).fit(space.encode(archs, "graph"), values)

    def density(iterations, noise):
        labels = weisfeiler_lehman_labels(space.graphs(archs), iterations)
        counts = label_counts(labels, np.unique(labels[labels != 0]))
        covariance = model.variance_ * (counts @ counts.T).toarray() + noise * np.eye(60)
        return multivariate_normal.logpdf(values, np.full(60, model.mean_), covariance)

    taken = density(model.iterations_, model.noise_)
    for noise in (0.5 * model.noise_, 2.0 * model.noise_):
        assert density(model.iterations_, noise) < taken
    assert all(density(other, model.noise_) <= taken for other in range(4))


@pytest.mark.parametrize("name", SPACES)
def test_features_and_graphs_are_one(name):
    space = hb.get_space(name)
    graphs = space.graphs(space.sample(10, seed=3))
    size = graphs.operations.shape[1]
    again = Graphs.of_features(graphs.features(), size, graphs.operation_names)
    np.testing.assert_array_equal(again.adjacency, graphs.adjacency)
    np.testing.assert_array_equal(again.operations, graphs.operations)
