"""The checks of search spaces pass what is right and find what is wrong."""

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import list_spaces, registry
from hwbench.spaces.autosnn.space import AutoSNN
from hwbench.spaces.base import Measurement
from hwbench.spaces.drawing import Edge
from hwbench.spaces.nasbench201.space import NASBench201
from hwbench.spaces.nasbench_macro.space import NASBenchMacro
from hwbench.spaces.transnas.micro import TransNASMicro
from hwbench.testing import check_space, space_checks


@pytest.mark.parametrize("name", list_spaces())
def test_every_space_keeps_its_promises(name):
    check_space(name, samples=30, seed=5)


@pytest.mark.parametrize("check", space_checks())
def test_one_by_one(check):
    check("nasbench_macro", samples=10)


@pytest.mark.parametrize(
    "space",
    [
        "hwbench.spaces.nasbench201.space:NASBench201",
        NASBench201,
        NASBench201(),
    ],
)
def test_a_path_a_class_and_an_object_are_alike(space):
    check_space(space, samples=5)
    for check in space_checks(space, samples=5):
        check()


def test_the_networks_can_be_built_at_another_size():
    check_space("nasbench201", samples=5, channels=3, depth=2, input_size=12)
    with pytest.raises(AssertionError, match="input_size must be a multiple of 4"):
        check_space("nasbench201", samples=5, input_size=10)


class NeedsArguments(NASBenchMacro):
    def __init__(self, layers):
        self.layers = layers


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ("nasbench2001", "unknown search space .* did you mean 'nasbench201'"),
        ("no.such:Module", "no.such cannot be imported"),
        ("hwbench.spaces.base:Skeleton", "no subclass"),
        (3, r"space 3: is none; give a name, \"module:Class\", a subclass of Space or a space"),
        (int, "space int: is none"),
        (NeedsArguments, r"NeedsArguments: cannot be made \(TypeError: .*'layers'"),
    ],
)
def test_what_is_no_space_is_one_line(space, message):
    for call in (check_space, *space_checks()[:1]):
        with pytest.raises(HwbenchError, match=message) as caught:
            call(space)
        assert len(str(caught.value).splitlines()) == 1


class Macro(NASBenchMacro):
    """A space to break."""

    name = "macro_of_a_test"


class Micro(TransNASMicro):
    name = "micro_of_a_test"


class Spiking(AutoSNN):
    name = "spiking_of_a_test"


@pytest.fixture
def known(monkeypatch):
    """Make an object the space that `get_space` finds by its name."""

    def register(space):
        monkeypatch.setitem(registry.SPACES.built_in, space.name, "unused:unused")
        monkeypatch.setattr(registry, "_in_code", lambda name: space)
        return space

    return register


@pytest.mark.parametrize("kind", [Macro, Micro, Spiking])
def test_the_unbroken_spaces_pass(known, kind):
    check_space(known(kind()), samples=20)


def test_a_space_that_nobody_finds_is_found_out():
    with pytest.raises(AssertionError, match=r"unpickling .* raises HwbenchError: unknown search"):
        check_space(Macro(), samples=5)


def broken(parent, **changes):
    return type("Broken", (parent,), changes)


def sample_of_small_numbers(self, n_archs, seed=0, **_):
    return NASBenchMacro.sample(self, n_archs, seed).astype(np.int8)


def change_and_encode(self, archs, encoding="onehot"):
    if archs.flags.writeable and archs.dtype == np.int64:
        archs[0] = archs[-1]
    return NASBenchMacro.encode(self, np.array(archs), encoding)


BROKEN = [
    ("what it is called and offers", message, space)
    for message, space in {
        "two positions share a name": broken(Macro, positions=("layer",) * 8),
        "7 positions stand beside 8 lists": broken(Macro, positions=tuple("abcdefg")),
        "offers a name twice": broken(Macro, choices=(("a", "a", "b"),) * 8),
        "the choices allow at most 6561": broken(Macro, n_architectures=6562),
        "the encoding 'spectrum' is none of": broken(Macro, encodings=("onehot", "spectrum")),
        "baseline": broken(Macro, baseline=np.full(8, 9)),
    }.items()
]
BROKEN += [
    ("sampling", message, space)
    for message, space in {
        "sample draws an architecture twice": broken(
            Macro, sample=lambda self, n, seed=0, **_: np.zeros((n, 8), dtype=np.int64)
        ),
        "sample depends on more than its seed": broken(
            Macro, sample=lambda self, n, seed=0, **_: NASBenchMacro.sample(self, n, None)
        ),
        "sample(20) is no int64": broken(Macro, sample=sample_of_small_numbers),
    }.items()
]
BROKEN += [
    ("the arrays it is given", message, space)
    for message, space in {
        "encode: it changed the array it was given": broken(Macro, encode=change_and_encode),
        "twins of an array that must not be written to raises ValueError": broken(
            Macro,
            twins=lambda self, archs: archs.__setitem__((0, 0), archs[0, 0]) or archs,
        ),
        "encode: an array in Fortran's order gives another": broken(
            Macro,
            _encode_onehot=lambda self, archs: NASBenchMacro._encode_onehot(
                self, archs.ravel("K").reshape(archs.shape)
            ),
        ),
    }.items()
]
BROKEN += [
    ("strings", message, space)
    for message, space in {
        "two architectures share a string": broken(
            Macro, to_strings=lambda self, archs: ["00000000"] * len(archs)
        ),
        "to_string and to_strings differ": broken(Macro, to_string=lambda self, arch: "00000000"),
        "from_string reads": broken(
            Macro, from_string=lambda self, text: NASBenchMacro.from_string(self, text)[::-1]
        ),
        "from_strings(to_strings(archs)) is not archs": broken(
            Macro, from_strings=lambda self, texts: NASBenchMacro.from_strings(self, texts)[::-1]
        ),
        "raises KeyError, not HwbenchError": broken(
            Macro,
            from_string=lambda self, text: np.array(
                [{"0": 0, "1": 1, "2": 2}[digit] for digit in text.ljust(8, "?")], dtype=np.int64
            ),
        ),
    }.items()
]
BROKEN += [
    (
        "indices",
        "architectures_at(indices_of(archs)) is not archs",
        broken(
            Macro, architectures_at=lambda self, i: NASBenchMacro.architectures_at(self, i)[:, ::-1]
        ),
    ),
    (
        "indices",
        "archs_of(keys_of(archs)) is not archs",
        broken(Macro, archs_of=lambda self, keys: NASBenchMacro.archs_of(self, keys)[::-1]),
    ),
    (
        "indices",
        "function_classes holds the index",
        broken(Macro, function_classes=lambda self, archs: self.indices_of(archs) + 1),
    ),
    (
        "what is refused",
        "is not refused",
        broken(Macro, check=lambda self, archs: np.asarray(archs).astype(np.int64).reshape(-1, 8)),
    ),
    (
        "neighbours",
        "holds the architecture itself",
        broken(Macro, neighbours=lambda self, arch: np.array([arch], dtype=np.int64)),
    ),
    (
        "neighbours",
        "whose neighbour it is not",
        broken(Macro, neighbours=lambda self, arch: NASBenchMacro.neighbours(self, arch)[:1]),
    ),
]
BROKEN += [
    ("encodings", message, space)
    for message, space in {
        "is float64": broken(Macro, _encode_onehot=lambda self, archs: np.zeros((len(archs), 24))),
        "holds NaN or infinity": broken(
            Macro, _encode_integers=lambda self, archs: np.full((len(archs), 8), np.nan, np.float32)
        ),
        "a row depends on the other rows": broken(
            Macro,
            _encode_counts=lambda self, archs: (
                np.arange(3, dtype=np.float32) + np.arange(len(archs), dtype=np.float32)[:, None]
            ),
        ),
        "two architectures share their features": broken(
            Macro, _encode_integers=lambda self, archs: np.zeros((len(archs), 8), np.float32)
        ),
        "two columns of 'onehot' share a name": broken(
            Macro, _onehot_names=lambda self: ["x"] * 24
        ),
    }.items()
]
BROKEN += [
    (
        "graphs",
        "an edge leads backwards",
        broken(
            Micro,
            _build_graphs=lambda self, archs: (
                lambda g: type(g)(g.adjacency.swapaxes(1, 2), g.operations, g.operation_names)
            )(TransNASMicro._build_graphs(self, archs)),
        ),
    ),
    (
        "graphs",
        "which it does not offer, is not refused",
        broken(Macro, graphs=lambda self, archs: Micro().graphs(archs[:, :6])),
    ),
    (
        "twins",
        "the twin of a twin is another",
        broken(Macro, twins=lambda self, archs: (self.check(archs) + 1) % 3),
    ),
    (
        "twins",
        "are of two function classes",
        broken(Micro, function_classes=lambda self, archs: self.indices_of(archs)),
    ),
    (
        "pickling",
        "finds another space",
        broken(Macro, __reduce__=lambda self: (NASBench201, ())),
    ),
    ("drawings", "drawn_as is 'spiral'", broken(Macro, drawn_as="spiral")),
    (
        "drawings",
        "has operations that no position offers: {'warp'}",
        broken(Macro, edges_of=lambda self, arch: [Edge("network", "0", "1", "warp")]),
    ),
]
BROKEN += [
    ("networks", message, space)
    for message, space in {
        "parameters of": broken(Macro, _parameter_cost=lambda self, s: (1, [[0, 0, 0]] * 8)),
        "flops of": broken(Macro, _flop_cost=lambda self, s: (1, [[0, 0, 0]] * 8)),
        "never negative": broken(Macro, _flop_cost=lambda self, s: (-1, [[0, 0, 0]] * 8)),
        "the weights depend on more than the seed": broken(
            Macro,
            network=lambda self, arch, seed=0, **s: NASBenchMacro.network(
                self, arch, seed=int(np.random.default_rng().integers(2**31)), **s
            ),
        ),
        "gives (2, 10), not (2, 7)": broken(
            Macro,
            network=lambda self, arch, seed=0, **s: NASBenchMacro.network(
                self, arch, seed=seed, **{**s, "classes": 10}
            ),
        ),
        "has no method measurements": broken(
            Macro, measured={"spikes": Measurement("spikes", "1", "minimize")}
        ),
        "shown events raises": broken(Macro, takes_events=True),
        "measures ['spike_energy', 'spikes'], not ['spikes']": broken(
            Spiking, measured={"spikes": AutoSNN.measured["spikes"]}
        ),
    }.items()
]


@pytest.mark.parametrize(("what", "message", "kind"), BROKEN, ids=[each[1] for each in BROKEN])
def test_a_broken_promise_is_named(known, what, message, kind):
    space = known(kind())
    (check,) = (each for each in space_checks() if each.what == what)
    with pytest.raises(AssertionError) as caught:
        check(space, samples=20)
    assert str(caught.value).startswith(f"space {space.name}: ")
    assert message in str(caught.value)
    with pytest.raises(AssertionError):
        check_space(space, samples=20)


def test_every_check_can_fail():
    assert {what for what, _, _ in BROKEN} == {check.what for check in space_checks()}


def test_errors_of_other_kinds_become_assertions(known):
    def fail(self, archs):
        raise ZeroDivisionError("by the space itself")

    space = known(broken(Macro, twins=fail)())
    with pytest.raises(AssertionError, match="raises ZeroDivisionError: by the space itself"):
        check_space(space, samples=20)


def test_a_space_without_networks_passes(known):
    def without(self, *_):
        raise self._without("networks")

    space = known(broken(Macro, _build_network=without)())
    check_space(space, samples=5)
    with pytest.raises(HwbenchError, match="has no networks"):
        space.network(space.baseline)
