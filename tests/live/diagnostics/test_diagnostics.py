"""What is seen inside supernets: right numbers, and nothing touched."""

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.live.config import config_of
from hwbench.live.diagnostics import discretised, epochs
from hwbench.live.diagnostics.discretised import discretise_run
from hwbench.live.diagnostics.epochs import observe
from hwbench.live.diagnostics.landscape import Landscape, landscape_run
from hwbench.live.run import run_live
from hwbench.live.search import Search, batch_statistics, make_search
from hwbench.report import write_report
from hwbench.results.diagnostics import reliability, rise
from hwbench.results.live import read_live_run

CPU = torch.device("cpu")
TREE = {
    "title": "tiny",
    "data": {"validation_share": 0.9},
    "space": {"name": "nasbench201", "channels": 2, "depth": 1},
    "strategy": {"name": "darts"},
    "trainer": {"name": "bilevel", "epochs": 2, "batch_size": 64},
    "selection": {"name": "strength"},
    "diagnostics": {"images": 32},
}


def _config(**nodes):
    return config_of({**TREE, **nodes}, where="tiny.toml")


@pytest.fixture
def search():
    with seeded(0, CPU, 1):
        yield make_search(_config(), CPU)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("runs") / "darts"
    run_live(_config(), made)
    return made


def _values(frame, quantity):
    own = frame[frame["quantity"] == quantity]
    return {
        tuple(v for v in key if isinstance(v, str | int)): value
        for *key, value in own[["cell", "position", "operation", "other", "value"]].itertuples(
            index=False, name=None
        )
    }


def test_numbers_are_those_of_the_modules_themselves(search):
    frame = observe(search, 32)
    supernet = search.supernet
    images, labels = search.data.train.images[:32], search.data.train.labels[:32]
    mixture = search.strategy.mixture().detached()
    given = {}
    mixed = next(m for m in supernet.mixed_operations() if m.position == 2)
    hook = mixed.register_forward_hook(lambda _m, x, y: given.update(x=x[0].detach(), y=y.detach()))
    cell = next(m for m in supernet.modules() if type(m).__name__ == "SearchCell")
    kept = cell.nodes[2].register_forward_hook(lambda _m, _x, y: given.update(node=y.detach()))
    with batch_statistics(supernet):
        loss = supernet.loss(supernet(images, mixture), labels)
        weights = list(mixed.candidates["nor_conv_3x3"].parameters())
        gradients = torch.autograd.grad(loss, weights)
        names = ("skip_connect", "avg_pool_3x3")
        skip, pool = (mixed.candidates[name](given["x"]) for name in names)
    hook.remove()
    kept.remove()
    position = supernet.positions[2].name
    norm = float(torch.cat([g.flatten() for g in gradients]).norm())
    assert _values(frame, "gradient_norm")[0, position, "nor_conv_3x3"] == pytest.approx(norm)
    ratio = float(given["y"].var() / given["x"].var())
    assert _values(frame, "variance_ratio")[0, position] == pytest.approx(ratio, rel=1e-5)
    assert _values(frame, "operation_variance")[0, position, "skip_connect"] == pytest.approx(
        float(skip.var()), rel=1e-5
    )
    assert _values(frame, "node_variance")[0, "3"] == pytest.approx(
        float(given["node"].var()), rel=1e-5
    )
    per_channel = [
        np.corrcoef(skip[:, c].numpy().ravel(), pool[:, c].numpy().ravel())[0, 1]
        for c in range(skip.shape[1])
    ]
    found = _values(frame, "correlation")[0, position, "skip_connect", "avg_pool_3x3"]
    assert found == pytest.approx(np.mean(per_channel), rel=1e-4)


def test_every_edge_node_and_pair_has_its_row(search):
    counts = observe(search, 32)["quantity"].value_counts()
    # 3 cells of 6 edges and 3 nodes; of 5 candidates `none` computes nothing, 2 have weights.
    assert counts.to_dict() == {
        "node_variance": 9,
        "variance_ratio": 18,
        "operation_variance": 18 * 4,
        "correlation": 18 * 6,
        "gradient_norm": 18 * 2,
    }


@pytest.mark.parametrize("strategy", ["darts", "gdas", "pc_darts"])
def test_looking_touches_nothing(strategy):
    with seeded(0, CPU, 1):
        search = make_search(
            _config(strategy={"name": strategy}, space={**TREE["space"], "channels": 4}),
            CPU,
        )
        before = {name: value.clone() for name, value in search.supernet.state_dict().items()}
        random = torch.get_rng_state()
        observe(search, 32)
        assert torch.equal(torch.get_rng_state(), random)
        assert all(each.grad is None for each in search.supernet.parameters())
        assert all(each.grad is None for each in search.strategy.parameters())
        for name, value in search.supernet.state_dict().items():
            assert torch.equal(value, before[name]), name
        assert search.supernet.training


def test_training_is_the_same_with_and_without(folder, tmp_path):
    without = {key: value for key, value in TREE.items() if key != "diagnostics"}
    run_live(config_of(without, where="tiny.toml"), tmp_path)
    pd.testing.assert_frame_equal(
        read_live_run(tmp_path).strengths, read_live_run(folder).strengths
    )
    assert read_live_run(tmp_path).diagnostics.empty
    assert set(read_live_run(folder).diagnostics["epoch"]) == {0, 1}
    spent = [read_live_run(each).record["spent"] for each in (tmp_path, folder)]
    assert ["diagnostics" in each for each in spent] == [False, True]


def test_normalised_nodes_have_a_variance_of_one():
    with seeded(0, CPU, 1):
        search = make_search(_config(strategy={"name": "vs_darts"}), CPU)
        frame = observe(search, 64)
    variances = frame.loc[frame["quantity"] == "node_variance", "value"]
    np.testing.assert_allclose(variances, 1.0, atol=0.02)


def test_a_run_that_was_stopped_has_every_epoch_once(folder, tmp_path, monkeypatch):
    def stopped(search, own, epoch, diagnose=epochs.diagnose, **images):
        diagnose(search, own, epoch, **images)
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("hwbench.live.run.diagnose", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_live(_config(), tmp_path)
    assert set(read_live_run(tmp_path).diagnostics["epoch"]) == {0, 1}  # one without a checkpoint
    run_live(_config(), tmp_path)
    pd.testing.assert_frame_equal(
        read_live_run(tmp_path).diagnostics, read_live_run(folder).diagnostics
    )


def test_strategies_without_strengths_are_refused():
    with pytest.raises(HwbenchError, match=r"\[diagnostics\].*spos learns none; leave the section"):
        _config(
            strategy={"name": "spos"},
            trainer={"name": "single_level", "epochs": 1},
            selection={"name": "ranking"},
            ranking={"architectures": 5},
        )


# ---------------------------------------------------------------------- discretised edges


def test_discretised_edges_do_not_depend_on_one_another(folder, tmp_path, monkeypatch):
    whole = discretise_run(folder, positions=2, tuning_epochs=1)
    assert len(whole) == 2 * 5
    assert (whole["accuracy"] != whole["accuracy_at_once"]).any()
    (folder / "discretised.parquet").unlink()
    alone = []

    def stopped(search, own, row, accuracies=discretised._accuracies):
        if len(alone) == 3:
            raise KeyboardInterrupt
        alone.append(row["operation"])
        return accuracies(search, own, row)

    with monkeypatch.context() as patched:
        patched.setattr(discretised, "_accuracies", stopped)
        with pytest.raises(KeyboardInterrupt):
            discretise_run(folder, positions=2, tuning_epochs=1)
    assert len(read_live_run(folder).discretised) == 3
    pd.testing.assert_frame_equal(discretise_run(folder, positions=2, tuning_epochs=1), whole)


def test_accuracies_are_of_the_supernet_with_the_candidate_alone(folder):
    row = discretise_run(folder, positions=1, tuning_epochs=0).iloc[3]
    from hwbench.live.config import load_config
    from hwbench.live.supernets.mixture import Choice
    from hwbench.live.trained import trained_search

    with seeded(0, CPU, 1):
        search = trained_search(folder, load_config(str(folder / "config.toml")), CPU)
        place = [each.name for each in search.supernet.positions].index(row["position"])
        index = search.supernet.candidate_index(place, row["operation"])
        with torch.no_grad():
            accuracy = search.accuracy(
                lambda: search.strategy.mixture().replaced({place: Choice((index,))})
            )
    assert row["accuracy"] == row["accuracy_at_once"] == accuracy


def test_reliability_counts_positions():
    frame = pd.DataFrame(
        {
            "position": ["a"] * 3 + ["b"] * 3,
            "strength": [0.1, 0.2, 0.7, 0.6, 0.3, 0.1],
            "accuracy": [10.0, 20.0, 30.0, 10.0, 20.0, 30.0],
        }
    )
    assert reliability(frame) == {"positions": 2, "kendall_tau": 0.0, "strongest_is_best": 0.5}
    assert reliability(frame.iloc[:0]) == {}


def test_what_learns_no_strengths_has_none_to_hold(tmp_path):
    tree = {key: value for key, value in TREE.items() if key != "diagnostics"}
    tree |= {
        "strategy": {"name": "spos"},
        "trainer": {"name": "single_level", "epochs": 1, "batch_size": 64},
        "selection": {"name": "ranking"},
        "ranking": {"architectures": 2, "calibration": {"passes": 1}},
    }
    run_live(config_of(tree, where="tiny.toml"), tmp_path)
    with pytest.raises(HwbenchError, match="spos learns no strengths"):
        discretise_run(tmp_path)
    with pytest.raises(HwbenchError, match="spos has no parameter for each candidate"):
        landscape_run(tmp_path)


# ---------------------------------------------------------------------- landscape


@pytest.mark.parametrize("strategy", ["darts", "vs_darts", "pc_darts", "snas"])
def test_axes_are_the_gradient_and_what_is_orthogonal_to_it(strategy):
    with seeded(0, CPU, 1):
        search = make_search(
            _config(strategy={"name": strategy}, space={**TREE["space"], "channels": 4}), CPU
        )
        found = Landscape(search, 64)
        step = 0.02
        slopes = [
            (found.loss(*(step * d)) - found.loss(*(-step * d))) / (2 * step) for d in np.eye(2)
        ]
    assert float((found.gradient * found.orthogonal).sum()) == pytest.approx(0, abs=1e-6)
    assert float(found.gradient.norm()) == pytest.approx(1)
    assert float(found.orthogonal.norm()) == pytest.approx(1)
    assert float(found.gradient[:, 0].abs().max()) == 0  # none
    assert slopes[0] > 0
    assert abs(slopes[1]) < 0.05 * slopes[0]


def test_the_middle_is_what_was_learned(folder):
    frame = landscape_run(folder, points=3, images=64)
    assert len(frame) == 9
    search = _trained(folder)
    batch = search.data.validation[slice(0, 64)]
    with batch_statistics(search.supernet), torch.no_grad():
        loss = search.supernet.loss(
            search.supernet(batch.images, search.strategy.mixture()), batch.labels
        )
    middle = frame[(frame["along"] == 0) & (frame["across"] == 0)]["loss"].item()
    assert middle == pytest.approx(float(loss), rel=1e-6)
    found = rise(frame)
    assert found["loss"] == middle
    assert found["reach"] == 1.0
    others = frame["loss"].drop(index=4)
    assert found["rise"] == pytest.approx((others - middle).mean())
    assert rise(frame.iloc[:0]) == {}


@pytest.mark.parametrize("strategy", ["darts", "vs_darts", "pc_darts", "fair_darts", "bayes_nas"])
def test_the_middle_is_what_the_strategy_computes(strategy):
    operations = "all" if strategy in ("darts", "vs_darts", "pc_darts") else "no-zero"
    space = {**TREE["space"], "channels": 4, "operations": operations}
    kind = "single_level" if strategy == "bayes_nas" else "bilevel"
    trainer = {"name": kind, "epochs": 2, "batch_size": 64}
    with seeded(0, CPU, 1):
        config = _config(strategy={"name": strategy}, space=space, trainer=trainer)
        search = make_search(config, CPU)
        with torch.no_grad():
            for parameter in search.strategy.parameters():
                parameter.add_(torch.randn_like(parameter))
        batch = search.data.validation[slice(0, 64)]
        with batch_statistics(search.supernet), torch.no_grad():
            loss = search.supernet.loss(
                search.supernet(batch.images, search.strategy.mixture()), batch.labels
            )
        found = Landscape(search, 64).loss(0.0, 0.0)
    assert found == pytest.approx(float(loss), rel=1e-5)


def test_even_axes_have_no_middle(folder):
    with pytest.raises(HwbenchError, match="points must be odd and at least 3, not 4"):
        landscape_run(folder, points=4)


def _trained(folder) -> Search:
    from hwbench.live.config import load_config
    from hwbench.live.trained import trained_search

    with seeded(0, CPU, 1):
        return trained_search(folder, load_config(str(folder / "config.toml")), CPU)


# ---------------------------------------------------------------------- the page


def test_the_page_shows_all_of_it(folder, tmp_path):
    discretise_run(folder, positions=1, tuning_epochs=0)
    landscape_run(folder, points=3, images=64)
    text = write_report(folder, tmp_path / "page.html").read_text(encoding="utf-8")
    for words in (
        "Inside the supernet",
        "agree with the accuracies where each is alone",
        "have variances from",
        "the loss is higher by",
        "Variance of what nodes pass on",
        "Share of zero",
        "Gradients of conv 3\N{MULTIPLICATION SIGN}3, edge by edge",
        "Covariances of candidates",
        "Strengths and what candidates are worth alone",
        "Loss around what was learned",
    ):
        assert words in text, words
