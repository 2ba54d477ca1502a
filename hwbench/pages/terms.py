"""Words that several pages explain."""

from __future__ import annotations

KENDALL_TAU = (
    "Take two architectures: does the predictor say correctly which one is cheaper? Tau is the "
    "share of pairs ordered rightly minus the share ordered wrongly: 1 is a perfect order, 0 is "
    "guessing, 0.8 means nine pairs in ten. It has no unit."
)
