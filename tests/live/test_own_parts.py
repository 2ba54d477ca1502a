"""Every part of a live search may be one's own, named by its import path in the config."""

import sys

import pytest

from hwbench.errors import HwbenchError
from hwbench.live.config import config_of, load_config
from hwbench.live.run import rank_run, run_live
from hwbench.live.supernets.export import load_network
from hwbench.pages.architectures import drawing
from hwbench.results.live import read_live_run
from hwbench.spaces import get_space

SELECTION = """
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection


class Worst(Selection):
    requires = Requirements(ranking=True)

    def select(self, search, stage):
        return search.supernet.space.from_string(search.ranking["architecture"].iloc[-1])
"""
TREE = {
    "title": "own parts",
    "data": {"validation_share": 0.9},
    "space": {
        "name": "hwbench_ladder.space:Ladder",
        "supernet": "hwbench_ladder.supernet:LadderSupernet",
        "channels": 2,
        "depth": 1,
    },
    "strategy": {"name": "hwbench_ladder.tempered:Tempered", "last": 0.4},
    "trainer": {"name": "bilevel", "epochs": 1, "batch_size": 32},
    "selection": {"name": "my_selection:Worst"},
    "ranking": {"architectures": 4, "calibration": {"passes": 1, "batch_size": 32}},
}


@pytest.fixture
def own(ladder, tmp_path, monkeypatch):
    (tmp_path / "my_selection.py").write_text(SELECTION)
    monkeypatch.syspath_prepend(tmp_path)
    yield ladder
    sys.modules.pop("my_selection", None)


def _config(**nodes):
    return config_of({**TREE, **nodes}, where="own.toml")


def test_a_search_of_one_s_own_parts_alone(own, tmp_path):
    folder = tmp_path / "run"
    result = run_live(_config(), folder)
    found = read_live_run(folder)
    assert result["architecture"] == found.ranking["architecture"].iloc[-1]
    space = get_space(own)
    edges = space.edges_of(space.from_string(result["architecture"]))
    assert [edge.operation for edge in edges] == found.edges["operation"].tolist()
    assert load_config(str(folder / "config.toml")) == _config()
    frame = rank_run(folder, _config().ranking)
    assert len(frame) == 4
    assert type(load_network(folder / "supernet")).__name__ == "LadderSupernet"
    assert "Cell: " in drawing(own, result["architecture"], "found").image
    # Elsewhere nothing that the folder names is imported but what a search of it needs.
    for module in [each for each in sys.modules if each.startswith("hwbench_ladder")]:
        del sys.modules[module]
    with pytest.raises(HwbenchError, match="import paths in files are not followed"):
        load_network(folder / "supernet")
    assert drawing(own, result["architecture"], "found") is None
    elsewhere = read_live_run(folder)
    assert elsewhere.edges.empty
    assert elsewhere.result == result
    assert not [each for each in sys.modules if each.startswith("hwbench_ladder")]


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        (
            {"space": {**TREE["space"], "supernet": "ladder"}},
            "own.toml: space.supernet: unknown supernet 'ladder'",
        ),
        (
            {"space": {**TREE["space"], "supernet": "pathlib:Path"}},
            "own.toml: space.supernet: supernet pathlib:Path: pathlib:Path is no subclass of",
        ),
        (
            {"space": {**TREE["space"], "name": "laddre"}},
            "own.toml: space.name: unknown search space 'laddre'",
        ),
        (
            {"selection": {"name": "strenght"}},
            "own.toml, section [selection]: unknown selection 'strenght'; did you mean 'strength'?",
        ),
        (
            {"selection": {"name": "my_selection:Best"}},
            "section [selection]: selection my_selection:Best: my_selection has no 'Best'",
        ),
        (
            {"strategy": {"name": "pathlib:Path"}},
            "section [strategy]: strategy pathlib:Path: pathlib:Path is no subclass of",
        ),
        (
            {"strategy": {"name": "hwbench_ladder.tempered:Tempered", "lsat": 1.0}},
            "section [strategy]: unknown key 'lsat'; did you mean 'last'?",
        ),
        ({"ranking": None}, "selection by my_selection:Worst needs a section [ranking]"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_key(own, nodes, message):
    with pytest.raises(HwbenchError) as caught:
        _config(**nodes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_space_without_a_supernet_names_those_that_have_one(own, tmp_path):
    space = {key: value for key, value in TREE["space"].items() if key != "supernet"}
    with pytest.raises(HwbenchError, match="unknown space with a supernet"):
        run_live(_config(space=space), tmp_path / "run")


OLD_SELECTION = """
from hwbench.live.selections.base import Selection


class Old(Selection):
    def select(self, search, ranking, stage):
        return None
"""
OLD_TRAINER = """
from hwbench.live.trainers.base import SingleLevel


class Old(SingleLevel):
    def tune(self, mixture, data, augmentation, epochs):
        return None
"""


@pytest.mark.parametrize(
    ("text", "section", "message"),
    [
        (OLD_SELECTION, "selection", r"select is called with \(search, stage\)"),
        (OLD_TRAINER, "trainer", "tune is not called any more; it is tune_epoch now"),
    ],
)
def test_parts_written_for_older_versions_are_one_line(
    own, tmp_path, monkeypatch, text, section, message
):
    (tmp_path / "old_part.py").write_text(text)
    with pytest.raises(HwbenchError, match=message) as caught:
        _config(**{section: {"name": "old_part:Old"}})
    assert "\n" not in str(caught.value)
    sys.modules.pop("old_part", None)
