"""What an emulated device sees of computing on a GPU: where tensors are, and who waits for whom."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hwbench.live.recipes import recipe_files

SCRIPTS = Path(__file__).parent / "emulated"
STEPS = (1, 3)
"""Of the two epochs that the script trains."""

READS = {"enas": (1, 0), "gdas": (2, 2), "proxyless_nas": (2, 1)}
"""Of an epoch's first step and of each after it: their paths depend on what is learned, and a step
takes one for the weights and, in ProxylessNAS every fifth time, one for the parameters. ENAS reads
the path of an epoch once."""

QUICK = ["spos", "proxyless_nas"]


def printed(script, *arguments):
    """What a script prints, a line of JSON each."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(map(json.loads, done.stdout.splitlines()))


def waits(recipes):
    """By recipe those of both epochs."""
    found = dict(printed("steps.py", *recipes))
    assert list(found) == list(recipes)
    return found


def check(recipes):
    for name, (one, more) in waits(recipes).items():
        in_steps = Counter(more)
        in_steps.subtract(one)
        first, later = READS.get(name, (0, 0))
        assert sum(in_steps.values()) == later * (STEPS[1] - STEPS[0]), (name, in_steps)
        # At the end of an epoch its loss and its accuracy are read, and nothing else.
        assert sum(one.values()) == 2 + first, (name, one)


def test_steps_do_not_wait():
    check(QUICK)


@pytest.mark.slow
def test_steps_of_no_published_recipe_wait():
    check([name for name in recipe_files("published") if name not in QUICK])


@pytest.mark.slow
def test_graph_vaes_and_perceptrons_compute_on_the_device_what_the_cpu_does():
    assert printed("models.py") == [{"perceptrons": True, "vae": True}]
