import json
import os

import pytest

from hwbench.cli import output
from hwbench.errors import HwbenchError
from hwbench.predictors import list_predictors
from hwbench.spaces import get_space, list_spaces


def test_spaces_are_listed(hwbench):
    assert "nasbench_macro" in hwbench("spaces", "list").out
    rows = json.loads(hwbench("spaces", "list", "--json").out)
    assert [row["name"] for row in rows] == list_spaces()
    sizes = {row["name"]: row["architectures"] for row in rows}
    assert sizes["nasbench201"] == 15625
    assert sizes["fbnet"] == 9**22
    for row in rows:
        space = get_space(row["name"])
        assert space.to_string(space.from_string(row["example"])) == row["example"]
    assert "9.85e+20" in hwbench("spaces", "list").out


def test_an_architecture_without_a_place_is_shown(hwbench):
    text = "0123456780123456780123"
    facts = json.loads(hwbench("spaces", "show", "fbnet", text, "--json").out)
    assert facts["architecture"] == text
    assert facts["operations"]["layer9"] == "skip"
    assert facts["parameters"] == get_space("fbnet").parameters([list(map(int, text))])[0]
    assert "index" not in facts
    assert "2,048,740" in hwbench("spaces", "show", "fbnet", text).out


def test_an_architecture_of_a_space_of_ones_own_is_shown(hwbench, refused, hwbench_home):
    (hwbench_home / "spaces").mkdir()
    card = hwbench_home / "spaces" / "mine.toml"
    card.write_text('title = "Mine"\nlayers = 3\nchoices = ["8", "16"]\n')
    rows = json.loads(hwbench("spaces", "list", "--json").out)
    assert {"name": "mine", "architectures": 8}.items() <= {
        key: row[key] for row in rows if row["name"] == "mine" for key in ("name", "architectures")
    }.items()
    facts = json.loads(hwbench("spaces", "show", "mine", "8-16-8", "--json").out)
    assert facts == {
        "architecture": "8-16-8",
        "operations": {"layer1": "8", "layer2": "16", "layer3": "8"},
        "index": 2,
        "first of the same function": "8-16-8",
    }
    assert "no networks" in refused("spaces", "show", "mine", "8-16-8", "--channels", "4")
    card.write_text('title = "Mine"\nlayer = 3\n')
    listed = hwbench("spaces", "list")
    assert listed.code == 0
    assert "nasbench201" in listed.out
    assert "did you mean 'layers'" in listed.err
    assert len(listed.err.splitlines()) == 1


def test_predictors_are_listed(hwbench):
    text = hwbench("predictors", "list").out
    rows = json.loads(hwbench("predictors", "list", "--json").out)
    assert [row["name"] for row in rows] == list_predictors()
    assert all(name in text for name in list_predictors())


def test_every_predictor_can_be_shown(hwbench):
    for name in list_predictors():
        result = hwbench("predictors", "show", name)
        assert result.code == 0
        card = json.loads(hwbench("predictors", "show", name, "--json").out)
        assert card["name"] == name
        assert card["title"] in result.out
        assert all(parameter in result.out for parameter in [*card["defaults"], *card["search"]])


def test_own_predictor_is_listed(hwbench, hwbench_home):
    folder = hwbench_home / "predictors"
    folder.mkdir()
    (folder / "mine.toml").write_text(
        'title = "Mine [1]"\nfamily = "linear"\npaper = "none"\n'
        'estimator = "sklearn.linear_model:Lasso"\n'
    )
    names = [row["name"] for row in json.loads(hwbench("predictors", "list", "--json").out)]
    assert "mine" in names
    assert "Mine [1]" in hwbench("predictors", "list").out


def test_selection_is_simulated_on_two_columns(hwbench, own_table):
    line = ["simulate", "select", "--accuracy", "small:test_accuracy"]
    line += ["--metric", "small:latency", "--candidates", 100, "--repeats", 20]
    assert "mra" in hwbench(*line).out
    told = json.loads(hwbench(*line, "--json").out)
    measures = {name: found for name, found in told.items() if name != "notes"}
    assert {"mra_all", "mra_pareto"} <= set(measures)
    assert all(found["low"] <= found["mean"] <= found["high"] for found in measures.values())
    assert told["notes"] == []
    assert told == json.loads(hwbench(*line, "--json").out)


def test_an_architecture_is_shown(hwbench):
    cell = "|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|nor_conv_3x3~2|"
    facts = json.loads(hwbench("spaces", "show", "nasbench201", cell, "--json").out)
    assert facts["architecture"] == cell
    assert facts["operations"]["0->3"] == "nor_conv_1x1"
    assert facts["parameters"] == 73306 + 28000 + 243040
    # The 3x3 convolution has no input, so the cell is the one without it.
    assert facts["first of the same function"] == cell.replace("nor_conv_3x3", "none")
    small = json.loads(
        hwbench("spaces", "show", "nasbench201", cell, "--channels", "8", "--json").out
    )
    assert small["parameters"] < facts["parameters"]
    assert "nor_conv_1x1" in hwbench("spaces", "show", "nasbench201", cell).out


def test_a_malformed_architecture_is_refused(refused):
    cell = "|none~0|+|none~0|none~1|+|nor_conv_2x2~0|none~1|none~2|"
    assert "did you mean 'nor_conv_" in refused("spaces", "show", "nasbench201", cell)
    assert "8 digits" in refused("spaces", "show", "nasbench_macro", "0123")
    assert "did you mean 'nasbench201'" in refused("spaces", "show", "nasbench210", cell)


FOLDERS = {
    ("predictors", "list"): ("predictors", ".toml"),
    ("spaces", "list"): ("spaces", ".toml"),
    ("tables", "list"): ("tables", ".parquet"),
    ("tables", "benchmarks"): ("sources", ".toml"),
    ("live", "list"): ("simulations/live/published", ".toml"),
}


def write_broken_cards(folder, suffix):
    """Cards that cannot be read, one of each kind; gives how many."""
    folder.mkdir(parents=True)
    contents = {
        "empty": b"",
        "binary": bytes(range(256)),
        "digits": b"title = " + b"9" * 6000,
        "deep": b"a = " + b"[" * 5000,
        "types": b"title = 3\nname = {a = 1}",
        "line\nbreak": b'title = "a"',
    }
    for name, content in contents.items():
        (folder / f"broken-{name}{suffix}").write_bytes(content)
    (folder / f"broken-folder{suffix}").mkdir()
    (folder / f"broken-link{suffix}").symlink_to("nowhere")
    (folder / f"broken-loop{suffix}").symlink_to(f"broken-loop{suffix}")
    (folder / os.fsdecode(b"broken-\xff" + suffix.encode())).write_bytes(b"")
    return len(contents) + 4


@pytest.mark.parametrize("command", FOLDERS)
def test_broken_cards_are_named_and_the_rest_is_listed(hwbench, hwbench_home, command):
    whole = hwbench(*command).out
    place, suffix = FOLDERS[command]
    count = write_broken_cards(hwbench_home / place, suffix)
    listed = hwbench(*command)
    assert listed.code == 0
    assert listed.out == whole
    lines = listed.err.splitlines()
    assert len(lines) == count
    assert all(line.startswith("hwbench: warning: ") and "broken-" in line for line in lines)


def test_what_raises_anything_is_named_and_the_rest_is_listed(capsys):
    def describe(name):
        errors = {"a": OverflowError("too\nlarge"), "c": SystemExit(3), "d": HwbenchError("d: no")}
        if name in errors:
            raise errors[name]
        return {"name": name}

    assert output.listed("abcde", describe) == [{"name": "b"}, {"name": "e"}]
    assert capsys.readouterr().err.splitlines() == [
        "hwbench: warning: a cannot be listed: OverflowError: too large",
        "hwbench: warning: c cannot be listed: SystemExit: 3",
        "hwbench: warning: d: no",
    ]


def test_suggestions_are_one_line_whatever_files_are_called(refused, hwbench_home):
    write_broken_cards(hwbench_home / "simulations", ".toml")
    assert "did you mean 'quick'" in refused("study", "run", "quikc")
    refused("study", "run", "zzzzzzzzzz")
