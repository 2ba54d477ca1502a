"""`hwbench new` writes and says what to type next; `hwbench check` says which promises are kept."""

import re
from pathlib import Path

import pytest

from hwbench.scaffold import KINDS

BROKEN = """
from hwbench.spaces.encodings import Encoding


class Wide(Encoding):
    def encode(self, space, archs):
        return archs

    def names(self, space):
        return list(space.positions)
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch, hwbench_home):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))


def test_it_says_what_to_type_next_and_that_works(hwbench, monkeypatch):
    told = hwbench("new", "encoding", "in_a_row")
    assert told.code == 0
    assert "hwbench_in_a_row/encoding.py    the part: change this" in told.out
    commands = re.search(r"next:\n(.*)", told.out, re.DOTALL)[1].splitlines()
    found = [re.split(r" {2,}", line.strip(), maxsplit=1) for line in commands]
    assert [what for what, _ in found[:3]] == ["go there", "check it", "install it"]
    monkeypatch.chdir(Path(found[0][1].removeprefix("cd ")))
    checked = hwbench(*found[1][1].split()[1:])
    assert checked.code == 0
    assert checked.out.endswith("all 6 promises are kept\n")


def test_broken_promises_are_named(hwbench):
    Path("wide_encoding.py").write_text(BROKEN)
    told = hwbench("check", "encoding", "wide_encoding:Wide", "--space", "nasbench201")
    assert told.code == 1
    assert "broken  features and their names: encoding wide_encoding:Wide: features are" in told.out
    assert "kept    pickles" in told.out
    assert "promises are broken" in told.out


def test_a_card_alone(hwbench):
    told = hwbench("new", "predictor", "near_by", "--card-only")
    assert told.code == 0
    assert "hwbench check predictor near_by" in told.out
    assert "KNeighborsRegressor" in hwbench("predictors", "show", "near_by").out
    assert hwbench("new", "space", "my_layers", "--card-only", "-o", ".").code == 0
    assert Path("my_layers.toml").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("new", "predictr", "mine"), "unknown kind of part 'predictr'; did you mean 'predictor'?"),
        (("new", "predictor", "Mine-2"), "such as 'mine'"),
        (("new", "predictor", "ridge"), "free is 'my_ridge'"),
        (("new", "predictor", "mine", "--graph"), "--graph is of spaces alone"),
        (("new", "space", "mine", "--graph", "--card-only"), "needs code"),
        (("new", "runtime", "mine", "--card-only"), "needs code"),
        (("new", "predictor", "mine", "-o", "there"), "there is there already"),
        (("check", "predictr", "ridge"), "did you mean 'predictor'?"),
        (("check", "predictor", "ridgee"), "did you mean 'ridge'?"),
        (("check", "space", "nasbench201", "--space", "fbnet"), "takes no --space"),
        (("check", "predictor", "ridge", "--file", "a.csv"), "--file is of converters alone"),
        (("check", "converter", "nasbench201"), "give files to check it on"),
        (("check", "strategy", "no_such:Strategy"), "no_such cannot be imported"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_what_is_wrong_is_one_line(hwbench, words, message):
    Path("there").mkdir()
    Path("there/file").write_text("")
    told = hwbench(*words)
    assert told.code == 2
    assert told.out == ""
    assert message in told.err
    assert len(told.err.strip().splitlines()) == 1


def test_the_help_names_every_kind(hwbench):
    shown = " ".join(hwbench("new", "--help").out.split())
    assert all(kind in shown for kind in KINDS)
