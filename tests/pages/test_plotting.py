"""What figures and pages share: ticks, signs, JSON for people."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.pages.plotting import log_axis, marked_level, signed
from hwbench.report.provenance import pretty_json
from hwbench.wording import duration


@pytest.mark.parametrize(
    ("value", "plus", "text"),
    [
        (-0.001, False, "0.00"),
        (-0.001, True, "+0.00"),
        (1.239, True, "+1.24"),
        (-2.5, True, "-2.50"),
    ],
)
def test_no_number_is_minus_zero(value, plus, text):
    assert signed(value, plus=plus) == text


@given(st.floats(1e-6, 1e6), st.floats(4.5, 1e5))
def test_a_logarithmic_axis_has_ticks_where_its_values_are(low, factor):
    axis = log_axis([low, None, math.nan, 0.0, low * factor])
    inside = [tick for tick in axis["tickvals"] if low <= tick <= low * factor]
    assert 1 <= len(inside) <= 8
    assert len(axis["ticktext"]) == len(axis["tickvals"])


def test_a_narrow_or_empty_logarithmic_axis_is_left_to_plotly():
    assert "tickvals" not in log_axis([0.3, 0.5])
    assert log_axis([]) == {"type": "log"}
    assert "10 ms" in log_axis([0.001, 5.0], duration)["ticktext"]


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


@given(trees)
def test_json_for_people_is_the_same_json(tree):
    assert json.loads(pretty_json(tree)) == tree


def test_lists_of_plain_values_stand_in_one_line():
    text = pretty_json({"a": [1, 2], "b": [{"c": 3}]})
    assert text.splitlines()[1] == '  "a": [1, 2],'


def test_a_level_crosses_the_whole_figure():
    level = marked_level(0.8)
    assert (level["y0"], level["y1"], level["xref"]) == (0.8, 0.8, "paper")
    assert (level["x0"], level["x1"]) == (0, 1)
    upright = marked_level(12, across=True)
    assert (upright["x0"], upright["x1"], upright["yref"]) == (12, 12, "paper")
    assert "xref" not in upright
