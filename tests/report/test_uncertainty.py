"""The section on uncertainty: of what a study scored, and of no other."""

import numpy as np
import pandas as pd

from hwbench.pages.plotting import nth_entry
from hwbench.report.study.section import study_sections
from hwbench.report.study.uncertainty import uncertainty_section
from hwbench.results.run import read_run
from hwbench.results.study_columns import COVERAGE_AT, UNCERTAINTY_SCORES
from hwbench.runs.run import run_scenario

TITLES = {"sure": "Too sure", "right": "As it should be", "silent": "Says nothing"}
ENTRIES = {
    name: nth_entry(place, name, title) for place, (name, title) in enumerate(TITLES.items())
}


def trials(own=False):
    rows = []
    for size in (11, 124):
        for seed in range(3):
            for name, factor in (("sure", 0.5), ("right", 1.0), ("silent", np.nan)):
                held = {f"coverage_{percent}": percent * factor for percent in COVERAGE_AT}
                rows.append(
                    {
                        "predictor": name,
                        "training_size": size,
                        "seed": seed,
                        "own_training_set": own,
                        **held,
                        "crps": 0.3 * factor,
                        "negative_log_likelihood": 0.1 * factor + seed,
                    }
                )
    return pd.DataFrame(rows)


def test_calibration_at_the_fewest_and_the_most_measurements():
    (section,) = uncertainty_section(trials(), ENTRIES, TITLES)
    assert (
        section.lead
        == "With 11 measurements the 95 % intervals hold 48 to 95 % of the measurements."
    )
    _, group, coverage, crps, likelihood = section.blocks
    assert [figure.title for figure in group.blocks] == [
        "With 11 measurements",
        "With 124 measurements",
    ]
    exact, sure, right = group.blocks[0].data
    assert exact["y"] == [45, 100]
    assert list(right["y"]) == list(COVERAGE_AT)
    assert list(sure["y"]) == [percent / 2 for percent in COVERAGE_AT]
    assert [row.title for row in coverage.rows] == ["Too sure", "As it should be"]
    assert [cell.text for cell in coverage.rows[1].cells] == ["95.0", "95.0"]
    assert crps.folded
    assert likelihood.rows[0].cells[0].text == "1.050"


def test_no_section_of_what_no_predictor_says_or_an_older_run_did_not_score():
    silent = trials().query("predictor == 'silent'")
    assert uncertainty_section(silent, ENTRIES, TITLES) == []
    assert uncertainty_section(trials(own=True), ENTRIES, TITLES) == []
    older = trials().drop(columns=list(UNCERTAINTY_SCORES))
    assert uncertainty_section(older, ENTRIES, TITLES) == []


SCENARIO = """
title = "Two predictors"

[study]
targets = ["nb201-digits:latency"]
predictors = ["bayesian_ridge_counts", "ridge"]
training_sizes = [11, 25]
seeds = [0, 1]
test_size = 100
"""


def test_the_page_of_a_study_shows_those_that_say_it(tmp_path):
    scenario = tmp_path / "two.toml"
    scenario.write_text(SCENARIO)
    run = read_run(run_scenario(str(scenario), tmp_path / "run"))
    (section,) = [each for each in study_sections(run, None) if each.name == "uncertainty"]
    _, group, coverage, *_ = section.blocks
    assert [row.title for row in coverage.rows] == [
        "Bayesian linear regression on operation counts"
    ]
    assert [entry.title for entry in group.legend] == [coverage.rows[0].title]
    assert not any(figure.legend for figure in group.blocks)
    assert " to " not in section.lead  # one predictor has one number
