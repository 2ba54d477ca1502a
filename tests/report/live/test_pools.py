"""The report's section on pools: sentences, trees and figures of a history by hand."""

from pathlib import Path

import pandas as pd
import pytest

from hwbench.pages.blocks import Code, Lines
from hwbench.report.live.pools import pools_section
from hwbench.results.live import LiveRun
from hwbench.results.pools import POOL_COLUMNS

SMALL, LARGE, DILATED = "sep_conv_k3_d1_w1", "sep_conv_k5_d1_w1", "sep_conv_k3_d2_w1"
HISTORY = [
    # iteration, first epoch, operation, parent, transformation, born, strength, survived
    (1, 0, "skip_connect", None, None, 1, 0.4, 0.0),
    (1, 0, SMALL, None, None, 1, 0.6, 1.0),
    (2, 2, SMALL, None, None, 1, 0.2, 0.0),
    (2, 2, LARGE, SMALL, "grow_kernel", 2, 0.5, 1.0),
    (2, 2, DILATED, SMALL, "dilate", 2, 0.3, 0.0),
    (3, 4, LARGE, SMALL, "grow_kernel", 2, 0.7, None),
    (3, 4, SMALL, LARGE, "shrink_kernel", 3, 0.3, None),
]


def _run(history):
    frame = pd.DataFrame(
        [(*row[:2], "normal 0->2", *row[2:]) for row in history], columns=list(POOL_COLUMNS)
    ).astype({"survived": "float64"})
    nothing = pd.DataFrame()
    return LiveRun(Path("run"), {}, {}, {}, nothing, nothing, nothing, {}, nothing, pools=frame)


@pytest.fixture
def run():
    return _run(HISTORY)


def test_who_came_from_whom_is_a_tree(run):
    (section,) = pools_section([run], ["a search"])
    blocks = section.blocks[1].blocks
    (tree,) = [each.text for each in blocks if isinstance(each, Code)]
    assert tree.splitlines() == [
        "normal 0->2",
        "  skip  [1]  0.40",
        "  sep conv k3 d1 w1  [1-2]  0.20",
        "  \u251c\u2500 grow kernel: sep conv k5 d1 w1  [2-3]  0.70",
        "  \u2502  \u2514\u2500 shrink kernel: sep conv k3 d1 w1  [3]  0.30",
        "  \u2514\u2500 dilate: sep conv k3 d2 w1  [2]  0.30",
    ]
    (lines,) = [each.lines for each in blocks if isinstance(each, Lines)]
    assert lines == (
        "3 iterations: 5 candidates, 3 of them children; at the 1 position 2 are left.",
        "4 different operations were tried.",
        "0 of those that are left have been there from the first iteration.",
        "50 % of the children outlived their first iteration.",
        "Children by transformation: 1 grow kernel, 1 dilate, 1 shrink kernel.",
    )


def test_similarity_and_kinds_are_drawn(run):
    (section,) = pools_section([run], ["a search"])
    similar, kinds = section.blocks[1].blocks[:2]
    (line,) = similar.data
    # 0; (0.75 + 0.75 + 0.5) / 3; 0.75
    assert line["y"] == pytest.approx([0, 2 / 3, 0.75], abs=1e-5)
    shares = [trace["y"] for trace in kinds.data]
    assert shares[0] == pytest.approx([0.5, 0, 0])
    assert shares[2] == pytest.approx([0.5, 1, 1])


def test_without_a_history_there_is_no_section():
    assert pools_section([_run([])], ["a search"]) == []
