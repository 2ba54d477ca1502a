"""Configs and sweeps as 0.1.0 wrote them are those of today."""

import pytest

from hwbench.errors import HwbenchError
from hwbench.live.config import config_of, load_config, with_change
from hwbench.live.old_config import of_today
from hwbench.toml import to_toml

OLD = {
    "title": "old",
    "space": {"name": "nasbench201", "channels": 4, "depth": 1},
    "strategy": {"name": "darts"},
    "trainer": {
        "name": "bilevel",
        "order": 2,
        "epochs": 7,
        "batch_size": 32,
        "learning_rate": 0.1,
        "final_learning_rate": 0.001,
        "momentum": 0.8,
        "nesterov": True,
        "weight_decay": 5e-3,
        "decay_batch_norm": False,
        "gradient_clip": 5.0,
        "larc": True,
        "larc_trust": 0.5,
        "architecture_learning_rate": 0.01,
        "architecture_betas": [0.9, 0.99],
        "architecture_weight_decay": 0.0,
        "warm_up_epochs": 2,
        "precision": "bfloat16",
    },
    "selection": {"method": "perturbation", "tuning_epochs": 3},
}


def test_every_key_has_its_place():
    config = config_of(OLD, where="old.toml")
    assert config.trainer == {
        "name": "bilevel",
        "order": 2,
        "epochs": 7,
        "batch_size": 32,
        "stop_after": None,
        "memory_images": None,
        "largest_batch": 128,
        "weights": {
            "name": "sgd",
            "learning_rate": 0.1,
            "momentum": 0.8,
            "nesterov": True,
            "weight_decay": 5e-3,
            "decay_vectors": False,
        },
        "schedule": {"name": "cosine", "final_learning_rate": 0.001, "warm_up_epochs": 0.0},
        "architecture": {
            "name": "adam",
            "learning_rate": 0.01,
            "betas": (0.9, 0.99),
            "weight_decay": 0.0,
        },
        "gradient_clip": 5.0,
        "label_smoothing": 0.0,
        "larc": True,
        "larc_trust": 0.5,
        "architecture_every": 1,
        "warm_up_epochs": 2,
        "precision": "bfloat16",
    }
    assert config.selection == {"name": "perturbation", "tuning_epochs": 3}


def test_what_is_left_out_is_as_it_was():
    tree = {**OLD, "trainer": {"name": "bilevel"}, "selection": {"method": "strength"}}
    config = config_of(tree, where="old.toml")
    assert config.trainer["weights"]["learning_rate"] == 0.025
    assert config.trainer["architecture"]["betas"] == (0.5, 0.999)
    assert config.trainer["architecture"]["weight_decay"] == 1e-3
    # A key alone leaves the others of its node as they were.
    tree["trainer"] = {"name": "bilevel", "architecture_learning_rate": 0.5}
    node = config_of(tree, where="old.toml").trainer["architecture"]
    assert node == {**config.trainer["architecture"], "learning_rate": 0.5}


def test_what_was_read_is_written_as_it_is_today(tmp_path):
    config = config_of(OLD, where="old.toml")
    path = tmp_path / "new.toml"
    path.write_text(to_toml(config.model_dump(mode="json")))
    assert load_config(str(path)) == config
    assert "learning_rate" not in path.read_text().partition("[trainer.weights]")[0]


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("trainer.learning_rate", 0.2, ("trainer", "weights", "learning_rate")),
        ("trainer.architecture_weight_decay", 0.1, ("trainer", "architecture", "weight_decay")),
        ("trainer.weights.momentum", 0.5, ("trainer", "weights", "momentum")),
        ("selection.tuning_epochs", 9, ("selection", "tuning_epochs")),
    ],
)
def test_sweeps_over_keys_that_have_moved(old, value, new):
    changed = with_change(config_of(OLD, where="old.toml"), old, value).model_dump()
    for key in new:
        changed = changed[key]
    assert changed == value


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (
            {"trainer": {"learning_rate": 0.1, "weights": {"name": "sgd", "learning_rate": 0.2}}},
            "learning_rate and weights.learning_rate are the same",
        ),
        ({"selection": {"method": "strength", "name": "ranking"}}, "method and name are the same"),
    ],
)
def test_what_is_said_twice_is_refused(tree, message):
    with pytest.raises(HwbenchError, match=message):
        of_today(tree)
