"""Speed of an epoch of a graph VAE, beside a loop over the vertices of each graph: `make bench`."""

import time

import pytest
import torch

from hwbench.spaces import get_space
from hwbench.vae.graphs import GraphBatch, graph_format
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import new_model

BATCH = 128
IN_THE_LOOP = 8
"""Graphs of the batch that the loop is timed on; its time grows with their number alone."""


@pytest.fixture
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("space_name", ["nasbench201", "nasbench101", "enas_macro"])
def test_a_step_of_training(space_name, benchmark, per_node_vae):
    settings = GraphVAESettings()
    space = get_space(space_name)
    form = graph_format(space, settings.order)
    model = new_model(settings, form)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    graphs = form.graphs(space.sample(BATCH, seed=0))
    few = form.graphs(space.sample(BATCH, seed=0)[:IN_THE_LOOP])
    batch = GraphBatch.of(graphs)
    noise = torch.randn(BATCH, settings.latent_size, generator=torch.Generator().manual_seed(0))

    def descend(loss):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def side_by_side():
        losses = model.losses(batch, noise)
        descend(losses.reconstruction + settings.kl_weight * losses.divergence)

    def one_by_one():
        descend(per_node_vae.loss(model, few, noise, settings.kl_weight))

    one_by_one()
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        one_by_one()
        seconds.append(time.perf_counter() - start)
    benchmark.pedantic(side_by_side, rounds=10, warmup_rounds=1)
    slow = min(seconds) / IN_THE_LOOP
    fast = (benchmark.stats.stats.min if benchmark.stats else float("nan")) / BATCH
    benchmark.extra_info["milliseconds a graph"] = round(1e3 * fast, 3)
    benchmark.extra_info["milliseconds a graph in the loop"] = round(1e3 * slow, 2)
    benchmark.extra_info["times faster an epoch"] = round(slow / fast, 1)
