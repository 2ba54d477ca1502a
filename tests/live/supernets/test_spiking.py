"""Supernets of spiking blocks, and what they measure."""

import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.parts import Part, SearchData
from hwbench.live.ranking import Calibration, Evaluator
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet
from hwbench.spaces import get_space

SKELETON = {"channels": 4, "time_steps": 3, "input_channels": 1, "input_size": 8, "classes": 3}
LIVELY = {**SKELETON, "threshold": 0.01}  # untrained, and yet it votes
SPACES = ["autosnn", "autosnn_8", "autosnn_avgpool", "autosnn_downsampling", "autosnn_gap"]
AFFINE = NetworkOptions(affine=True)


def images(n=6, seed=0):
    return 2 * torch.rand(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def searched(supernet, n=24):
    part = Part(images(n), torch.arange(n) % 3)
    data = SearchData(part, part, part)
    return Evaluator(supernet, data, Calibration(passes=1, batch_size=8, momentum=0.5))


@pytest.mark.parametrize("name", [*SPACES, "autosnn_sib"])
def test_a_path_computes_what_the_network_of_its_architecture_does(name):
    space = get_space(name)
    supernet = make_supernet(space, options=AFFINE, seed=1, **LIVELY).eval()
    for arch in space.sample(3, seed=1):
        network = space.network(arch, **LIVELY).eval()
        # The same modules in the same order; names differ by the mixed operations around blocks.
        weights = supernet.finalised(arch).state_dict()
        averages = ("summed_spikes", "passes")
        given = [value for name, value in weights.items() if name not in averages]
        own = network.state_dict()
        network.load_state_dict(dict(zip(own, given, strict=True)))
        votes = network(images())
        assert votes.any()
        assert torch.equal(supernet(images(), supernet.mixture_of(arch)), votes)
        assert torch.equal(supernet.measurements()["spikes"], network.measurements()["spikes"])


def test_exported_networks_come_back_with_their_neurons(tmp_path):
    options = {**LIVELY, "surrogate": "printed", "loss": "cross_entropy", "normalised": "sequence"}
    supernet = make_supernet("autosnn", options=AFFINE, **options).eval()
    arch = supernet.space.sample(1, seed=2)[0]
    folder = export_network(supernet.finalised(arch), tmp_path / "network")
    again = load_network(folder)
    assert again.skeleton == supernet.skeleton
    assert torch.equal(again(images()), supernet(images(), supernet.mixture_of(arch)))
    path = folder / "network.toml"
    path.write_text(path.read_text().replace("time_steps", "time_stops"))
    with pytest.raises(HwbenchError, match="'time_stops'; did you mean 'time_steps'"):
        load_network(folder)


def test_only_what_a_path_computes_is_counted():
    supernet = make_supernet("autosnn", **LIVELY).eval()
    every = supernet.space.from_string("|".join(["SRB_k5"] * 5))
    none = supernet.space.from_string("|".join(["skip"] * 5))
    supernet(images(), supernet.mixture_of(none))
    fewer = supernet.measurements()["spikes"].item()
    supernet(images(), supernet.mixture_of(every))
    more = supernet.measurements()["spikes"].item()
    supernet(images(), supernet.mixture_of(none))
    assert supernet.measurements()["spikes"].item() == fewer != more


def test_averages_are_those_of_an_epoch_in_training_alone():
    supernet = make_supernet("autosnn", **LIVELY)
    assert supernet.averages() == {}
    paths = [Mixture.single([choice] * 5) for choice in range(5)]
    counted = []
    for path in paths:
        supernet(images(), path)
        counted.append(supernet.measurements()["spikes"].item())
    assert supernet.averages()["spikes"] == pytest.approx(np.mean(counted))
    with torch.no_grad():
        supernet(images(), paths[0])  # what sets statistics
    supernet.eval()(images(), paths[0])
    assert supernet.averages()["spikes"] == pytest.approx(np.mean(counted))
    kept = supernet.state_dict()
    supernet.begin_epoch()
    assert supernet.averages() == {}
    supernet.load_state_dict({name: value.clone() for name, value in kept.items()})
    supernet.train()(images(), paths[3])
    assert set(supernet.averages()) == {"spikes"}


def test_evaluations_have_spikes_as_means_over_all_images():
    supernet = make_supernet("autosnn", options=AFFINE, **LIVELY)
    archs = supernet.space.sample(4, seed=5)
    judge = searched(supernet)
    found = judge.evaluate(archs)
    assert list(found) == ["accuracy", "loss", "spikes", "spike_energy"]
    assert (found["spikes"] > 0).all()
    np.testing.assert_allclose(found["spike_energy"], found["spikes"] * 1.7e-3, rtol=1e-5)
    # Batches of 8 and of 24 images give the same means, where statistics are the same.
    uncalibrated = Calibration(passes=0, batch_size=8), Calibration(passes=0, batch_size=5)
    one, other = (
        Evaluator(supernet, judge.data, calibration).evaluate(archs) for calibration in uncalibrated
    )
    np.testing.assert_allclose(one["spikes"], other["spikes"], rtol=1e-5)


def test_a_step_moves_the_weights_of_one_path():
    supernet = make_supernet("autosnn", options=AFFINE, **LIVELY)
    labels = torch.arange(6) % 3
    loss = supernet.loss(supernet(images(), Mixture.single([3, 1, 0, 4, 2])), labels)
    loss.backward()
    for position, operation in enumerate(supernet.mixed_operations()):
        for index, name in enumerate(operation.names):
            moved = [weight.grad is not None for weight in operation.candidates[name].parameters()]
            assert all(moved) if index == [3, 1, 0, 4, 2][position] else not any(moved)
    assert supernet.stem.convolution.convolution.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("options", "skeleton", "message"),
    [
        (NetworkOptions(partial_channels=2), {}, "neither partial channels nor node"),
        (NetworkOptions(linear_transformers=True), {}, "pass no linear transformers"),
        (NetworkOptions(), {"depth": 2}, "depth must be 1"),
    ],
)
def test_what_it_cannot_honour_is_refused(options, skeleton, message):
    with pytest.raises(HwbenchError, match=message):
        make_supernet("autosnn", options=options, **{**SKELETON, **skeleton})


def test_events_pass_as_they_come():
    supernet = make_supernet("autosnn", **LIVELY).eval()
    path = Mixture.single([1] * 5)
    shown = images()[:, None].expand(-1, 3, -1, -1, -1)
    torch.testing.assert_close(supernet(shown, path), supernet(images(), path))
