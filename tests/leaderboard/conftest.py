"""A leaderboard of a small study, in a folder of its own, and the run that it is of."""

import shutil

import pytest

import hwbench.results.leaderboard as files
from hwbench.leaderboard.collecting import collected, with_free_scores
from hwbench.runs.run import run_scenario

SCENARIO = """
title = "{title}"
[study]
targets = {targets}
predictors = {predictors}
training_sizes = {sizes}
seeds = {seeds}
test_size = {test_size}
{more}
"""

CARD = """
title = "{title}"
family = "linear"
paper = "none"
estimator = "sklearn.linear_model:Ridge"
"""


@pytest.fixture
def run_study(tmp_path, hwbench_home, make_table):
    """Run a study of the table `small` into a folder of a name; gives the folder."""
    make_table().save(hwbench_home / "tables" / "small.parquet")

    def run(name, predictors=("ridge",), *, targets=("small:latency",), more="", **changes):
        values = {"sizes": [10, 40], "seeds": [0, 1, 2, 3, 4], "test_size": 50, **changes}
        scenario = tmp_path / f"{name}.toml"
        text = SCENARIO.format(
            title=name, targets=list(targets), predictors=list(predictors), more=more, **values
        )
        scenario.write_text(text.replace("'", '"'))
        return run_scenario(str(scenario), tmp_path / name)

    return run


@pytest.fixture
def own_card(hwbench_home):
    """Write the card of a predictor."""

    def write(name, title="Mine"):
        folder = hwbench_home / "predictors"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.toml").write_text(CARD.format(title=title))

    return write


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A folder for what takes a while to make and is the same for all tests."""
    return tmp_path_factory.mktemp("leaderboard")


@pytest.fixture
def shipped(tmp_path, run_study, made, monkeypatch):
    """A folder that stands for hwbench's own results: three predictors, two targets."""
    if not (made / "results").exists():
        run = run_study(
            "ours",
            ("ridge", "bayesian_ridge_counts", "lookup_table", "random_forest"),
            targets=("small:latency", "small:test_accuracy"),
            more="[study.costly]\nseconds = 9\nlargest = { random_forest = 10 }",
        )
        shutil.move(run, made / "ours")
        scores, runs = collected(made / "ours")
        files.write_board(made / "results", scores, with_free_scores(runs))
    for name in ("ours", "results"):
        shutil.copytree(made / name, tmp_path / name)
    folder = tmp_path / "results"
    monkeypatch.setattr(files, "results_folder", lambda: folder)
    return folder
