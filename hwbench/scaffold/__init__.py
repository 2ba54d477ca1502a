"""Packages of parts to begin with: files of a working example of each kind, with its check."""

from hwbench.scaffold.kinds import KINDS, Kind, find_kind
from hwbench.scaffold.writing import Scaffold, package_files, write_card, write_package

__all__ = ["KINDS", "Kind", "Scaffold", "find_kind", "package_files", "write_card", "write_package"]
