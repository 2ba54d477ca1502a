"""Checks that come with hwbench, to hold parts of one's own against in one's own tests."""

from hwbench.testing.architecture_strategy import check_architecture_strategy
from hwbench.testing.predictor import check_predictor
from hwbench.testing.space import check_space
from hwbench.testing.strategy import check_strategy

__all__ = ["check_architecture_strategy", "check_predictor", "check_space", "check_strategy"]
