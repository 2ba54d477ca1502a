import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.live.config import sweep_path
from hwbench.live.recipes import recipe_files
from hwbench.live.sweep import load_sweep, run_sweep
from hwbench.results.live import read_live_run, summary
from hwbench.toml import to_toml

SEARCH = {
    "title": "tiny",
    "data": {"validation_share": 0.6, "subset": {"name": "random", "images": 160}},
    "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
    "strategy": {"name": "spos"},
    "trainer": {"name": "single_level", "epochs": 2, "batch_size": 64},
    "selection": {"name": "ranking"},
    "ranking": {
        "architectures": 4,
        "calibration": {"passes": 1, "batch_size": 64},
        "target": "nb201-digits:test_accuracy",
    },
}


@pytest.fixture
def write(tmp_path):
    (tmp_path / "search.toml").write_text(to_toml(SEARCH))

    def written(**changes):
        sweep = {
            "title": "window",
            "search": str(tmp_path / "search.toml"),
            "argument": "strategy.split_epoch",
            "values": [0, 1],
            "seeds": [0, 3],
            **changes,
        }
        path = tmp_path / "sweep.toml"
        path.write_text(to_toml({key: value for key, value in sweep.items() if value is not None}))
        return path

    return written


def test_every_value_and_seed_is_a_search(write, tmp_path):
    frame = run_sweep(write(), tmp_path / "run")
    assert frame["value"].tolist() == ["baseline", "0", "1"] * 2
    assert frame["seed"].tolist() == [0, 0, 0, 3, 3, 3]
    assert frame["weight_sets"].tolist() == [12, 22, 22] * 2
    kept = pd.read_parquet(tmp_path / "run" / "sweep.parquet")
    pd.testing.assert_frame_equal(kept, frame)
    again = run_sweep(write(), tmp_path / "run")  # nothing is done twice
    pd.testing.assert_frame_equal(again, frame)
    means = summary(frame)
    assert means["value"].tolist() == ["baseline", "0", "1"]
    rows = frame[frame["value"] == "0"]["mean_true_top1"]
    assert means["mean_true_top1"][1] == pytest.approx(rows.mean())
    assert means["mean_true_top1_deviation"][1] == pytest.approx(rows.std())


def test_a_sweep_over_searches_selects_from_each_supernet_again(write, tmp_path):
    (tmp_path / "other.toml").write_text(to_toml({**SEARCH, "title": "other"}))
    names = [str(tmp_path / "search.toml"), str(tmp_path / "other.toml")]
    selections = {"few": {"name": "black_box", "evaluations": 3, "n_initial": 2}}
    over = write(search=None, argument="search", values=names, selections=selections)
    frame = run_sweep(over, tmp_path / "run")
    assert frame["value"].tolist() == ["search", "other"] * 2
    for value, seed in zip(frame["value"], frame["seed"], strict=True):
        run = read_live_run(tmp_path / "run" / f"{value}-seed{seed}")
        assert [each.folder.name for each in run.selections] == ["few"]
    pd.testing.assert_frame_equal(run_sweep(over, tmp_path / "run"), frame)


def test_selections_compute_as_the_searches_do(write, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("hwbench.live.sweep.run_live", lambda *_, **options: seen.append(options))
    monkeypatch.setattr("hwbench.live.sweep._numbers", lambda _: {})
    monkeypatch.setattr("hwbench.live.sweep.select_run", lambda *_, **options: seen.append(options))
    selections = {"few": {"name": "ranking"}}
    sweep = write(values=[1], seeds=[0], baseline=False, selections=selections)
    given = {"device": "cpu", "threads": 2, "deterministic": True}
    run_sweep(sweep, tmp_path / "run", **given)
    assert len(seen) == 2
    assert all({name: options[name] for name in given} == given for options in seen)


def test_further_arguments_are_combined_with_every_value(write, tmp_path):
    also = {"space.channels": [2, 3], "trainer.stop_after": [1]}
    sweep = write(values=[1], also=also, seeds=[3], baseline=True)
    _, searches = load_sweep(sweep)
    assert [(name, seed) for name, seed, _ in searches] == [
        ("baseline-2-1", 3),
        ("baseline-3-1", 3),
        ("1-2-1", 3),
        ("1-3-1", 3),
    ]
    found = [(c.strategy["split_epoch"], c.space.channels) for *_, c in searches]
    assert found == [(None, 2), (None, 3), (1, 2), (1, 3)]
    assert {c.trainer["stop_after"] for *_, c in searches} == {1}
    frame = run_sweep(sweep, tmp_path / "run")
    assert frame["value"].tolist() == ["baseline-2-1", "baseline-3-1", "1-2-1", "1-3-1"]
    assert len(read_live_run(tmp_path / "run" / "1-3-1-seed3").epochs) == 1


def test_nodes_are_values_too_and_are_called_by_theirs(write):
    values = [{"name": "random"}, {"name": "entropy", "choice": "p3"}]
    also = {"data.subset.images": [40, 80]}
    _, searches = load_sweep(
        write(argument="data.subset", values=values, also=also, seeds=[1], baseline=False)
    )
    assert [name for name, *_ in searches] == [
        "random-40",
        "random-80",
        "entropy-p3-40",
        "entropy-p3-80",
    ]
    found = searches[3][2].data.subset
    assert (found["name"], found["choice"], found["images"]) == ("entropy", "p3", 80)


def test_two_searches_of_one_name_are_refused(write):
    with pytest.raises(HwbenchError, match="two searches would be called 1; drop one of them"):
        load_sweep(write(values=[1, "1"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": [0, 0, 1]}, "seeds holds a value twice: 0; drop one of them"),
        ({"values": [1, 1]}, "values holds a value twice: 1"),
        ({"also": {"space.channels": [2, 2]}}, "also space.channels holds a value twice: 2"),
    ],
)
def test_what_would_be_counted_twice_is_refused(write, changes, message):
    with pytest.raises(HwbenchError, match=message):
        load_sweep(write(**changes))


def test_changes_go_together_as_a_whole_and_another_part_brings_its_own_arguments(write):
    changes = {
        "selection": {"name": "strength", "threshold": 0.1},  # which spos has nothing for
        "strategy": {"name": "gdas"},
        "trainer": {"name": "bilevel"},
    }
    sweep = write(argument="space.channels", values=[3], changes=changes, baseline=False)
    config = load_sweep(sweep)[1][0][2]
    assert config.selection == {"name": "strength", "threshold": 0.1}
    assert config.strategy["name"] == "gdas"
    assert "split_epoch" not in config.strategy
    assert config.trainer["epochs"] != SEARCH["trainer"]["epochs"]
    assert config.space.channels == 3


def test_a_folder_of_another_sweep_is_left_alone(write, tmp_path):
    folder = tmp_path / "run"
    run_sweep(write(values=[1], seeds=[0]), folder)
    with pytest.raises(HwbenchError, match="holds another sweep; choose another folder with -o"):
        run_sweep(write(values=[0], seeds=[0]), folder)


def test_a_folder_of_a_search_is_left_alone(write, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "config.toml").touch()
    with pytest.raises(HwbenchError, match="holds a live search; choose another folder with -o"):
        run_sweep(write(), folder)
    assert not (folder / "sweep.toml").exists()


def test_a_sweep_whose_first_search_is_refused_leaves_the_folder_to_the_right_one(write, tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(HwbenchError, match="did you mean 'digits'"):
        run_sweep(write(values=[1], seeds=[0], changes={"data": {"name": "digts"}}), folder)
    assert len(run_sweep(write(values=[1], seeds=[0], baseline=False), folder)) == 1


def test_changes_are_of_every_search(write):
    changes = {"trainer": {"epochs": 7, "weights": {"learning_rate": 0.25}}}
    _, searches = load_sweep(write(changes=changes))
    assert {config.trainer["epochs"] for _, _, config in searches} == {7}
    assert {config.trainer["weights"]["learning_rate"] for _, _, config in searches} == {0.25}
    assert [config.strategy.get("split_epoch") for _, _, config in searches][:3] == [None, 0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"argument": "search", "values": ["spos"]}, "its values are the searches"),
        ({"argument": "search", "search": None, "values": ["sposs"]}, "did you mean 'spos'"),
        ({"search": None}, "search is missing"),
        ({"argument": "strategy.split_epochs"}, "did you mean 'split_epoch'"),
        ({"argument": "strategies.split_epoch"}, "did you mean 'strategy'"),
        ({"values": ["soon"]}, "split_epoch"),
        ({"seeds": []}, "seeds"),
        ({"changes": {"trainer": {"epoch": 7}}}, "did you mean 'epochs'"),
        ({"changes": {"trainers": {"epochs": 7}}}, "did you mean 'trainer'"),
    ],
)
def test_wrong_sweeps_are_named(write, changes, message):
    with pytest.raises(HwbenchError, match=message):
        load_sweep(write(**changes))


@pytest.mark.parametrize("name", recipe_files("sweeps"))
def test_sweeps_are_valid(name):
    _, searches = load_sweep(sweep_path(name))
    assert len({seed for _, seed, _ in searches}) >= 3


def test_what_networks_measure_is_a_column_of_a_sweep(tmp_path):
    search = {
        **SEARCH,
        "space": {
            "name": "autosnn",
            "operations": ["skip", "SRB_k3"],
            "channels": 2,
            "depth": 1,
            "affine": True,
            "skeleton": {"time_steps": 2, "halvings": 2, "threshold": 0.5},
        },
        "ranking": {"architectures": 2, "calibration": {"passes": 1, "batch_size": 64}},
    }
    (tmp_path / "search.toml").write_text(to_toml(search))
    sweep = {
        "title": "thresholds",
        "search": str(tmp_path / "search.toml"),
        "argument": "space.skeleton.threshold",
        "values": [0.25, 1.0],
        "baseline": False,
        "seeds": [0],
    }
    (tmp_path / "sweep.toml").write_text(to_toml(sweep))
    frame = run_sweep(tmp_path / "sweep.toml", tmp_path / "run")
    few, many = frame["spikes"][1], frame["spikes"][0]
    assert 0 < few < many  # the lower the threshold, the more
    assert "measured" not in frame


def test_the_sweep_of_proxy_data_compares_as_published():
    _, searches = load_sweep(sweep_path("cpu_proxy"))
    assert len(searches) == 160
    subsets = [config.data.subset for *_, config in searches]
    assert not any(subset["balanced"] for subset in subsets if subset["name"] == "random")
    choices = {subset.get("choice", subset["name"]) for subset in subsets}
    assert choices == {
        *("random", "p1", "p2", "p3", "both_ends", "lowest", "forgetting", "k_center")
    }
    head = sweep_path("cpu_proxy").read_text().splitlines()[0]
    assert head.startswith(f"# {len(searches)} searches")


def test_what_is_true_or_false_is_called_by_its_name(write):
    values = [{"name": "random", "balanced": given} for given in (True, False)]
    also = {"data.subset.images": [9]}
    sweep = write(argument="data.subset", values=values, also=also, seeds=[0], baseline=False)
    _, searches = load_sweep(sweep)
    assert [name for name, *_ in searches] == ["random-balanced-9", "random-not_balanced-9"]
