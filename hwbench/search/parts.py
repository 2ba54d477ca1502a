"""Finished searches on disk, one file each, so that what was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.results.frames import read_frame
from hwbench.results.names import SEARCH_PARTS
from hwbench.search.identity import (
    predictor_identity,
    search_code,
    strategy_predictor,
    table_digest,
)
from hwbench.search.spec import SearchSpec
from hwbench.search.tables import SearchTable
from hwbench.spaces import Space

if TYPE_CHECKING:
    from hwbench.search.plan import SearchRun


@dataclass(frozen=True)
class SearchParts:
    """The folder `search_parts` of a run folder: a Parquet file for each search that has ended.

    A file's name is a hash of everything that the search depends on: strategy with parameters,
    cards and code of its predictor and of the metric's, goal, limit, seed, evaluations, the values
    of its table, and the version of its code. So a search that would come out otherwise today is
    not found, but run again.

    Attributes
    ----------
    folder : `search_parts`.
    spec : of the experiment.
    digests : by metric, of its table, see `table_digest`.
    spaces : by metric, of its table.
    """

    folder: Path
    spec: SearchSpec
    digests: Mapping[str, str]
    spaces: Mapping[str, Space]

    @classmethod
    def of(cls, folder: Path, spec: SearchSpec, tables: Mapping[str, SearchTable]) -> SearchParts:
        """The parts of a run folder, for the tables of a spec by metric."""
        digests = {metric: table_digest(table) for metric, table in tables.items()}
        spaces = {metric: table.space for metric, table in tables.items()}
        return cls(folder / SEARCH_PARTS, spec, digests, spaces)

    def path_of(self, run: SearchRun) -> Path:
        """Where the result of a search is, or will be."""
        predicted = self.spec.predicted_metric
        described = {
            **asdict(run),
            "choice": run.choice.model_dump(mode="json"),
            "predictor": predictor_identity(strategy_predictor(run.choice)),
            "metric_predictor": predictor_identity(
                predicted.predictor if predicted and run.training_size else None
            ),
            "accuracy": self.spec.accuracy,
            "evaluations": self.spec.evaluations,
            "n_initial": self.spec.n_initial,
            "table": self.digests[run.metric],
            "code": search_code(run.choice, self.spaces[run.metric]),
        }
        text = json.dumps(described, sort_keys=True)
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.parquet"

    def read(self, run: SearchRun) -> pd.DataFrame | None:
        """The result of a search, None where there is none that is whole."""
        try:
            return read_frame(self.path_of(run), {})
        except HwbenchError:  # cut off by a power failure
            return None
