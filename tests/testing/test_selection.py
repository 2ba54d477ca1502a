"""The checks of selections pass what is right and find what is wrong."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from hwbench.errors import HwbenchError
from hwbench.live.selections.base import Selection
from hwbench.live.selections.black_box import BlackBox
from hwbench.live.selections.strength import Strength
from hwbench.testing import check_selection, selection_checks


@pytest.mark.parametrize("check", selection_checks())
def test_one_by_one(check):
    check("strength")


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("ranking", {}),
        ("policy", {}),
        ("scalar", {"trained_by": "bayes_nas"}),
        (partial(BlackBox, evaluations=6), {}),
        pytest.param("perturbation", {}, marks=pytest.mark.slow),
        pytest.param("top_k", {"space": "ext_cell", "k": 14}, marks=pytest.mark.slow),
    ],
)
def test_those_of_hwbench_pass(part, options):
    check_selection(part, **options)


@pytest.mark.parametrize(
    ("part", "options", "message"),
    [
        ("strenght", {}, "did you mean 'strength'"),
        ("no.such:Module", {}, "no.such cannot be imported"),
        (3, {}, "selection 3: is none; give a name"),
        (int, {}, "selection int: is none; give a name"),
        (lambda: 3, {}, "selection 3: is none"),
        ("top_k", {"k": 0}, "k must be above 0"),
        ("strength", {"trained_by": "dart"}, "did you mean 'darts'"),
        ("strength", {"space": "nasbench"}, "unknown search space"),
    ],
)
def test_what_is_no_selection_is_one_line(part, options, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        check_selection(part, **options)
    assert len(str(caught.value).splitlines()) == 1


class Floating(Strength):
    def select(self, search, stage):
        return super().select(search, stage).astype(float)


class Nothing(Strength):
    def select(self, search, stage):
        return super().select(search, stage)[None, :][:0]


class Outside(Strength):
    def select(self, search, stage):
        return super().select(search, stage) + 5


class Twice(Strength):
    def select(self, search, stage):
        return np.stack([super().select(search, stage)] * 2)


class Drawn(Strength):
    def select(self, search, stage):
        return search.supernet.space.sample(1, int(np.random.randint(10**6)))  # noqa: NPY002


class Noisy(Strength):
    def select(self, search, stage):
        np.random.rand()  # noqa: NPY002
        return super().select(search, stage)


class Training(Strength):
    def select(self, search, stage):
        with torch.no_grad():
            next(search.supernet.parameters()).add_(1)
        return super().select(search, stage)


class Losing(Strength):
    def select(self, search, stage):
        self.found = pd.DataFrame({"architecture": ["a"]})
        return super().select(search, stage)


class Unreadable(Strength):
    def select(self, search, stage):
        self.found = pd.DataFrame({"architecture": ["a"], "accuracy": [1.0], "loss": [1.0]})
        return super().select(search, stage)


class Silent(Strength):
    def title(self):
        return ""


class Answering(Strength):
    def check(self, space, structure):
        return True


class Failing(Selection):
    def select(self, search, stage):
        raise KeyError("strengths")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (Floating, "no int64 array"),
        (Nothing, r"gives shape \(0, 6\)"),
        (Outside, "checking that what it selects is of the space"),
        (Twice, "selects an architecture twice"),
        (Drawn, "it selects something else"),
        (Noisy, "another generator than torch's default one"),
        (Training, "it changes the supernet"),
        (Losing, "lacks the columns accuracy, loss"),
        (Unreadable, "reading found raises"),
        (Silent, "title.. is '', no line"),
        (Answering, "returns something"),
        (Failing, "select.search, stage. raises KeyError"),
    ],
)
def test_what_is_broken_is_found(broken, message):
    with pytest.raises(AssertionError, match=message):
        check_selection(broken)
