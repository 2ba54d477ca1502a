"""Training learns, goes on from a stop as if there had been none, and says what is wrong."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from hwbench.code_version import counted_modules
from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.vae import training
from hwbench.vae.checkpoint import load_vae, read_checkpoint, save_vae
from hwbench.vae.data import labels, split
from hwbench.vae.evaluation import evaluate_vae
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import TrainedGraphVAE
from hwbench.vae.training import train_vae

QUICK = {"hidden_size": 12, "latent_size": 8, "embedding_size": 4, "n_graphs": 150, "epochs": 4}
TARGET = "nb201-digits:latency"


class Stopped(Exception):  # noqa: N818  it is no error
    pass


@pytest.fixture(scope="module")
def learned():
    """A small VAE of a small space that has learned most of it."""
    return train_vae(
        "transnas_micro",
        hidden_size=48,
        latent_size=16,
        n_graphs=2000,
        batch_size=32,
        epochs=15,
        learning_rate=4e-3,
        seed=1,
    )


@pytest.fixture(scope="module")
def begun():
    """A VAE of the same space that has learned little."""
    return train_vae("transnas_micro", **{**QUICK, "latent_size": 16})


def assert_same_weights(one, other):
    theirs = other.model.state_dict()
    for name, value in one.model.state_dict().items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=0, msg=name)


@pytest.mark.parametrize("metrics", [(), (TARGET, "nb201-digits:test_accuracy")], ids=len)
def test_a_stop_changes_nothing(metrics, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", -1.0)
    chosen = {**QUICK, "metrics": metrics, "n_labelled": 30}
    whole = train_vae("nasbench201", **chosen)
    path = tmp_path / "vae.npz"

    def stop(done, _total):
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        train_vae("nasbench201", checkpoint=path, progress=stop, **chosen)
    assert len(load_vae(path).history) == 2
    told = []
    again = train_vae("nasbench201", checkpoint=path, progress=lambda *n: told.append(n), **chosen)
    assert told == [(2, 4), (3, 4), (4, 4)]
    assert_same_weights(again, whole)
    assert_same_weights(load_vae(path), whole)
    for one, other in zip(again.history, whole.history, strict=True):
        assert one.reconstruction == other.reconstruction
        assert one.heads == other.heads
    np.testing.assert_array_equal(again.means, whole.means)
    np.testing.assert_array_equal(again.scales, whole.scales)


def test_an_interrupt_loses_no_whole_epoch(tmp_path):
    def interrupt(done, _total):
        if done == 3:
            raise KeyboardInterrupt

    whole = train_vae("nasbench201", **QUICK)
    path = tmp_path / "vae.npz"
    with pytest.raises(KeyboardInterrupt):
        train_vae("nasbench201", checkpoint=path, progress=interrupt, **QUICK)
    assert len(load_vae(path).history) == 3
    assert_same_weights(train_vae("nasbench201", checkpoint=path, **QUICK), whole)


TRAIN = """
import torch._dynamo

def run(space, metrics):
    from hwbench.vae.training import train_vae
    chosen = {"hidden_size": 8, "latent_size": 4, "n_graphs": 20, "epochs": 1, "n_labelled": 10}
    return len(train_vae(space, metrics=metrics, **chosen).history)
"""


@pytest.mark.slow
def test_a_version_is_of_all_that_training_runs(hwbench_home, modules_run, harmless):
    cases = [("nasbench201", [TARGET]), ("enas_macro", []), ("nasbench101", [])]
    for (name, _), (_, ran) in zip(cases, modules_run(TRAIN, cases, hwbench_home), strict=True):
        counted = counted_modules(training.__name__, type(get_space(name)).__module__)
        assert ran - set(counted) <= harmless, name


def of_other_code(path, code):
    vae, moments = read_checkpoint(path)
    save_vae(vae, path, replace(moments, code=code))


@pytest.mark.parametrize("code", ["0123456789abcdef", ""])  # "" in files of hwbench 0.1.0
def test_training_does_not_go_on_from_other_code(code, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "SECONDS_BETWEEN_CHECKPOINTS", -1.0)
    path = tmp_path / "vae.npz"

    def stop(done, _total):
        if done == 1:
            raise Stopped

    with pytest.raises(Stopped):
        train_vae("nasbench201", checkpoint=path, progress=stop, **QUICK)
    here = read_checkpoint(path)[1].code
    of_other_code(path, code)
    with pytest.raises(
        HwbenchError,
        match=r"was trained so far by other code, that of hwbench 0.* choose another file",
    ):
        train_vae("nasbench201", checkpoint=path, **QUICK)
    of_other_code(path, here)
    whole = train_vae("nasbench201", checkpoint=path, **QUICK)
    of_other_code(path, code)  # which all of it is of: nothing is mixed
    assert_same_weights(train_vae("nasbench201", checkpoint=path, **QUICK), whole)


def test_the_scale_of_the_noise_is_kept_in_the_file(tmp_path):
    path = tmp_path / "vae.npz"
    chosen = {**QUICK, "epochs": 1, "noise_scale": 0.01}
    vae = train_vae("nasbench201", checkpoint=path, **chosen)
    assert load_vae(path).settings.noise_scale == 0.01
    plain = train_vae("nasbench201", **{**chosen, "noise_scale": 1.0})
    assert vae.history[0].reconstruction != plain.history[0].reconstruction
    with pytest.raises(HwbenchError, match=r"was trained with noise_scale = 0\.01, not 1\.0"):
        train_vae("nasbench201", checkpoint=path, **{**chosen, "noise_scale": 1.0})


def test_a_file_that_names_no_scale_of_the_noise_has_all_of_it(tmp_path):
    path = tmp_path / "vae.npz"
    whole = train_vae("nasbench201", checkpoint=path, **QUICK)
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(arrays["about"].tobytes())
    assert about["settings"].pop("noise_scale") == 1.0
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez(path, **arrays)
    assert load_vae(path).settings.noise_scale == 1.0
    assert_same_weights(train_vae("nasbench201", checkpoint=path, **QUICK), whole)


def test_a_trained_vae_is_not_trained_again(tmp_path):
    path = tmp_path / "vae.npz"
    train_vae("nasbench201", checkpoint=path, **QUICK)
    before = path.read_bytes()
    train_vae("nasbench201", checkpoint=path, **QUICK)
    assert path.read_bytes() == before


def test_training_begins_with_the_weights_of_another(tmp_path):
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    begin = train_vae("nasbench201", checkpoint=first, **QUICK)
    chosen = {**QUICK, "epochs": 1, "tallied": True, "metrics": [TARGET], "learning_rate": 1e-9}
    vae = train_vae("nasbench201", checkpoint=second, start=first, **chosen)
    theirs = begin.model.state_dict()
    for name, value in vae.model.state_dict().items():
        if name in theirs:  # a step so small changes nothing that can be seen
            torch.testing.assert_close(value, theirs[name], rtol=1e-4, atol=1e-6, msg=name)
    assert {"heads.0.0.weight", "decoder.tally.of_edge.weight"} < set(vae.model.state_dict())
    again = train_vae("nasbench201", checkpoint=second, start=first, **chosen)
    assert_same_weights(again, vae)
    with pytest.raises(HwbenchError, match="was trained with start"):
        train_vae("nasbench201", checkpoint=second, **chosen)
    with pytest.raises(HwbenchError, match="has hidden_size = 12, not 13; training that starts"):
        train_vae("nasbench201", start=first, **{**QUICK, "hidden_size": 13})
    with pytest.raises(HwbenchError, match="is of the space nasbench201, not transnas_micro"):
        train_vae("transnas_micro", start=first, **QUICK)


def test_the_seed_and_nothing_else_decides():
    torch.manual_seed(5)
    one = train_vae("nasbench201", **QUICK)
    torch.manual_seed(6)
    assert_same_weights(one, train_vae("nasbench201", **QUICK))
    other = train_vae("nasbench201", **QUICK, seed=1)
    assert one.history[0].reconstruction != other.history[0].reconstruction


@pytest.mark.slow
def test_it_learns_to_rebuild_and_to_build(learned):
    losses = [epoch.reconstruction for epoch in learned.history]
    assert losses[-1] < 0.2 * losses[0]
    found = evaluate_vae(learned, n_prior=200, n_decodes=2)
    assert found.likeliest_accuracy > 45  # of 4,096 architectures, by few steps of a small network
    assert found.validity > 90
    assert found.n_test == 200
    assert 0 < found.n_unique <= 400
    assert found.uniqueness == pytest.approx(100 * found.n_unique / (4 * found.validity))


@pytest.mark.slow
def test_joining_loose_ends_saves_graphs_and_spoils_none():
    vae = train_vae("nasbench101", **{**QUICK, "n_graphs": 1500, "batch_size": 32})
    latents = np.random.default_rng(0).normal(size=(400, 8))
    drawn, valid = vae.decode(latents, seed=1)
    joined, more = vae.decode(latents, seed=1, join_loose_ends=True)
    assert valid.sum() < more.sum()
    np.testing.assert_array_equal(joined[valid], drawn[valid])
    assert more[valid].all()
    plain, rule = (evaluate_vae(vae, n_prior=200, join_loose_ends=way) for way in (False, True))
    assert plain.validity < rule.validity
    assert (plain.join_loose_ends, rule.join_loose_ends) == (False, True)


@pytest.mark.slow
def test_latents_come_back_as_architectures(learned, unchanged):
    space = learned.space
    archs = unchanged(space.sample(300, seed=4))
    latents = unchanged(learned.encode(archs))
    assert latents.shape == (300, 16)
    assert latents.dtype == np.float32
    found, valid = learned.decode(latents)
    assert found.dtype == np.int64
    assert (found[valid] == archs[valid]).all(axis=1).mean() > 0.35  # by chance 1 of 4,096
    assert (found[~valid] == 0).all()
    drawn, _ = learned.decode(latents, seed=0)
    np.testing.assert_array_equal(drawn, learned.decode(latents, seed=0)[0])
    assert learned.encode(archs[:0]).shape == (0, 16)
    assert learned.decode(latents[:0])[0].shape == (0, 6)


def test_what_is_drawn_does_not_depend_on_rows_at_once(begun, monkeypatch):
    latents = np.random.default_rng(0).normal(size=(50, 16))
    whole = begun.decode_graphs(latents, seed=3)
    monkeypatch.setattr("hwbench.vae.trained.ROWS_AT_ONCE", 7)
    parts = begun.decode_graphs(latents, seed=3)
    np.testing.assert_array_equal(parts.operations, whole.operations)
    np.testing.assert_array_equal(parts.adjacency, whole.adjacency)


@pytest.mark.slow
def test_proposals_are_different_architectures(learned):
    latents = learned.encode(learned.space.sample(20, seed=9))
    found = learned.propose(latents + 1, seed=0)
    assert len(np.unique(found, axis=0)) == len(found) > 10
    np.testing.assert_array_equal(learned.space.check(found), found)
    np.testing.assert_array_equal(found, learned.propose(latents + 1, seed=0))
    with pytest.raises(HwbenchError, match="attempts must be above 0"):
        learned.propose(latents, attempts=0)


def test_heads_learn_what_latents_cannot_know_alone():
    chosen = {"n_graphs": 300, "epochs": 6, "batch_size": 16, "learning_rate": 0.01}
    vae = train_vae(
        "nasbench201",
        **{**QUICK, **chosen, "hidden_size": 32, "kl_weight": 1e-3},
        metrics=[TARGET],
        n_labelled=200,
        head_weight=10,
    )
    known = labels(vae.space, vae.settings, split(vae.space, vae.settings).training)
    assert known.values.shape == (200, 1)
    np.testing.assert_allclose(known.values.mean(), 0, atol=1e-6)
    assert vae.history[-1].heads < 0.5 * vae.history[0].heads
    predicted = vae.predict(vae.encode(vae.space.sample(50, seed=0)))
    assert predicted.shape == (50, 1)
    assert abs(predicted.mean() - known.means[0]) < known.scales[0]
    bare = TrainedGraphVAE(vae.space, GraphVAESettings(**QUICK))
    with pytest.raises(HwbenchError, match="without metrics"):
        bare.predict(np.zeros((1, 8)))


def test_training_and_test_share_nothing_and_hold_all():
    space = get_space("nasbench201")
    parts = split(space, GraphVAESettings())
    assert (len(parts.training), len(parts.test)) == (13_862 + 200, 1_563)
    together = np.concatenate([parts.training, parts.test])
    assert len(np.unique(together, axis=0)) == 15_625


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variant": "dvae"}, "unknown variant 'dvae'; did you mean 'd-vae'"),
        ({"epoch": 3}, "did you mean 'epochs'"),
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"kl_weight": float("nan")}, "kl_weight"),
        ({"noise_scale": -0.1}, "noise_scale must be at least 0, not -0.1"),
        ({"noise_scale": float("inf")}, "noise_scale must be a finite number"),
        ({"n_graphs": 2, "test_share": 0.9}, "of 2 architectures 2 would be for the test"),
        ({"metrics": [TARGET, TARGET]}, "a metric is named twice"),
        ({"metrics": ["nb201-digits:latancy"]}, "did you mean 'latency'"),
        ({"metrics": ["macro-cpu:latency"]}, "is of the space nasbench_macro"),
    ],
)
def test_wrong_settings_say_so(changes, message):
    with pytest.raises(HwbenchError, match=message):
        train_vae("nasbench201", **{**QUICK, **changes})


def test_another_space_or_setting_is_refused(tmp_path):
    path = tmp_path / "vae.npz"
    train_vae("nasbench201", checkpoint=path, **QUICK)
    with pytest.raises(HwbenchError, match="is of the space nasbench201, not transnas_micro"):
        train_vae("transnas_micro", checkpoint=path, **QUICK)
    with pytest.raises(HwbenchError, match="was trained with epochs = 4, not 5"):
        train_vae("nasbench201", checkpoint=path, **{**QUICK, "epochs": 5})


def test_files_that_are_no_vae_are_refused(tmp_path, monkeypatch):
    vae = TrainedGraphVAE(get_space("nasbench201"), GraphVAESettings(**QUICK))
    path = tmp_path / "vae.npz"
    with pytest.raises(HwbenchError, match=r"must end in \.npz"):
        save_vae(vae, tmp_path / "vae.pt")
    with pytest.raises(HwbenchError, match="no such file"):
        load_vae(path)
    with pytest.raises(HwbenchError, match="no regular file"):
        load_vae(tmp_path)
    path.write_bytes(b"nonsense")
    with pytest.raises(HwbenchError, match=r"is damaged or no \.npz"):
        load_vae(path)
    np.savez(path, a=np.arange(3))
    with pytest.raises(HwbenchError, match="no graph VAE that hwbench has saved"):
        load_vae(path)
    np.savez(path, about=np.array([{"a": object()}], dtype=object))
    with pytest.raises(HwbenchError, match="is no array of numbers or text"):
        load_vae(path)
    save_vae(vae, path)
    with monkeypatch.context() as patch:
        patch.setattr("hwbench.vae.checkpoint.MOST_ABOUT_BYTES", 100)
        with pytest.raises(HwbenchError, match="bytes of itself, too many"):
            load_vae(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(HwbenchError, match="is damaged"):
        load_vae(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 2}, "is of format 2; this hwbench reads 1"),
        ({"space": "nasbench202"}, "did you mean 'nasbench201'"),
        ({"settings": {"hidden_size": 13, "latent_size": 8}}, "does not fit its settings"),
        ({"settings": {"hidden": 13}}, "unknown key 'hidden'"),
        ({"history": [{"a": 1}]}, "does not fit its settings"),
    ],
)
def test_files_that_contradict_themselves_are_refused(changes, message, tmp_path):
    path = tmp_path / "vae.npz"
    save_vae(TrainedGraphVAE(get_space("nasbench201"), GraphVAESettings(**QUICK)), path)
    with np.load(path) as archive:
        arrays = dict(archive)
    about = json.loads(arrays["about"].tobytes()) | changes
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    np.savez(path, **arrays)
    with pytest.raises(HwbenchError, match=message) as error:
        load_vae(path)
    assert "\n" not in str(error.value)


def test_wrong_latents_are_refused(begun):
    with pytest.raises(HwbenchError, match=r"shape \(n, 16\), not \(3, 15\)"):
        begun.decode(np.zeros((3, 15)))
    with pytest.raises(HwbenchError, match="finite"):
        begun.decode(np.full((3, 16), np.nan))
    with pytest.raises(HwbenchError, match="unknown prior"):
        evaluate_vae(begun, prior="normal")
    with pytest.raises(HwbenchError, match="n_prior must be above 0"):
        evaluate_vae(begun, n_prior=0)


def test_training_that_diverges_says_so():
    with pytest.raises(HwbenchError, match="diverged"):
        train_vae("nasbench201", **QUICK, learning_rate=1e30)
