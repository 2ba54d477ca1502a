"""What objects show of themselves in notebooks: short, complete, and harmless."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import hwbench as hb
from hwbench.notebook import LONGEST, listing, panel, sentences
from hwbench.tables import ColumnCard, TableCard

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        assert not [name for name, _ in attributes if name.startswith("on")]
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def assert_harmless(text):
    tags = Tags(text)
    assert not tags.open
    assert tags.seen <= {
        "div",
        "p",
        "strong",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "ul",
        "li",
    }
    assert not re.search(r"(?<!-)color:|#[0-9a-f]{3,6}\b", text)  # the notebook's own colours


def test_everything_that_is_given_is_text():
    shown = panel(
        HOSTILE,
        [(HOSTILE, HOSTILE), ("nothing", None)],
        listing((HOSTILE,), [[HOSTILE]], note=HOSTILE),
        sentences([HOSTILE]),
    )
    assert_harmless(shown)
    assert shown.count("&lt;script&gt;") == 7
    assert "nothing" not in shown
    assert len(panel("x" * 10_000, ())) < 2 * LONGEST


@pytest.fixture(scope="module")
def hostile_table():
    space = hb.load_space("nasbench_macro")
    card = TableCard(
        name="mine",
        title=HOSTILE,
        space=space.name,
        created="2026-01-01",
        columns={
            HOSTILE: ColumnCard(
                title=HOSTILE, unit=HOSTILE, direction="minimize", device=HOSTILE, source=HOSTILE
            )
        },
    )
    values = np.linspace(1, 2, 20)
    archs = space.sample(20, seed=0)
    return hb.Table.from_archs(archs, pd.DataFrame({HOSTILE: values}), card)


@pytest.mark.filterwarnings("ignore::hwbench.predictors.fit_quality.WeakFitWarning")
def test_names_of_others_run_nothing(hostile_table):
    target = hb.Target.of(hostile_table, HOSTILE)
    model = hb.fit_model(target, "ridge", samples=12, description=HOSTILE)
    for each in (hostile_table, target, model):
        assert_harmless(each._repr_html_())
        assert "alert(1)" in each._repr_html_()


@pytest.fixture(scope="module")
def study():
    spec = hb.StudySpec(
        targets=["macro-cpu:latency"],
        predictors=["ridge", "bayesian_linear_regression"],
        training_sizes=[11, 25],
        seeds=[0],
    )
    return hb.run_study(spec)


@pytest.fixture(scope="module")
def advice():
    table = hb.load_table("macro-cpu")
    frame = table.frame[["arch", "latency"]].head(20)
    return hb.advise_on(frame, "nasbench_macro", unit="ms", predictors=["ridge"], work=20)


def test_objects_say_what_they_are_without_raw_arrays(study, advice):
    shown = {
        "<Table macro-cpu: 6561 architectures": hb.load_table("macro-cpu"),
        "<Target macro-cpu:latency [ms]: 6561": hb.load_target("macro-cpu:latency"),
        "<Space nasbench201: 15625": hb.load_space("nasbench201"),
        "<StudyResult: 4 trials, 2 predictors": study,
        "<Run .: 4 trials of a study": study.as_run(),
        "<Advice on latency [ms] of nasbench_macro": advice,
        "<FittedModel frame:latency [ms] of nasbench_macro; ridge": advice.fitted,
    }
    for start, each in shown.items():
        assert repr(each).startswith(start)
        assert len(repr(each)) < 300
        assert "\n" not in repr(each)
        assert "array(" not in repr(each)
        assert_harmless(each._repr_html_())
        assert len(each._repr_html_()) < 20_000
    assert "<Measurements" in repr(advice.measurements)
    assert advice.lines()[1][:60] in advice._repr_html_().replace("&#x27;", "'")
    assert "Ridge regression" in study._repr_html_()
