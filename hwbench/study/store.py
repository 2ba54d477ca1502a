"""What a study stored, read back."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from hwbench.errors import HwbenchError


def read_predictions(folder: Path) -> pd.DataFrame:
    """The test predictions of a run.

    Returns
    -------
    A row a prediction: target, predictor, encoding, training_size, seed, truth, prediction.

    Raises
    ------
    HwbenchError
        Where the folder holds none.
    """
    import pyarrow as pa

    path = folder / "predictions.parquet"
    if not path.exists():
        raise HwbenchError(f"{folder}: no predictions.parquet; run a study into that folder first")
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise HwbenchError(f"{path}: cannot be read as Parquet; run the study again") from error
