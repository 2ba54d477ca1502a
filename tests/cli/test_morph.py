import json

import pytest

from hwbench.live.retrained import export_retrained, load_retrained
from hwbench.spaces import get_space

SKELETON = {"channels": 4, "depth": 1, "input_channels": 1, "input_size": 8, "classes": 3}
LAYER = "cells.0.operations.0.1"


@pytest.fixture
def folder(tmp_path):
    """A network that was not trained, as a training leaves one."""
    space = get_space("pr_darts")
    arch = space.from_string("PR-DARTS DL1")
    export_retrained(
        space.network(arch, **SKELETON),
        tmp_path / "trained" / "network",
        space=space,
        architecture=space.to_string(arch),
        skeleton=SKELETON,
        training={"images": "none"},
        optimiser={},
    )
    return tmp_path / "trained"


def test_layers_are_listed_and_changed(hwbench, folder, tmp_path):
    listed = json.loads(hwbench("morph", folder, "--json").out)
    layer = next(each for each in listed if each["layer"] == LAYER)
    assert (layer["is"], layer["parameters"]) == ("Conv2d", 4 * 25)
    assert LAYER in hwbench("morph", folder).out
    command = ("morph", folder, "grow_kernel", "--layer", LAYER, "--size", 7)
    done = hwbench(*command, "-o", tmp_path / "a")
    assert done.code == 0, done.err
    assert "0 in evaluation mode, 0 in training mode" in done.out
    assert load_retrained(tmp_path / "a").tree.morphisms[0]["size"] == 7
    told = json.loads(hwbench(*command, "-o", tmp_path / "b", "--json").out)
    assert told["parameters_after"] - told["parameters_before"] == 4 * (49 - 25)
    assert told["training"] == told["evaluation"] == told["carried"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("grow_kernel", "--size", 7), "say which layer and where to, --layer NAME -o FOLDER"),
        (("grow_kernl", "--layer", LAYER, "-o", "new"), "did you mean 'grow_kernel'"),
        (("grow_kernel", "--layer", LAYER, "-o", "new"), "the argument 'size' is missing"),
        (("widen", "--layer", LAYER, "--size", 3, "-o", "new"), "unknown argument 'size'"),
        (("insert", "--layer", LAYER, "--activation", "tanh", "-o", "new"), "unknown activation"),
        (("widen", "--layer", "none", "--width", 3, "-o", "new"), "unknown layer 'none'"),
    ],
)
def test_what_is_wrong_is_said(hwbench, folder, options, message):
    refused = hwbench("morph", folder, *options)
    assert refused.code == 2
    assert message in refused.err


def test_a_folder_without_a_network_is_refused(hwbench, tmp_path):
    refused = hwbench("morph", tmp_path)
    assert refused.code == 2
    assert "network.toml" in refused.err
