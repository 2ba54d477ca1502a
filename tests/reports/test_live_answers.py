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
