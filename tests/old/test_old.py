"""What hwbench 0.1.0 wrote is read, or refused in one line that says its version and what to do."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import hwbench as hb
from hwbench.live.config import RankingNode, load_config
from hwbench.live.run import rank_run, run_live
from hwbench.live.selecting import select_run
from hwbench.results.live import read_live_run
from hwbench.runs.merging import merge_studies
from hwbench.runs.run import resume_study
from hwbench.runs.status import study_status
from hwbench.tables.made.measure import measure
from hwbench.tables.made.recipe import MeasureRecipe

FILES = Path(__file__).parent / "0.1.0"
MODELS = ("ridge", "my_mlp", "gcn", "structural_gaussian_process")


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A copy of the files, which is where the test runs; its home is HWBENCH_HOME."""
    folder = tmp_path / "old"
    shutil.copytree(FILES, folder)
    monkeypatch.setenv("HWBENCH_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def refused(old):
    """Call what must end in one line that names the version, and leave all files as they are."""

    def contents():
        return {
            path: path.read_bytes()
            for path in sorted(old.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }

    def call(function, *arguments, **options):
        before = contents()
        with pytest.raises(hb.HwbenchError, match=r"hwbench 0\.1\.0") as caught:
            function(*arguments, **options)
        message = str(caught.value)
        assert len(message.splitlines()) == 1
        assert contents() == before
        return message

    return call


@pytest.mark.parametrize("name", MODELS)
def test_fitted_models_predict_what_they_did(old, name):
    archs = hb.load_table("nb201-digits").archs[:5]
    model = hb.load_model(f"{name}.hwb", any_version=True)  # of libraries
    with np.load("predicted.npz") as predicted:
        np.testing.assert_allclose(model.predict(archs), predicted[name], rtol=1e-5)


def test_a_card_that_names_an_estimator_where_it_was(old, small_table):
    text = Path("home/predictors/my_mlp.toml").read_text()
    assert '"hwbench.predictors.mlp:MLP"' in text
    model = hb.make_predictor("my_mlp", space=small_table.space)
    model.fit(small_table.archs[:20], small_table.column("latency")[:20])
    assert model.estimator.width == 8


def test_a_run_folder_is_read_reported_and_compared(old):
    trials = hb.read_trials("run")
    assert sorted(zip(trials["predictor"], trials["seed"], strict=True)) == [
        ("my_mlp", 0),
        ("my_mlp", 1),
        ("ridge", 0),
        ("ridge", 1),
    ]
    assert len(hb.read_predictions("run")) == 4 * 20
    page = hb.write_report("run").read_text(encoding="utf-8")
    for title in ("Ridge regression", "My MLP", "Local search", "0.1.0"):
        assert title in page
    stopped = hb.read_trials("study-stopped")
    assert 0 < len(stopped) < 4
    page = hb.write_comparison("run", "study-stopped", "compare.html").read_text(encoding="utf-8")
    titles = {"ridge": "Ridge regression", "my_mlp": "My MLP"}
    assert titles[stopped["predictor"][0]] in page


@pytest.mark.parametrize("folder", ["run", "study-stopped"])
def test_a_study_is_not_gone_on_with(refused, folder):
    for function in (study_status, resume_study):
        message = refused(function, Path(folder))
        assert message.startswith(f"{folder}: holds trials of hwbench 0.1.0")
        assert "hwbench report write" in message
    refused(hb.run_scenario, "scenario.toml", Path(folder), parts=("study",))


def test_a_scenario_runs_again_beside_the_old_run_and_in_its_place(old):
    hb.run_scenario("scenario.toml", Path("new"), parts=("study",))
    page = hb.write_comparison("run", "new", "compare.html").read_text(encoding="utf-8")
    assert "0.1.0" in page
    assert hb.__version__ in page
    hb.run_scenario("scenario.toml", Path("run"), parts=("study",), fresh=True)
    assert study_status(Path("run"))["done"] == 4


def test_shards_are_merged_to_be_read(old):
    assert merge_studies(Path("merged"), [Path("study-stopped"), Path("run")]) == 4
    assert len(hb.read_trials("merged")) == 4


def test_a_live_search_is_read_and_ranked_with(old):
    record = Path("live/run.json").read_bytes()
    run = read_live_run(Path("live"))
    assert len(run.epochs) == 2
    assert len(run.ranking) == 3
    assert run.truth is None
    again = run_live(load_config("spos.toml"), Path("live"))
    assert again.pop("truth")["of"] == 15625  # which that version did not look up
    assert again == run.result
    assert Path("live/run.json").read_bytes() == record
    ranked = rank_run(Path("live"), RankingNode(architectures=2))
    assert len(ranked) == 2
    assert hb.write_report("live").exists()
    # Of that version's runs the supernet alone is left, and can be selected from.
    node = {"name": "black_box", "evaluations": 5, "n_initial": 3}
    assert select_run(Path("live"), node)["evaluations"] == 5
    with pytest.raises(hb.HwbenchError, match="perturbation needs the checkpoint"):
        select_run(Path("live"), {"name": "perturbation"})


def test_a_live_search_is_not_gone_on_with(refused):
    assert len(read_live_run(Path("live-stopped")).epochs) == 1
    message = refused(run_live, load_config("darts.toml"), Path("live-stopped"))
    assert "begin again with --fresh" in message


def test_a_graph_vae_is_read_and_not_gone_on_with(refused):
    vae = hb.load_vae("vae.npz")
    assert vae.encode(vae.space.sample(3, seed=0)).shape == (3, 2)
    settings = {"n_graphs": 60, "epochs": 2, "hidden_size": 4, "latent_size": 2}
    message = refused(hb.train_vae, "nasbench201", checkpoint="vae.npz", **settings)
    assert "choose another file" in message


def test_a_table_is_read_and_a_measurement_not_gone_on_with(refused):
    table = hb.load_table("measured")
    assert len(table) == 2
    assert (table.column("latency") > 0).all()
    space = hb.get_space("nasbench201")
    recipe = MeasureRecipe(rounds=1, skeleton={"channels": 2, "depth": 1})
    journal = Path("home/tables/stopped.journal")
    message = refused(measure, space, recipe, journal, archs=space.sample(2, seed=0))
    assert "remove the file" in message
