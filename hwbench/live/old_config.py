"""Configs as hwbench 0.1.0 wrote them, read as those of today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hwbench.errors import HwbenchError

MOVED = {
    "learning_rate": ("weights", "learning_rate"),
    "momentum": ("weights", "momentum"),
    "nesterov": ("weights", "nesterov"),
    "weight_decay": ("weights", "weight_decay"),
    "decay_batch_norm": ("weights", "decay_vectors"),
    "final_learning_rate": ("schedule", "final_learning_rate"),
    "architecture_learning_rate": ("architecture", "learning_rate"),
    "architecture_betas": ("architecture", "betas"),
    "architecture_weight_decay": ("architecture", "weight_decay"),
}
"""Keys of [trainer], by the node that they belong to now and what they are called there."""

NODES: dict[str, dict[str, Any]] = {
    "weights": {"name": "sgd"},
    "schedule": {"name": "cosine"},
    "architecture": {
        "name": "adam",
        "learning_rate": 3e-4,
        "betas": [0.5, 0.999],
        "weight_decay": 1e-3,
    },
}
"""What these nodes were, whatever a config said."""


def of_today(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a config with keys of 0.1.0 put where they belong now.

    Raises
    ------
    HwbenchError
        Where a key of the trainer is given both ways.
    """
    found = dict(tree)
    trainer, selection = found.get("trainer"), found.get("selection")
    if isinstance(trainer, Mapping):
        found["trainer"] = _trainer(trainer)
    if isinstance(selection, Mapping) and "method" in selection:
        found["selection"] = _selection(selection)
    return found


def path_of_today(key: str) -> str:
    """The path of an argument, such as that of a sweep: "trainer.learning_rate" has moved."""
    section, _, name = key.partition(".")
    if section == "trainer" and name in MOVED:
        return ".".join([section, *MOVED[name]])
    return "selection.name" if key == "selection.method" else key


def _trainer(given: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: value for key, value in given.items() if key not in MOVED}
    for key, (node, name) in MOVED.items():
        if key not in given:
            continue
        own = found.get(node, NODES[node])
        if not isinstance(own, Mapping):
            continue  # what it is instead is said where nodes are checked
        if node in given and name in given[node]:
            raise HwbenchError(
                f"trainer: {key} and {node}.{name} are the same; leave one of them out"
            )
        found[node] = {**own, name: given[key]}
    return found


def _selection(given: Mapping[str, Any]) -> dict[str, Any]:
    if "name" in given:
        raise HwbenchError("selection: method and name are the same; leave method out")
    found = {key: value for key, value in given.items() if key not in ("method", "tuning_epochs")}
    found["name"] = given["method"]
    if found["name"] == "perturbation" and "tuning_epochs" in given:
        found["tuning_epochs"] = given["tuning_epochs"]
    return found
