"""Graph predictors read the graphs they are given, and convolve as the papers say."""

import numpy as np
import pytest
import torch

import hwbench as hb
from hwbench.predictors.gcn import BidirectionalConvolution, neighbour_mean
from hwbench.predictors.graph_network import GraphReader
from hwbench.predictors.nao import Recurrence

SPACE = hb.get_space("nasbench101")
ARCHS = SPACE.sample(30, seed=0)
LATENCY = SPACE.flops(ARCHS) / 1e9 + np.random.default_rng(0).normal(size=30) * 0.01


def test_reading_gives_back_the_graphs():
    graphs = SPACE.graphs(ARCHS)
    reader = GraphReader(graphs.operations.shape[1], len(graphs.operation_names))
    adjacency, operations, present = reader(torch.from_numpy(graphs.features()))
    np.testing.assert_array_equal(adjacency.numpy(), graphs.adjacency)
    np.testing.assert_array_equal(present.numpy(), graphs.operations >= 0)
    found = torch.where(present > 0, operations.argmax(dim=2), -1)
    np.testing.assert_array_equal(found.numpy(), graphs.operations)


# PyTorch Geometric compiles some of its classes on import, in a way that PyTorch calls outdated.
@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_the_convolution_is_two_of_pytorch_geometric():
    from torch_geometric.nn import DenseGCNConv

    torch.manual_seed(0)
    values, adjacency = torch.randn(4, 7, 5), torch.rand(4, 7, 7).round().triu(1)
    ours = BidirectionalConvolution(5, 3)
    found = ours(values, adjacency)
    parts = []
    for layer, matrix in ((ours.along, adjacency), (ours.against, adjacency.transpose(1, 2))):
        # The library sums over neighbours and adds a term for the vertex itself.
        theirs = DenseGCNConv(5, 3, aggr="mean", bias=False)
        with torch.no_grad():
            theirs.lin_rel.weight.copy_(layer.weight)
            theirs.lin_root.weight.zero_()
        looped = matrix + torch.eye(7)
        parts.append(torch.relu(theirs(values, looped)))
    torch.testing.assert_close(found, (parts[0] + parts[1]) / 2)


def test_rows_of_the_mean_sum_to_one():
    adjacency = torch.rand(3, 5, 5).round()
    torch.testing.assert_close(neighbour_mean(adjacency).sum(dim=2), torch.ones(3, 5))


def test_the_recurrence_is_pytorch_s():
    torch.manual_seed(0)
    ours, theirs = Recurrence(4, 6), torch.nn.LSTM(4, 6, batch_first=True)
    keep, let_in, let_out, news = ours.gates.weight.detach().chunk(4)
    bias = ours.gates.bias.detach().clone()
    bias[:6] += 1  # ours starts by keeping what it has
    b_keep, b_in, b_out, b_news = bias.chunk(4)
    with torch.no_grad():
        together = torch.cat([let_in, keep, news, let_out])
        theirs.weight_ih_l0.copy_(together[:, :4])
        theirs.weight_hh_l0.copy_(together[:, 4:])
        theirs.bias_ih_l0.copy_(torch.cat([b_in, b_keep, b_news, b_out]))
        theirs.bias_hh_l0.zero_()
    sequence = torch.randn(3, 5, 4)
    torch.testing.assert_close(ours(sequence), theirs(sequence)[0])


@pytest.mark.parametrize("name", ["gcn", "bonas", "nao"])
def test_folds_side_by_side_are_as_alone(name):
    space = hb.get_space("nasbench201")
    archs = space.sample(30, seed=0)
    features = space.encode(archs, "graph")
    latency = space.flops(archs) / 1e8
    folds = np.arange(30) % 5
    model = hb.make_predictor(name, space=space, seed=1, steps=15).estimator
    configurations = [{}, {"width": 20}]
    found = model.cross_val_predict(features, latency, folds, configurations)
    for configuration, row in zip(configurations, found, strict=True):
        for fold in (0, 3):
            single = hb.make_predictor(name, space=space, seed=1, steps=15, **configuration)
            single = single.estimator.fit(features[folds != fold], latency[folds != fold])
            np.testing.assert_allclose(
                row[folds == fold], single.predict(features[folds == fold]), atol=2e-3
            )


@pytest.mark.parametrize("name", ["gcn", "bonas", "nao"])
def test_the_module_is_the_model_and_has_a_gradient(name):
    model = hb.make_predictor(name, space=SPACE, steps=10).fit(ARCHS, LATENCY)
    features = torch.tensor(SPACE.encode(ARCHS, "graph"), requires_grad=True)
    predicted = model.to_torch()(features)
    np.testing.assert_allclose(predicted.detach().numpy(), model.predict(ARCHS), atol=1e-4)
    predicted.sum().backward()
    assert features.grad.abs().sum() > 0


def test_the_global_random_state_is_left_alone():
    before = torch.random.get_rng_state()
    hb.make_predictor("gcn", space=SPACE, steps=3).fit(ARCHS, LATENCY)
    assert torch.equal(before, torch.random.get_rng_state())
