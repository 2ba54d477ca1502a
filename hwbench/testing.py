"""Checks that come with hwbench, to hold parts of one's own against in one's own tests."""

from hwbench.live.checks import check_architecture_strategy
from hwbench.predictors.checks import check_predictor
from hwbench.search.checks import check_strategy
from hwbench.spaces.checks import check_space

__all__ = ["check_architecture_strategy", "check_predictor", "check_space", "check_strategy"]
