"""What a config will cost is said in sentences, from what commands time."""

import pytest

from hwbench.errors import HwbenchError
from hwbench.live.config import config_of
from hwbench.live.run import run_live
from hwbench.studio import estimates
from hwbench.studio.estimates import estimate
from hwbench.studio.index import RunIndex
from hwbench.toml import parse_toml, to_toml

LIVE = {
    "title": "tiny",
    "data": {"validation_share": 0.9},
    "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
    "strategy": {"name": "darts"},
    "trainer": {"name": "bilevel", "epochs": 1, "batch_size": 64},
    "selection": {"name": "strength"},
}
SHARED = {"cpu_seconds": 7200.0, "workers": 2, "wall_seconds": 3600.0}
DOCUMENTS = {
    "study": {"trials": 1200, "disk_mb": 3.0, **SHARED},
    "simulate": {"selections": 3000, "fits": 40, **SHARED},
    "search": {
        **{"searches": 6, "evaluations": 330, **SHARED},
        "strategies": [{"strategy": "TPE", "error": "no idea"}, {"strategy": "r", "error": None}],
    },
    "live": {
        **{"epochs": 50, "images": {"train": 449}, "training_seconds": 400.0, "seconds": 480.0},
        **{"device": "cpu", "memory_mb": 500.0, "not_counted": ["The ranking is not counted."]},
    },
}
SCENARIO = """title = "t"
minutes = 90
[study]
targets = ["nb201-digits:latency"]
predictors = ["ridge"]
training_sizes = [20]
seeds = [0]
[simulation]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency"]
n_candidates = [50]
deviations = [0.1]
[search]
accuracy = "nb201-digits:test_accuracy"
metrics = ["nb201-digits:latency"]
strategies = ["random"]
seeds = [0]
"""


@pytest.fixture
def timed(monkeypatch):
    """What the commands that time things were given; they answer at once."""
    given = []

    def answer(command, text, *options):
        given.append((*command, *options))
        return DOCUMENTS[command[0]]

    monkeypatch.setattr(estimates, "_timed", answer)
    return given


def said(kind, text, runs):
    return estimate(kind, parse_toml(text, where="x.toml"), text, 2, RunIndex(runs))


def test_every_part_of_a_scenario_is_timed_with_the_workers(timed, tmp_path):
    assert said("scenario", SCENARIO, tmp_path) == (
        "Measured on two cores: about 1 h 30 min in all. "
        "Study: 1,200 trials, about 2 h 0 min of one core, 1 h 0 min with 2 workers; 3 MB on disk. "
        "Simulation: 3,000 selections, 40 fits of predictors, about 2 h 0 min of one core, "
        "1 h 0 min with 2 workers. "
        "Search: 6 searches, 330 evaluations, about 2 h 0 min of one core, 1 h 0 min with 2 "
        "workers. TPE fails, and is not counted: no idea"
    )
    workers = ("--workers", "2")
    assert timed == [(part, "estimate", *workers) for part in ("study", "simulate", "search")]


def test_a_live_search_is_timed_and_held_against_earlier_runs(timed, tmp_path):
    text = to_toml(LIVE)
    first = said("live", text, tmp_path)
    assert first == (
        "50 epochs of 449 images: about 6 min 40 s on cpu; all that is counted: about 8 min 0 s, "
        "with 500 MiB of memory. The ranking is not counted."
    )
    run_live(config_of(LIVE, where="x.toml"), tmp_path / "earlier")
    assert " Runs like this one took " in said("live", text, tmp_path)


def test_a_sweep_is_its_searches_times_the_first(timed, tmp_path):
    sweep = {
        **{"title": "s", "search": "darts", "argument": "trainer.batch_size", "values": [32, 64]},
        **{"baseline": False, "seeds": [0, 1, 2]},
    }
    assert said("sweep", to_toml(sweep), tmp_path) == (
        "6 searches, one after the other: 2 values, 3 seeds. The first one, 32, takes about "
        "8 min 0 s on cpu; if all are like it, about 48 min 0 s in all. The ranking is not counted."
    )


def test_the_command_is_really_run(tmp_path):
    """What it prints becomes a sentence, and what it refuses an error of one line."""
    _, _, search = SCENARIO.partition("[study]")[2].partition("[search]")
    text = f'title = "t"\n[search]{search}evaluations = 60\ncheckpoints = [60]\n'
    assert said("scenario", text, tmp_path).startswith("Search: 1 search, 60 evaluations, about ")
    with pytest.raises(HwbenchError, match="did you mean") as error:
        said("scenario", text.replace("digits:latency", "digits:latenzy"), tmp_path)
    assert "\n" not in str(error.value)
    assert not str(error.value).startswith("hwbench: ")
