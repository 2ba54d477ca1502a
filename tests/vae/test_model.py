"""The network comes to what one vertex of one graph at a time comes to."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.spaces import get_space
from hwbench.vae.graphs import GraphBatch, graph_format
from hwbench.vae.layers import gated_update
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import new_model

SMALL = {"hidden_size": 7, "latent_size": 5, "embedding_size": 3}
VARIANTS = [
    {"variant": "d-vae"},
    {"variant": "d-vae-emb", "bidirectional": True},
    {"variant": "d-vae-tmb"},
    {"variant": "d-vae-tmb", "bidirectional": False},
    {"variant": "d-vae-tmb", "tallied": True},
]


def make(space_name, **changes):
    chosen = GraphVAESettings(**{**SMALL, **changes})
    space = get_space(space_name)
    form = graph_format(space, chosen.order)
    model = new_model(chosen, form)
    with torch.no_grad():  # no weight is zero, so that nothing is left out by chance
        generator = torch.Generator().manual_seed(1)
        for value in model.parameters():
            value += 0.3 * torch.randn(value.shape, generator=generator)
    return space, form, model


@pytest.mark.parametrize("space_name", ["nasbench201", "nasbench101", "enas_macro"])
@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_loss_and_gradient_are_those_of_the_loop(space_name, changes, per_node_vae):
    space, form, model = make(space_name, **changes)
    graphs = form.graphs(space.sample(9, seed=2))
    noise = torch.randn(9, SMALL["latent_size"], generator=torch.Generator().manual_seed(3))
    losses = model.losses(GraphBatch.of(graphs), noise)
    fast = losses.reconstruction + 0.1 * losses.divergence
    slow = per_node_vae.loss(model, graphs, noise, 0.1)
    torch.testing.assert_close(fast, slow, rtol=1e-5, atol=1e-5)
    weights = dict(model.named_parameters())
    ours = torch.autograd.grad(fast, list(weights.values()), allow_unused=True)
    theirs = torch.autograd.grad(slow, list(weights.values()), allow_unused=True)
    for name, one, other in zip(weights, ours, theirs, strict=True):
        assert (one is None) == (other is None), name
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-3, atol=2e-5, msg=name)


@pytest.mark.parametrize("scale", [0.0, 0.01, 2.5])
def test_noise_is_scaled_in_training(scale):
    space, form, model = make("nasbench101", noise_scale=scale)
    _, _, plain = make("nasbench101")
    batch = GraphBatch.of(form.graphs(space.sample(9, seed=2)))
    noise = torch.randn(9, SMALL["latent_size"], generator=torch.Generator().manual_seed(3))
    scaled, expected = model.losses(batch, noise), plain.losses(batch, scale * noise)
    torch.testing.assert_close(scaled.reconstruction, expected.reconstruction)
    assert torch.equal(scaled.divergence, expected.divergence)
    unscaled = plain.losses(batch, noise)
    assert scaled.reconstruction != unscaled.reconstruction
    of_prior = [each.losses(batch, noise, n_prior=4).unconditional for each in (model, plain)]
    assert torch.equal(*of_prior)  # latents of the prior have their own deviation


def test_noise_of_scale_one_is_as_it_was():
    space, form, model = make("nasbench101", variant="d-vae", noise_scale=1.0)
    batch = GraphBatch.of(form.graphs(space.sample(9, seed=2)))
    noise = torch.randn(9, SMALL["latent_size"], generator=torch.Generator().manual_seed(3))
    mean, log_variance = model.encode(batch)
    latents = torch.addcmul(mean, noise, (0.5 * log_variance).exp())
    likelihood = model.decoder.log_likelihood(latents, batch, model.embedding)
    assert torch.equal(model.losses(batch, noise).reconstruction, -likelihood.mean())


def test_graphs_that_get_latents_of_the_prior_are_judged_by_them():
    space, form, model = make("nasbench101")
    batch = GraphBatch.of(form.graphs(space.sample(9, seed=2)))
    noise = torch.randn(9, SMALL["latent_size"], generator=torch.Generator().manual_seed(3))
    whole, part = model.losses(batch, noise), model.losses(batch, noise, n_prior=4)
    means, _ = model.encode(batch)
    latents = noise[:4].clone()
    for row in (0, 2):
        latents[row] = means.mean(dim=0) + means.std(dim=0, correction=0) * noise[row]
    given = model.decoder.log_likelihood(latents, batch[slice(0, 4)], model.embedding)
    torch.testing.assert_close(part.unconditional, -given.mean(), rtol=1e-5, atol=1e-5)
    rest = model.losses(batch[slice(4, 9)], noise[4:])
    torch.testing.assert_close(part.reconstruction, rest.reconstruction, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(part.divergence, whole.divergence)
    assert whole.unconditional == 0


def test_a_graph_does_not_feel_its_batch():
    space, form, model = make("nasbench101")
    batch = GraphBatch.of(form.graphs(space.sample(40, seed=0)))
    noise = torch.zeros(40, SMALL["latent_size"])
    whole = model.losses(batch, noise).reconstruction
    alone = [model.losses(batch[slice(i, i + 1)], noise[:1]).reconstruction for i in range(40)]
    torch.testing.assert_close(whole, torch.stack(alone).mean(), rtol=1e-5, atol=1e-5)


@given(st.integers(0, 2**31))
@settings(max_examples=25)
def test_the_update_is_that_of_a_gated_recurrent_unit(seed):
    generator = torch.Generator().manual_seed(seed)
    cell = torch.nn.GRUCell(3, 4).double()
    x, h = (torch.randn(6, n, generator=generator, dtype=torch.float64) for n in (3, 4))
    h.requires_grad_()
    gates = torch.nn.functional.linear(x, cell.weight_ih, cell.bias_ih)
    own = torch.nn.functional.linear(h, cell.weight_hh, cell.bias_hh)
    torch.testing.assert_close(gated_update(gates, own, h), cell(x, h))
    inputs = [value.detach().requires_grad_() for value in (gates, own, h)]
    assert torch.autograd.gradcheck(gated_update, inputs)


def test_isomorphic_cells_share_latents_with_the_contribution_and_not_without():
    space = get_space("nasbench101")
    one = space.from_string("conv3x3-bn-relu:0|maxpool3x3:0|output:12")
    other = space.from_string("maxpool3x3:0|conv3x3-bn-relu:0|output:12")
    assert space.indices_of([one])[0] == space.indices_of([other])[0]
    for variant, alike in (("d-vae-tmb", True), ("d-vae", False)):
        _, form, model = make("nasbench101", variant=variant, order="given")
        means, _ = model.encode(GraphBatch.of(form.graphs([one, other])))
        assert torch.allclose(means[0], means[1], atol=1e-6) == alike


@pytest.mark.parametrize("both_ways", [True, False])
def test_going_back_tells_cells_apart_that_share_all_their_ways(both_ways):
    space = get_space("nasbench101")
    a, b, c = "conv3x3-bn-relu", "maxpool3x3", "conv1x1-bn-relu"
    shared = space.from_string(f"{a}:0|{a}:0|{b}:1|{c}:1|output:234")
    apart = space.from_string(f"{a}:0|{a}:0|{b}:1|{c}:2|output:134")
    _, form, model = make("nasbench101", bidirectional=both_ways)
    means, _ = model.encode(GraphBatch.of(form.graphs([shared, apart])))
    assert torch.allclose(means[0], means[1], atol=1e-6) == (not both_ways)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_what_is_drawn_has_the_likelihood_that_training_sees(changes):
    """Graphs are drawn as often as their likelihood says: both ways of decoding are one model."""
    _space, form, model = make("nasbench101", **changes)
    n_draws = 10_000
    latent = torch.randn(1, SMALL["latent_size"], generator=torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    chances = torch.from_numpy(rng.random((n_draws, model.decoder.n_decisions), dtype=np.float32))
    with torch.no_grad():
        edges, operations = model.decoder.draw(latent.expand(n_draws, -1), model.embedding, chances)
        rows = torch.cat([edges.flatten(1), operations], dim=1).numpy()
        different, counts = np.unique(rows, axis=0, return_counts=True)
        often = counts.argsort()[::-1][:10]
        size = form.n_vertices
        vertices = torch.from_numpy(different[often][:, size * size :])
        adjacency = torch.from_numpy(different[often][:, : size * size]).view(-1, size, size)
        one_hot = torch.eye(len(form.operation_names) + 1)[vertices, :-1]
        batch = GraphBatch(adjacency.float(), one_hot)
        latents = latent.expand(10, -1)
        chance = model.decoder.log_likelihood(latents, batch, model.embedding).exp().numpy()
    # The last vertex of a full graph is the output without a decision, which has a likelihood too.
    full = vertices[:, -1].numpy() >= 0
    expected = chance * n_draws
    deviation = np.sqrt(np.maximum(expected, 1))
    assert (~full).any()
    assert (np.abs(counts[often] - expected)[~full] < 5 * deviation[~full] + 3).all()
