"""The notebook of the documentation runs from its first cell to its last, and decides well."""

import json
import re
import runpy
from pathlib import Path

import pytest

import hwbench as hb

NOTEBOOK = Path(__file__).resolve().parent.parent / "docs" / "tour.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def code(cells):
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_it_is_a_notebook_of_ten_cells_without_outputs(cells, code):
    whole = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert len(code) == 10
    assert len({cell["id"] for cell in cells}) == len(cells)
    for cell in cells:
        assert re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", cell["id"])
        kept = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            kept |= {"outputs", "execution_count"}
        assert set(cell) == kept


def test_all_names_that_it_uses_are_public(code):
    used = set(re.findall(r"\bhb\.(\w+)", "\n".join(code)))
    assert {"advise_on", "fit_best", "load_space", "plot"} <= used <= set(hb.__all__)
    assert set(re.findall(r"\bhb\.plot\.(\w+)", "\n".join(code))) <= set(hb.plot.__all__)


@pytest.mark.slow
def test_it_runs_and_decides_well(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outputs, names = runpy.run_path(str(NOTEBOOK.with_name("tour.py")))["run"](code)
    shown = [value for _, value in outputs]
    shown = [each for each in shown if each is not None]
    assert len(shown) == 9  # the first cell writes a file
    for each in shown:
        if hasattr(each, "to_json"):  # plotly's figures and pandas' frames
            assert len(each.to_json()) > 100
        else:
            assert each._repr_html_().startswith("<div")
    assert "measured" in outputs[-1][0]
    model, kept, picks = names["model"], names["kept"], names["picks"]
    assert (kept.unit, kept.training_size, kept.version) == ("ms", 60, hb.__version__)
    assert kept.data_sha256 == model.data_sha256 == names["advice"].fitted.data_sha256
    assert model.leaderboard()["status"].eq("chosen").sum() == 1
    assert (picks["measured"] <= 12).sum() >= 3
    decided = picks.loc[picks["measured"] <= 12, "accuracy [%]"].max()
    everything = names["everything"]
    assert decided > everything.loc[everything["latency [ms]"] <= 12, "accuracy [%]"].max() - 0.5
