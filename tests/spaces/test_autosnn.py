"""AutoSNN's spaces: sizes that are printed, blocks, networks, votes."""

import pytest
import torch
from torch import nn

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.spaces.autosnn.blocks import MaxPooling, StepNorm, make_block
from hwbench.spaces.autosnn.neuron import PLIF, SpikingLayer
from hwbench.spaces.autosnn.skeleton import LayerShape, SpikingSkeleton
from hwbench.spaces.autosnn.space import SEARCHED
from hwbench.testing import check_space

SPACE = get_space("autosnn")
SMALL = {"channels": 4, "time_steps": 3, "input_channels": 1, "input_size": 8, "classes": 3}
SPACES = [
    "autosnn",
    "autosnn_8",
    "autosnn_avgpool",
    "autosnn_downsampling",
    "autosnn_gap",
    "autosnn_sib",
]


def all_of(block, space=SPACE):
    return space.from_string("|".join([block] * space.n_positions))


def fired_by(network, images):
    """What each spiking layer gives in a pass."""
    outputs = []
    for layer in network.modules():
        if isinstance(layer, SpikingLayer):
            layer.register_forward_hook(lambda _m, _i, output: outputs.append(output))
    network(images)
    return outputs


@pytest.mark.parametrize("name", SPACES)
def test_spaces_keep_their_promises(name):
    check_space(name)
    check_space(name, depth=2, stem_poolings=1, time_steps=2)
    for halvings in range(3):
        check_space(name, samples=3, halvings=halvings, time_steps=1)


def test_sizes():
    sizes = {name: len(get_space(name)) for name in SPACES}
    assert sizes == {
        "autosnn": 3125,
        "autosnn_8": 390_625,
        "autosnn_avgpool": 3125,
        "autosnn_downsampling": 390_625,
        "autosnn_gap": 3125,
        "autosnn_sib": 9**5,
    }


@pytest.mark.parametrize(
    ("arch", "channels", "parameters", "printed"),
    [
        (SEARCHED["-0.08"], 16, 417_626, 0.42),
        (SEARCHED["-0.08"], 32, 1_462_954, 1.46),
        (SEARCHED["-0.08"], 64, 5_436_746, 5.44),
        (SEARCHED["-0.08"], 128, 20_916_874, 20.92),
        (SEARCHED["-0.16"], 16, 515_930, 0.52),
        (SEARCHED["-0.24"], 16, 500_888, 0.50),
    ],
)
def test_parameters_are_those_that_are_printed(arch, channels, parameters, printed):
    # NA Tables 5.3 and 5.4, in millions.
    count = SPACE.parameters([SPACE.from_string(arch)], channels=channels)[0]
    assert count == parameters
    assert round(count / 1e6, 2) == printed


def test_neurons_are_as_many_as_printed():
    # NA 1383-1388, times H W C; the votes, which the formula there leaves out, come on top.
    bottlenecks = get_space("autosnn_sib")
    votes = 10 * 10
    for space, block, exact, printed in (
        (SPACE, "SCB_k3", 6.4375, 6.4),
        (SPACE, "SRB_k3", 6.4375, 6.4),
        (bottlenecks, "SIB_k3_e1", 8.1875, 8.0),
        (bottlenecks, "SIB_k3_e3", 16.6875, 16.5),
    ):
        count = (space.neurons([all_of(block, space)])[0] - votes) / (32 * 32 * 16)
        assert count == exact
        assert count == pytest.approx(printed, rel=0.03)


@pytest.mark.parametrize("name", SPACES)
def test_neurons_by_formula_are_those_of_the_network(name):
    space = get_space(name)
    skeleton = {**SMALL, "input_size": 9, "stem_poolings": 1}
    for arch in space.sample(4, seed=1):
        outputs = fired_by(space.network(arch, **skeleton), torch.rand(2, 1, 9, 9))
        assert {output.shape[:2] for output in outputs} == {(3, 2)}
        assert sum(output[0, 0].numel() for output in outputs) == space.neurons([arch], **skeleton)
        assert all(set(output.unique().tolist()) <= {0.0, 1.0} for output in outputs)


def test_every_layer_counts_its_spikes():
    network = SPACE.network(all_of("SRB_k3"), **SMALL)
    fired = sum(output.sum().item() for output in fired_by(network, 3 * torch.rand(5, 1, 8, 8)))
    measured = network.measurements()
    assert measured["spikes"].item() == pytest.approx(fired / 5)
    assert measured["spikes"].item() > 0
    assert measured["spike_energy"].item() == pytest.approx(measured["spikes"].item() * 1.7e-3)
    assert set(measured) == set(SPACE.measured)


def test_a_skip_hands_on_what_it_is_given_where_channels_stay():
    skeleton = SpikingSkeleton(channels=4, depth=1)
    spikes = torch.rand(2, 3, 4, 6, 6).round()
    assert make_block("skip", LayerShape(4, 4, 1, 6), skeleton)(spikes) is spikes
    wider = make_block("skip", LayerShape(4, 8, 1, 6), skeleton)
    assert wider(spikes).shape == (2, 3, 8, 6, 6)
    assert sum(weight.numel() for weight in wider.parameters()) == 4 * 8 + 2 * 8 + 1
    strided = make_block("skip", LayerShape(4, 8, 2, 7), skeleton)
    assert strided(torch.rand(2, 3, 4, 7, 7).round()).shape == (2, 3, 8, 4, 4)


def test_a_pooling_of_spikes_is_a_spike_where_one_of_four_is():
    spikes = torch.zeros(1, 1, 1, 4, 4)
    spikes[0, 0, 0, 1, 0] = spikes[0, 0, 0, 2, 2] = spikes[0, 0, 0, 3, 3] = 1.0
    pooled = MaxPooling()(spikes)
    assert pooled.flatten().tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_residual_is_added_before_the_neurons_fire():
    skeleton = SpikingSkeleton(channels=2, depth=1)
    block = make_block("SRB_k3", LayerShape(2, 2, 1, 4), skeleton).eval()
    for weight in block.parameters():
        if weight.dim() == 4:
            nn.init.zeros_(weight)
    ones = torch.ones(4, 1, 2, 4, 4)
    assert not block(ones).any()  # 1 alone charges to below the threshold, 1 - 2^-t
    assert torch.equal(block(2 * ones), PLIF()(2 * ones))


def test_an_image_is_shown_at_every_step_and_events_each_at_its_own():
    lively = {**SMALL, "threshold": 0.1}
    network = SPACE.network(SPACE.from_string(SEARCHED["-0.08"]), **lively).eval()
    images = 3 * torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    shown = images[:, None].expand(-1, 3, -1, -1, -1)
    torch.testing.assert_close(network(images), network(shown))
    dark = shown.clone()
    dark[:, 1:] = 0.0
    assert not torch.equal(network(dark), network(shown))
    assert network(torch.rand(4, 7, 1, 8, 8)).shape == (4, 3)  # as many steps as there are


def test_votes_are_counted_by_class():
    network = SPACE.network(all_of("skip"), **SMALL)
    fired = torch.zeros(3, 2, 30)
    fired[:, 0, 10:20] = 1.0  # all ten of class 1, always
    fired[0, 1, 25] = 1.0  # one of class 2, once of three times
    network.classifier.layers = nn.Identity()
    votes = network.classifier(fired)
    torch.testing.assert_close(votes, torch.tensor([[0.0, 10.0, 0.0], [0.0, 0.0, 1 / 3]]))


def test_losses():
    votes, labels = torch.tensor([[10.0, 0.0], [5.0, 5.0]]), torch.tensor([0, 0])
    squared = SPACE.network(all_of("skip"), **SMALL).loss(votes, labels)
    assert squared.item() == pytest.approx((0 + 0 + 0.25 + 0.25) / 4)
    entropy = SPACE.network(all_of("skip"), **SMALL, loss="cross_entropy").loss(votes, labels)
    expected = nn.functional.cross_entropy(votes, labels)
    torch.testing.assert_close(entropy, expected)
    smoothed = SPACE.network(all_of("skip"), **SMALL).loss(votes, labels, 0.2)
    assert smoothed.item() == pytest.approx((0.01 + 0.01 + 0.16 + 0.16) / 4)


def test_batches_are_normalised_step_by_step_or_over_the_sequence():
    maps = torch.randn(3, 8, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    maps = maps * torch.tensor([1.0, 2.0, 3.0])[:, None, None, None, None]
    by_step, together = StepNorm(2, by_step=True), StepNorm(2, by_step=False)
    found, other = by_step(maps), together(maps)
    variances = found.var(dim=(1, 3, 4), correction=0)
    torch.testing.assert_close(variances, torch.ones(3, 2), atol=1e-4, rtol=0)
    assert (other[2].var() > 4 * other[0].var()).all()
    variances = other.var(dim=(0, 1, 3, 4), correction=0)
    torch.testing.assert_close(variances, torch.ones(2), atol=1e-4, rtol=0)


@pytest.mark.parametrize("momentum", [0.1, 0.5, 1.0])
def test_statistics_move_by_the_momentum_towards_the_mean_of_the_steps(momentum):
    maps = torch.randn(3, 8, 2, 4, 4, generator=torch.Generator().manual_seed(1)) + 2
    norm = StepNorm(2, by_step=True)
    norm.momentum = momentum
    norm(maps)
    mean = maps.mean(dim=(0, 1, 3, 4))
    variance = maps.var(dim=(1, 3, 4)).mean(dim=0)
    torch.testing.assert_close(norm.running_mean, momentum * mean)
    torch.testing.assert_close(norm.running_var, 1 - momentum + momentum * variance)
    assert norm.momentum == momentum


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_steps": 0}, "skeleton: time_steps"),
        ({"tau": 1.0}, "skeleton: tau"),
        ({"surrogate": "tanh"}, "skeleton: unknown surrogate 'tanh'"),
        ({"loss": "hinge"}, "skeleton: unknown loss 'hinge'"),
        ({"time_step": 4}, "did you mean 'time_steps'"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(HwbenchError, match=message):
        SPACE.network(all_of("skip"), **options)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SRB_k5|skip", "expected 5 blocks joined by '|', such as SRB_k5"),
        ("SRB_k5|SRB_k5|skip|SRB_k4|SRB_k5", "block4: unknown block 'SRB_k4'; did you mean"),
        ("SIB_k3_e1|skip|skip|skip|skip", "block1: unknown block 'SIB_k3_e1'"),
    ],
)
def test_strings_that_are_none(text, message):
    with pytest.raises(HwbenchError) as caught:
        SPACE.from_string(text)
    assert message in str(caught.value)


def test_eval_draws_nothing_and_a_pass_leaves_nothing_behind():
    network = SPACE.network(SPACE.sample(1, seed=5)[0], **SMALL, threshold=0.1).eval()
    images = torch.rand(3, 1, 8, 8)
    first, spikes = network(images), network.measurements()["spikes"]
    assert first.any()
    network(5 * torch.rand(7, 1, 8, 8))
    assert torch.equal(network(images), first)
    assert torch.equal(network.measurements()["spikes"], spikes)
