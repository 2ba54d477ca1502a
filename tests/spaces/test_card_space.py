"""Search spaces of one's own: cards of layers and choices, and cards of classes."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import SpaceLacksError, get_space, list_spaces
from hwbench.testing import check_space

LAYERS = """
title = "Keyword spotter"
baseline = "32-k5-on"
[layers]
width = ["16", "32", "64"]
kernel = ["k3", "k5"]
attention = ["off", "on"]
"""
NUMBER = 'title = "Even"\nlayers = 22\nchoices = ["a", "b", "c", "d", "e", "f", "g", "h", "i"]\n'
DIGITS = """
title = "Digits"
digits = true
[layers]
first = ["8-8", "16-16"]
second = ["none", "8-8", "16-16"]
"""


@pytest.fixture
def write(hwbench_home):
    """Write a card; gives its path."""
    folder = hwbench_home / "spaces"
    folder.mkdir()

    def write_card(name, text):
        path = folder / f"{name}.toml"
        path.write_text(text)
        return path

    return write_card


def test_a_card_of_layers_is_a_space(write):
    write("spotter", LAYERS)
    space = get_space("spotter")
    assert space.title == "Keyword spotter"
    assert space.positions == ("width", "kernel", "attention")
    assert space.choices == (("16", "32", "64"), ("k3", "k5"), ("off", "on"))
    assert len(space) == 12
    assert space.to_string([2, 0, 1]) == "64-k3-on"
    np.testing.assert_array_equal(space.from_string(" 64-k3-on\n"), [2, 0, 1])
    np.testing.assert_array_equal(space.baseline, [1, 1, 1])
    assert space.feature_names()[:4] == ["width=16", "width=32", "width=64", "kernel=k3"]
    assert space.encodings == ("onehot", "counts", "integers", "structure")


def test_a_number_of_layers_repeats_the_choices(write):
    write("even", NUMBER)
    space = get_space("even")
    assert space.n_architectures == 9**22
    assert space.positions[21] == "layer22"
    assert space.choices == (tuple("abcdefghi"),) * 22
    np.testing.assert_array_equal(space.baseline, np.zeros(22))
    assert space.to_string(np.arange(22) % 9) == "a-b-c-d-e-f-g-h-i-a-b-c-d-e-f-g-h-i-a-b-c-d"


def test_digits_join_the_indices(write):
    write("digits", DIGITS)
    space = get_space("digits")
    assert space.to_strings(space.all_architectures()) == ["00", "01", "02", "10", "11", "12"]
    np.testing.assert_array_equal(space.from_string("12"), [1, 2])


def test_another_separator_lets_choices_hold_the_usual_one(write):
    write("dashes", 'title = "Dashes"\nseparator = " "\nlayers = 2\nchoices = ["a-b", "c"]\n')
    assert get_space("dashes").to_strings([[0, 1], [1, 0]]) == ["a-b c", "c a-b"]


@pytest.mark.parametrize("text", [LAYERS, NUMBER, DIGITS, 'title = "1"\nlayers = 1\nchoices=["a"]'])
def test_spaces_of_cards_pass_the_shipped_check(write, text):
    write("mine", text)
    check_space(get_space("mine"))


@pytest.mark.parametrize(
    ("card", "text", "message"),
    [
        (LAYERS, "64-k3", "no Keyword spotter string; expected 3 choices joined by '-', such as"),
        (LAYERS, "64-k3-on-on", "expected 3 choices joined by '-', such as 64-k5-on"),
        (LAYERS, "64-k4-on", "unknown choice of layer 'kernel' 'k4'; did you mean 'k"),
        (LAYERS, 3, "expected 3 choices"),
        (DIGITS, "1", "no Digits string; expected 2 digits, such as 12"),
        (DIGITS, "1²", "expected 2 digits"),
        (DIGITS, None, "expected 2 digits"),
        (DIGITS, "21", "layer 'first' has no choice 2; valid are 0 .. 1"),
    ],
)
def test_malformed_string_is_refused_with_the_place(write, card, text, message):
    write("mine", card)
    with pytest.raises(HwbenchError) as caught:
        get_space("mine").from_string(text)
    assert message in str(caught.value)
    assert repr(text) in str(caught.value)


def test_nothing_is_known_of_the_networks(write):
    write("mine", LAYERS)
    space = get_space("mine")
    for call in (space.parameters, space.flops, lambda archs: space.network(archs[0])):
        with pytest.raises(SpaceLacksError, match="the space mine has no networks"):
            call([[0, 0, 0]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("titel = 'x'", "unknown key 'titel'; did you mean 'title'?"),
        ("title = 'x'", "the key 'layers' is missing (or 'class', for a space in code)"),
        ("layers = 2\nchoices = ['a']", "the key 'title' is missing"),
        ("title = 'x'\nlayers = 2", "the key 'choices' is missing: what each of the layers offers"),
        ("title = 'x'\nlayers = 0\nchoices = ['a']", "layers: must be a number of layers from 1"),
        ("title = 'x'\nlayers = 1001\nchoices = ['a']", "from 1 to 1000 (given: 1001)"),
        ("title = 'x'\nlayers = true\nchoices = ['a']", "a number of layers, or a table"),
        ("title = 'x'\nlayers = [['a']]", "a number of layers, or a table of layers"),
        ("title = 'x'\n[layers]", "a number of layers, or a table of layers"),
        ("title = 'x'\nlayers = 1\nchoices = []", "layer 'layer1' offers nothing"),
        ("title = 'x'\nlayers = 1\nchoices = [1]", "choices.0 must be a text"),
        ("title = 'x'\n[layers]\na = 'b'", "layers: layer 'a': must be a number of layers, or"),
        ("title = 'x'\n[layers]\na = ['b', 1]", "layers: layer 'a': must be a number of"),
        ("title = 'x'\n[layers]\n'a=b' = ['b']", "a name is printable text without '='"),
        ("title = 'x'\n[layers]\n' ' = ['b']", "a name is printable text"),
        ("title = 'x'\nchoices = ['a']\n[layers]\na = ['b']", "here each has its own"),
        ("title = 'x'\n[layers]\na = ['b', 'c', 'b']", "layer 'a' has the choice 'b' twice"),
        ("title = 'x'\n[layers]\na = ['b-c']", "the choice 'b-c' holds the separator '-'"),
        ("title = 'x'\n[layers]\na = ['']", "layer 'a': the choice '' must be printable text"),
        ("title = 'x'\n[layers]\na = ['b ']", "the choice 'b ' must be printable text without"),
        ('title = "x"\n[layers]\na = ["b\\n"]', "the choice 'b\\n' must be printable text"),
        (
            "title = 'x'\nseparator = '--'\n[layers]\na = ['b']",
            "separator must have at most 1 character",
        ),
        ("title = 'x'\nseparator = '_'\ndigits = true\nlayers = 1\nchoices = ['b']", "give either"),
        (
            f"title = 'x'\ndigits = true\nlayers = 1\nchoices = {[str(n) for n in range(11)]}",
            "layer 'layer1' has 11 choices, more than the 10 digits",
        ),
        (
            "title = 'x'\nbaseline = 'a-c'\nlayers = 2\nchoices = ['a', 'b']",
            "baseline: architecture 'a-c': unknown choice of layer 'layer2' 'c'",
        ),
        ("class = 'a:b'\ntitle = 'x'", "beside 'class' no other key is allowed, not 'title'"),
        ("class = 'os'", "class must match pattern"),
        ("class = 'no_such_module:Space'", "no_such_module cannot be imported"),
        ("class = 'os:nothing'", "os has no 'nothing'"),
        ("class = 'os:path'", "os:path is no subclass of hwbench.spaces.Space"),
        ("class = 'pathlib:Path'", "pathlib:Path is no subclass of hwbench.spaces.Space"),
        ("class = 'hwbench.spaces:Space'", "hwbench.spaces:Space fails: TypeError: Can't inst"),
        (
            "class = 'hwbench.spaces.fbnet.space:FBNet'",
            "hwbench.spaces.fbnet.space:FBNet has the name 'fbnet'; name its card fbnet.toml",
        ),
        ("title = ", "is no valid TOML"),
    ],
)
def test_a_broken_card_is_refused_in_one_line_that_names_the_file(write, text, message):
    path = write("mine", text)
    with pytest.raises(HwbenchError) as caught:
        get_space("mine")
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_own_spaces_are_listed_and_found_by_near_names(write):
    assert "mine" not in list_spaces()
    write("mine", LAYERS)
    write("other", "this is broken, but not asked for")
    assert {"mine", "other", "nasbench201"} <= set(list_spaces())
    assert list_spaces() == sorted(list_spaces())
    with pytest.raises(HwbenchError, match="unknown search space 'mime'; did you mean 'mine'"):
        get_space("mime")


@pytest.mark.parametrize("name", ["../spaces/mine", "mine.toml", "", "MINE"])
def test_only_names_are_names(write, name):
    write("mine", LAYERS)
    with pytest.raises(HwbenchError, match="unknown search space"):
        get_space(name)


def test_a_card_may_not_have_the_name_of_a_space_of_hwbench(write):
    path = write("nasbench201", LAYERS)
    with pytest.raises(HwbenchError, match="give the card another name") as caught:
        get_space("nasbench201")
    assert str(path) in str(caught.value)
    assert list_spaces().count("nasbench201") == 1
    assert len(get_space("nasbench_macro")) == 6561
    path.unlink()
    assert len(get_space("nasbench201")) == 15625


def test_a_space_is_the_same_object_until_its_card_changes(write):
    path = write("mine", LAYERS)
    first = get_space("mine")
    assert get_space("mine") is first
    path.write_text(LAYERS.replace('["off", "on"]', '["off", "on", "auto"]'))
    assert len(first) == 12
    assert len(get_space("mine")) == 18
    path.unlink()
    with pytest.raises(HwbenchError, match="unknown search space 'mine'"):
        get_space("mine")


def test_another_home_has_other_spaces(write, tmp_path, monkeypatch):
    write("mine", LAYERS)
    assert len(get_space("mine")) == 12
    other = tmp_path / "other"
    (other / "spaces").mkdir(parents=True)
    (other / "spaces" / "mine.toml").write_text(DIGITS)
    monkeypatch.setenv("HWBENCH_HOME", str(other))
    assert len(get_space("mine")) == 6
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HWBENCH_HOME", "home")
    assert len(get_space("mine")) == 12


def test_spaces_are_pickled_by_name_and_found_in_other_processes(write, tmp_path):
    write("mine", LAYERS)
    space = get_space("mine")
    pickled = pickle.dumps(space)
    assert len(pickled) < 200
    assert pickle.loads(pickled) is space  # noqa: S301
    (tmp_path / "space.pickle").write_bytes(pickled)
    code = (
        "import pickle, sys; space = pickle.load(open(sys.argv[1], 'rb')); "
        "print(space.name, len(space), space.to_string([2, 0, 1]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "space.pickle")]
    found = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    assert found.stdout == "mine 12 64-k3-on\n"


# ---------------------------------------------------------------------- spaces in code

MODULE = """
import torch
from hwbench.spaces import Skeleton
from hwbench.spaces.nasbench_macro.space import NASBenchMacro


class Renamed(NASBenchMacro):
    name = "renamed"
    title = "Renamed"


class Failing(Renamed):
    name = "mine"

    def __init__(self):
        raise RuntimeError("out of\\nluck")


class Torn(Renamed):
    name = "mine"
    positions = ("one",)


class Mute(Renamed):
    name = "mine"

    def from_strings(self, texts):
        return super().from_strings(texts)[::-1]


class Unencoded(Renamed):
    name = "mine"
    encodings = ("onehot", "spectrum")


class Nameless(Renamed):
    name = "mine"

    @property
    def title(self):
        raise AttributeError
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "own_spaces_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield "own_spaces_of_a_test"
    sys.modules.pop("own_spaces_of_a_test", None)


def test_a_card_of_a_class_is_its_space(write, module):
    write("renamed", f'class = "{module}:Renamed"')
    space = get_space("renamed")
    assert space.title == "Renamed"
    assert type(space).__module__ == module
    assert get_space("renamed") is space
    check_space(space, samples=10)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Renamed", "has the name 'renamed'; name its card renamed.toml"),
        ("Failing", "fails: RuntimeError: out of"),
        ("Torn", "has 1 positions and 8 lists of choices"),
        ("Mute", "does not read its own strings"),
        ("Unencoded", "has the encoding 'spectrum', which is none of onehot"),
        ("Nameless", "has no attribute 'title'"),
    ],
)
def test_a_class_that_is_no_working_space_is_refused(write, module, name, message):
    path = write("mine", f'class = "{module}:{name}"')
    with pytest.raises(HwbenchError) as caught:
        get_space("mine")
    assert f"{path}: {module}:{name} {message}" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
