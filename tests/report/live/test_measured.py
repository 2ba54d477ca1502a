"""What a live run's page says of what networks measure besides their accuracy."""

import json

import numpy as np
import pandas as pd
import pytest

from hwbench.report import write_report

EXPONENT = -0.08
BLOCKS = "SRB_k5|SRB_k5|SCB_k3|SRB_k3|skip"


@pytest.fixture
def run(tmp_path, write_live_run, write_selection):
    """A search on spiking networks with a selection that weighs their spikes; all is made up."""
    run = write_live_run(tmp_path / "run")
    config = run / "config.toml"
    text = config.read_text(encoding="utf-8")
    assert '"nasbench201"' in text
    config.write_text(text.replace('"nasbench201"', '"autosnn"'), encoding="utf-8")
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    result |= {"architecture": BLOCKS}
    (run / "result.json").write_text(json.dumps(result), encoding="utf-8")
    fitness = {"measurement": "spikes", "exponent": EXPONENT}
    folder = write_selection(
        run,
        "black_box",
        "Evolution",
        metric=None,
        known=False,
        selection={"name": "black_box", "fitness": fitness},
        measured={"spikes": 2172.4, "spike_energy": 3.693},
    )
    path = folder / "evaluations.parquet"
    found = pd.read_parquet(path)
    spikes = np.linspace(1000, 9000, len(found))
    fit = found["accuracy"] * (spikes / 3000) ** EXPONENT
    found.assign(spikes=spikes, fitness=fit, metric=np.nan).to_parquet(path)
    return run


def test_spikes_stand_beside_the_accuracy(run, words_of):
    words = words_of(write_report(run))
    found = pd.read_parquet(run / "selections" / "black_box" / "evaluations.parquet")
    own, others = found[found["selected"]], found[~found["selected"]]
    assert (
        f"What Evolution selected has spikes {own['spikes'].iloc[0]:,.0f} at "
        f"{own['accuracy'].iloc[0]:.2f} % on validation images; the median of the {len(others)} "
        f"others that it evaluated has {others['spikes'].median():,.0f} at" in words
    )
    assert "spikes 2,172, spike energy 3.69 nJ" in words  # in the table, on test images


def test_a_curve_of_equal_fitness_goes_through_what_was_selected(run, figures_of, words_of):
    page = write_report(run)
    figure = figures_of(page)["selections-0-measured-0"]
    assert "selections-0-measured-1" not in figures_of(page)  # its energy is the same
    others, selected, curve = figure["data"]
    assert (len(others["x"]), len(selected["x"])) == (59, 1)
    level = np.array(curve["y"]) * np.array(curve["x"]) ** EXPONENT
    np.testing.assert_allclose(level, selected["y"][0] * selected["x"][0] ** EXPONENT, rtol=1e-4)
    assert "spikes of an image" in figure["layout"]["xaxis"]["title"]["text"]
    assert "as fit as what was selected" in words_of(page)


def test_without_a_fitness_all_that_was_measured_is_drawn(run, figures_of, words_of):
    path = run / "selections" / "black_box" / "result.json"
    result = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**result, "selection": {"name": "black_box"}}), encoding="utf-8")
    page = write_report(run)
    assert len(figures_of(page)["selections-0-measured-0"]["data"]) == 2  # points alone
    assert "as fit" not in words_of(page)


def test_networks_that_measure_nothing_are_left_as_they_are(
    tmp_path, write_live_run, write_selection, words_of, figures_of
):
    run = write_live_run(tmp_path / "run")
    write_selection(run, "a", "Evolution")
    page = write_report(run)
    assert not [name for name in figures_of(page) if "measured" in name]
    assert "measured on test images" not in words_of(page)
