import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import kendalltau

from hwbench.devices import choose_device, seeded
from hwbench.errors import HwbenchError
from hwbench.live import run as run_module
from hwbench.live.config import RankingNode, config_of, load_config, with_change
from hwbench.live.ranking import Calibration, evaluate_architectures
from hwbench.live.recipes import RECIPES, recipe_files
from hwbench.live.run import rank_run, run_live
from hwbench.live.search import Search, make_search
from hwbench.live.strategies import STRATEGIES
from hwbench.live.supernets.export import load_network
from hwbench.report import write_report
from hwbench.results.live import read_live_run
from hwbench.results.ranking_measures import ranking_measures
from hwbench.spaces import get_space
from hwbench.tables import load_table
from hwbench.tables.pairs import load_accuracies
from hwbench.toml import to_toml

TREE = {
    "title": "tiny",
    "data": {"validation_share": 0.9, "augmentation": {"shift": 1}},
    "space": {"name": "nasbench201", "operations": "only-conv", "channels": 2, "depth": 1},
    "strategy": {"name": "spos", "split_epoch": 1},
    "trainer": {"name": "single_level", "epochs": 3, "batch_size": 32},
    "selection": {"name": "ranking"},
    "ranking": {
        "architectures": 5,
        "calibration": {"passes": 1, "batch_size": 64},
        "target": "nb201-digits:test_accuracy",
    },
}


SPACE = TREE["space"]
UNEVEN = [["nor_conv_1x1"], *[["nor_conv_1x1", "nor_conv_3x3"]] * 5]


def _config(**nodes):
    return config_of({**TREE, **nodes}, where="tiny.toml")


DARTS = {
    "strategy": {"name": "darts"},
    "trainer": {"name": "bilevel", "epochs": 3, "batch_size": 32},
    "selection": {"name": "strength"},
}


def test_a_training_that_diverges_ends_the_run_in_one_line(tmp_path):
    weights = {"name": "sgd", "learning_rate": 1e30}
    trainer = {**TREE["trainer"], "weights": weights}
    with pytest.raises(HwbenchError, match="run: the training diverged: from step ") as caught:
        run_live(_config(trainer=trainer), tmp_path / "run")
    assert len(str(caught.value).splitlines()) == 1


def _same(folder, other):
    metrics = [pd.read_parquet(each / "metrics.parquet") for each in (folder, other)]
    pd.testing.assert_frame_equal(*metrics, check_exact=True)
    states = [load_network(each / "supernet").state_dict() for each in (folder, other)]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name
    results = [json.loads((each / "result.json").read_text()) for each in (folder, other)]
    assert results[0] == results[1]
    assert _bytes_of_results(folder) == _bytes_of_results(other)


def _bytes_of_results(folder):
    """What equal runs have in common byte for byte: all but their records and checkpoints."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path for path in files}
    assert {"supernet/weights.pt", "metrics.parquet"} <= set(names)
    return {
        name: path.read_bytes()
        for name, path in names.items()
        if name not in ("run.json", "checkpoint.pt")
    }


def test_equal_runs_have_equal_files(tmp_path):
    for name in ("one", "other"):
        run_live(_config(), tmp_path / name)
    _same(tmp_path / "one", tmp_path / "other")
    checkpoints = [tmp_path / name / "checkpoint.pt" for name in ("one", "other")]
    assert checkpoints[0].read_bytes() == checkpoints[1].read_bytes()


@pytest.mark.parametrize("nodes", [{}, DARTS])
@pytest.mark.parametrize("stop", [0, 1])
def test_a_stopped_run_goes_on_as_if_it_had_not(tmp_path, monkeypatch, nodes, stop):
    config = _config(**nodes)
    torch.manual_seed(5)
    run_live(config, tmp_path / "unbroken")
    torch.manual_seed(6)  # the global state does not matter
    train_epoch = Search.train_epoch

    def stops(self, epoch):
        if epoch > stop:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(Search, "train_epoch", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped")
    state = torch.get_rng_state()
    run_live(config, tmp_path / "stopped")
    assert torch.equal(torch.get_rng_state(), state)
    _same(tmp_path / "unbroken", tmp_path / "stopped")


def test_a_run_stopped_after_its_last_epoch_selects_as_if_it_had_not(tmp_path, monkeypatch):
    # SNAS draws at a temperature that its last epoch has set.
    selection = {"name": "perturbation", "tuning_epochs": 1}
    config = _config(**{**DARTS, "strategy": {"name": "snas"}, "selection": selection})
    run_live(config, tmp_path / "unbroken")

    def stops(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "_conclude", stops)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped")
    assert len(pd.read_parquet(tmp_path / "stopped" / "metrics.parquet")) == 3
    run_live(config, tmp_path / "stopped")
    _same(tmp_path / "unbroken", tmp_path / "stopped")


def test_run_writes_a_ranking_and_its_measures(tmp_path):
    result = run_live(_config(), tmp_path)
    ranking = pd.read_parquet(tmp_path / "ranking.parquet")
    assert len(ranking) == result["ranked"] == 5
    assert ranking["score"].is_monotonic_decreasing
    assert result["architecture"] == ranking["architecture"][0]
    assert result["ranking"]["mean_true_top1"] == ranking["true"][0]
    assert result["weight_sets"] == 3 * 2 + 2 * 2 * 2 + 2 * 4
    assert not (tmp_path / "architecture").exists()  # split weights are of no single network


def test_finalised_network_of_a_run_is_exported(tmp_path):
    result = run_live(_config(**DARTS), tmp_path)
    network = load_network(tmp_path / "architecture")
    names = [position.operations for position in network.positions]
    arch = get_space("nasbench201").from_string(result["architecture"])
    assert [name for (name,) in names] == [
        get_space("nasbench201").choices[0][index] for index in arch
    ]


@pytest.mark.parametrize("target", ["nb201-digit:test_accuracy", "nb201-digits:accuracy"])
def test_an_unknown_target_is_found_before_the_search(tmp_path, monkeypatch, target):
    def trains(self, epoch):
        raise AssertionError("the search has begun")

    monkeypatch.setattr(Search, "train_epoch", trains)
    with pytest.raises(HwbenchError, match="did you mean"):
        run_live(_config(ranking={"target": target}), tmp_path)


def test_an_unknown_target_is_found_before_the_ranking(tmp_path, monkeypatch):
    run_live(_config(), tmp_path)
    monkeypatch.setattr(run_module, "trained_search", None)
    with pytest.raises(HwbenchError, match="did you mean 'nb201-digits'"):
        run_module.rank_run(tmp_path, RankingNode(target="nb201-digit:test_accuracy"))


def test_another_search_in_the_folder_is_refused(tmp_path):
    run_live(_config(), tmp_path)
    with pytest.raises(HwbenchError, match="holds another search"):
        run_live(with_change(_config(), "seed", 3), tmp_path)
    run_live(with_change(_config(), "seed", 3), tmp_path, fresh=True)


def test_the_same_seed_said_again_is_the_same_search():
    plain = {**TREE, "data": {"validation_share": 0.9}}
    plain["ranking"] = {
        key: value for key, value in TREE["ranking"].items() if key != "calibration"
    }
    for tree in (plain, {key: value for key, value in plain.items() if key != "data"}):
        config = config_of(tree, where="tiny.toml")
        assert with_change(config, "seed", 0) == config


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"name": "digts"}, r"section \[data\]: unknown image set 'digts'; did you mean 'digits'"),
        ({"augmentation": {"cutout": 8}}, "cutout = 8 leaves nothing of images of 8 pixels; half"),
        (
            {"augmentation": {"shift": 9}},
            "shift = 9 leaves nothing of images of 8 pixels; an eighth",
        ),
    ],
)
def test_what_is_refused_leaves_the_folder_to_what_is_right(data, message, tmp_path):
    with pytest.raises(HwbenchError, match=message):
        run_live(_config(data=data), tmp_path)
    assert run_live(_config(), tmp_path)["architecture"]


def test_a_folder_is_of_one_kind(tmp_path):
    (tmp_path / "sweep.toml").touch()
    for fresh in (False, True):
        with pytest.raises(HwbenchError, match="holds a sweep of live searches; choose another"):
            run_live(_config(), tmp_path, fresh=fresh)
    assert not (tmp_path / "config.toml").exists()


def test_damaged_checkpoint_is_named(tmp_path):
    run_live(_config(), tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"torn")
    (tmp_path / "result.json").unlink()
    with pytest.raises(HwbenchError, match=r"checkpoint\.pt: is no file of weights"):
        run_live(_config(), tmp_path)


def test_training_does_not_go_on_from_other_code(tmp_path):
    run_live(_config(), tmp_path)
    (tmp_path / "result.json").unlink()
    run_live(_config(), tmp_path)  # of the same code it does
    (tmp_path / "result.json").unlink()
    path = tmp_path / "checkpoint.pt"
    state = torch.load(path)
    torch.save({**state, "code": "0123456789abcdef"}, path)
    message = r"checkpoint\.pt: was trained so far by other code, that of hwbench"
    with pytest.raises(HwbenchError, match=message):
        run_live(_config(), tmp_path)
    run_live(_config(), tmp_path, fresh=True)


# ---------------------------------------------------------------------- ranking


def test_evaluation_leaves_the_supernet_as_it_was():
    config = _config(strategy={"name": "spos"})
    with seeded(0, torch.device("cpu"), 1):
        search = make_search(config, torch.device("cpu"))
        search.train_epoch(0)
        before = {name: value.clone() for name, value in search.supernet.state_dict().items()}
        archs = search.supernet.architectures()[:4]
        frame = evaluate_architectures(
            search.supernet, archs, search.data, Calibration(passes=2, batch_size=50)
        )
        after = search.supernet.state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(after[name], value) for name, value in before.items())
        # One at a time, in another order: calibrations do not leak into one another.
        for place in (3, 0):
            alone = evaluate_architectures(
                search.supernet,
                archs[place : place + 1],
                search.data,
                Calibration(passes=2, batch_size=50),
            )
            assert alone["loss"][0] == frame["loss"][place]


def test_calibration_starts_from_the_supernets_statistics():
    config = _config(strategy={"name": "spos"})
    with seeded(0, torch.device("cpu"), 1):
        search = make_search(config, torch.device("cpu"))
        archs = search.supernet.architectures()[:1]
        supernet, mixture = search.supernet, search.supernet.mixture_of(archs[0])
        expected = []
        for passes in (0, 1):
            frame = evaluate_architectures(
                supernet, archs, search.data, Calibration(passes=passes, batch_size=10_000)
            )
            expected.append(frame["accuracy"][0])
        assert _accuracy(search, mixture) == pytest.approx(expected[0])
        supernet.train()
        with torch.no_grad():  # one pass of all training images, at torch's momentum of 0.1
            order = torch.randperm(
                len(search.data.train), generator=torch.Generator().manual_seed(0)
            )
            supernet(search.data.train.images[order], mixture)
        assert _accuracy(search, mixture) == pytest.approx(expected[1])


def _accuracy(search, mixture):
    return search.validate(lambda: mixture)["validation_accuracy"]


def test_ranking_measures_by_hand():
    true = np.arange(100.0)
    perfect = ranking_measures(true, true)
    assert perfect["kendall_tau"] == perfect["kendall_tau_top50"] == pytest.approx(1.0)
    assert perfect["improvement_top1"] == 1.0
    assert perfect["mean_true_top5"] == 97.0
    assert perfect["improvement_top10"] == pytest.approx((94.5 - 49.5) / (99 - 49.5))
    scores = np.random.default_rng(0).permutation(100).astype(float)
    measures = ranking_measures(scores, true)
    assert measures["kendall_tau_top50"] == pytest.approx(kendalltau(scores[50:], true[50:])[0])
    assert measures["mean_true_top1"] == true[scores.argmax()]
    with pytest.raises(HwbenchError, match="as many true values"):
        ranking_measures([1.0], [1.0, 2.0])


def test_true_values_come_from_the_table():
    space = get_space("nasbench201")
    archs = space.sample(3, seed=0)
    table = load_table("nb201-digits")
    expected = table.column("test_accuracy")[table.space.indices_of(archs)]
    found = load_accuracies("nb201-digits:test_accuracy", "nasbench201")
    np.testing.assert_array_equal(found.values_of(archs), expected)
    with pytest.raises(HwbenchError, match="not nasbench_macro"):
        load_accuracies("nb201-digits:test_accuracy", "nasbench_macro")


@pytest.mark.slow
def test_a_ranking_against_fractions_is_one_against_percentages(unit_tables, tmp_path):
    space = get_space("nasbench201")
    known = load_table("percent").archs[:3]  # the candidates are those of three cells of the table
    operations = [
        [own[code] for code in sorted(set(codes))]
        for own, codes in zip(space.choices, known.T.tolist(), strict=True)
    ]
    found = {}
    for name in ("percent", "fraction"):
        nodes = {
            "space": {**SPACE, "operations": operations},
            "strategy": {"name": "spos"},
            "ranking": {
                **TREE["ranking"],
                "architectures": None,
                "target": f"{name}:test_accuracy",
            },
        }
        found[name] = run_live(_config(**nodes), tmp_path / name)["ranking"]
        record = json.loads((tmp_path / name / "run.json").read_text())
        notes = record["notes"].get("ranking", [])
        assert ["multiplied by 100" in note for note in notes] == [True] * (name == "fraction")
    assert found["fraction"] == pytest.approx(found["percent"], nan_ok=True)
    assert found["percent"]["mean_true"] > 50
    ranking = pd.read_parquet(tmp_path / "fraction" / "ranking.parquet")
    assert 1 < ranking["true"].notna().sum() < len(ranking)  # the table holds some of the cells
    page = write_report(tmp_path / "fraction").read_text(encoding="utf-8")
    assert "fraction:test_accuracy holds fractions (unit 1): it was multiplied by 100" in page


def test_a_ranking_against_a_table_without_its_cells_is_one_without_measures(unit_tables, tmp_path):
    ranking = {**TREE["ranking"], "target": "percent:test_accuracy"}
    assert run_live(_config(ranking=ranking), tmp_path)["ranking"] == {}
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "percent:test_accuracy knows none of the 5 architectures ranked" in page


def test_a_later_ranking_leaves_its_notes(unit_tables, tmp_path):
    run_live(_config(), tmp_path)
    node = RankingNode(architectures=60, target="fraction:test_accuracy", calibration={"passes": 1})
    rank_run(tmp_path, node)
    for _ in range(2):
        notes = json.loads((tmp_path / "run.json").read_text())["notes"]["ranking"]
        assert [note.split()[0] for note in notes] == ["fraction:test_accuracy"]
        run_live(_config(), tmp_path)  # finished: nothing is run, the later ranking stays


def test_a_ranking_against_what_is_to_be_minimised_is_refused(unit_tables, tmp_path, monkeypatch):
    def trains(self, epoch):
        raise AssertionError("the search has begun")

    monkeypatch.setattr(Search, "train_epoch", trains)
    with pytest.raises(HwbenchError, match="use percent:test_accuracy"):
        run_live(_config(ranking={"target": "percent:test_error"}), tmp_path)
    assert not list(tmp_path.glob("*.toml"))


# ---------------------------------------------------------------------- config


def _wrong(key, value):
    *nodes, last = key.split(".")
    tree = json.loads(json.dumps(TREE))
    place = tree
    for node in nodes:
        place = place[node]
    place[last] = value
    return tree


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("strategy.name", "spoz", r"section \[strategy\]: unknown strategy 'spoz'.*'spos'"),
        ("strategy.split_epochs", 3, r"section \[strategy\]: unknown key.*'split_epoch'"),
        ("strategy.split_epoch", "late", r"section \[strategy\]: split_epoch"),
        ("strategy", {"split_epoch": 1}, "the key 'name' is missing"),
        ("trainer.gradient_clib", 5, r"section \[trainer\]: unknown key.*'gradient_clip'"),
        (
            "trainer.weights",
            {"name": "sgd", "momentun": 0.9},
            r"section \[trainer\]: weights: its optimiser: unknown key 'momentun'.*'momentum'",
        ),
        ("trainer.schedule", {"name": "cosin"}, r"its schedule: unknown schedule.*'cosine'"),
        ("trainer.weights", {"learning_rate": 0.1}, r"its optimiser: the key 'name' is missing"),
        ("trainer.order", 2, r"section \[trainer\]: unknown key 'order'"),
        ("trainer.precision", "float8", r"\[trainer\]: unknown precision"),
        ("space.width", 3, r"section \[space\]"),
        ("data.augmentation", {"shifts": 1}, "did you mean 'shift'"),
        ("ranking.calibration", {"passes": -1}, "passes must be at least 0"),
        ("selection.name", "best", r"section \[selection\]: unknown selection 'best'"),
    ],
)
def test_wrong_nodes_are_named(key, value, message):
    with pytest.raises(HwbenchError, match=message):
        config_of(_wrong(key, value), where="tiny.toml")


def test_ranking_selection_needs_a_ranking():
    tree = {name: node for name, node in TREE.items() if name != "ranking"}
    with pytest.raises(HwbenchError, match=r"needs a section \[ranking\]"):
        config_of(tree, where="tiny.toml")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"selection": {"name": "strength"}}, "strength needs strengths, and spos learns no"),
        (
            {"cost": {"target": "nb201-digits:latency", "weight": 0.1}},
            r"\[cost\]: spos learns no strengths",
        ),
        ({"trainer": {"name": "bilevel"}}, "trainer bilevel: SPOS has no parameters"),
        (
            {**DARTS, "strategy": {"name": "snas"}, "trainer": {"name": "bilevel", "order": 2}},
            "order 2 needs a strategy that draws nothing",
        ),
        (
            {**DARTS, "strategy": {"name": "proxyless_nas"}, "trainer": {"name": "single_level"}},
            "use bilevel",
        ),
        (
            {"strategy": {"name": "fair_nas"}, "space": {**SPACE, "operations": UNEVEN}},
            "strategy\\]: fair_nas: every position must have as many candidates",
        ),
        (
            {**DARTS, "strategy": {"name": "fair_darts"}, "space": {**SPACE, "operations": "all"}},
            "fair_darts: learns nothing about 'none'",
        ),
        ({**DARTS, "selection": {"name": "top_k", "k": 3}}, "top_k is for supernets whose"),
        ({"selection": {"name": "black_box", "limit": 3.0}}, "are of a metric; name it"),
        (
            {"selection": {"name": "black_box", "metric": "flop"}},
            "unknown metric 'flop'; did you mean 'flops'",
        ),
        (
            {"selection": {"name": "black_box", "metric": "nasbench-macro:flops"}},
            "is of the space nasbench_macro, not nasbench201",
        ),
        ({"strategy": {"name": "spos", "split_epoch": 3}}, "split_epoch 3 is never come to"),
        ({"space": {**SPACE, "name": "darts", "operations": "all"}, "ranking": {}}, "to rank all"),
        (
            {"selection": {"name": "black_box", "metric": "flops", "limit": 1.0}},
            "no architecture has a flops within the limit 1; the least is 7.78305e",
        ),
        (
            {
                "selection": {
                    "name": "black_box",
                    "strategy": {"name": "nsga2", "population_size": 0},
                }
            },
            "strategy nsga2: population_size must be",
        ),
        (
            {"selection": {"name": "black_box", "strategy": "nsga3"}},
            "unknown strategy 'nsga3'; did you mean 'nsga2'",
        ),
        (
            {"selection": {"name": "black_box", "strategy": {"name": "nsga2", "size": 3}}},
            "unknown parameter of strategy nsga2 'size'",
        ),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_read(nodes, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        _config(**nodes)
    assert str(caught.value).startswith("tiny.toml")
    assert "\n" not in str(caught.value)


def test_a_written_config_is_complete_and_read_back(tmp_path):
    config = _config()
    path = tmp_path / "again.toml"
    path.write_text(to_toml(config.model_dump(mode="json")))
    assert load_config(str(path)) == config
    assert config.trainer["weights"]["momentum"] == 0.9


def test_a_strategy_of_ones_own_is_named_by_its_path():
    config = _config(strategy={"name": "hwbench.live.strategies.single_path:SPOS"})
    assert config.strategy["split_epoch"] is None


LONG = {("published", "bayes_nas")}  # 392 passes for the curvature of 196 scalars


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        pytest.param(recipe, name, marks=[pytest.mark.slow] * ((recipe, name) in LONG))
        for recipe in RECIPES
        for name in recipe_files(recipe)
    ],
)
def test_a_step_of_every_recipe(recipe, name):
    """Its parts go together; on fewer and smaller images, and fewer cells."""
    config = load_config(name, recipe)
    if config.data.subset is not None:
        config = with_change(config, "data.subset.images", 800)
    config = with_change(with_change(config, "data.name", "digits"), "space.depth", 1)
    with seeded(0, torch.device("cpu"), 1):
        search = make_search(config, torch.device("cpu"))
        few = {
            part: type(images)(images.images[:4], images.labels[:4])
            for part, images in vars(search.data).items()
        }
        search.data = type(search.data)(**few)
        before = [weight.detach().clone() for weight in search.supernet.parameters()]
        found = search.train_epoch(0)
    # Sums of unbounded strengths are large before anything is learned.
    assert 0 < found["train_loss"] < (100 if name in ("darts_elu", "bayes_nas") else 10)
    pairs = zip(before, search.supernet.parameters(), strict=True)
    assert not all(torch.equal(one, other) for one, other in pairs)


def test_every_strategy_has_a_recipe_of_each_kind():
    for recipe in RECIPES:
        used = {load_config(name, recipe).strategy["name"] for name in recipe_files(recipe)}
        assert used == set(STRATEGIES)


def test_unknown_searches_and_recipes_are_named():
    with pytest.raises(HwbenchError, match="did you mean 'darts'"):
        load_config("dart", "small")
    with pytest.raises(HwbenchError, match="unknown recipe 'tiny'"):
        load_config("darts", "tiny")


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99"])
def test_devices_that_cannot_compute_are_one_line(device):
    with pytest.raises(HwbenchError, match=f"device '{device}' cannot be used") as found:
        choose_device(device)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 300


def test_fresh_removes_all_that_a_run_writes(tmp_path, monkeypatch):
    def stops(self, epoch):
        raise KeyboardInterrupt

    begun = {"config.toml", "run.json"}
    for nodes in ({}, DARTS):
        run_live(_config(**nodes), tmp_path, tensorboard=True)
        run_module.rank_run(tmp_path, RankingNode(architectures=2))
        assert {path.name for path in tmp_path.iterdir()} > {*begun, "supernet", "tensorboard"}
        with monkeypatch.context() as patch:
            patch.setattr(Search, "train_epoch", stops)
            with pytest.raises(KeyboardInterrupt):
                run_live(_config(**DARTS), tmp_path, fresh=True)
        assert {path.name for path in tmp_path.iterdir()} == begun


def test_a_sudden_end_leaves_what_the_whole_training_was_then(tmp_path):
    trees = [{**TREE["trainer"], "stop_after": stop} for stop in (None, 2)]
    for tree, name in zip(trees, ("whole", "ended"), strict=True):
        run_live(_config(trainer=tree), tmp_path / name)
    whole, ended = (read_live_run(tmp_path / name) for name in ("whole", "ended"))
    assert len(whole.epochs) == 3
    pd.testing.assert_frame_equal(ended.epochs, whole.epochs.head(2))
    assert ended.result["ranked"] == 5
    again = rank_run(tmp_path / "ended", RankingNode(architectures=5))
    assert len(again) == 5


def test_the_end_comes_after_no_more_than_all_epochs():
    with pytest.raises(HwbenchError, match="stop_after = 4 is more than the 3 epochs"):
        _config(trainer={**TREE["trainer"], "stop_after": 4})


def test_a_record_has_the_most_memory_of_its_sessions(tmp_path):
    run_live(_config(), tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    peaks = [each["peak_memory_mb"] for each in record["sessions"]]
    assert record["peak_memory_mb"] == max(peaks)
    assert 50 < record["peak_memory_mb"] < 10_000
