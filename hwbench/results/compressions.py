"""What a run of compressions holds: a row a training, its layers, and measured latency."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.results.frames import Column, Columns, read_frame
from hwbench.results.names import (
    COMPRESS,
    COMPRESSED_LATENCY,
    COMPRESSED_LAYERS,
    COMPRESSIONS,
)
from hwbench.results.record import read_record
from hwbench.toml import load_toml

WHOLE = "whole"
"""The method of the network that was trained as long and stayed as it was."""

COMPRESSION_COLUMNS: Columns = {
    "label": Column("text", "of the training, and of its network's folder"),
    "method": Column("text", f"its name, or {WHOLE}"),
    "budget": Column("number", "share of the FLOPs that might be left; missing where none was set"),
    "strength": Column("number", "lambda; missing where it was 1/N or the method has none"),
    "seed": Column("integer", "of weights, batches and draws"),
    "accuracy": Column("number", "on test images, in %"),
    "loss": Column("number", "mean cross-entropy on test images"),
    "flops": Column("number", "of one image, two for each multiplication and its addition"),
    "flops_share": Column("number", "of the whole network's"),
    "parameters": Column("number", "weights, offsets and scales"),
    "weights_left": Column("number", "share of the whole network's weights that are there, not 0"),
    "difference": Column(
        "number", "largest, of the smaller network's outputs from those of the one with zeros"
    ),
    "cpu_seconds": Column("number", "of the training, of what the whole network did before not"),
}
"""What a frame of compressions holds, a row a training."""

OUTCOME = (
    "accuracy",
    "loss",
    "flops",
    "flops_share",
    "parameters",
    "weights_left",
    "difference",
)
"""Columns that are missing where a training diverged."""

LAYER_COLUMNS: Columns = {
    "label": Column("text", "of the training"),
    "place": Column("integer", "of the dimension in the network, from 0"),
    "dimension": Column("text", "the layer whose outputs these units are, or whose inputs"),
    "units": Column("integer", "that are left"),
    "units_before": Column("integer", "of the whole network"),
}
"""What a frame of compressed layers holds, a row for each training and dimension."""

LATENCY_COLUMNS: Columns = {
    "label": Column("text", "of the training"),
    "round": Column("integer", "in which each network was visited once"),
    "milliseconds": Column("number", "of the fastest run of the visit"),
}
"""What a frame of latencies holds, a row for each network and round."""


@dataclass(frozen=True)
class Compressions:
    """The checked contents of a run of compressions.

    Attributes
    ----------
    folder : the run folder.
    spec : as `compress.toml` has it.
    record : what `run.json` says.
    trainings, layers : see the columns above.
    latency : None where it was not measured, or not yet.
    """

    folder: Path
    spec: dict[str, Any]
    record: dict[str, Any]
    trainings: pd.DataFrame
    layers: pd.DataFrame
    latency: pd.DataFrame | None

    @property
    def latency_ratios(self) -> pd.Series:
        """Latency of each network over that of the whole one, by label: medians over rounds.

        The ratio is taken within each round, in which both were measured.
        """
        if self.latency is None:
            return pd.Series(dtype=float)
        wide = self.latency.pivot_table(index="round", columns="label", values="milliseconds")
        whole = [label for label in wide if label.startswith(f"{WHOLE}-")]
        return wide.div(wide[whole].median(axis=1), axis=0).median()


def is_compression(folder: Path) -> bool:
    """Whether a folder is that of a run of compressions."""
    return (folder / COMPRESS).is_file()


def read_compressions(folder: Path) -> Compressions:
    """Read a run of compressions, finished or not.

    Raises
    ------
    HwbenchError
        Where the folder holds none, none of its trainings has ended, or a file is broken.
    """
    if not is_compression(folder):
        raise HwbenchError(
            f"{folder}: holds no run of compressions; make one with hwbench compress run NETWORK "
            f"-o {folder}"
        )
    trainings = read_frame(folder / COMPRESSIONS, COMPRESSION_COLUMNS)
    layers = read_frame(folder / COMPRESSED_LAYERS, LAYER_COLUMNS)
    if trainings is None or layers is None or trainings.empty:
        raise HwbenchError(
            f"{folder}: none of its trainings has ended; go on with the same command"
        )
    return Compressions(
        folder,
        load_toml(folder / COMPRESS),
        read_record(folder) or {},
        trainings,
        layers,
        read_frame(folder / COMPRESSED_LATENCY, LATENCY_COLUMNS),
    )
