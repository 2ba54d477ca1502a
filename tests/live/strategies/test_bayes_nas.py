"""BayesNAS: variances by hand, dependencies, curvature, pruning, and planted noise."""

import pytest
import torch

from hwbench.compress.curvature import scalar_curvatures
from hwbench.compress.sparse_bayes import THRESHOLD, reweighting, scaled_curvature
from hwbench.live.config import config_of
from hwbench.live.ranking import Calibration, Evaluator
from hwbench.live.run import run_live
from hwbench.live.strategies.bayes_nas import BayesNAS
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import make_supernet
from hwbench.results.live import read_live_run

NO_ZERO = "no-zero"


def _attached(cells, **options):
    supernet = cells(NO_ZERO)
    return supernet, BayesNAS(**options).attach(supernet)


def test_scalars_begin_at_one_and_weigh_their_candidates(cells, data):
    supernet, strategy = _attached(cells)
    images = data.train.images
    supernet.eval()
    whole = supernet(images, strategy.mixture())
    sums = Mixture.sums([tuple(range(4))] * 6)
    torch.testing.assert_close(whole, supernet(images, sums))
    assert len(strategy._scalars()) == 24


def test_variances_depend_on_what_leads_there(cells):
    _, strategy = _attached(cells)
    with torch.no_grad():
        strategy.alpha.copy_(torch.arange(24.0).view(6, 4) / 10 + 0.1)
        strategy.omega.fill_(2.0)
    s = strategy.alpha.detach() / 2
    found = strategy.strengths().detach()
    torch.testing.assert_close(found[0], s[0])  # 0->1 begins with the input
    torch.testing.assert_close(found[1], s[1])  # 0->2
    torch.testing.assert_close(found[3], s[3])  # 0->3
    one, two = s[0].sum(), s[1].sum() + s[2].sum()
    torch.testing.assert_close(found[2], 1 / (1 / one + 1 / s[2]))  # 1->2
    torch.testing.assert_close(found[4], 1 / (1 / one + 1 / s[4]))  # 1->3
    torch.testing.assert_close(found[5], 1 / (1 / two + 1 / s[5]))  # 2->3
    with torch.no_grad():
        strategy.alpha[0] = 0.0  # node 1 has no input: what begins there goes
    assert strategy.strengths()[[2, 4]].abs().max() == 0
    assert strategy.strengths()[5].min() > 0


def test_gates_rule_what_follows(cells):
    _, strategy = _attached(cells, gates=True)
    _, without = _attached(cells)
    with torch.no_grad():
        strategy.gate.fill_(1e12)
        torch.testing.assert_close(strategy.strengths(), without.strengths())
        strategy.gate[0] = 0.0
    assert strategy.strengths()[[2, 4]].abs().max() == 0
    assert len(strategy._scalars()) == 30


def test_darts_edges_know_what_leads_to_them():
    supernet = make_supernet(
        "darts",
        operations=NO_ZERO,
        channels=4,
        depth=1,
        input_channels=1,
        input_size=8,
        classes=3,
    )
    names = [position.name for position in supernet.positions]
    by_name = dict(zip(names, supernet.positions, strict=True))
    assert by_name["normal 1->2"].after == ()
    after = [names[place] for place in by_name["reduction 3->5"].after]
    assert after == ["reduction 0->3", "reduction 1->3", "reduction 2->3"]


def test_an_update_is_that_of_the_curvature(cells, data):
    supernet, strategy = _attached(cells, sparsity=0.02, images=24)
    judge = Evaluator(supernet, data, Calibration(passes=1, batch_size=8))
    with torch.no_grad():
        strategy.alpha.add_(0.1 * torch.randn(6, 4))
    outputs = judge.outputs(24)
    curvature = scalar_curvatures(
        lambda w: outputs(strategy._mixed(w)), strategy._scalars().detach()
    )
    omega = reweighting(torch.ones(24), scaled_curvature(curvature, 0.02)).view(6, 4)
    assert strategy.after_epoch(0, judge) is None
    # Of all 24 images, in another order.
    torch.testing.assert_close(strategy.omega, omega, rtol=1e-3, atol=1e-5)
    torch.testing.assert_close(strategy.gamma, strategy.strengths().detach())
    expected = 0.02 * (omega * strategy.alpha.detach()).abs().sum()
    torch.testing.assert_close(strategy.penalty().detach(), expected, rtol=1e-3, atol=1e-6)


def test_updates_come_when_they_are_due(cells, data):
    supernet, strategy = _attached(cells, update_every=2)
    judge = Evaluator(supernet, data, Calibration(passes=1, batch_size=8))
    strategy.after_epoch(0, judge)
    assert torch.equal(strategy.omega, torch.ones(6, 4))
    strategy.after_epoch(1, judge)
    assert not torch.equal(strategy.omega, torch.ones(6, 4))


def test_what_is_sure_to_be_superfluous_is_removed_and_the_best_stays(cells, data):
    supernet, strategy = _attached(cells, prune=True)
    judge = Evaluator(supernet, data, Calibration(passes=1, batch_size=8))
    with torch.no_grad():
        strategy.alpha[1] = torch.tensor([1e-6, 1e-7, 1e-8, 1e-9])
    structure = strategy.after_epoch(0, judge)
    gamma = strategy.gamma.clone()
    assert structure.operations[1] == supernet.positions[1].operations[:1]
    for row, names, before in zip(gamma, structure.operations, strategy.operations, strict=True):
        kept = {before.index(name) for name in names}
        assert kept == {i for i in range(4) if row[i] > THRESHOLD or i == int(row.argmax())}
    supernet.restructure(structure)
    strategy.follow(supernet.structure)
    assert float(strategy.alpha[1, 0].detach()) == pytest.approx(1e-6)
    assert strategy.gamma[1, 0] == gamma[1, 0]
    assert torch.isfinite(strategy.strengths()).all()


TREE = {
    "title": "tiny",
    "data": {"validation_share": 0.5},
    "space": {"name": "darts", "operations": "s4", "channels": 4, "depth": 1, "affine": True},
    "strategy": {"name": "bayes_nas", "images": 128, "update_every": 5},
    "trainer": {
        "name": "single_level",
        "epochs": 10,
        "batch_size": 64,
        "weights": {"name": "sgd", "learning_rate": 0.05},
        "schedule": {"name": "constant"},
        "architecture": {
            "name": "sgd",
            "learning_rate": 0.1,
            "momentum": 0.9,
            "weight_decay": 0.0,
        },
        "gradient_clip": 5.0,
    },
    "selection": {"name": "strength"},
}


@pytest.mark.slow
def test_noise_is_the_weaker_candidate_of_almost_every_edge(tmp_path):
    run_live(config_of(TREE, where="tiny.toml"), tmp_path)
    strengths = read_live_run(tmp_path).strengths
    last = strengths[strengths["epoch"] == 9].pivot(
        index="position", columns="operation", values="strength"
    )
    assert (last["noise"] < last["sep_conv_3x3"]).sum() >= 25  # of 28


def test_a_search_that_prunes_goes_on_after_a_stop_as_if_there_had_been_none(tmp_path, monkeypatch):
    tree = {
        **TREE,
        "space": {"name": "nasbench201", "operations": NO_ZERO, "channels": 2, "depth": 1},
        "strategy": {"name": "bayes_nas", "images": 32, "prune": True},
        "trainer": {**TREE["trainer"], "epochs": 3},
    }
    config = config_of(tree, where="tiny.toml")
    monkeypatch.setattr("hwbench.live.strategies.bayes_nas.THRESHOLD", 1e9)
    run_live(config, tmp_path / "whole")
    from hwbench.live.search import Search

    epochs = []

    def stopped(self, epoch, train_epoch=Search.train_epoch):
        if epoch == 2 and not epochs:
            epochs.append(epoch)
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patched:
        patched.setattr(Search, "train_epoch", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped")
    run_live(config, tmp_path / "stopped")
    whole, again = (read_live_run(tmp_path / name) for name in ("whole", "stopped"))
    assert whole.strengths.equals(again.strengths)
    assert whole.result == again.result
    counts = whole.strengths.groupby("epoch").size()
    assert counts.iloc[-1] == 6  # the best of each position
