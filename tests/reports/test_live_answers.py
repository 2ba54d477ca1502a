"""Sentences on live searches, of frames as the evidence keeps them."""

import sys
from pathlib import Path

import pandas as pd
import pytest

REPORTS = Path(__file__).resolve().parents[2] / "reports"


@pytest.fixture
def methods(monkeypatch):
    monkeypatch.syspath_prepend(str(REPORTS))
    yield __import__("live_answers.methods", fromlist=["proxy_words"])
    for name in [name for name in sys.modules if name.partition(".")[0] == "live_answers"]:
        del sys.modules[name]


def test_proxy_images_are_held_against_as_many_random_ones_seed_by_seed(methods):
    from live_answers.found import Found

    true = {"random-not_balanced": [90.0, 92.0], "entropy-p1": [91.0, 94.0], "forgetting": [88.0]}
    runs = pd.DataFrame(
        [
            {"run": f"{value}-{size}-seed{seed}", "seed": seed, "true_value": found + size / 1000}
            for size in (2000, 4000)
            for value, own in true.items()
            for seed, found in enumerate(own)
        ]
    )
    kept = Found(runs, *[pd.DataFrame()] * 5)
    words = methods.proxy_words(kept)
    assert words.startswith("Beside as many random images, true accuracies change by, of 2,000 ")
    assert words.count("1.50 with entropy-p1 (2 seeds)") == 2
    assert words.count("-2.00 with forgetting (1 seed)") == 2
    assert "random-" not in words


def test_methods_stand_beside_the_middle_of_what_each_could_find_and_say_in_how_many_seeds(methods):
    from live_answers.found import Found

    shared = {"operations": "all", "random_50": 90.0, "most_flops": 93.0}
    no_zero = {"operations": "no-zero", "random_50": 91.0, "most_flops": 93.0}
    found = {
        ("PC-DARTS", 92.0, 91.0, 89.5): shared,  # above on average, not in each seed
        ("GDAS", 88.0, 90.5, 89.0): shared,
        ("FairDARTS", 90.5, 90.5, 90.5): no_zero,  # above the middle of cells that it cannot find
    }
    runs = pd.DataFrame(
        [
            {"method": f"{method}, on CIFAR-10 of 16 pixels", "true_value": value, **others}
            for (method, *values), others in found.items()
            for value in values
        ]
    )
    words = methods.methods_words(Found(runs, *[pd.DataFrame()] * 5))
    above, below = words.split(". The cell of the most FLOPs")[0].split("; not by those of ")
    assert above.startswith("The middle of random cells, 90.00 %, is exceeded on average by")
    assert above.endswith("PC-DARTS (90.83 ± 3.13 %, above in 2 of 3 seeds)")
    assert "GDAS (89.17 ± 3.13 %, above in 1 of 3 seeds)" in below
    assert "above in 0 of 3 seeds, of cells whose middle is 91.00 %)" in below
    assert words.endswith("has 93.00 %: no method derives better ones.")
