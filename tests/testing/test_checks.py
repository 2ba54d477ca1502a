"""The shipped checks pass what is right and find what is wrong."""

import numpy as np
import pytest

from hwbench import spaces
from hwbench.errors import HwbenchError
from hwbench.spaces import get_space, list_spaces
from hwbench.spaces.nasbench_macro.space import NASBenchMacro
from hwbench.spaces.transnas.micro import TransNASMicro
from hwbench.testing import check_predictor, check_space, check_strategy


@pytest.mark.parametrize("name", list_spaces())
def test_every_space_keeps_its_promises(name):
    check_space(get_space(name), samples=30, seed=5)


def test_the_networks_can_be_built_at_another_size():
    check_space(get_space("nasbench201"), samples=5, channels=3, depth=2, input_size=12)
    with pytest.raises(AssertionError, match="input_size must be a multiple of 4"):
        check_space(get_space("nasbench201"), samples=5, input_size=10)


class Macro(NASBenchMacro):
    """A space to break."""

    name = "macro_of_a_test"


class Micro(TransNASMicro):
    name = "micro_of_a_test"


@pytest.fixture
def check(monkeypatch):
    """Check a class of spaces under its name; gives the message of what was found."""

    def run(space_class):
        space = space_class()
        monkeypatch.setitem(spaces._SPACES, space.name, "unused:unused")
        monkeypatch.setattr(spaces, "_built_in", lambda name: space)
        with pytest.raises(AssertionError) as caught:
            check_space(space, samples=20)
        assert str(caught.value).startswith(f"space {space.name}: ")
        return str(caught.value)

    return run


def test_the_unbroken_spaces_pass(monkeypatch):
    for space in (Macro(), Micro()):
        monkeypatch.setitem(spaces._SPACES, space.name, "unused:unused")
        monkeypatch.setattr(spaces, "_built_in", lambda name, space=space: space)
        check_space(space, samples=20)


def test_a_space_that_nobody_finds_is_found_out():
    with pytest.raises(AssertionError, match=r"unpickling .* raises HwbenchError: unknown search"):
        check_space(Macro(), samples=5)


def broken(parent, **changes):
    return type("Broken", (parent,), changes)


def sample_of_small_numbers(self, n_archs, seed=0, **_):
    return NASBenchMacro.sample(self, n_archs, seed).astype(np.int8)


BROKEN = {
    "two positions share a name": broken(Macro, positions=("layer",) * 8),
    "7 positions stand beside 8 lists": broken(Macro, positions=tuple("abcdefg")),
    "offers a name twice": broken(Macro, choices=(("a", "a", "b"),) * 8),
    "the choices allow at most 6561": broken(Macro, n_architectures=6562),
    "the encoding 'spectrum' is none of": broken(Macro, encodings=("onehot", "spectrum")),
    "baseline": broken(Macro, baseline=np.full(8, 9)),
    "sample draws an architecture twice": broken(
        Macro, sample=lambda self, n, seed=0, **_: np.zeros((n, 8), dtype=np.int64)
    ),
    "sample depends on more than its seed": broken(
        Macro, sample=lambda self, n, seed=0, **_: NASBenchMacro.sample(self, n, None)
    ),
    "sample(20) is no int64": broken(Macro, sample=sample_of_small_numbers),
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
    "architectures_at(indices_of(archs)) is not archs": broken(
        Macro, architectures_at=lambda self, i: NASBenchMacro.architectures_at(self, i)[:, ::-1]
    ),
    "function_classes holds the index": broken(
        Macro, function_classes=lambda self, archs: self.indices_of(archs) + 1
    ),
    "is not refused": broken(
        Macro, check=lambda self, archs: np.asarray(archs).astype(np.int64).reshape(-1, 8)
    ),
    "holds the architecture itself": broken(
        Macro, neighbours=lambda self, arch: np.array([arch], dtype=np.int64)
    ),
    "whose neighbour it is not": broken(
        Macro, neighbours=lambda self, arch: NASBenchMacro.neighbours(self, arch)[:1]
    ),
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
    "two columns of 'onehot' share a name": broken(Macro, _onehot_names=lambda self: ["x"] * 24),
    "an edge leads backwards": broken(
        Micro,
        _build_graphs=lambda self, archs: (
            lambda g: type(g)(g.adjacency.swapaxes(1, 2), g.operations, g.operation_names)
        )(TransNASMicro._build_graphs(self, archs)),
    ),
    "the twin of a twin is another": broken(
        Macro, twins=lambda self, archs: (self.check(archs) + 1) % 3
    ),
    "are of two function classes": broken(
        Micro, function_classes=lambda self, archs: self.indices_of(archs)
    ),
    "a method changed the array": broken(
        Macro, twins=lambda self, archs: archs.__setitem__((0, 0), (archs[0, 0] + 1) % 3) or archs
    ),
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
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_promise_is_named(check, message):
    assert message in check(BROKEN[message])


def test_errors_of_other_kinds_become_assertions(check):
    def fail(self, archs):
        raise ZeroDivisionError("by the space itself")

    assert "raises ZeroDivisionError: by the space itself" in check(broken(Macro, twins=fail))


def test_a_space_without_networks_passes(monkeypatch):
    def without(self, *_):
        raise self._without("networks")

    space = broken(Macro, _build_network=without)()
    monkeypatch.setitem(spaces._SPACES, space.name, "unused:unused")
    monkeypatch.setattr(spaces, "_built_in", lambda name: space)
    check_space(space, samples=5)
    with pytest.raises(HwbenchError, match="has no networks"):
        space.network(space.baseline)


BROKEN_PREDICTORS = """
import numpy as np
from sklearn.linear_model import Ridge


class Moody(Ridge):
    def predict(self, X):
        return super().predict(X) + np.random.normal(size=len(X))


class Spoiler(Ridge):
    def predict(self, X):
        return super().predict(X) * np.nan


class Vain(Ridge):
    def predict(self, X, return_std=False):
        mean = super().predict(X)
        return (mean, -np.ones(len(X))) if return_std else mean


class Stubborn(Ridge):
    def fit(self, X, y):
        if len(y) < 5:
            raise ValueError("too few")
        return super().fit(X, y)
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Moody", "the same seed gives other predictions"),
        ("Spoiler", "not finite"),
        ("Vain", "deviation is not a positive number"),
        ("Stubborn", "checking few architectures: ValueError: too few"),
    ],
)
def test_a_predictor_that_breaks_a_promise(tmp_path, monkeypatch, name, message):
    (tmp_path / "broken_predictors.py").write_text(BROKEN_PREDICTORS)
    monkeypatch.syspath_prepend(str(tmp_path))
    card = tmp_path / "mine.toml"
    card.write_text(
        f'title = "t"\nfamily = "linear"\npaper = "p"\n'
        f"uncertainty = {str(name == 'Vain').lower()}\n"
        f'estimator = "broken_predictors:{name}"\n'
    )
    with pytest.raises(AssertionError, match=message):
        check_predictor(str(card))


BROKEN_STRATEGIES = """
import numpy as np
from hwbench.search.strategies.random_search import RandomSearch
from hwbench.search.strategies.base import Strategy


class Moody(RandomSearch):
    def _propose(self, n_archs):
        return self.space.sample(n_archs, np.random.default_rng())


class Generous(RandomSearch):
    def ask(self, n_archs=1):
        return super().ask(n_archs + 1)


class Forgetful(RandomSearch):
    def ask(self, n_archs=1):
        return self.space.sample(n_archs, self.generator)


class Eager(RandomSearch):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._initial.reverse()


class Blind(RandomSearch):
    def _learn(self, first):
        if np.isnan(self.costs).any():
            raise KeyError("NaN")


class Locked(RandomSearch):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.key = lambda: None


class Greedy(RandomSearch):
    def tell(self, archs, values):
        super().tell(archs, values)
        values[:] = 0
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Moody", "the same seed asks for other architectures"),
        ("Generous", r"ask\(1\) gives 2 architectures"),
        ("Forgetful", "does not start from the common architectures|asked for twice"),
        ("Eager", "does not start from the common architectures"),
        ("Blind", "checking values that are missing: KeyError"),
        ("Locked", "checking pickles"),
        ("Greedy", "tell changed the arrays it was given"),
    ],
)
def test_a_strategy_that_breaks_a_promise(tmp_path, monkeypatch, name, message):
    (tmp_path / "broken_strategies.py").write_text(BROKEN_STRATEGIES)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AssertionError, match=message):
        check_strategy(f"broken_strategies:{name}")
