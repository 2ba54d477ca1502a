"""What the sections on simulations and searches say of architectures that were no candidates."""

import json

import pytest

from hwbench.report import write_report
from hwbench.report.candidates import candidates_block
from hwbench.results.run import read_run

NOTE = "341 architectures whose output no path reaches are no candidates."


def recorded(folder, spec, notes):
    path = folder / "run.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    info["spec"] = {"simulation": spec}
    info["notes"] = {"simulation": notes}
    path.write_text(json.dumps(info), encoding="utf-8")
    return candidates_block(read_run(folder), "simulation")


def test_what_was_left_out_and_how_to_bring_it_back(run_folder, words_of):
    (block,) = recorded(run_folder, {"disconnected": False}, [NOTE, "One lacks a number."])
    assert block.lines[:2] == (NOTE, "One lacks a number.")
    assert "disconnected = true in the scenario's section [simulation]" in block.lines[2]
    page = words_of(write_report(run_folder))
    section = page[page.index("What a predictor's errors cost the search") :]
    assert NOTE in section
    assert block.lines[2] in section
    assert candidates_block(read_run(run_folder), "search") == []


def test_a_run_of_all_architectures_says_so(run_folder):
    (block,) = recorded(run_folder, {"disconnected": True}, [])
    assert len(block.lines) == 1
    assert "are candidates too (disconnected = true)" in block.lines[0]


@pytest.mark.parametrize("notes", [[], None])
def test_nothing_is_said_where_nothing_was_left_out(run_folder, notes):
    assert recorded(run_folder, {"disconnected": False}, notes) == []
    assert recorded(run_folder, {}, notes) == []  # an older run does not say
