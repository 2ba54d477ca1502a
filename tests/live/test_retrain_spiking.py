"""Spiking networks trained from scratch: by their own loss, with what they measure."""

import pytest
import torch

from hwbench.devices import seeded
from hwbench.errors import HwbenchError
from hwbench.images.fit import evaluate_network
from hwbench.images.parts import parts_of
from hwbench.images.sets import load_images
from hwbench.live.retrain import RECIPES, NamedRecipe, retrain
from hwbench.live.retrained import load_retrained
from hwbench.live.retrainings import retrain_archs
from hwbench.spaces import get_space

SPACE = get_space("autosnn")
ARCH = "SRB_k3|skip|SCB_k3|skip|SRB_k3"
SKELETON = {"time_steps": 2, "halvings": 2, "threshold": 0.5}
CHANGES = {"channels": 2, "epochs": 2, "batch_size": 128, "skeleton": SKELETON, "cutout": 0}


@pytest.fixture(scope="module")
def images():
    return load_images("digits")


def test_the_recipe_is_the_published_one():
    recipe = RECIPES["autosnn"]
    weight = torch.nn.Parameter(torch.zeros(2))
    optimizer = recipe.optimizer([weight])
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["lr"] == 1e-3
    assert {recipe.schedule()(step, 600) for step in (0, 300, 599)} == {1e-3}
    assert (recipe.epochs, recipe.batch_size, recipe.cutout) == (600, 96, 16)


def test_what_was_trained_is_kept_with_its_spikes_and_its_neurons(tmp_path, images):
    recipe = NamedRecipe.of("autosnn", **CHANGES)
    (found,) = retrain_archs(tmp_path, SPACE, [ARCH], images, recipe)
    kept = load_retrained(tmp_path / "retraining" / found.label)
    assert kept.network.skeleton.time_steps == 2
    assert kept.network.skeleton.threshold == 0.5
    tested = evaluate_network(kept.network, parts_of(images)[1])
    assert tested.accuracy == found.test_accuracy
    assert found.measured == pytest.approx(dict(tested.measured), rel=1e-5)
    assert found.measured["spikes"] > 0
    assert found.train_loss < 0.25  # squared errors, not cross-entropies
    (again,) = retrain_archs(tmp_path, SPACE, [ARCH], images, recipe)
    assert again == found


def test_a_stopped_training_goes_on_to_the_same_numbers(tmp_path, images):
    recipe = NamedRecipe.of("autosnn", **CHANGES).recipe

    def trained(name, stop=None):
        def after(frame):
            if len(frame) == stop:
                raise KeyboardInterrupt

        with seeded(0, torch.device("cpu"), 1):
            return retrain(
                SPACE,
                SPACE.from_string(ARCH),
                images,
                recipe,
                checkpoint=tmp_path / name,
                after_epoch=after,
            )

    whole = trained("whole")
    with pytest.raises(KeyboardInterrupt):
        trained("stopped", stop=1)
    again = trained("stopped")
    assert again.measured == whole.measured
    assert again.test_accuracy == whole.test_accuracy
    own = again.network.state_dict()
    assert all(torch.equal(own[name], each) for name, each in whole.network.state_dict().items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"skeleton": {"channels": 4}}, "retraining: channels is no further option of a network"),
        ({"optimiser": "adm"}, "retraining: unknown optimiser 'adm'; did you mean 'adam'"),
    ],
)
def test_recipes_that_cannot_be(changes, message):
    with pytest.raises(HwbenchError, match=message):
        NamedRecipe.of("autosnn", **changes)


def test_options_that_a_space_has_not_are_named(images, tmp_path):
    recipe = NamedRecipe.of("nasbench201", epochs=1, skeleton={"time_steps": 4})
    arch = get_space("nasbench201").to_string([0] * 6)
    with pytest.raises(HwbenchError, match="unknown skeleton option 'time_steps'"):
        retrain_archs(tmp_path, get_space("nasbench201"), [arch], images, recipe)
