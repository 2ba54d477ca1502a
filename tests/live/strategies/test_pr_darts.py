"""PR-DARTS: pools over nine iterations, children, inheritance, and a stop in the middle."""

from collections import Counter

import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.config import config_of, load_config
from hwbench.live.pools import draw_child, survivors
from hwbench.live.run import run_live
from hwbench.live.search import Search
from hwbench.live.strategies.pr_darts import PRDARTS
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import make_supernet
from hwbench.live.trainers.base import SingleLevel
from hwbench.results.live import read_live_run
from hwbench.spaces.darts.prune_and_replace import INITIAL, operations_within
from hwbench.spaces.darts.separable import LIMITS, SeparableConvolutions
from hwbench.spaces.darts.similarity import similarity

CONVOLUTION = "sep_conv_k3_d1_w1"
SIZES = {"channels": 2, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 3}


@pytest.fixture(scope="module")
def initial():
    return make_supernet("pr_darts", operations="initial", **SIZES)


def _followed(strategy, epochs):
    """The pools of each epoch, as a search would come to them."""
    pools = []
    for epoch in range(epochs):
        structure = strategy.before_epoch(epoch, epochs)
        if structure is not None:
            strategy.follow(structure)
        with torch.no_grad():  # as if something were learned
            strategy.alpha += 0.3 * torch.randn(strategy.alpha.shape)
        pools.append(strategy.operations)
    return pools


def test_pools_have_the_published_sizes(initial):
    strategy = PRDARTS().attach(initial)
    pools = _followed(strategy, 100)
    starts = [0, 15, 30, 40, 50, 60, 70, 80, 90]
    sizes = [{len(names) for names in pools[epoch]} for epoch in starts]
    # A pool whose only convolution is as large as it may be has but two children.
    full = [size - {5} for size in sizes]
    assert full == [{4}, {6}, {6}, {6}, {6}, {6}, {4}, {3}, {2}]
    assert sizes[:2] + sizes[6:] == full[:2] + full[6:]
    changes = [epoch for epoch in range(1, 100) if pools[epoch] != pools[epoch - 1]]
    assert changes == starts[1:]
    learning = [strategy.learns_in(epoch) for epoch in range(100)]
    assert learning.count(False) == 31
    assert [epoch for epoch in range(30) if not learning[epoch]] == [*range(5), *range(15, 20)]
    strategy.check(100)
    with pytest.raises(
        HwbenchError, match="iterations of 100 epochs in all, and the trainer has 50"
    ):
        strategy.check(50)


@pytest.mark.parametrize("limits", ["darts_like", "unrestricted"])
def test_the_history_says_who_came_from_whom(initial, limits):
    strategy = PRDARTS(limits=limits).attach(initial)
    _followed(strategy, 100)
    allowed = set(operations_within(LIMITS[limits]))
    pools = strategy.pools()
    assert set(pools["operation"]) <= allowed
    assert (pools.groupby(["iteration", "position"])["strength"].sum() - 1).abs().max() < 1e-5
    for _, own in pools.groupby("position", sort=False):
        before = own[own["iteration"] == 1]
        assert list(before["operation"]) == list(INITIAL)
        for iteration in range(2, 10):
            now = own[own["iteration"] == iteration]
            kept = before[before["survived"] == 1]
            old, new = now[now["born"] < iteration], now[now["born"] == iteration]
            assert list(old["operation"]) == list(kept["operation"])
            assert set(new["parent"]) <= set(kept["operation"])
            assert all(
                similarity(row.parent, row.operation) >= 0.75 and row.transformation
                for row in new.itertuples()
            )
            convolutions = before[before["operation"].str.startswith("sep_conv")]
            if iteration > 1:  # the strongest stays
                best = convolutions.loc[convolutions["strength"].idxmax()]
                assert best["survived"] == 1
            others = before.drop(best.name)
            weakest = others.nsmallest((before["survived"] == 0).sum(), "strength")
            assert (weakest["survived"] == 0).all()
            before = now
        assert before["survived"].isna().all()
    births = pools[pools["born"] == pools["iteration"]]
    again = births.duplicated(["position", "operation"]).mean()
    assert again > 0.1 if limits == "darts_like" else again < 0.1  # of what is new there is enough
    assert len(pools[pools["iteration"] == 9]) == 28 * 2


def test_the_weakest_go_but_the_best_convolution():
    names = ["skip_connect", CONVOLUTION, "max_pool_3x3", "sep_conv_k5_d1_w1"]
    shares = [0.4, 0.1, 0.3, 0.2]
    assert survivors(names, shares, 2, keep_convolution=True) == ["skip_connect", names[3]]
    shares = [0.4, 0.05, 0.3, 0.25]
    assert survivors(names, shares, 3, keep_convolution=True) == [names[3]]
    assert survivors(names, shares, 3, keep_convolution=False) == ["skip_connect"]
    assert survivors(names[:1], [1.0], 3, keep_convolution=True) == ["skip_connect"]
    assert survivors(names[::2], [0.7, 0.3], 1, keep_convolution=True) == ["skip_connect"]


def test_parents_are_drawn_by_their_shares_and_transformations_uniformly():
    known = set(operations_within(LIMITS["unrestricted"]))
    parents = ["skip_connect", CONVOLUTION, "sep_conv_k5_d1_w1"]
    drawn = [
        draw_child(
            parents, parents, [0.5, 0.1, 0.4], LIMITS["unrestricted"], dropped=(), known=known
        )
        for _ in range(1500)
    ]
    by_parent = Counter(child.parent for child in drawn)
    # What is in the pool already is drawn again: grown, the first is the second, and the other way.
    assert by_parent["skip_connect"] == 0
    share = by_parent[CONVOLUTION] / len(drawn)
    assert share == pytest.approx(0.1 * 3 / 4 / (0.1 * 3 / 4 + 0.4 * 3 / 4), abs=0.04)
    ways = Counter(child.transformation for child in drawn if child.parent == parents[2])
    assert set(ways) == {"grow_kernel", "dilate", "insert"}
    assert min(ways.values()) > 0.25 * sum(ways.values())


def test_what_was_dropped_comes_back_only_where_nothing_else_does():
    limits = LIMITS["darts_like"]
    known = set(operations_within(limits))
    dropped = known - {CONVOLUTION, "sep_conv_k5_d1_w1"}
    for _ in range(20):
        child = draw_child(
            [CONVOLUTION], [CONVOLUTION], [1.0], limits, dropped=dropped, known=known
        )
        assert child == ("sep_conv_k5_d1_w1", CONVOLUTION, "grow_kernel")
    again = draw_child([CONVOLUTION], [CONVOLUTION], [1.0], limits, dropped=known, known=known)
    assert again.operation in known - {CONVOLUTION}
    names = ["skip_connect"]
    assert draw_child(names, names, [1.0], limits, dropped=(), known=known) is None


def test_twins_share_what_one_of_them_would_have(initial):
    # LAUBE eq. 4.9, and what is left keeps its ratios where strengths are not drawn anew.
    strategy = PRDARTS(redraw=False).attach(initial)
    with torch.no_grad():
        strategy.alpha[0] = torch.tensor([1.0, 0.3, 0.3, 1.0]) - torch.tensor([0, 0, 0, 0.7])
        strategy.alpha[1] = torch.tensor([0.2, 0.5, -0.4, 0.1])
    shares = strategy.strengths().detach()
    assert shares[0, 1] == shares[0, 2] == shares[0, 3]
    before = shares[1, 1] / shares[1, 3]
    pools = (INITIAL, INITIAL[1:], *[INITIAL] * 26)
    strategy.follow(Structure(pools))
    after = strategy.strengths().detach()
    torch.testing.assert_close(after[1, 0] / after[1, 2], before)
    torch.testing.assert_close(after[0], shares[0])


def test_children_start_as_their_parents_and_optimisers_keep_what_they_know():
    torch.manual_seed(0)
    supernet = make_supernet("pr_darts", operations=["skip_connect", CONVOLUTION], **SIZES)
    strategy = PRDARTS(replace=(1,) * 9).attach(supernet)
    trainer = SingleLevel(epochs=100)
    trainer.start(supernet, strategy)
    images = torch.randn(16, 1, 8, 8)
    for _ in range(2):
        supernet(images, strategy.mixture()).square().mean().backward()
        trainer.weight_optimizer.step()
    supernet.eval()
    alone = Mixture.single([1] * 28)
    weight = next(each for each in supernet.mixed_operations()).candidates[CONVOLUTION][1].weight
    momentum = trainer.weight_optimizer.state[weight]["momentum_buffer"].clone()
    child = "sep_conv_k5_d1_w1"
    pools = tuple(("skip_connect", CONVOLUTION, child) for _ in range(28))
    parents = {(place, child): CONVOLUTION for place in range(28)}
    expected = supernet(images, alone)
    trainer.become(Structure(pools, parents=parents))
    assert torch.equal(supernet(images, Mixture.single([1] * 28)), expected)
    for training in (False, True):
        supernet.train(training)
        with torch.no_grad():
            own, grown = (supernet(images, Mixture.single([at] * 28)) for at in (1, 2))
        torch.testing.assert_close(grown, own, rtol=1e-4, atol=1e-6)
    first = next(each for each in supernet.mixed_operations())
    assert first.candidates[CONVOLUTION][1].weight is weight
    state = trainer.weight_optimizer.state
    assert torch.equal(state[weight]["momentum_buffer"], momentum)
    made = first.candidates[child][1].weight
    assert torch.equal(state[made]["momentum_buffer"][:, :, 1:-1, 1:-1], momentum)
    assert not any(layer.affine for layer in first.modules() if hasattr(layer, "affine"))


TREE = {
    "title": "tiny",
    "data": {"validation_share": 0.5, "subset": {"name": "random", "images": 40}},
    "space": {
        "name": "pr_darts",
        "operations": ["skip_connect", CONVOLUTION],
        "channels": 2,
        "depth": 1,
    },
    "strategy": {
        "name": "pr_darts",
        "epochs": [1, 1, 2],
        "grace": [0, 0, 1],
        "prune": [0, 1, 1],
        "replace": [1, 1, 0],
        "limits": "unrestricted",
    },
    "trainer": {"name": "bilevel", "epochs": 4, "batch_size": 16, "memory_images": 40},
    "selection": {"name": "strength"},
}


def test_a_stop_in_the_middle_of_an_iteration_changes_nothing(tmp_path, monkeypatch):
    config = config_of(TREE, where="tiny.toml")
    run_live(config, tmp_path / "whole")

    def stopped(self, epoch, train_epoch=Search.train_epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return train_epoch(self, epoch)

    with monkeypatch.context() as patched:
        patched.setattr(Search, "train_epoch", stopped)
        with pytest.raises(KeyboardInterrupt):
            run_live(config, tmp_path / "stopped")
    assert len(read_live_run(tmp_path / "stopped").epochs) == 3
    run_live(config, tmp_path / "stopped")
    whole, again = (read_live_run(tmp_path / name) for name in ("whole", "stopped"))
    assert whole.strengths.equals(again.strengths)
    assert whole.pools.equals(again.pools)
    assert whole.result == again.result
    columns = ["train_loss", "validation_loss", "architecture", "batch_size"]
    assert whole.epochs[columns].equals(again.epochs[columns])
    assert whole.pools.groupby("iteration").size().tolist() == [56, 84, 84]
    assert list(whole.epochs["batch_size"]) == [16, 16, 16, 16]  # 0.95 * 40 / 2 is no multiple


def test_lists_of_iterations_have_to_be_as_long_as_one_another():
    with pytest.raises(HwbenchError, match="prune has 2 numbers; epochs has one for each of 9"):
        PRDARTS(prune=(1, 2))
    with pytest.raises(HwbenchError, match="grace must be fewer than the epochs"):
        PRDARTS(grace=(15, *[1] * 8))
    tree = {**TREE, "trainer": {**TREE["trainer"], "epochs": 5}}
    with pytest.raises(HwbenchError, match="iterations of 4 epochs in all, and the trainer has 5"):
        config_of(tree, where="tiny.toml")


def test_the_published_recipe_has_the_batches_of_its_memory(initial):
    trainer = load_config("pr_darts").trainer
    assert (trainer["batch_size"], trainer["memory_images"]) == (24, 512)


def test_kernels_of_one_are_never_dilated(initial):
    strategy = PRDARTS(limits="depth_restricted").attach(initial)
    pools = _followed(strategy, 100)
    read = {SeparableConvolutions.read(name) for names in pools[-1] for name in names} - {None}
    assert all(each.kernel_size > 1 or each.dilation == 1 for each in read)
