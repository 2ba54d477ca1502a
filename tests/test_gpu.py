"""What computes on a CUDA device computes there, and what the CPU does: `make test-gpu`."""

import numpy as np
import pytest
import torch

from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.live.config import RankingNode
from hwbench.live.cost import make_cost
from hwbench.live.ranking import Calibration, evaluate_architectures
from hwbench.live.retrain import RetrainRecipe, retrain
from hwbench.live.run import rank_run, run_live
from hwbench.live.search import Search, choose_device, make_search, seeded
from hwbench.live.supernets.export import load_network, read_tensors
from hwbench.spaces import get_space
from hwbench.tables.made.make import measured_table
from hwbench.tables.made.measure import MeasureRecipe
from hwbench.testing.live_example import example_config

pytestmark = pytest.mark.gpu
DEVICE = "cuda"
CPU = torch.device("cpu")
SPACE = get_space("nasbench201")
BILEVEL = ("darts", "pc_darts", "vs_darts", "fair_darts", "gdas", "dr_nas", "proxyless_nas", "snas")


@pytest.fixture(scope="module", autouse=True)
def device():
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    return torch.device(DEVICE)


@pytest.fixture
def deterministic(monkeypatch):
    """The same sums in the same order, run after run."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def config_of(strategy):
    """A search of a supernet that is large enough for CUDA's kernels, on few images."""
    options = {"strategy": {"name": strategy, "partial_channels": 2}} if "pc_" in strategy else {}
    space = {"name": "nasbench201", "channels": 8, "depth": 1}
    return example_config(strategy, space=space, **options)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dtype": "bfloat16", "batch_size": 8},
        {"dtype": "float16"},
        {"runtime": "torch-compile"},
    ],
    ids=str,
)
def test_measured_latency_and_memory(tmp_path, settings, device):
    recipe = MeasureRecipe(
        device=DEVICE, rounds=2, skeleton={"channels": 8, "depth": 1}, **settings
    )
    archs = SPACE.from_strings(
        [
            "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|",
            "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
            "+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        ]
    )
    table = measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=archs)
    by_arch = table.frame.set_index("arch").loc[SPACE.to_strings(archs)]
    assert (by_arch["latency_min"] > 0).all()
    if "runtime" not in settings:  # a compiled cell may well be as fast as an empty one
        assert by_arch["latency_min"].iloc[0] < by_arch["latency_min"].iloc[1]
        assert by_arch["peak_memory"].iloc[0] < by_arch["peak_memory"].iloc[1]
    assert torch.cuda.get_device_name() in table.card.columns["latency"].source


@pytest.mark.parametrize("strategy", [*BILEVEL, "spos", "fair_nas"])
def test_a_search_lies_on_the_device_whole(strategy, device, tmp_path):
    config = config_of(strategy)
    with seeded(0, device, 1):
        search = make_search(config, device)
        parts = [search.supernet, search.strategy]
        tensors = [each for part in parts for each in (*part.parameters(), *part.buffers())]
        assert {each.device.type for each in tensors} == {device.type}
        assert {part.images.device.type for part in vars(search.data).values()} == {device.type}
    result = run_live(config, tmp_path, device=DEVICE)
    assert 0 < result["search_accuracy"] <= 100


@pytest.mark.parametrize("strategy", ["darts", "pc_darts", "vs_darts", "fair_darts"])
def test_the_first_steps_are_those_of_the_cpu(strategy, device):
    losses, alphas = [], []
    for place in (CPU, device):
        with seeded(0, CPU, 1):
            search = make_search(config_of(strategy), CPU)
        search.supernet.to(place)
        search.strategy.to(place)
        search.trainer.start(search.supernet, search.strategy)
        data = search.data.to(place)
        few = type(data.train)(data.train.images[:32], data.train.labels[:32])
        search.data = type(data)(few, few, few)
        losses.append(search.train_epoch(0)["train_loss"])
        alphas.append(search.strategy.alpha.detach().cpu())
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
    torch.testing.assert_close(alphas[1], alphas[0], atol=1e-3, rtol=0)


@pytest.mark.parametrize("strategy", ["darts", "gdas", "spos"])
def test_a_stopped_run_goes_on_as_if_it_had_not(strategy, tmp_path, monkeypatch, deterministic):
    config = config_of(strategy)
    run_live(config, tmp_path / "unbroken", device=DEVICE)
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped", device=DEVICE)
    run_live(config, tmp_path / "stopped", device=DEVICE)
    one, other = (
        read_tensors(tmp_path / name / "checkpoint.pt")["supernet"]
        for name in ("unbroken", "stopped")
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_run_of_the_cpu_goes_on_and_is_ranked_on_the_device(tmp_path, monkeypatch):
    config = config_of("darts")
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path, device="cpu")
    run_live(config, tmp_path, device=DEVICE)
    assert len(rank_run(tmp_path, RankingNode(architectures=4), device=DEVICE)) == 4


def test_rankings_agree_with_those_of_the_cpu(tmp_path, device):
    run_live(config_of("spos"), tmp_path, device="cpu")
    network = load_network(tmp_path / "supernet")
    with seeded(0, CPU, 1):
        data = make_search(config_of("spos"), CPU).data
    archs = network.sample(8, np.random.default_rng(0))
    on_cpu, on_device = (
        evaluate_architectures(network.to(place), archs, data.to(place), Calibration(2, 64))
        for place in (CPU, device)
    )
    np.testing.assert_allclose(on_device["loss"], on_cpu["loss"], rtol=2e-2)


@pytest.mark.parametrize("predictor", ["lookup_table", "ridge", "mlp_small", "gaussian_process"])
def test_costs_are_those_of_the_cpu(predictor, device):
    found = []
    for place in (CPU, device):
        with seeded(0, place, 1):
            search = make_search(config_of("darts"), place)
        cost = make_cost(search.supernet, "nb201-digits:latency_min", predictor, 60, 0.1, 0)
        shares = torch.full((6, 5), 0.2, device=place, requires_grad=True)
        value = cost.to(place)(shares)
        value.backward()
        found.append((value.item(), shares.grad.cpu()))
    (one, gradient), (other, other_gradient) = found
    assert other == pytest.approx(one, rel=1e-3)
    torch.testing.assert_close(other_gradient, gradient, rtol=1e-2, atol=1e-4)


def test_training_from_scratch(device):
    images = load_images("digits")
    few = ImageSet(
        **{
            **vars(images),
            "train_images": images.train_images[:256],
            "train_labels": images.train_labels[:256],
        }
    )
    recipe = RetrainRecipe(channels=8, depth=1, epochs=4, batch_size=32, cutout=0, flip=False)
    arch = SPACE.sample(1, seed=0)[0]
    with seeded(0, device, 1):
        result = retrain(SPACE, arch, few, recipe, device=device)
    assert np.isfinite(result.train_loss)
    assert result.test_accuracy > 10


def test_cuda_is_chosen_where_there_is_one():
    assert choose_device(None).type == DEVICE
