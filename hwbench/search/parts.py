"""Finished searches on disk, one file each, so that what was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import hwbench
from hwbench.files import atomic_path
from hwbench.search.spec import SearchSpec, StrategyChoice
from hwbench.search.strategies import strategy_parameters
from hwbench.search.tables import SearchTable

if TYPE_CHECKING:
    from hwbench.search.run import SearchRun

SEARCH_PARTS = "search_parts"

_PACKAGE = Path(hwbench.__file__).parent
_COUNTED = ("search/*.py", "predictors/*.py", "spaces/*.py")
"""Sources that can change a search's numbers."""


@dataclass(frozen=True)
class SearchParts:
    """The folder `search_parts` of a run folder: a Parquet file for each search that has ended.

    A file's name is a hash of everything that the search depends on: strategy with parameters and
    predictor card, goal, limit, seed, evaluations, the values of its table, and the version of the
    code. So a search that would come out otherwise today is not found, but run again.

    Attributes
    ----------
    folder : `search_parts`.
    spec : of the experiment.
    digests : by metric, of its table, see `table_digest`.
    """

    folder: Path
    spec: SearchSpec
    digests: Mapping[str, str]

    @classmethod
    def of(cls, folder: Path, spec: SearchSpec, tables: Mapping[str, SearchTable]) -> SearchParts:
        """The parts of a run folder, for the tables of a spec by metric."""
        digests = {metric: table_digest(table) for metric, table in tables.items()}
        return cls(folder / SEARCH_PARTS, spec, digests)

    def path_of(self, run: SearchRun) -> Path:
        """Where the result of a search is, or will be."""
        predicted = self.spec.predicted_metric
        described = {
            **asdict(run),
            "choice": run.choice.model_dump(mode="json"),
            "predictor": _card_of(run.choice),
            "metric_predictor": predicted.predictor if predicted and run.training_size else None,
            "accuracy": self.spec.accuracy,
            "evaluations": self.spec.evaluations,
            "n_initial": self.spec.n_initial,
            "table": self.digests[run.metric],
            "code": _code_version(),
        }
        text = json.dumps(described, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.parquet"

    def read(self, run: SearchRun) -> pd.DataFrame | None:
        """The result of a search, None where there is none that is whole."""
        try:
            return pd.read_parquet(self.path_of(run))
        except (OSError, ValueError):  # of pyarrow too: missing, or cut off by a power failure
            return None


def write_part(path: Path, frame: pd.DataFrame) -> None:
    """Keep the result of a search that has ended."""
    with atomic_path(path) as temporary:
        frame.to_parquet(temporary, compression="zstd", index=False)


def remove_parts(folder: Path) -> None:
    """Remove the parts of searches in a run folder, and their folder where nothing else is in it.

    Raises
    ------
    OSError
        Where they cannot be removed.
    """
    parts = folder / SEARCH_PARTS
    if not parts.is_dir():
        return
    for path in [*parts.glob("*.parquet"), *parts.glob(".*.parquet")]:
        path.unlink()
    if not any(parts.iterdir()):
        parts.rmdir()


def table_digest(table: SearchTable) -> str:
    """Hash of all that a search can see of a table."""
    digest = hashlib.sha256(table.space.name.encode())
    for array in (table.archs, table.accuracy, table.metric):
        digest.update(array.tobytes())
    return digest.hexdigest()


def _card_of(choice: StrategyChoice) -> Any:
    """The card of the strategy's predictor, None where it has none."""
    from hwbench.predictors import predictor_card

    predictor = {**strategy_parameters(choice.name), **choice.parameters}.get("predictor")
    return predictor_card(predictor).model_dump(mode="json") if predictor else None


@cache
def _code_version() -> str:
    """Version of the code that makes a search's numbers: the package's, and a hash of sources."""
    digest = hashlib.sha256()
    for pattern in _COUNTED:
        for path in sorted(_PACKAGE.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{hwbench.__version__}+{digest.hexdigest()[:16]}"
