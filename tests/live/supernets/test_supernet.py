import numpy as np
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.run import weight_sets
from hwbench.live.supernets.export import export_network, load_network
from hwbench.live.supernets.mixture import Choice, Mixture
from hwbench.live.supernets.supernet import NetworkOptions, make_supernet
from hwbench.spaces import get_space


def test_a_single_path_is_the_network_of_the_architecture(cells):
    supernet = cells().eval()
    space = get_space("nasbench201")
    images = torch.randn(4, 1, 8, 8)
    for arch in space.sample(8, seed=1):
        network = space.network(
            arch, channels=4, depth=1, input_channels=1, input_size=8, classes=3
        ).eval()
        own = supernet.state_dict()
        renamed = {}
        for name in network.state_dict():
            head, _, rest = name.partition(".edges.")
            if rest:
                edge, _, tail = rest.partition(".")
                operation = space.choices[0][arch[int(edge)]]
                key = f"{head}.operations.{edge}.candidates.{operation}.{tail}"
                renamed[name] = own.get(key, network.state_dict()[name])
            else:
                renamed[name] = own[name]
        network.load_state_dict(renamed)
        torch.testing.assert_close(
            supernet(images, supernet.mixture_of(arch)), network(images), rtol=1e-5, atol=1e-6
        )


def test_one_hot_weights_are_a_single_path(cells):
    supernet = cells()
    arch = np.array([1, 0, 3, 2, 4, 3])
    weights = torch.nn.functional.one_hot(torch.tensor(arch), 5).float()
    images = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(
        supernet(images, Mixture.weighted(weights, supernet.sizes)),
        supernet(images, supernet.mixture_of(arch)),
    )


def test_mixture_is_the_weighted_sum_of_the_candidates(cells):
    operation = next(cells().mixed_operations())
    x, weights = torch.randn(4, 4, 8, 8), torch.rand(5)
    expected = sum(
        weight * operation.candidates[name](x)
        for weight, name in zip(weights, operation.names, strict=True)
    )
    mixture = Mixture((Choice(tuple(range(5)), weights),))
    torch.testing.assert_close(operation(x, mixture), expected)


def test_finalised_network_has_equal_outputs_and_one_candidate_each(cells, tmp_path):
    supernet = cells().eval()
    arch = np.array([3, 1, 0, 2, 4, 3])
    network = supernet.finalised(arch)
    images = torch.randn(4, 1, 8, 8)
    expected = supernet(images, supernet.mixture_of(arch))
    assert torch.equal(network(images), expected)
    assert network.sizes == (1,) * 6
    again = load_network(export_network(network, tmp_path / "network"))
    assert torch.equal(again(images), expected)


@pytest.mark.parametrize("split", [False, True])
def test_exported_supernet_has_equal_outputs(cells, tmp_path, split):
    supernet = cells(operations="no-zero", node_normalisation=True).eval()
    if split:
        supernet.restructure(supernet.split_structure())
    again = load_network(export_network(supernet, tmp_path / "network"))
    images, arch = torch.randn(4, 1, 8, 8), np.array([3, 1, 2, 2, 4, 3])
    expected = supernet(images, supernet.mixture_of(arch))
    assert torch.equal(again(images, again.mixture_of(arch)), expected)


def test_weights_of_another_network_are_refused(cells, tmp_path):
    folder = export_network(cells(), tmp_path)
    tree = folder / "network.toml"
    tree.write_text(tree.read_text().replace("channels = 4", "channels = 8", 1))
    with pytest.raises(HwbenchError, match="weights of another network"):
        load_network(folder)
    (folder / "weights.pt").write_bytes(b"nothing")
    with pytest.raises(HwbenchError, match="damaged"):
        load_network(folder)


@pytest.mark.parametrize(
    ("space", "before", "after"), [("nasbench201", 12, 76), ("nasbench_macro", 16, 44)]
)
def test_split_makes_the_published_number_of_sets_and_changes_nothing(space, before, after):
    # LAUBE 6.3.3. The strided identities of NAS-Bench-Macro have weights as well, which LAUBE
    # does not count: without skips between channels there would be 3 more sets.
    supernet = make_supernet(
        space, channels=4, depth=1, input_channels=1, input_size=8, classes=3
    ).eval()
    extra = {"nasbench201": (0, 0), "nasbench_macro": (3, 1 + 2 * 3)}[space]
    assert weight_sets(supernet) == before + extra[0]
    archs = supernet.space.sample(8, seed=0)
    images = torch.randn(4, 1, 8, 8)
    outputs = [supernet(images, supernet.mixture_of(arch)) for arch in archs]
    origins = supernet.restructure(supernet.split_structure())
    assert weight_sets(supernet) == after + extra[1]
    assert origins
    assert all(torch.equal(new, origin.tensor) for new, origin in origins.items())
    for arch, output in zip(archs, outputs, strict=True):
        assert torch.equal(supernet(images, supernet.mixture_of(arch)), output)


def test_split_weights_depend_on_the_choice_before(cells):
    supernet = cells()
    supernet.restructure(supernet.split_structure())
    images = torch.randn(4, 1, 8, 8)

    def touched(arch):
        supernet.zero_grad(set_to_none=True)
        supernet(images, supernet.mixture_of(arch)).sum().backward()
        return {name for name, weight in supernet.named_parameters() if weight.grad is not None}

    first, second = touched(np.array([3, 3, 3, 3, 3, 3])), touched(np.array([2, 3, 3, 3, 3, 3]))
    assert {name for name in first if ".operations.2." in name}.isdisjoint(
        name for name in second if ".operations.2." in name
    )
    assert {name for name in first if ".operations.5." in name} == {
        name for name in second if ".operations.5." in name
    }  # path 6 depends on paths 2 and 3, not on path 1


def test_partial_channels_pass_the_rest_by(cells):
    operation = next(cells(partial_channels=2).mixed_operations())
    x = torch.randn(4, 4, 8, 8)
    mixture = Mixture.weighted(torch.full((6, 5), 0.2), (5,) * 6)
    output = operation(x, mixture)
    # Channels 2 and 3 go past, and are shuffled to the odd places.
    assert torch.equal(output[:, 1::2], x[:, 2:])
    changed = x.clone()
    changed[:, 2:] += 1.0
    assert torch.equal(operation(changed, mixture)[:, 0::2], output[:, 0::2])


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        ("no-zeros", "did you mean 'no-zero'"),
        (["nor_conv_3x4"], "did you mean 'nor_conv_3x3'"),
        ([["none"]], "given for 1 positions; it has 6"),
    ],
)
def test_wrong_operations_are_named(cells, operations, message):
    with pytest.raises(HwbenchError, match=message):
        cells(operations=operations)


def test_subsets_have_the_published_sizes(cells):
    assert len(cells().architectures()) == 15_625
    assert len(cells("no-zero").architectures()) == 4_096
    assert len(cells("only-conv").architectures()) == 64


def test_space_without_supernets_is_named():
    with pytest.raises(HwbenchError, match="unknown space with a supernet 'fbnet'"):
        make_supernet("fbnet")


def test_architectures_that_differ_in_dead_operations_alone_are_the_same_pass(cells):
    supernet = cells().eval()
    archs = supernet.space.sample(200, seed=4)
    same = supernet.same_passes(archs)
    assert len(np.unique(same)) < len(archs)
    images = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        outputs = [supernet(images, supernet.mixture_of(arch)) for arch in archs]
    live = supernet.space.remove_dead(archs)
    for row, first in enumerate(same):
        assert first <= row
        assert torch.equal(outputs[row], outputs[first])
        alike = (live[: row + 1] == live[row]).all(axis=1)
        assert first == np.flatnonzero(alike)[0]


def test_what_an_operation_makes_of_nothing_is_nothing(cells):
    supernet = cells()
    for layer in supernet.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_()
    supernet.eval()
    images = torch.randn(4, 1, 8, 8)
    with torch.no_grad():  # 1->2 and 1->3 are given the zeros of node 1
        dead, left_out = (
            supernet(images, supernet.mixture_of(arch))
            for arch in ([0, 3, 3, 1, 2, 3], [0, 3, 0, 1, 0, 3])
        )
    assert torch.equal(dead, left_out)


def test_split_weights_depend_on_dead_choices_too(cells):
    supernet = cells()
    supernet.restructure(supernet.split_structure())
    archs = supernet.space.sample(50, seed=4)
    assert supernet.same_passes(archs).tolist() == list(range(50))
    images = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        for weight in supernet.parameters():  # the sets no longer hold the same
            weight.normal_()
        dead, other = (
            supernet(images, supernet.mixture_of(arch))
            for arch in ([0, 3, 3, 0, 0, 3], [0, 3, 0, 0, 0, 3])  # node 1 is zeros in both
        )
    assert not torch.allclose(dead, other)


@pytest.mark.parametrize(
    ("space", "options"),
    [
        ("nasbench201", NetworkOptions()),
        ("nasbench201", NetworkOptions(partial_channels=2)),
        ("darts", NetworkOptions(node_normalisation=True)),
        ("nasbench_macro", NetworkOptions()),
    ],
)
def test_channels_stay_behind_one_another_through_the_network(space, options):
    # Another layout computes the same, at half the speed.
    supernet = make_supernet(space, options=options, channels=4, depth=1, input_size=16)
    seen = []
    for mixed in supernet.mixed_operations():
        mixed.register_forward_hook(lambda _, inputs, output: seen.append(output))
    weights = torch.rand(len(supernet.positions), max(supernet.sizes))
    supernet(torch.randn(4, 3, 16, 16), Mixture.weighted(weights, supernet.sizes))
    assert len(seen) >= 8
    assert all(output.is_contiguous(memory_format=torch.channels_last) for output in seen)
