"""What computes on a device computes there, and what the CPU does: `make test-gpu`.

On the CPU, where it is slow and shows that the tests are right, by `make test-all`.
"""

import numpy as np
import onnxruntime
import pytest
import torch

from hwbench.devices import choose_device, seeded
from hwbench.errors import HwbenchError
from hwbench.images.image_set import ImageSet
from hwbench.images.sets import load_images
from hwbench.live.config import RankingNode, with_change
from hwbench.live.cost import make_cost
from hwbench.live.ranking import Calibration, evaluate_architectures
from hwbench.live.retrain import RetrainRecipe, retrain
from hwbench.live.run import rank_run, run_live
from hwbench.live.search import Search, make_search
from hwbench.live.supernets.export import load_network
from hwbench.predictors.models import batched_mlp
from hwbench.spaces import get_space
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tensor_files import read_tensors
from hwbench.testing.live_example import example_config
from hwbench.vae.checkpoint import load_vae
from hwbench.vae.training import train_vae

CPU = torch.device("cpu")
SPACE = get_space("nasbench201")
BILEVEL = ("darts", "pc_darts", "vs_darts", "fair_darts", "gdas", "dr_nas", "proxyless_nas", "snas")


def config_of(strategy):
    """A search of a supernet that is large enough for CUDA's kernels, on few images."""
    if strategy == "second":
        trainer = {"name": "bilevel", "order": 2, "epochs": 2, "batch_size": 32}
        return with_change(config_of("darts"), "trainer", trainer)
    space = {"name": "nasbench201", "channels": 8, "depth": 1}
    if strategy == "fair_darts":  # which learns nothing about none, and refuses it
        space["operations"] = "no-zero"
    return example_config(strategy, space=space)


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
        device=device.type, rounds=2, skeleton={"channels": 8, "depth": 1}, **settings
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
    if "runtime" not in settings:
        assert by_arch["peak_memory"].iloc[0] < by_arch["peak_memory"].iloc[1]
    if device.type == "cuda":
        assert torch.cuda.get_device_name() in table.card.columns["latency"].source


def test_onnxruntime_measures_on_the_device_or_says_what_is_missing(tmp_path, device):
    provider = "CUDAExecutionProvider" if device.type == "cuda" else "CPUExecutionProvider"
    recipe = MeasureRecipe(device=device.type, runtime="onnxruntime", rounds=1)
    archs, options = SPACE.sample(2, seed=0), {"name": "t", "journal_path": tmp_path / "j"}
    if provider in onnxruntime.get_available_providers():
        table = measured_table(SPACE, recipe, archs=archs, **options)
        assert (table.column("latency") > 0).all()
    else:
        with pytest.raises(HwbenchError, match="install onnxruntime-gpu"):
            measured_table(SPACE, recipe, archs=archs, **options)


def test_graph_vaes(device, tmp_path):
    small = {"n_graphs": 200, "hidden_size": 16, "latent_size": 8, "epochs": 2, "tallied": True}
    small |= {"metrics": ("nb201-digits:latency_min",), "n_labelled": 50, "prior_share": 0.25}
    found = [train_vae("nasbench201", device=str(place), **small) for place in (CPU, device)]
    vae = found[1]
    assert {each.device.type for each in vae.model.state_dict().values()} == {device.type}
    for one, other in zip(found[0].history, vae.history, strict=True):
        assert other.reconstruction == pytest.approx(one.reconstruction, rel=1e-2)
    archs = SPACE.sample(20, seed=1)
    latents = vae.encode(archs)
    np.testing.assert_allclose(latents, found[0].encode(archs), atol=2e-2)
    assert vae.decode(latents, 0)[0].shape == archs.shape
    assert np.isfinite(vae.predict(latents)).all()
    # What was begun on the CPU goes on here, and is read there again.
    path = tmp_path / "vae.npz"
    stopped = {**small, "checkpoint": path}
    with pytest.raises(KeyboardInterrupt):
        train_vae("nasbench201", progress=stops_after_one, **stopped)
    train_vae("nasbench201", device=str(device), **stopped)
    np.testing.assert_allclose(load_vae(path).encode(archs), latents, atol=2e-2)


def stops_after_one(done, _epochs):
    if done == 1:
        raise KeyboardInterrupt


def test_stacks_of_perceptrons(device):
    features = SPACE.encode(SPACE.sample(200, seed=1), "onehot").astype(np.float32)
    targets = features @ np.linspace(-1, 1, features.shape[1], dtype=np.float32)
    networks = [
        batched_mlp.Network(2, width, 1e-3, activation, True, 16, 30, np.arange(200), (seed,))
        for seed, width, activation in ((0, 16, "relu"), (1, 24, "tanh"), (2, 16, "hardswish"))
    ]
    on_cpu = batched_mlp.train(networks, features, targets)
    on_device = batched_mlp.train(networks, features, targets, device=device)
    for network, one, other in zip(networks, on_cpu, on_device, strict=True):
        expected, found = (
            batched_mlp.predict(weights, network.activation, True, features)
            for weights in (one, other)
        )
        np.testing.assert_allclose(found, expected, atol=1e-2)


@pytest.mark.parametrize("strategy", [*BILEVEL, "spos", "fair_nas"])
def test_a_search_lies_on_the_device_whole(strategy, device, tmp_path):
    config = config_of(strategy)
    with seeded(0, device, 1):
        search = make_search(config, device)
        parts = [search.supernet, search.strategy]
        tensors = [each for part in parts for each in (*part.parameters(), *part.buffers())]
        assert {each.device.type for each in tensors} == {device.type}
        assert {part.images.device.type for part in vars(search.data).values()} == {device.type}
    result = run_live(config, tmp_path, device=str(device))
    assert 0 < result["search_accuracy"] <= 100


@pytest.mark.parametrize("strategy", ["darts", "second", "pc_darts", "vs_darts", "fair_darts"])
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


@pytest.mark.parametrize("strategy", ["darts", "gdas", "dr_nas", "spos"])
def test_a_stopped_run_goes_on_as_if_it_had_not(strategy, tmp_path, monkeypatch, device):
    config, options = config_of(strategy), {"device": str(device), "deterministic": True}
    for name in ("unbroken", "again"):
        run_live(config, tmp_path / name, **options)
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped", **options)
    run_live(config, tmp_path / "stopped", **options)
    assert not torch.are_deterministic_algorithms_enabled()
    one, *others = (
        read_tensors(tmp_path / name / "checkpoint.pt") for name in ("unbroken", "again", "stopped")
    )
    for other in others:
        for part in ("supernet", "strategy"):
            assert one[part].keys() == other[part].keys()
            for name, value in one[part].items():  # an extra state is no tensor
                same = torch.equal if isinstance(value, torch.Tensor) else dict.__eq__
                assert same(value, other[part][name]), (part, name)


def test_a_run_of_the_cpu_goes_on_and_is_ranked_on_the_device(tmp_path, monkeypatch, device):
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
    run_live(config, tmp_path, device=str(device))
    assert len(rank_run(tmp_path, RankingNode(architectures=4), device=str(device))) == 4


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


@pytest.mark.gpu
def test_cuda_is_chosen_where_there_is_one():
    if not torch.cuda.is_available():
        pytest.skip("torch finds no CUDA device")
    assert choose_device(None).type == "cuda"
