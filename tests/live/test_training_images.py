"""Which images a search learns from: chosen once, and kept in its run folder."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images import auxiliary as auxiliary_module
from hwbench.images.auxiliary import AuxiliaryRecipe, Scores, auxiliary_scores
from hwbench.images.sets import load_images
from hwbench.live.run import rank_run, run_live
from hwbench.live.search import make_search
from hwbench.live.selecting import select_run
from hwbench.live.training_images import absent_classes
from hwbench.results.record import notes_of, read_record
from hwbench.testing.live_example import example_config

QUICK = {"epochs": 1, "channels": 4, "blocks": 1, "batch_size": 64, "shift": 0, "flip": False}
SUBSET = {"name": "entropy", "images": 120, "choice": "lowest", "auxiliary": QUICK}
CPU = torch.device("cpu")


def config_with(subset, **nodes):
    config = example_config(**nodes)
    data = config.data.model_copy(update={"subset": subset, "validation_share": 0.5})
    return config.model_copy(update={"data": data})


@pytest.fixture
def others(hwbench_home, monkeypatch):
    """From now on the auxiliary network says something else, as on another machine."""

    def forgotten():
        shutil.rmtree(hwbench_home / "auxiliary")
        known = {}

        def scores(images, recipe, device=None):
            n_images = len(images.train_labels)
            generator = np.random.default_rng(9)
            known.setdefault("calls", []).append(n_images)
            entropies = generator.random(n_images)
            return Scores(entropies, np.zeros(n_images, int), np.zeros((n_images, 1)), 0.0)

        monkeypatch.setattr(auxiliary_module, "auxiliary_scores", scores)
        return known

    return forgotten


def stopping_stage(title):
    def progress(done, total):
        if done:
            raise KeyboardInterrupt

    return progress


def test_a_stopped_search_goes_on_with_its_images(others, tmp_path):
    config = config_with(SUBSET)
    whole = run_live(config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_live(config, tmp_path / "stopped", stage=stopping_stage)
    before = (tmp_path / "stopped" / "subset.parquet").read_bytes()
    known = others()
    assert run_live(config, tmp_path / "stopped") == whole
    assert not known  # nobody has been asked
    assert (tmp_path / "stopped" / "subset.parquet").read_bytes() == before
    for name in ("metrics.parquet", "strengths.parquet"):
        one, two = (pd.read_parquet(tmp_path / run / name) for run in ("whole", "stopped"))
        pd.testing.assert_frame_equal(one, two)


def test_what_looks_into_its_supernet_sees_the_same_images(others, tmp_path):
    config = config_with(SUBSET)
    run_live(config, tmp_path)
    search = make_search(config, CPU)
    known = others()
    anew = make_search(config, CPU)
    assert not torch.equal(anew.data.train.images, search.data.train.images)
    again = make_search(config, CPU, tmp_path)
    for part in ("train", "validation", "test"):
        one, two = getattr(again.data, part), getattr(search.data, part)
        assert torch.equal(one.images, two.images)
        assert torch.equal(one.labels, two.labels)
    known.clear()
    select_run(tmp_path, {"name": "strength"})
    rank_run(tmp_path, config.ranking or _ranking())
    assert not known


def _ranking():
    return example_config("spos").ranking


def test_the_folder_says_in_which_order_images_were_chosen(hwbench_home, tmp_path):
    config = config_with(SUBSET)
    run_live(config, tmp_path)
    taken = pd.read_parquet(tmp_path / "subset.parquet")
    assert list(taken) == ["row", "label", "place", "entropy", "forgotten"]
    assert taken["row"].is_monotonic_increasing
    assert sorted(taken["place"]) == list(range(120))
    assert taken.sort_values("place")["entropy"].is_monotonic_increasing
    scores = auxiliary_scores(load_images("digits"), AuxiliaryRecipe(**QUICK))
    np.testing.assert_array_equal(taken["entropy"], scores.entropies[taken["row"]])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            "label",
            lambda values: (values + 1) % 10,
            r"says label . of row \d+, and digits has label",
        ),
        ("row", lambda values: values + 800, "and digits has 898 training images: it is of other"),
    ],
)
def test_a_folder_of_other_images_is_refused(column, value, message, tmp_path):
    config = config_with({"name": "random", "images": 120})
    run_live(config, tmp_path)
    path = tmp_path / "subset.parquet"
    frame = pd.read_parquet(path)
    frame[column] = value(frame[column])
    frame.to_parquet(path)
    with pytest.raises(HwbenchError, match=message) as found:
        select_run(tmp_path, {"name": "strength"})
    assert str(path) in str(found.value)
    assert "--fresh" in str(found.value)


def test_folders_of_older_versions_choose_again(others, tmp_path):
    config = config_with(SUBSET)
    result = run_live(config, tmp_path)
    path = tmp_path / "subset.parquet"
    frame = pd.read_parquet(path)
    frame.drop(columns="place").to_parquet(path)  # whose order is not known
    select_run(tmp_path, {"name": "strength"}, label="one")
    path.unlink()
    select_run(tmp_path, {"name": "strength"}, label="two")
    found = [
        json.loads((tmp_path / "selections" / label / "result.json").read_text())
        for label in ("one", "two")
    ]
    assert [each["search_accuracy"] for each in found] == [result["search_accuracy"]] * 2
    frame.drop(columns="place").to_parquet(path)
    others()
    with pytest.raises(HwbenchError, match=r"\d+ of 120 images would now be chosen that its"):
        select_run(tmp_path, {"name": "strength"}, label="three")


def test_what_a_subset_knows_has_names_of_its_own(tmp_path, monkeypatch):
    (tmp_path / "my_subset.py").write_text(
        "import numpy as np\n"
        "from hwbench.images.subsets import Subset\n"
        "class First(Subset):\n"
        "    def choose(self, images, generator):\n        return np.arange(200)\n"
        "    def known(self, images):\n        return {'row': np.zeros(len(images.train_labels))}\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(HwbenchError, match=r"knows a 'row' of every image"):
        make_search(config_with({"name": "my_subset:First"}), CPU)


@pytest.mark.parametrize(
    ("subset", "message"),
    [
        (
            {"name": "random", "images": 1},
            r"of 1 images leaves a part empty; the section \[data.subset\] takes no more",
        ),
        (
            {"name": "entropy", "images": 899},
            r"^\[data.subset\]: subset EntropySubset: images = 899 is more than the 898",
        ),
    ],
)
def test_wrong_numbers_of_images_name_the_section(subset, message, hwbench_home):
    with pytest.raises(HwbenchError, match=message):
        make_search(config_with(subset), CPU)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"auxiliary": {"epoch": 3}},
            r"^example, .*\[data.subset.auxiliary\]: unknown key 'epoch'",
        ),
        (
            {"auxiliary": {"epochs": 0}},
            r"\[data.subset.auxiliary\]: epochs must be above 0",
        ),
        (
            {"low_share": 0.5},
            r"^example, .*\[data.subset\]: subset .*low_share = 0.5 has",
        ),
        ({"choice": "top"}, r"^example, section \[data.subset\]: unknown choice 'top'"),
    ],
)
def test_what_is_wrong_with_a_subset_is_said_when_a_config_is_read(arguments, message):
    subset = {"name": "entropy", "images": 5, **arguments}
    with pytest.raises(HwbenchError, match=message):
        example_config(data={"subset": subset})


def test_classes_without_an_image_are_told_of(tmp_path):
    config = config_with({"name": "random", "images": 4})
    run_live(config, tmp_path)
    (note,) = [note for note in notes_of(read_record(tmp_path)) if "data.subset" in note]
    assert note.startswith(
        "The 4 training images that the section [data.subset] takes have none of 6 of the 10 "
    )
    rank_run(tmp_path, _ranking())
    assert note in notes_of(read_record(tmp_path))


def test_sentences_about_absent_classes():
    taken = pd.DataFrame({"label": [0, 2, 2]})
    assert absent_classes(taken.assign(label=[0, 1, 2]), 3) == []
    (few,) = absent_classes(taken, 4)
    assert "none of 2 of the 4 classes (1, 3), of which" in few
    (many,) = absent_classes(taken, 100)
    assert "98 of the 100 classes (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...)" in many


def test_diagnostics_of_more_images_than_there_are_are_refused(tmp_path):
    config = config_with({"name": "random", "images": 100}, diagnostics={"images": 51})
    with pytest.raises(HwbenchError, match=r"\[diagnostics\]: images = 51 is more than the 50 "):
        run_live(config, tmp_path)
    assert not (tmp_path / "metrics.parquet").exists()
