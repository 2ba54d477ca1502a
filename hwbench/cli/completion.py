"""What a shell offers at the tab key: names of what there is. Nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hwbench.assets import assets_folder, content_files

ARCHITECTURE_COLUMNS = ("arch", "arch_index")

Completion = Callable[[str], list[str]]


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _content(kind: str, suffix: str, own_folder: str) -> Completion:
    def complete(incomplete: str) -> list[str]:
        return _starting(incomplete, content_files(kind, suffix, own_folder=own_folder))

    return complete


predictors = _content("predictors", ".toml", "predictors")
scenarios = _content("simulations", ".toml", "simulations")
tables = _content("data", ".parquet", "tables")


def spaces(incomplete: str) -> list[str]:
    """Names of search spaces."""
    from hwbench.spaces import list_spaces

    return _starting(incomplete, list_spaces())


def benchmarks(incomplete: str) -> list[str]:
    """Names of public benchmarks."""
    return _stems(incomplete, "data", "sources")


def searches(incomplete: str) -> list[str]:
    """Names of live searches."""
    return _stems(incomplete, "simulations", "live", "published")


def sweeps(incomplete: str) -> list[str]:
    """Names of sweeps of live searches."""
    return _stems(incomplete, "simulations", "live", "sweeps")


def columns(incomplete: str) -> list[str]:
    """`table:column` of every table."""
    from pyarrow import parquet

    found = []
    for name, path in content_files("data", ".parquet", own_folder="tables").items():
        if name.startswith(incomplete) or incomplete.startswith(f"{name}:"):
            names = parquet.read_schema(path).names
            found += [f"{name}:{column}" for column in names if column not in ARCHITECTURE_COLUMNS]
    return _starting(incomplete, found)


def _stems(incomplete: str, kind: str, *folders: str) -> list[str]:
    folder = assets_folder(kind).joinpath(*folders)
    return _starting(incomplete, sorted(path.stem for path in folder.glob("*.toml")))
