"""A part of a space that is given by rules: what may be chosen, and what is refused."""

import pickle
from dataclasses import dataclass, replace

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.search import Objective, Part, list_strategies, make_strategy
from hwbench.search import part as part_module
from hwbench.search.candidates import MOST_LISTED, Candidates
from hwbench.spaces import get_space

SEPARABLE, MAX_POOL = 3, 0  # of the operations of DARTS
NODE, PAIR_OF_NODE = 1, 2  # the normal cell's second node, and the position of its inputs


@dataclass(frozen=True)
class DartsPart:
    """No operation is max pooling; on the normal cell's edge 0->3 it is the separable one."""

    n_architectures: int | None = None

    def contains(self, archs):
        inputs, operations = get_space("darts").edges(archs)
        pooled = (operations == MAX_POOL).any(axis=(1, 2, 3))
        restricted = inputs[:, 0, NODE, 0] == 0
        return ~pooled & (~restricted | (operations[:, 0, NODE, 0] == SEPARABLE))

    def sample(self, n_archs, generator):
        space = get_space("darts")
        archs = space.sample(n_archs, generator, replace=True)
        of_operations = space.n_choices == 7
        size = (n_archs, int(of_operations.sum()))
        archs[:, of_operations] = generator.integers(1, 7, size=size)
        archs[archs[:, PAIR_OF_NODE] < 2, PAIR_OF_NODE + 1] = SEPARABLE
        return archs


@dataclass(frozen=True)
class Allowed:
    """Some operations at each position."""

    operations: tuple[tuple[int, ...], ...]
    n_architectures: int | None = None

    def contains(self, archs):
        return np.all(
            [np.isin(archs[:, place], each) for place, each in enumerate(self.operations)], axis=0
        )

    def sample(self, n_archs, generator):
        return np.stack([generator.choice(each, n_archs) for each in self.operations], axis=1)


WITHOUT_NONE = Allowed(((1, 2, 3, 4),) * 6, 4**6)
TWO_OPERATIONS = Allowed(
    tuple(
        (2, 3) if len(choice) == 7 else tuple(range(len(choice)))
        for choice in get_space("darts").choices
    )
)
EIGHT = Allowed(((3,), (1, 3), (2, 4), (0,), (2,), (1, 3)), 8)


class EightOfDarts:
    """Few architectures of a space that cannot be enumerated."""

    n_architectures = None

    def contains(self, archs):
        return (archs[:, 3:] == 1).all(axis=1) & (archs[:, :3] < 2).all(axis=1)

    def sample(self, n_archs, generator):
        archs = np.ones((n_archs, 22), dtype=np.int64)
        archs[:, :3] = generator.integers(0, 2, size=(n_archs, 3))
        return archs


PARTS = {"darts": DartsPart(), "nasbench201": WITHOUT_NONE}


@pytest.fixture(params=list(PARTS))
def part(request):
    space = get_space(request.param)
    return space, PARTS[request.param], Candidates(space, PARTS[request.param])


def test_what_is_a_part():
    assert all(isinstance(each, Part) for each in (*PARTS.values(), EightOfDarts()))
    space = get_space("nasbench201")
    assert not any(isinstance(each, Part) for each in (space, space.sample(3), [[0] * 6]))


def test_what_is_drawn_mutated_and_near_belongs_to_it(part):
    space, rules, candidates = part
    generator = np.random.default_rng(0)
    anything = space.sample(300, seed=1)
    assert not rules.contains(anything).all()
    assert candidates.contain(anything) == rules.contains(anything).tolist()
    drawn = candidates.sample(200, generator)
    assert len(set(candidates.keys(drawn))) == 200
    near = np.concatenate([candidates.neighbours(arch) for arch in drawn[:5]])
    assert len(near) > 20
    mutants = candidates.mutate(anything, generator)
    around = candidates.mutate(drawn, generator)
    moved = candidates.bring_in(anything, generator)
    for archs in (drawn, near, mutants, around, moved):
        assert rules.contains(space.check(archs)).all()
    assert ((around != drawn).sum(axis=1) == 1).all()


def test_what_is_brought_in_keeps_what_it_can(part):
    space, rules, candidates = part
    archs = space.sample(300, seed=2)
    moved = candidates.bring_in(archs, np.random.default_rng(0))
    assert len(moved) == len(archs)
    inside = rules.contains(archs)
    assert np.array_equal(moved[inside], archs[inside])
    assert (moved == archs).mean() > 0.7
    if space.name == "nasbench201":  # rules of single positions: the rest stays as it was
        assert np.array_equal(moved[archs > 0], archs[archs > 0])


def test_of_a_list_and_of_a_space_what_is_outside_is_left_out():
    space = get_space("nasbench201")
    archs = space.sample(40, seed=3)
    generator = np.random.default_rng(0)
    before = generator.bit_generator.state
    assert np.array_equal(Candidates(space).bring_in(archs, generator), archs)
    kept = Candidates(space, archs[::2]).bring_in(archs, generator)
    assert np.array_equal(kept, archs[::2])
    assert generator.bit_generator.state == before


@pytest.mark.parametrize("size", [None, 8])
def test_a_part_of_a_space_that_can_be_listed_is_listed(size):
    candidates = Candidates(get_space("nasbench201"), replace(EIGHT, n_architectures=size))
    everything = candidates.everything()
    assert len(candidates) == len(everything) == 8
    assert EIGHT.contains(everything).all()
    seen = set(candidates.keys(everything[:5]))
    rest = candidates.unseen(10_000, np.random.default_rng(0), seen)
    assert np.array_equal(rest, everything[5:])


def test_a_large_space_is_listed_in_pieces(monkeypatch):
    space = get_space("nasbench201")
    expected = Candidates(space, WITHOUT_NONE).everything()
    monkeypatch.setattr(part_module, "ROWS_AT_ONCE", 700)
    assert np.array_equal(Candidates(space, WITHOUT_NONE).everything(), expected)
    assert len(expected) == 4**6


def test_a_part_that_cannot_be_listed_is_sampled():
    candidates = Candidates(get_space("darts"), DartsPart())
    assert len(candidates) > MOST_LISTED
    pool = candidates.unseen(500, np.random.default_rng(0), set())
    assert len(pool) == 500
    with pytest.raises(HwbenchError, match="too many architectures to enumerate"):
        candidates.everything()


def test_what_a_small_part_that_cannot_be_listed_holds_is_found():
    candidates = Candidates(get_space("darts"), EightOfDarts())
    generator = np.random.default_rng(0)
    found = candidates.sample(20, generator)
    assert len(found) == 8
    assert len(candidates.unseen(10_000, generator, set(candidates.keys(found[:3])))) == 5
    assert len(candidates.sample(1, generator, set(candidates.keys(found)))) == 0


@pytest.mark.parametrize("name", ["random", "regularised_evolution"])
def test_a_strategy_pickles_with_its_part(name):
    strategy = make_strategy(
        name, space="darts", candidates=DartsPart(), objectives=[Objective("cost")], n_initial=5
    )
    archs = strategy.ask(10)
    strategy.tell(archs, archs.sum(axis=1))
    copy = pickle.loads(pickle.dumps(strategy))  # noqa: S301  made here
    assert np.array_equal(copy.ask(10), strategy.ask(10))


class Wrong(Allowed):
    """A part, one of whose answers is wrong."""

    def __init__(self, **answers):
        super().__init__(EIGHT.operations, answers.pop("n_architectures", None))
        for name, answer in answers.items():
            object.__setattr__(self, name, lambda *_, answer=answer: answer)


NONE_AT_ALL = np.zeros((4, 6), dtype=np.int64)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"n_architectures": 0}, "at least one candidate"),
        ({"n_architectures": -1}, "n_architectures must be a whole number or None, not -1"),
        ({"n_architectures": "many"}, "must be a whole number or None, not 'many'"),
        ({"n_architectures": 9}, "n_architectures is 9, but it contains 8"),
        ({"contains": [True]}, r"contains must give bool of shape \(4,\), not bool of \(1,\)"),
        ({"contains": np.ones(4)}, r"not float64 of \(4,\)"),
        ({"sample": NONE_AT_ALL}, r"sample draws what contains says is outside: \|none~0"),
        ({"sample": NONE_AT_ALL[:2]}, r"sample\(4\) gives 2 architectures"),
        ({"sample": NONE_AT_ALL + 9}, "nasbench201: row 0, position 0"),
    ],
)
def test_wrong_answers_of_a_part_are_one_line(answers, message):
    def use(part):
        candidates = Candidates(get_space("nasbench201"), part)
        candidates.sample(4, np.random.default_rng(0))
        candidates.everything()

    with pytest.raises(HwbenchError, match=message) as caught:
        use(Wrong(**answers))
    assert len(str(caught.value).splitlines()) == 1


def test_a_part_without_architectures_is_refused():
    empty = Allowed(((),) * 6)
    with pytest.raises(HwbenchError, match="at least one candidate"):
        Candidates(get_space("nasbench201"), empty).everything()


def test_a_space_larger_than_a_length_can_say():
    candidates = Candidates(get_space("fbnet"))
    assert len(candidates) > MOST_LISTED
    assert len(candidates.unseen(20, np.random.default_rng(0), set())) == 20


# ---------------------------------------------------------------------- strategies

FAST_NETWORK = {"predictor_parameters": {"steps": 5, "passes": 1}}
FAST = {
    "bananas": {"predictor": "bayesian_linear_regression", "pool_size": 60},
    "bonas": {**FAST_NETWORK, "pool_size": 60},
    "npenas": {**FAST_NETWORK, "pool_size": 60},
    "progressive": {"predictor": "ridge", "beam_size": 20},
    "random_forest": {"n_trees": 5, "pool_size": 200},
    "gaussian_process": {"predictor": "bayesian_linear_regression", "pool_size": 200},
    "predictor_guided": {"predictor": "ridge", "pool_size": 200},
}


def search(name, space, candidates, n_evaluations):
    strategy = make_strategy(
        name,
        space=space,
        candidates=candidates,
        objectives=[Objective("cost"), Objective("other")],
        n_initial=min(20, n_evaluations // 2),
        **FAST.get(name, {}),
    )
    while len(strategy.archs) < n_evaluations:
        archs = strategy.ask(min(10, n_evaluations - len(strategy.archs)))
        assert len(archs)
        strategy.tell(archs, np.stack([archs.sum(axis=1), (archs % 3).sum(axis=1)], axis=1))
    return strategy


@pytest.mark.parametrize("space", list(PARTS))
@pytest.mark.parametrize("name", list_strategies())
def test_a_strategy_keeps_to_the_part(name, space):
    strategy = search(name, space, PARTS[space], 60)
    assert PARTS[space].contains(strategy.archs).all()
    assert len(set(strategy.candidates.keys(strategy.archs))) == 60


@pytest.mark.parametrize(
    ("space", "part"), [("nasbench201", EIGHT), ("darts", EightOfDarts())], ids=["listed", "drawn"]
)
@pytest.mark.parametrize("name", list_strategies())
def test_a_strategy_asks_for_all_of_a_small_part_and_nothing_else(name, space, part):
    strategy = search(name, space, part, 8)
    assert part.contains(strategy.archs).all()
    assert len(set(strategy.candidates.keys(strategy.archs))) == 8
    assert len(strategy.ask(5)) == 0


LEARNS = ("local_search", "regularised_evolution", "nsga2", "reinforce", "tpe", "progressive")


@pytest.mark.parametrize("name", LEARNS)
def test_a_strategy_learns_in_a_small_share_of_a_large_space(name):
    """Of what is built of single operations, hardly anything lies within the part."""
    strategy = make_strategy(
        name,
        space="darts",
        candidates=TWO_OPERATIONS,
        objectives=[Objective("cost")],
        n_initial=20,
        **FAST.get(name, {}),
    )
    for _ in range(9):
        archs = strategy.ask(10)
        strategy.tell(archs, (archs == 2).sum(axis=1))
    assert TWO_OPERATIONS.contains(strategy.archs).all()
    assert strategy.values[-30:].mean() < strategy.values[:20].mean() - 1
