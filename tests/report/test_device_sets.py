"""The page and the terminal on device sets: ours beside what is published, and what is missing."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

import hwbench as hb
from hwbench.cli.summary import print_study
from hwbench.report import write_report
from hwbench.report.study.device_sets import device_set_sections, shown_size
from hwbench.results.run import read_run
from hwbench.runs.run import resume_study, run_scenario

SCENARIO = """
title = "Device sets"

[study]
predictors = ["transfer_gaussian_process", "ridge"]
training_sizes = [12]
seeds = [0, 1]
test_size = 60
source_samples = 40

[[study.device_sets]]
name = "A"
note = "of one laboratory"
sources = ["devices:a"]
targets = ["devices:b"]
published = [{ method = "HELP", samples = 20, spearman = 0.5, note = "its script says .4" }]

[[study.device_sets]]
name = "B"
sources = ["devices:a", "devices:z"]
targets = ["devices:b2", "devices:b", "nowhere:c"]
published = [{ method = "NASFLAT", samples = 20, spearman = 0.7 }]
"""


@pytest.fixture
def folder(tmp_path, devices_table):
    scenario = tmp_path / "sets.toml"
    scenario.write_text(SCENARIO)
    return run_scenario(str(scenario), tmp_path / "run")


def test_the_page_and_the_terminal_show_sets_beside_what_is_published(folder, capsys):
    run = read_run(folder)
    assert run.study["predictor"].nunique() == 2
    # Of device b, which is in both sets, each predictor has one row a size and seed.
    assert not run.study.duplicated(["predictor", "target", "training_size", "seed"]).any()
    assert set(run.trials["predictor"]) == {
        "ridge", "transfer_gaussian_process (A)", "transfer_gaussian_process (B)"
    }  # fmt: skip
    page = write_report(folder).read_text()
    for text in (
        "New devices after others",
        "HELP, published",
        "A, HELP: its script says .4",
        "20 measurements",
        "A: of one laboratory",
        "device set B: 2 of 3 devices to predict are there, missing nowhere:c; 1 of 2 devices to "
        "learn from are there, missing devices:z",
        "Did other devices help?",
    ):
        assert text in page, text
    print_study(folder)
    told = capsys.readouterr().out
    assert "NASFLAT, published" in told
    assert "FLOPs, not measured" in told
    assert "device set A: other devices helped in " in told
    assert " of 2 fits" in told


def test_the_numbers_are_those_of_the_trials(folder):
    run = read_run(folder)
    (section,) = device_set_sections(run, {})
    overview = next(b for b in section.blocks if getattr(b, "name", "") == "device-sets-overview")
    assert shown_size(run.study) == 12
    trials = hb.read_trials(folder)
    own = trials[(trials["training_size"] == 12) & (trials["device_set"] == "B")]
    row = next(row for row in overview.rows if row.title == "transfer_gaussian_process")
    assert row.cells[1].value == pytest.approx(own["spearman"].mean())
    ridge = trials[(trials["training_size"] == 12) & (trials["predictor"] == "ridge")]
    row = next(row for row in overview.rows if row.title == "ridge")
    assert row.cells[0].value == pytest.approx(
        ridge.loc[ridge["target"] == "devices:b", "spearman"].mean()
    )
    *free, help_row, nasflat = overview.foot
    flops = next(row for row in free if row.title == "FLOPs")
    table = hb.load_table("devices")
    known = table.space.flops(table.archs)
    each = [spearmanr(known, table.column(name)).statistic for name in ("b", "b2")]
    assert flops.cells[0].value == pytest.approx(each[0])
    assert flops.cells[1].value == pytest.approx(np.mean(each))
    assert [cell.value for cell in help_row.cells] == [0.5, None]
    assert [cell.value for cell in nasflat.cells] == [None, 0.7]
    (figures,) = [block.blocks for block in section.blocks if hasattr(block, "legend")]
    assert [figure.title for figure in figures] == ["A", "B"]
    (point,) = [each for each in figures[0].data if each["mode"] == "markers"]
    assert (point["x"], point["y"]) == ([20], [0.5])


def test_a_run_goes_on_with_the_devices_that_it_began_with(folder):
    assert resume_study(folder) == 0
    record = json.loads((folder / "run.json").read_text())
    sets = record["spec"]["study"]["device_sets"]
    assert [each["targets"] for each in sets] == [["devices:b"], ["devices:b2", "devices:b"]]
    assert record["spec"]["study"]["targets"] == ["devices:b", "devices:b2"]
    about = hb.read_trials(folder)["about"].dropna()
    assert len(about) == 6
    errors = [json.loads(text)["error_with"] for text in about]
    assert np.isfinite(errors).all()


def test_studies_without_device_sets_have_no_such_section(tmp_path, devices_table):
    scenario = tmp_path / "plain.toml"
    scenario.write_text(
        'title = "t"\n[study]\ntargets = ["devices:b"]\npredictors = ["ridge"]\n'
        "training_sizes = [10]\nseeds = [0]\ntest_size = 50\n"
    )
    run = read_run(run_scenario(str(scenario), tmp_path / "run"))
    assert device_set_sections(run, {}) == []
    assert run.trials is not None
    assert len(run.trials) == len(run.study) == 1
