"""Graph predictors: their layers by other formulas, their promises, what they can tell apart."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.predictors.models.bonas import BONAS, BONASNetwork
from hwbench.predictors.models.gcn import GCN, BidirectionalConvolution, GCNNetwork, neighbour_mean
from hwbench.predictors.models.graph_network import GraphReader
from hwbench.predictors.models.nao import NAO, NAONetwork, Recurrence

SPACE = hb.get_space("nasbench201")
KINDS = [GCN, BONAS, NAO]


@pytest.fixture
def data():
    """Rows of the encoding "graph" and a standardised target of positions and an interaction."""
    archs = SPACE.sample(300, seed=3)
    cost = np.random.default_rng(0).normal(size=(SPACE.n_positions, max(SPACE.n_choices)))
    target = cost[np.arange(SPACE.n_positions), archs].sum(axis=1) + (archs[:, 0] == archs[:, 5])
    return SPACE.encode(archs, "graph"), (target - target.mean()) / target.std()


def _quick(kind, **changed):
    return kind(**{"space": SPACE, "steps": 20, "passes": 1, "random_state": 0, **changed})


@pytest.mark.parametrize("name", ["nasbench201", "nasbench101"])
def test_reads_what_the_graphs_hold(name):
    space = hb.get_space(name)
    graphs = space.graphs(space.sample(20, seed=1))
    n_vertices, n_operations = graphs.operations.shape[1], len(graphs.operation_names)
    reader = GraphReader(n_vertices, n_operations)
    adjacency, operations, present = reader(torch.from_numpy(graphs.features()))
    np.testing.assert_array_equal(adjacency.numpy(), graphs.adjacency)
    np.testing.assert_array_equal(present.numpy(), graphs.operations >= 0)
    found = np.where(present.numpy() > 0, operations.numpy().argmax(axis=2), -1)
    np.testing.assert_array_equal(found, graphs.operations)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")  # of torch_geometric's import
def test_convolution_is_the_mean_of_two_directions():
    from torch_geometric.nn import DenseGraphConv

    torch.manual_seed(0)
    values, adjacency = torch.randn(4, 5, 3), torch.rand(4, 5, 5).triu(1).round()
    ours = BidirectionalConvolution(3, 6)

    def one_way(weight, edges):
        theirs = DenseGraphConv(3, 6, aggr="mean", bias=False)
        theirs.lin_rel.weight = weight
        torch.nn.init.zeros_(theirs.lin_root.weight)
        return torch.relu(theirs(values, edges + torch.eye(5)))

    along = one_way(ours.along.weight, adjacency)
    against = one_way(ours.against.weight, adjacency.transpose(1, 2))
    found = ours(values, neighbour_mean(adjacency), neighbour_mean(adjacency.transpose(1, 2)))
    torch.testing.assert_close(found, (along + against) / 2)


def test_recurrence_is_a_long_short_term_memory():
    torch.manual_seed(0)
    ours, theirs = Recurrence(3, 5), torch.nn.LSTM(3, 5, batch_first=True)

    def reordered(ours):  # PyTorch's order of the gates
        forget, let_in, let_out, news = ours.detach().split(5)
        return torch.cat([let_in, forget, news, let_out])

    with torch.no_grad():
        theirs.weight_ih_l0.copy_(reordered(ours.inputs.weight))
        theirs.weight_hh_l0.copy_(reordered(ours.gates.weight))
        theirs.bias_ih_l0.copy_(reordered(ours.inputs.bias))
        theirs.bias_hh_l0.zero_()
        theirs.bias_hh_l0[5:10] = 1.0  # remembering is what it starts with
    sequence = torch.randn(2, 4, 3)
    torch.testing.assert_close(ours(sequence, 4), theirs(sequence)[0])
    repeated = sequence[:, :1].expand(-1, 4, -1)
    torch.testing.assert_close(ours(sequence[:, :1], 4), theirs(repeated)[0])


@pytest.mark.parametrize("network", [GCNNetwork, BONASNetwork])
def test_padding_changes_nothing(network):
    """A graph predicts alike with vertices that are not there."""
    torch.manual_seed(0)
    small, large = network(4, 3, 8).double(), network(6, 3, 8).double()
    large.load_state_dict(small.state_dict())
    adjacency = np.triu(np.ones((4, 4)), 1)
    padded = np.zeros((6, 6))
    padded[:4, :4] = adjacency
    operations = np.eye(3)[[0, 1, 1, 2]]

    def rows(edges, kinds):
        upper = edges[np.triu_indices(len(edges), 1)]
        return torch.from_numpy(np.concatenate([upper, kinds.reshape(-1)])[None])

    expected = small(rows(adjacency, operations))
    torch.testing.assert_close(large(rows(padded, np.pad(operations, ((0, 2), (0, 0))))), expected)


@pytest.mark.parametrize("network", [GCNNetwork, BONASNetwork, NAONetwork])
def test_every_pair_of_architectures_can_be_told_apart(network):
    """But for the networks on vertices alone, where graphs are the same but for their numbering."""
    torch.manual_seed(0)
    graphs = SPACE.graphs(SPACE.sample(200, seed=5))
    features = np.unique(graphs.features(), axis=0)
    untrained = network(graphs.operations.shape[1], len(graphs.operation_names), 32).double()
    with torch.no_grad():
        found = untrained(torch.from_numpy(features).double()).numpy()
    assert len(np.unique(found.round(9))) > 0.9 * len(features)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_fixes_the_fit_and_leaves_the_global_ones_alone(kind, data):
    features, targets = data
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)
    expected = (np.random.RandomState(1).rand(), torch.get_rng_state())
    first = _quick(kind).fit(features[:40], targets[:40]).predict(features)
    assert np.random.rand() == expected[0]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), expected[1])
    again = clone(_quick(kind)).fit(features[:40], targets[:40])
    np.testing.assert_array_equal(again.predict(features), first)
    other = _quick(kind, random_state=1).fit(features[:40], targets[:40]).predict(features)
    assert np.abs(other - first).max() > 1e-3
    back = pickle.loads(pickle.dumps(again))  # noqa: S301
    np.testing.assert_array_equal(back.predict(features), first)


@pytest.mark.parametrize("kind", KINDS)
def test_few_and_constant_targets(kind, data):
    features, targets = data
    assert np.isfinite(_quick(kind).fit(features[:2], targets[:2]).predict(features)).all()
    constant = _quick(kind).fit(features[:5], np.full(5, 0.25))
    np.testing.assert_array_equal(constant.predict(features), 0.25)
    with torch.no_grad():
        from_module = constant.to_torch()(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(from_module, 0.25)
    assert constant.predict(features[:0]).shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_learning_rate_stays_finite(kind, data):
    features, targets = data
    model = _quick(kind, learning_rate=0.1, steps=100).fit(features[:40], targets[:40])
    assert np.isfinite(model.predict(features)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_side_by_side_is_as_alone(kind, data):
    features, targets = data[0][:43], data[1][:43]  # folds of different sizes
    folds = np.arange(43) % 4
    configurations = [{}, {"width": 16, "batch_size": 64, "learning_rate": 1e-3}]
    together = _quick(kind).cross_val_predict(features, targets, folds, configurations)
    for found, configuration in zip(together, configurations, strict=True):
        for fold in range(4):
            left_out = folds == fold
            alone = _quick(kind, **configuration).fit(features[~left_out], targets[~left_out])
            np.testing.assert_allclose(
                found[left_out], alone.predict(features[left_out]), atol=1e-3
            )


@pytest.mark.parametrize("kind", KINDS)
def test_a_fold_of_one_value_is_predicted_as_it(kind, data):
    targets = np.zeros(8)
    targets[0] = 1.0
    found = _quick(kind).cross_val_predict(data[0][:8], targets, np.arange(8) // 4, [{}])
    np.testing.assert_array_equal(found[0, :4], 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_module_predicts_alike_and_has_a_gradient(kind, data):
    features, targets = data
    model = _quick(kind).fit(features[:60], targets[:60])
    module = model.to_torch()
    rows = torch.tensor(0.9 * features + 0.01, requires_grad=True)  # relaxed
    module(rows).sum().backward()
    assert torch.isfinite(rows.grad).all()
    assert (rows.grad != 0).any()
    with torch.no_grad():
        found = module(torch.from_numpy(features)).numpy()
    np.testing.assert_allclose(found, model.predict(features), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_learns(kind, data):
    features, targets = data
    model = _quick(kind, steps=500, learning_rate=3e-3, batch_size=32, width=32)
    prediction = model.fit(features[:200], targets[:200]).predict(features[200:])
    assert np.corrcoef(prediction, targets[200:])[0, 1] > 0.7


def test_passes_lengthen_training_up_to_a_limit(data, monkeypatch):
    from hwbench.predictors.models import graph_network

    taken = []

    def spy(rows, size, steps, seeds):
        taken.append((size, steps))
        return iter(())

    monkeypatch.setattr(graph_network, "batches", spy)
    for passes, limit in ((1, 1000), (30, 1000), (30, 70)):
        monkeypatch.setattr(GCN, "most_steps", limit)
        _quick(GCN, passes=passes, batch_size=10).fit(data[0][:50], data[1][:50])
    assert taken == [(10, 20), (10, 150), (10, 70)]


def test_a_space_is_needed(data):
    with pytest.raises(HwbenchError, match="search space"):
        GCN().fit(*data)
