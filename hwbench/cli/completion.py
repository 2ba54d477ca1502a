"""What a shell offers at the tab key: names of what there is. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hwbench.assets import (
    BENCHMARKS,
    PREDICTORS,
    SCENARIOS,
    TABLES,
    Content,
    asset_files,
    live_content,
)

ARCHITECTURE_COLUMNS = ("arch", "hwbench_index")

Completion = Callable[[str], list[str]]


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _content(content: Content) -> Completion:
    def complete(incomplete: str) -> list[str]:
        return _starting(incomplete, content.files())

    return complete


predictors = _content(PREDICTORS)
scenarios = _content(SCENARIOS)
tables = _content(TABLES)
benchmarks = _content(BENCHMARKS)
searches = _content(live_content("published"))
sweeps = _content(live_content("sweeps"))


def published_images(incomplete: str) -> list[str]:
    """Names of image sets that are published."""
    return _starting(incomplete, asset_files("data/images", ".toml"))


def spaces(incomplete: str) -> list[str]:
    """Names of search spaces."""
    from hwbench.spaces import list_spaces

    return _starting(incomplete, list_spaces())


def columns(incomplete: str) -> list[str]:
    """`table:column` of every table that can be read."""
    from pyarrow import parquet

    found = []
    for name, path in TABLES.files().items():
        if not (name.startswith(incomplete) or incomplete.startswith(f"{name}:")):
            continue
        try:
            names = parquet.read_schema(path).names
        except Exception:  # noqa: BLE001, S112  a broken table is named by `tables list`
            continue
        found += [f"{name}:{column}" for column in names if column not in ARCHITECTURE_COLUMNS]
    return _starting(incomplete, found)
