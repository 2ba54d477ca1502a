"""Spaces are found by name, by the entry points of packages, and by import path."""

import copy
import pickle
import sys

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import Space, get_space, list_spaces
from hwbench.spaces.registry import SPACES, named_space
from hwbench.testing import check_space

SPACE = """
from hwbench import Space
from hwbench.spaces.card_space import CardSpace, SpaceCard


class Three(CardSpace):
    def __init__(self):
        card = SpaceCard(title="Three", layers=3, choices=("a", "b"))
        super().__init__("three", card)


class Misnamed(Three):
    def __init__(self):
        super().__init__()
        self.name = "four"


class Failing(Three):
    def __init__(self):
        raise RuntimeError("no licence\\nfor this machine")


class Unready(Space):
    def to_string(self, arch): ...
    def from_string(self, text): ...
"""


def refused(name, find=get_space):
    with pytest.raises(HwbenchError) as caught:
        find(name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def copied(space):
    return pickle.loads(pickle.dumps(space))  # noqa: S301  made here


@pytest.fixture
def package(install):
    names = {"three": "Three", "misnamed": "Misnamed", "failing": "Failing", "unready": "Unready"}
    entries = {name: f"my_spaces:{kind}" for name, kind in names.items()}
    entries |= {"fbnet": "my_spaces:Three", "path": "pathlib:Path"}
    install("my-spaces", {"spaces": entries}, {"my_spaces.py": SPACE})


@pytest.mark.parametrize("name", SPACES.built_in)
def test_a_pickled_space_is_its_name(name):
    space = get_space(name)
    assert copied(space) is space
    assert copy.deepcopy(space) is space
    assert len(pickle.dumps(space)) < 100


def test_a_space_that_nobody_looked_up_is_pickled_by_name_too():
    from hwbench.spaces.nasbench201.space import NASBench201

    assert copied(NASBench201()) is get_space("nasbench201")


def test_a_package_adds_spaces(package):
    space = get_space("three")
    assert get_space("three") is space is copied(space)
    assert get_space("my_spaces:Three") is space  # by the name it has
    assert "three" in list_spaces()
    assert list_spaces() == sorted(list_spaces())
    check_space(space)


def test_names_of_hwbench_stay_its_own(package):
    assert get_space("fbnet").n_positions == 22
    (line,) = SPACES.hidden()
    assert "search space fbnet of the package my-spaces 1.0 is left out: hwbench has one" in line


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("misnamed", "my_spaces:Misnamed has the name 'four'; call its entry point so"),
        ("failing", "my_spaces:Failing fails: RuntimeError: no licence for this machine"),
        ("unready", "my_spaces:Unready has no attribute 'name'"),
        ("path", "pathlib:Path, of the package my-spaces 1.0, is no subclass of"),
    ],
)
def test_a_package_whose_space_does_not_work_is_named(package, name, message):
    told = refused(name)
    assert message in told
    assert "my-spaces 1.0" in told
    assert name in list_spaces()


def test_a_space_is_named_by_its_import_path(ladder):
    space = get_space(ladder)
    assert isinstance(space, Space)
    assert space.name == ladder
    assert get_space(ladder) is space is copied(space)
    assert ladder not in list_spaces()
    check_space(space)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_module:Space", "no_such_module cannot be imported"),
        ("pathlib:Path", "pathlib:Path is no subclass of hwbench.spaces.base.Space"),
        ("hwbench.spaces.base:Space", "fails: TypeError: Can't instantiate abstract class"),
        ("hwbench.spaces.base:Spaec", "has no 'Spaec'"),
        (":", "is no import path"),
    ],
)
def test_import_paths_that_lead_nowhere(path, message):
    assert message in refused(path)


def test_a_path_of_hwbenchs_own_leads_to_the_space_by_its_name():
    assert get_space(SPACES["darts"]) is get_space("darts")


def test_import_paths_in_files_are_not_followed(ladder):
    assert named_space("nasbench201") is get_space("nasbench201")
    told = refused(ladder, named_space)
    assert "import paths in files are not followed; import hwbench_ladder.space before" in told
    assert "hwbench_ladder" not in sys.modules
    get_space(ladder)
    assert named_space(ladder) is get_space(ladder)
    refused("subprocess:Popen", named_space)  # imported, and no space


def test_edges_of_an_architecture(ladder):
    space = get_space(ladder)
    edges = space.edges_of(space.from_string("conv3x3|none|skip|none|conv3x3|skip|none"))
    assert [(edge.source, edge.target, edge.operation, edge.live) for edge in edges] == [
        ("0", "1", "conv3x3", True),
        ("0", "2", "none", False),
        ("1", "2", "skip", True),
        ("1", "3", "none", False),
        ("2", "3", "conv3x3", False),  # which leads nowhere
        ("2", "4", "skip", True),
        ("3", "4", "none", False),
    ]


@pytest.mark.parametrize("name", SPACES.built_in)
def test_every_space_says_how_it_is_drawn(name):
    space = get_space(name)
    arch = space.sample(1, 3)[0]
    edges = space.edges_of(arch)
    assert {edge.operation for edge in edges} <= set(space.operations)
    if space.drawn_as == "chain":
        operations = [space.choices[place][choice] for place, choice in enumerate(arch)]
        assert [edge.operation for edge in edges] == operations
    expected = {
        "darts": "states",
        "ext_cell": "states",
        "nasbench201": "edges",
        "pr_darts": "states",
        "transnas_micro": "edges",
        "tree_cell": "states",
        "tree_cell_6": "states",
    }
    graphs = "vertices" if "graph" in space.encodings else "chain"
    assert space.drawn_as == expected.get(name, graphs)


def test_spaces_of_one_graph_shape_have_one():
    for name in SPACES.built_in:
        space = get_space(name)
        if "graph" in space.encodings:
            adjacency = space.graphs(space.sample(50, 0)).adjacency
            assert space.one_graph_shape <= bool((adjacency == adjacency[0]).all()), name
    assert np.all([get_space(name).one_graph_shape for name in ("nasbench201", "transnas_micro")])
