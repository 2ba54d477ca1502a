"""Trainings from scratch in a folder: killed, repeated, loaded again, beside a table's values."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.images.fit import evaluate
from hwbench.images.parts import parts_of
from hwbench.images.sets import load_images
from hwbench.live.retrain import NamedRecipe
from hwbench.live.retrained import load_retrained
from hwbench.live.retrainings import chosen_cells, retrain_archs
from hwbench.results.retrainings import over_seeds, read_epochs, read_retrainings
from hwbench.spaces import get_space

SPACE = get_space("nasbench201")
CELL = "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
OTHER = "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
SMALL = {"channels": 2, "depth": 1, "epochs": 3, "batch_size": 400, "shift": 1}
RECIPE = NamedRecipe.of("nasbench201", **SMALL, cutout=2)


def test_fields_that_do_nothing_here_are_refused(tmp_path):
    images = load_images("digits")
    for changes, message in (
        (
            {"auxiliary_weight": 0.3},
            "auxiliary_weight = 0.3 does nothing for networks of this space",
        ),
        ({"drop_path": 0.3}, "drop_path = 0.3 does nothing .* leave --drop-path out"),
        ({"cutout": 8}, "cutout = 8 leaves nothing of images of 8 pixels"),
    ):
        recipe = NamedRecipe.of("nasbench201", **{**SMALL, **changes})
        with pytest.raises(HwbenchError, match=message):
            retrain_archs(tmp_path, SPACE, [CELL], images, recipe)
    with pytest.raises(HwbenchError, match="momentum"):
        NamedRecipe.of("nasbench201", momentum=1.0)


KILLED = f"""
import os, signal, sys
from pathlib import Path
from hwbench.images.fit import Descent
from hwbench.images.sets import load_images
from hwbench.live.retrain import NamedRecipe
from hwbench.live.retrainings import retrain_archs
from hwbench.spaces import get_space

space, images = get_space("nasbench201"), load_images("digits")
recipe = NamedRecipe.of("nasbench201", **{SMALL!r}, cutout=2)
step = Descent.__call__

for last in (1, 4, 5):  # two steps an epoch: at the start or in the midst of each
    child = os.fork()
    if not child:
        taken = 0

        def killed(self, batch):
            global taken
            taken += 1
            if taken == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return step(self, batch)

        Descent.__call__ = killed
        retrain_archs(Path(sys.argv[1]) / str(last), space, [{CELL!r}], images, recipe, seeds=[1])
        os._exit(3)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != -signal.SIGKILL:
        sys.exit(4)
"""


@pytest.fixture(scope="module")
def images():
    return load_images("digits")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, images):
    """A folder with the trainings of three seeds."""
    folder = tmp_path_factory.mktemp("whole")
    retrain_archs(folder, SPACE, [CELL], images, RECIPE, seeds=[0, 1, 2], test_every_epoch=True)
    return folder


def _folder(run, seed):
    (found,) = (run / "retraining").glob(f"*-seed{seed}")
    return found


def _numbers(folder):
    """All that a training came to but for the time it took."""
    epochs = read_epochs(folder)[["epoch", "learning_rate", "train_loss", "train_accuracy"]]
    result = json.loads((folder / "result.json").read_text())
    weights = load_retrained(folder).network.state_dict()
    return epochs, result["test_accuracy"], result["train_loss"], weights


def test_killed_anywhere_it_goes_on_to_the_same_bits(tmp_path, images, whole):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path], check=True)
    epochs, accuracy, loss, weights = _numbers(_folder(whole, 1))
    for last in (1, 4, 5):
        folder, seen = tmp_path / str(last), []
        assert not read_retrainings(folder)
        done = (last - 1) // 2
        assert len(read_epochs(_folder(folder, 1))) == done

        def stage(_title, seen=seen):
            return lambda epoch, _epochs: seen.append(epoch)

        retrain_archs(folder, SPACE, [CELL], images, RECIPE, seeds=[1], stage=stage)
        assert seen == list(range(done, 4))
        found = _numbers(_folder(folder, 1))
        pd.testing.assert_frame_equal(found[0], epochs)
        assert found[1:3] == (accuracy, loss)
        assert all(torch.equal(found[3][name], weights[name]) for name in weights)
        assert not (_folder(folder, 1) / "retraining.pt").exists()


def test_loaded_weights_predict_what_was_tested(whole, images):
    for trained in read_retrainings(whole):
        found = load_retrained(whole / "retraining" / trained.label)
        assert not found.network.training
        assert evaluate(found.network, parts_of(images)[1]).accuracy == trained.test_accuracy
        assert (found.space.name, found.architecture) == ("nasbench201", CELL)
        assert found.training["seed"] == trained.seed
        assert found.training["recipe"] == trained.recipe
        assert found.training["versions"]["torch"]
        assert found.training["images_sha256"] == images.sha256


def test_a_network_with_drop_paths_and_head_is_kept_without_them(tmp_path):
    recipe = NamedRecipe.of("darts", channels=2, depth=1, epochs=1, batch_size=300, cutout=0)
    space = get_space("darts")
    arch = space.to_string(space.sample(1, seed=0)[0])
    (trained,) = retrain_archs(tmp_path, space, [arch], load_images("digits"), recipe)
    found = load_retrained(_folder(tmp_path, 0))
    assert evaluate(found.network, parts_of(load_images("digits"))[1]).accuracy == (
        trained.test_accuracy
    )


def test_weights_of_another_network_are_refused(whole, tmp_path):
    own = _folder(whole, 0) / "network"
    there = tmp_path / "network"
    there.mkdir()
    text = (own / "network.toml").read_text()
    (there / "weights.pt").write_bytes((own / "weights.pt").read_bytes())
    (there / "network.toml").write_text(text.replace("channels = 2", "channels = 4", 1))
    with pytest.raises(HwbenchError, match="holds the weights of another network than network"):
        load_retrained(tmp_path)
    with pytest.raises(HwbenchError, match="no such file"):
        load_retrained(tmp_path / "absent")
    with pytest.raises(HwbenchError, match=r"the folder of one training, such as .*retraining"):
        load_retrained(whole)


def test_seeds_stand_side_by_side_and_are_not_trained_again(whole, images, tmp_path):
    found = read_retrainings(whole)
    assert [each.seed for each in found] == [0, 1, 2]
    accuracies = [each.test_accuracy for each in found]
    (together,) = over_seeds(found)
    assert together.seeds == [0, 1, 2]
    assert together.mean == pytest.approx(np.mean(accuracies))
    assert together.deviation == pytest.approx(np.std(accuracies, ddof=1))
    assert together.accuracy == f"{np.mean(accuracies):.2f} ± {np.std(accuracies, ddof=1):.2f} %"
    assert together.how.endswith("on digits, seeds 0, 1, 2")
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*") if path.is_file()}
    again = retrain_archs(whole, SPACE, [CELL], images, RECIPE, seeds=[2, 0])
    assert again == [found[2], found[0]]
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_other_architectures_and_recipes_have_folders_of_their_own(tmp_path, images):
    one = NamedRecipe.of("nasbench201", **{**SMALL, "epochs": 1})
    other = NamedRecipe.of("nasbench201", **{**SMALL, "epochs": 1}, label_smoothing=0.1)
    retrain_archs(tmp_path, SPACE, [CELL, OTHER], images, one)
    retrain_archs(tmp_path, SPACE, [CELL], images, other)
    found = over_seeds(read_retrainings(tmp_path))
    assert len(found) == 3
    assert sorted(each.first.architecture for each in found) == sorted([CELL, CELL, OTHER])
    assert sum("label smoothing 0.1" in each.first.recipe_title for each in found) == 1


def test_what_is_of_other_images_is_refused_until_it_is_replaced(tmp_path, images):
    recipe = NamedRecipe.of("nasbench201", **{**SMALL, "epochs": 1})
    retrain_archs(tmp_path, SPACE, [CELL], images, recipe)
    path = _folder(tmp_path, 0) / "result.json"
    result = json.loads(path.read_text())
    path.write_text(json.dumps({**result, "images_sha256": "0" * 64}))
    with pytest.raises(HwbenchError, match=r"a training of other images_sha256.*--fresh"):
        retrain_archs(tmp_path, SPACE, [CELL], images, recipe)
    (again,) = retrain_archs(tmp_path, SPACE, [CELL], images, recipe, fresh=True)
    assert again.test_accuracy == result["test_accuracy"]


def test_values_of_a_table_stand_beside(tmp_path, images):
    recipe = NamedRecipe.of("nasbench201", **{**SMALL, "epochs": 1})

    def table(name):
        (trained,) = retrain_archs(tmp_path, SPACE, [CELL], images, recipe, table=name)
        return trained.table

    assert table(None) is None  # published values are not of digits
    true = table("hw-nas-bench")
    assert true.target == "hw-nas-bench:cifar10.test_accuracy"
    assert true.words == (
        f"true value of the table hw-nas-bench: {true.value:.2f} % (test accuracy on cifar10)"
    )
    assert 80 < true.value < 95
    short = table("nb201-digits")
    assert short.short_epochs == 1
    assert "trainings of 1 epoch: no true value" in short.words
    assert read_retrainings(tmp_path)[0].table == short


def test_cells_of_a_table_are_chosen_by_rank_or_drawn():
    space, best = chosen_cells("hw-nas-bench", "cifar100", best=3)
    values = load_values("hw-nas-bench", "cifar100.test_accuracy")
    assert space.name == SPACE.name
    ranked = [values[text] for text in best]
    assert ranked[0] == max(values.values())
    assert ranked == sorted(ranked, reverse=True)
    assert len(set(space.function_classes(space.from_strings(best)).tolist())) == 3
    drawn = [chosen_cells("hw-nas-bench", "cifar10", sample=5, seed=seed)[1] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(set(drawn[0])) == 5


def load_values(table, column):
    from hwbench.tables import load_table

    found = load_table(table)
    return dict(zip(found.space.to_strings(found.archs), found.column(column), strict=True))


def test_tables_write_imagenet16_120_in_their_own_way():
    from hwbench.live.truth import published_accuracy

    found = published_accuracy("nasbench201", "imagenet16-120")
    assert found == "hw-nas-bench:ImageNet16-120.test_accuracy"


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("hw-nas-bench", {}, "--best N or --sample N"),
        ("hw-nas-bench", {"best": 1, "sample": 1}, "give one of them, not both"),
        ("hw-nas-bench", {"best": 99_999}, r"99999 architectures asked for, it has [\d,]+ that"),
        ("hw-nas-bench", {"sample": 0}, "0 architectures asked for"),
        ("hw-nas-bensh", {"best": 1}, "did you mean 'hw-nas-bench'"),
        ("macro-cpu", {"best": 1}, "no column of test accuracies in %; name one with --table"),
    ],
)
def test_wrong_choices_of_cells_are_refused(table, options, message):
    with pytest.raises(HwbenchError, match=message):
        chosen_cells(table, "cifar10", **options)


@pytest.mark.parametrize(
    ("archs", "options", "message"),
    [
        ([], {}, "at least one architecture, and none twice"),
        ([CELL, CELL], {}, "at least one architecture, and none twice"),
        (["|conv~0|"], {}, "conv"),
        ([CELL], {"seeds": []}, "at least one seed from 0 on, and none twice"),
        ([CELL], {"seeds": [1, 1]}, "at least one seed from 0 on, and none twice"),
        ([CELL], {"table": "nasbench-macro"}, "nasbench_macro"),
        ([CELL], {"device": "tpu9"}, "device 'tpu9'"),
    ],
)
def test_wrong_trainings_are_refused(tmp_path, images, archs, options, message):
    with pytest.raises(HwbenchError, match=message):
        retrain_archs(tmp_path / "run", SPACE, archs, images, RECIPE, **options)
    assert not Path(tmp_path / "run").exists()


def test_what_an_older_version_kept_is_read(tmp_path):
    old = {"architecture": CELL, "seed": 0, "test_accuracy": 91.5, "parameters": 35170.0}
    (tmp_path / "retraining.json").write_text(json.dumps(old))
    (found,) = read_retrainings(tmp_path)
    assert (found.label, found.architecture, found.test_accuracy) == ("", CELL, 91.5)
    (together,) = over_seeds([found])
    assert (together.accuracy, together.deviation) == ("91.50 %", None)
    (tmp_path / "retraining.json").write_text(json.dumps({**old, "seed": "zero"}))
    with pytest.raises(HwbenchError, match=r"retraining\.json: seed"):
        read_retrainings(tmp_path)
