import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import cross_entropy

from hwbench.code_version import counted_modules
from hwbench.environment import describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.images.sets import list_image_sets, load_images
from hwbench.spaces import get_space
from hwbench.tables import load_table
from hwbench.tables.made.train import TrainRecipe, _cached_images, train, train_one
from hwbench.tables.made.trained_table import trained_table

SPACE = get_space("nasbench201")
RECIPE = TrainRecipe(seeds=(0, 3), batch_size=128, skeleton={"channels": 2, "depth": 1})
# The first two are one 3x3 convolution and dead edges; the third is a 1x1 convolution.
ARCHS = np.array([[0, 3, 1, 0, 0, 1], [0, 1, 2, 3, 4, 0], [2, 0, 0, 0, 1, 0]])


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def functions(archs):
    return len(set(SPACE.function_classes(archs).tolist()))


def test_equal_functions_are_trained_once_and_share_their_accuracy(tmp_path, unchanged):
    archs = unchanged(np.concatenate([ARCHS, ARCHS[:1]]))
    classes = SPACE.function_classes(archs)
    assert functions(archs) == 2
    frame = train(SPACE, RECIPE, tmp_path / "j", archs=archs)
    assert list(frame) == ["index", "test_accuracy", "test_accuracy_seed0", "test_accuracy_seed3"]
    np.testing.assert_array_equal(frame["index"], SPACE.indices_of(archs))
    trained = [(record["index"], record["seed"]) for record in records(tmp_path / "j")]
    assert sorted(trained) == sorted((c, s) for c in set(classes.tolist()) for s in (0, 3))
    for _, rows in frame.groupby(classes):
        assert (rows.drop(columns="index").nunique() == 1).all()
    seeds = frame[["test_accuracy_seed0", "test_accuracy_seed3"]]
    np.testing.assert_allclose(frame["test_accuracy"], seeds.mean(axis=1))
    assert frame["test_accuracy"].between(0, 100).all()


@pytest.mark.slow
def test_number_of_workers_changes_nothing(tmp_path):
    one, two = (train(SPACE, RECIPE, tmp_path / f"{n}", archs=ARCHS, workers=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_interrupted_run_goes_on_where_it_was(tmp_path):
    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    path = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train(SPACE, RECIPE, path, archs=ARCHS, progress=interrupt)
    kept = path.read_text()
    assert len(records(path)) == 2
    seen = []
    stopped = train(SPACE, RECIPE, path, archs=ARCHS, progress=lambda *c: seen.append(c))
    assert path.read_text().startswith(kept)
    total = 2 * functions(ARCHS)
    assert seen == [(done, total) for done in range(2, total + 1)]
    pd.testing.assert_frame_equal(stopped, train(SPACE, RECIPE, tmp_path / "whole", archs=ARCHS))


def test_training_is_a_pure_function(tmp_path):
    index = int(SPACE.indices_of(ARCHS)[2])
    torch.manual_seed(5)
    state = torch.get_rng_state()
    accuracy = train_one(SPACE, index, 0, RECIPE)["accuracy"]
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(7)
    assert train_one(SPACE, index, 0, RECIPE) == {"accuracy": accuracy}
    assert train_one(SPACE, index, 1, RECIPE)["accuracy"] != accuracy


def test_training_is_the_loop_written_out():
    # With torch's own scheduler: the embedded tables' accuracies came out of this loop.
    index, seed = int(SPACE.indices_of(ARCHS)[2]), 3
    recipe = TrainRecipe(seeds=(seed,), epochs=2, batch_size=300, skeleton=RECIPE.skeleton)
    images = load_images("digits")
    given, labels = torch.from_numpy(images.train_images), torch.from_numpy(images.train_labels)
    network = SPACE.network(
        ARCHS[2], seed=seed, **recipe.skeleton, input_channels=1, input_size=8, classes=10
    )
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True, foreach=True
    )
    order = torch.Generator().manual_seed(seed)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
    for _ in range(2):
        permutation = torch.randperm(len(labels), generator=order)
        for step in range(2):
            rows = permutation[300 * step : 300 * (step + 1)]
            optimizer.zero_grad()
            cross_entropy(network(given[rows]), labels[rows]).backward()
            optimizer.step()
            scheduler.step()
    with torch.inference_mode():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        network(given)
        predicted = network.eval()(torch.from_numpy(images.test_images)).argmax(dim=1).numpy()
    assert (
        train_one(SPACE, index, seed, recipe)["accuracy"]
        == np.mean(predicted == images.test_labels) * 100
    )


def test_the_recipe_of_a_shipped_table_still_trains_it():
    table = load_table("nb201-digits")
    (recorded,) = [each for each in table.card.recipes if each["command"] == "train"]
    fields = {key: recorded[key] for key in recorded if hasattr(TrainRecipe(), key)}
    sizes = {key: recorded["skeleton"][key] for key in ("channels", "depth")}
    recipe = TrainRecipe(**{**fields, "seeds": tuple(fields["seeds"]), "skeleton": sizes})
    assert recipe == TrainRecipe()
    row = 123
    (index,) = SPACE.function_classes(table.archs[[row]]).tolist()
    found = [train_one(SPACE, index, seed, recipe)["accuracy"] for seed in (0, 1)]
    expected = [table.column(f"test_accuracy_seed{seed}")[row] for seed in (0, 1)]
    assert found == pytest.approx(expected, abs=1.0)  # machines differ in the last bits


class _Passes:
    """The sizes of all batches that networks of a space are given."""

    def __init__(self, monkeypatch):
        self.sizes = []
        self.networks = []
        network = SPACE.network

        def watched(*args, **kwargs):
            made = network(*args, **kwargs)
            made.register_forward_pre_hook(lambda _module, given: self.sizes.append(len(given[0])))
            self.networks.append(made)
            return made

        monkeypatch.setattr(SPACE, "network", watched)


def test_no_pass_is_larger_than_a_batch_and_statistics_are_the_mean_over_them(monkeypatch):
    passes = _Passes(monkeypatch)
    recipe = TrainRecipe(batch_size=300, statistics_batch=400, skeleton=RECIPE.skeleton)
    train_one(SPACE, int(SPACE.indices_of(ARCHS)[2]), 3, recipe)
    assert passes.sizes == [300] * 2 + [400, 400, 98] + [400, 400, 99]
    (network,) = passes.networks
    stem, normalisation = network.stem[0], network.stem[1]
    images = torch.from_numpy(load_images("digits").train_images)
    order = torch.Generator().manual_seed(3)
    torch.randperm(898, generator=order)
    with torch.no_grad():
        parts = [stem(images[rows]) for rows in torch.randperm(898, generator=order).split(400)]
    shares = [len(part) / 898 for part in parts]
    means = [share * part.mean(dim=(0, 2, 3)) for share, part in zip(shares, parts, strict=True)]
    torch.testing.assert_close(normalisation.running_mean, sum(means))
    variances = [share * part.var(dim=(0, 2, 3)) for share, part in zip(shares, parts, strict=True)]
    torch.testing.assert_close(normalisation.running_var, sum(variances))


@pytest.mark.parametrize(
    "changes",
    [
        {"shift": 1},
        {"flip": True},
        {"cutout": 2},
        {"label_smoothing": 0.2},
        {"warm_up_epochs": 0.5},
        {"precision": "bfloat16"},
        {"gradient_clip": 0.1},
        {"nesterov": False},
    ],
    ids=str,
)
def test_every_part_of_a_recipe_counts_and_draws_from_the_seed_alone(changes, monkeypatch):
    passes = _Passes(monkeypatch)
    index = int(SPACE.indices_of(ARCHS)[0])
    options = {"epochs": 1, "batch_size": 200, "skeleton": RECIPE.skeleton}
    state = torch.get_rng_state()
    train_one(SPACE, index, 0, TrainRecipe(**options, **changes))
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    train_one(SPACE, index, 0, TrainRecipe(**options, **changes))
    train_one(SPACE, index, 0, TrainRecipe(**options))
    found, again, without = (network.stem[0].weight for network in passes.networks)
    assert torch.equal(found, again)
    assert not torch.equal(found, without)


def test_a_device_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(HwbenchError, match="train: this machine has no CUDA device"):
        train(SPACE, TrainRecipe(device="cuda"), tmp_path / "j", archs=ARCHS)
    assert not (tmp_path / "j").exists()


def test_threads_of_the_process_are_left_as_they_were(tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train(SPACE, RECIPE, tmp_path / "j", archs=ARCHS[:1])
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_wider_network_learns_the_digits(tmp_path):
    recipe = TrainRecipe(seeds=(0,), epochs=3, skeleton={"channels": 8, "depth": 1})
    assert train_one(SPACE, len(SPACE) // 2, 0, recipe)["accuracy"] > 70


def test_journal_of_another_recipe_is_refused(tmp_path):
    train(SPACE, RECIPE, tmp_path / "j", archs=ARCHS[2:])
    other = TrainRecipe(seeds=(0, 3), batch_size=64, skeleton=RECIPE.skeleton)
    with pytest.raises(HwbenchError, match="batch_size: 128 there, 64 now"):
        train(SPACE, other, tmp_path / "j", archs=ARCHS[2:])


RUN = """
import torch._dynamo
from pathlib import Path
from hwbench.spaces import get_space
from hwbench.tables.made.train import TrainRecipe, train

TINY = {"channels": 2, "depth": 1}

def run(name, journal):
    space = get_space(name)
    archs = space.sample(2, seed=0)
    train(space, TrainRecipe(seeds=(0,), skeleton=TINY), Path(journal), archs=archs)
"""


def test_a_version_is_of_all_that_runs(tmp_path, modules_run, harmless):
    cases = [(name, str(tmp_path / name)) for name in ("nasbench201", "nasbench_macro")]
    for (name, _), (_, ran) in zip(cases, modules_run(RUN, cases, tmp_path), strict=True):
        space = type(get_space(name)).__module__
        counted = counted_modules(train.__module__, space, "hwbench.images.digits")
        assert ran - set(counted) <= harmless, name


def test_journal_of_other_images_of_the_same_name_is_refused(tmp_path):
    images = load_images("digits")
    path = tmp_path / "own.npz"
    arrays = {name: getattr(images, name) for name in ("train_labels", "test_labels")}
    pixels = {"train_images": images.train_images, "test_images": images.test_images}

    def write(offset):
        np.savez(path, **arrays, **{name: own + offset for name, own in pixels.items()})
        _cached_images.cache_clear()

    recipe = TrainRecipe(**{**vars(RECIPE), "images": str(path)})
    write(np.float32(0))
    train(SPACE, recipe, tmp_path / "j", archs=ARCHS[2:])
    write(np.float32(np.arange(8)))
    with pytest.raises(HwbenchError, match=r"images_sha256: \w+ there, \w+ now"):
        train(SPACE, recipe, tmp_path / "j", archs=ARCHS[2:])


def test_journal_of_a_version_that_knew_less_is_refused_for_its_code(tmp_path):
    path = tmp_path / "j"
    train(SPACE, RECIPE, path, archs=ARCHS[2:])
    header, *records = path.read_text().splitlines(keepends=True)
    recipe = json.loads(header)["recipe"]
    code = recipe["code"]
    for name in ("cutout", "precision", "statistics_batch"):
        del recipe[name]
    older = json.dumps({"recipe": {**recipe, "code": "0123456789abcdef"}})
    path.write_text(older + "\n" + "".join(records))
    with pytest.raises(HwbenchError) as caught:
        train(SPACE, RECIPE, path, archs=ARCHS[2:])
    assert str(caught.value) == (
        f"{path}: was begun with another recipe (code: 0123456789abcdef there, {code} now); "
        "finish it with that recipe, choose another name, or remove the file"
    )


def test_journal_of_other_code_is_refused(tmp_path):
    path = tmp_path / "j"
    train(SPACE, RECIPE, path, archs=ARCHS[2:])
    recipe, *records = path.read_text().splitlines(keepends=True)
    code = json.loads(recipe)["recipe"]["code"]
    path.write_text(recipe.replace(code, "0123456789abcdef") + "".join(records))
    with pytest.raises(HwbenchError, match=f"code: 0123456789abcdef there, {code} now"):
        train(SPACE, RECIPE, path, archs=ARCHS[2:])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seeds": ()}, "at least one seed"),
        ({"seeds": (1, 1)}, "none twice"),
        ({"epochs": 0}, "epochs must be above 0"),
        ({"batch_size": 0}, "batch_size must be above 0"),
        ({"statistics_batch": 0}, "statistics_batch must be above 0"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"warm_up_epochs": 1}, "fewer than the 1 epochs, not 1"),
    ],
)
def test_recipe_out_of_range_is_refused(settings, message):
    with pytest.raises(HwbenchError, match=message):
        TrainRecipe(**settings)


def test_table_says_how_it_was_trained(tmp_path):
    given = replace(RECIPE, label_smoothing=0.1, shift=1)
    table = trained_table(SPACE, given, name="mine", journal_path=tmp_path / "j", archs=ARCHS)
    how = "1 epoch of 128 images a step, 2 channels, depth 1, label smoothing 0.1, shift 1"
    assert how in table.card.description
    np.testing.assert_array_equal(table.archs, ARCHS)
    assert f"{functions(ARCHS)} functions were trained" in table.card.description
    for column in table.card.columns.values():
        assert (column.unit, column.direction) == ("%", "maximize")
        assert (column.dataset, column.split) == ("digits", "test")
    assert table.card.columns["test_accuracy"].seeds == (0, 3)
    assert table.card.columns["test_accuracy_seed3"].seeds == (3,)
    (recipe,) = table.card.recipes
    assert recipe["command"] == "train"
    assert recipe["skeleton"] == {
        "channels": 2,
        "depth": 1,
        "input_channels": 1,
        "input_size": 8,
        "classes": 10,
    }
    assert recipe["machine"] == describe_machine()
    assert recipe["versions"] == describe_versions()


def test_a_training_that_diverges_has_no_accuracy_and_the_card_says_so(tmp_path):
    given = replace(RECIPE, epochs=2, learning_rate=1e30)
    table = trained_table(SPACE, given, name="mine", journal_path=tmp_path / "j", archs=ARCHS)
    diverged = table.frame[["test_accuracy_seed0", "test_accuracy_seed3"]].isna()
    assert diverged.to_numpy().any()
    np.testing.assert_array_equal(table.frame["test_accuracy"].isna(), diverged.any(axis=1))
    of_functions = diverged.groupby(SPACE.function_classes(ARCHS)).first()
    n_diverged = int(of_functions.to_numpy().sum())
    assert f"{n_diverged} of {of_functions.size} trainings diverged" in table.card.description
    again = trained_table(SPACE, given, name="mine", journal_path=tmp_path / "j", archs=ARCHS)
    pd.testing.assert_frame_equal(again.frame, table.frame)


# ---------------------------------------------------------------------- images


def test_digits_are_split_and_scaled():
    known = ["cifar10", "cifar100", "digits", "imagenet16-120", "mnist-5k", "svhn"]
    assert list_image_sets() == known
    images = load_images("digits")
    assert images.train_images.shape == (898, 1, 8, 8)
    assert images.test_images.shape == (899, 1, 8, 8)
    assert (images.channels, images.size, images.classes) == (1, 8, 10)
    assert images.train_images.dtype == np.float32
    assert images.train_images.mean() == pytest.approx(0, abs=1e-4)
    assert images.train_images.std() == pytest.approx(1, abs=1e-4)
    assert set(images.train_labels) == set(images.test_labels) == set(range(10))


def test_no_digit_is_in_both_parts_beyond_those_that_look_alike():
    images = load_images("digits")
    train_rows = {image.tobytes() for image in images.train_images}
    assert len(train_rows) == 898
    assert not train_rows & {image.tobytes() for image in images.test_images}


def test_unknown_image_set_names_the_nearest():
    with pytest.raises(HwbenchError, match="unknown image set 'digit'; did you mean 'digits'"):
        load_images("digit")


SPIKING = get_space("autosnn")
SPIKING_RECIPE = TrainRecipe(
    epochs=1,
    batch_size=128,
    optimiser="adam",
    learning_rate=5e-3,
    nesterov=False,
    constant_rate=True,
    skeleton={"channels": 2, "depth": 1, "time_steps": 2, "halvings": 2},
)


def test_what_networks_measure_stands_beside_their_accuracy(tmp_path):
    archs = SPIKING.sample(2, seed=1)
    table = trained_table(
        SPIKING, SPIKING_RECIPE, name="spikes", journal_path=tmp_path / "journal", archs=archs
    )
    columns = table.card.columns
    assert table.card.name == "spikes"
    assert "2 channels, depth 1, time steps 2, halvings 2" in columns["spikes"].source
    assert list(columns) == [
        *(f"test_accuracy{seed}" for seed in ("", "_seed0", "_seed1")),
        *(f"spikes{seed}" for seed in ("", "_seed0", "_seed1")),
        *(f"spike_energy{seed}" for seed in ("", "_seed0", "_seed1")),
        "parameters",
        "flops",
    ]
    assert (columns["spikes"].unit, columns["spikes"].direction) == ("1", "minimize")
    by_seed = [table.column(f"spikes_seed{seed}") for seed in (0, 1)]
    np.testing.assert_allclose(table.column("spikes"), np.mean(by_seed, axis=0))
    np.testing.assert_allclose(table.column("spike_energy"), 1.7e-3 * table.column("spikes"))
    assert (table.column("spikes") > 0).all()
    skeleton = {"channels": 2, "input_channels": 1, "input_size": 8, "halvings": 2}
    expected = SPIKING.parameters(table.archs, **skeleton)
    np.testing.assert_array_equal(table.column("parameters"), expected)
    # One of the trainings again, by hand: measured on all test images, in evaluation mode.
    index = int(SPIKING.indices_of(table.archs)[0])
    found = train_one(SPIKING, index, 1, SPIKING_RECIPE)
    assert found["accuracy"] == table.column("test_accuracy_seed1")[0]
    assert found["spikes"] == table.column("spikes_seed1")[0]


def test_adam_and_a_rate_that_stays():
    weight = torch.nn.Parameter(torch.zeros(3))
    made = SPIKING_RECIPE.optimizer([weight])
    assert type(made) is torch.optim.Adam
    assert made.defaults["betas"] == (0.9, 0.999)
    assert {SPIKING_RECIPE.schedule()(step, 10) for step in range(10)} == {5e-3}
    with pytest.raises(HwbenchError, match=r"adam has no nesterov momentum.*--no-nesterov"):
        TrainRecipe(optimiser="adam")
    with pytest.raises(HwbenchError, match="train: unknown optimiser 'adm'; did you mean 'adam'"):
        TrainRecipe(optimiser="adm", nesterov=False)
