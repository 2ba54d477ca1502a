"""How often a step of training waits for the device: on an emulated one, without a GPU."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hwbench.live.config import recipe_files

SCRIPT = Path(__file__).parents[1] / "emulated" / "steps.py"
STEPS = (1, 3)
"""Of the two epochs that the script trains."""

READS = {"gdas": 2, "proxyless_nas": 2}
"""Of a step: their paths depend on what is learned, and a step takes one for the parameters and one
for the weights."""

QUICK = ["spos", "fair_nas", "gdas", "proxyless_nas"]


def waits(recipes):
    """By recipe those of both epochs."""
    done = subprocess.run(
        [sys.executable, SCRIPT, *recipes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = dict(map(json.loads, done.stdout.splitlines()))
    assert list(found) == list(recipes)
    return found


def check(recipes):
    for name, (one, more) in waits(recipes).items():
        in_steps = Counter(more)
        in_steps.subtract(one)
        expected = READS.get(name, 0) * (STEPS[1] - STEPS[0])
        assert sum(in_steps.values()) == expected, (name, in_steps)
        # At the end of an epoch its loss and its accuracy are read, and nothing else.
        assert sum(one.values()) == 2 + READS.get(name, 0) * STEPS[0], (name, one)


def test_steps_do_not_wait():
    check(QUICK)


@pytest.mark.slow
def test_steps_of_no_published_recipe_wait():
    check([name for name in recipe_files("published") if name not in QUICK])
