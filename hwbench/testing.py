"""Checks that come with hwbench, to hold parts of one's own against in one's own tests."""

from hwbench.spaces.checks import check_space

__all__ = ["check_space"]
