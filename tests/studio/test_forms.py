"""Forms are made of annotations, texts keep their comments, violations are the command line's."""

import subprocess
import sys
from typing import Annotated, Literal

import pytest
from pydantic import Field, PositiveInt

from hwbench.arguments import NotNegative, one_of
from hwbench.errors import HwbenchError
from hwbench.live.config import load_config
from hwbench.runs.scenario import load_scenario
from hwbench.studio.forms.documents import argument_documents
from hwbench.studio.forms.edits import Text
from hwbench.studio.forms.kinds import KINDS
from hwbench.studio.forms.values import (
    CHOICE,
    FLAG,
    NUMBER,
    PICK,
    TEXT,
    TOML,
    kind_of,
    shown,
    typed,
)
from hwbench.studio.forms.violations import table_problems
from hwbench.toml import parse_toml


@pytest.mark.parametrize(
    ("annotation", "widget", "words"),
    [
        (bool, FLAG, "true or false"),
        (PositiveInt, NUMBER, "a whole number above 0"),
        (NotNegative, NUMBER, "a number at least 0"),
        (
            Annotated[int, Field(ge=2, le=9)] | None,
            NUMBER,
            "a whole number at least 2 and at most 9",
        ),
        (str | None, TEXT, "a text"),
        (Literal["a", "b"], CHOICE, "one of a list"),
        (Literal[1, 2], PICK, "one of a list"),
        (Annotated[str, one_of(["x", "y"])], CHOICE, "one of a list"),
        (tuple[str, ...], TOML, "a list"),
        (str | list[str], TOML, "a text or a list"),
        (dict[str, float], TOML, "a table"),
    ],
)
def test_an_annotation_says_how_it_is_set(annotation, widget, words):
    kind = kind_of(annotation)
    assert (kind.widget, kind.words) == (widget, words)


@pytest.mark.parametrize(
    "value", [True, 3, 2.5, "a", 'say "so"', [1, 2], ["a"], {"a": {"b": [1]}}, {}, [], [{"a": 1}]]
)
def test_what_is_shown_is_what_is_typed(value):
    assert typed(shown(value, TOML), TOML) == value


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_each_recipe_is_right_and_its_form_holds_all_of_its_text(kind):
    recipes = kind.recipes()
    for name in list(recipes)[:: 1 + len(recipes) // 12]:
        path = recipes[name]
        tree = parse_toml(path.read_text(encoding="utf-8"), where="x.toml")
        found = [line for _, line in kind.problems(tree, "x.toml")]
        # Tables that are fetched are not here.
        assert {line.partition("; ")[0] for line in found} <= {
            "table 'help-nasbench201' is a public benchmark's that is not here yet",
            "table 'help-fbnet' is a public benchmark's that is not here yet",
        }, name
        form = kind.plan.form(tree)
        given = {each.place for each in _fields(form) if each.given}
        parts = {each.place for each in _nodes(form) if each.present}
        for place in _leaves(tree):
            stands = [place[:end] for end in range(len(place), 0, -1)]
            assert any(each in given or each in parts for each in stands), (name, place)


def _nodes(node):
    yield node
    for child in node.children:
        yield from _nodes(child)


def _fields(node):
    for each in _nodes(node):
        yield from each.fields


def _leaves(tree, place=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*place, key))
        else:
            yield (*place, key)


def test_every_argument_of_a_live_search_is_explained_with_its_range_and_default():
    tree = parse_toml(KINDS["live"].recipes()["small/darts"].read_text(), where="x")
    fields = {each.place: each for each in _fields(KINDS["live"].plan.form(tree))}
    undocumented = [place for place, each in fields.items() if not each.document]
    assert undocumented == []
    epochs = fields["trainer", "epochs"]
    assert (epochs.value, epochs.default, epochs.given) == ("20", "50", True)
    assert epochs.kind.words == "a whole number above 0"
    assert fields["space", "channels"].required
    assert "cifar10" in fields["data", "name"].offered


def test_documents_follow_numpydoc():
    class Documented:
        """One line.

        Parameters
        ----------
        first, second : what
            they are.
        third : another.

        Returns
        -------
        fourth : none.
        """

    found = argument_documents(Documented)
    assert found == {"first": "what they are.", "second": "what they are.", "third": "another."}


# ---------------------------------------------------------------------- texts

COMMENTED = """# why it is done
title = "a"  # a title

[trainer]
name = "bilevel"
epochs = 3 # few
weights = { name = "sgd", learning_rate = 0.1 }
"""


def test_a_change_leaves_the_rest_of_a_text_as_it_was():
    text = Text(COMMENTED)
    text.set(("trainer", "epochs"), 5)
    text.set(("trainer", "weights", "learning_rate"), 0.2)
    assert str(text) == COMMENTED.replace("epochs = 3", "epochs = 5").replace("0.1", "0.2")
    text.set(("cost", "weight"), 1.5)
    text.unset(("trainer", "weights"))
    tree = parse_toml(str(text), where="x")
    assert tree["cost"] == {"weight": 1.5}
    assert "weights" not in tree["trainer"]
    assert "# why it is done" in str(text)


def test_sections_are_added_renamed_and_removed():
    text = Text(COMMENTED)
    text.add(("ranking",))
    text.add(("selection",), "strength")
    text.name(("trainer",), "single_level", frozenset({"epochs"}))
    tree = parse_toml(str(text), where="x")
    assert tree["ranking"] == {}
    assert tree["selection"] == {"name": "strength"}
    assert tree["trainer"] == {"name": "single_level", "epochs": 3}
    text.unset(("selection",))
    assert "selection" not in parse_toml(str(text), where="x")


def test_a_list_of_strategies_is_edited_entry_by_entry():
    text = Text('[search]\nstrategies = ["random", { name = "nsga2" }]\n')
    text.set(("search", "strategies", 0, "label"), "free")
    text.set(("search", "strategies", 1, "parameters", "population_size"), 20)
    text.add(("search", "strategies"), "tpe")
    text.name(("search", "strategies", 0), "local_search", frozenset())
    assert parse_toml(str(text), where="x")["search"]["strategies"] == [
        {"name": "local_search", "label": "free"},
        {"name": "nsga2", "parameters": {"population_size": 20}},
        {"name": "tpe"},
    ]
    text.unset(("search", "strategies", 0))
    assert len(parse_toml(str(text), where="x")["search"]["strategies"]) == 2


@pytest.mark.parametrize("place", [(), ("title", "inside")])
def test_what_is_no_place_is_refused(place):
    with pytest.raises(HwbenchError):
        Text(COMMENTED).set(place, 1)


# ---------------------------------------------------------------------- violations

CHANGES = {
    "unknown name": (("strategy", "name"), "drats"),
    "unknown key": (("trainer", "epohcs"), 3),
    "below its range": (("trainer", "epochs"), 0),
    "another type": (("trainer", "batch_size"), "many"),
    "unknown choice": (("trainer", "precision"), "float16"),
    "inner node": (("trainer", "weights"), {"name": "sgdd"}),
    "inner argument": (("trainer", "weights"), {"name": "sgd", "momentum": -1}),
    "unknown space": (("space", "name"), "nasbench202"),
    "model's range": (("data", "validation_share"), 1.5),
    "augmentation": (("data", "augmentation"), {"shift": -1}),
    "subset": (("data", "subset"), {"name": "randm"}),
    "cannot go together": (("selection", "name"), "ranking"),
    "without strengths": (("strategy", "name"), "spos"),
}


@pytest.mark.parametrize(("place", "value"), CHANGES.values(), ids=CHANGES)
def test_what_is_wrong_with_a_search_is_said_in_the_command_lines_words(tmp_path, place, value):
    text = Text(KINDS["live"].recipes()["small/darts"].read_text(encoding="utf-8"))
    text.set(place, value)
    path = tmp_path / "search.toml"
    path.write_text(str(text), encoding="utf-8")
    with pytest.raises(HwbenchError) as said:
        load_config(str(path))
    found = KINDS["live"].problems(parse_toml(str(text), where=str(path)), str(path))
    assert found[0][1] == str(said.value)
    form = KINDS["live"].plan.form(parse_toml(str(text), where="x"), found)
    assert form.n_problems == len(found)
    placed = [each for each in _nodes(form) if each.n_problems and each.place]
    assert placed
    about = ("selection",) if value == "spos" else place[:1]  # which needs what spos learns not
    assert placed[0].place == about


def test_everything_wrong_is_said_at_once_each_at_its_place():
    text = Text(KINDS["live"].recipes()["small/darts"].read_text(encoding="utf-8"))
    for place, value in (
        (("seed",), -1),
        (("space", "depth"), 0),
        (("trainer", "epochs"), 0),
        (("trainer", "gradient_clip"), "x"),
        (("strategy", "name"), "drats"),
        (("trainer", "weights"), {"name": "sgd", "momentum": -1, "learning_rate": "x"}),
        (("trainer", "schedule"), {"name": "cosin"}),
        (("data", "augmentation"), {"shift": -1, "flop": True}),
        (("data", "name"), "digist"),
        (("cost", "target"), "hw-nas-bench:cifar10.latency"),
        (("cost", "predictor"), "rigde"),
        (("cost", "weight"), 1.0),
    ):
        text.set(place, value)
    found = KINDS["live"].problems(parse_toml(str(text), where="x"), "x")
    assert [place for place, _ in found] == [
        ("seed",),
        ("space", "depth"),
        ("data", "augmentation", "flop"),
        ("data", "augmentation", "shift"),
        ("strategy", "name"),
        ("trainer", "epochs"),
        ("trainer", "weights", "learning_rate"),
        ("trainer", "weights", "momentum"),
        ("trainer", "schedule", "name"),
        ("trainer", "gradient_clip"),
        ("data", "name"),
        ("cost", "target"),
        ("cost", "predictor"),
    ]
    form = KINDS["live"].plan.form(parse_toml(str(text), where="x"), found)
    placed = {each.place: each.problems for each in _fields(form) if each.problems}
    assert len(placed[("trainer", "weights", "momentum")]) == 1
    assert form.n_problems == len(found)


def test_everything_wrong_with_a_scenario_is_said_at_once_each_at_its_place():
    text = Text(
        'title = "a"\n[study]\ntargets = ["nb201-digits:latency", "nb201-digits:latncy"]\n'
        'predictors = ["ridge", "rigde"]\ntraining_sizes = [20]\nseeds = [-1]\n'
        '[search]\naccuracy = "nb201-digits:test_accuracy"\nmetrics = ["nb20:latency"]\n'
        'seeds = [0]\nstrategies = ["radnom", { name = "nsga2", parameters = { '
        "population_size = -1, mutatoin = 2 } }]\n"
    )
    found = KINDS["scenario"].problems(parse_toml(str(text), where="x"), "x")
    assert [place for place, _ in found] == [
        ("study", "seeds", 0),
        ("search", "strategies", 0),
        ("search", "strategies", 1, "parameters", "population_size"),
        ("search", "strategies", 1, "parameters", "mutatoin"),
        ("study", "targets", 1),
        ("study", "predictors", 1),
        ("search", "metrics", 0),
    ]
    assert "did you mean 'latency'?" in dict(found)["study", "targets", 1]


SCENARIO = """title = "a"
[study]
targets = ["nb201-digits:latency"]
predictors = ["ridge"]
training_sizes = [20]
seeds = [0]
"""
WRONG_SCENARIOS = {
    "nothing to do": 'title = "a"\n',
    "missing": SCENARIO.replace("seeds = [0]\n", ""),
    "inside a list": SCENARIO.replace("[20]", "[20, 1]"),
    "union": SCENARIO + 'test_size = "many"\n',
    "twice": SCENARIO.replace("[0]", "[0, 0]"),
    "unknown strategy": 'title = "a"\n[search]\naccuracy = "a:b"\nmetrics = ["a:c"]\n'
    'strategies = ["nsga"]\nseeds = [0]\n',
}


@pytest.mark.parametrize("text", WRONG_SCENARIOS.values(), ids=WRONG_SCENARIOS)
def test_what_is_wrong_with_a_scenario_is_said_in_the_command_lines_words(tmp_path, text):
    path = tmp_path / "scenario.toml"
    path.write_text(text)
    with pytest.raises(HwbenchError) as said:
        load_scenario(str(path))
    found = KINDS["scenario"].problems(parse_toml(text, where=str(path)), str(path))
    assert found[0][1] == str(said.value)


def test_what_tables_do_not_hold_is_said_as_by_the_command_line(tmp_path):
    path = tmp_path / "scenario.toml"
    path.write_text(SCENARIO.replace("latency", "latncy"))
    tree = parse_toml(path.read_text(), where="x")
    (place, line), *others = table_problems(tree, "x")
    assert (place, others) == (("study",), [])
    done = subprocess.run(
        [sys.executable, "-m", "hwbench", "study", "run", str(path), "-o", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == f"hwbench: {line}\n"
