"""What other devices measured, for predictors that learn from them: one device is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hwbench.errors import HwbenchError
from hwbench.predictors.transfer import SourceMetrics
from hwbench.tables import Target, load_target


def sources_for(target: Target, sources: Sequence[str]) -> SourceMetrics:
    """The sources that a target's device had no part in.

    Parameters
    ----------
    target : what is predicted.
    sources : "table:column" each.

    Raises
    ------
    HwbenchError
        Where a source or the target does not say its device, is of another space, is unknown, or
        all sources are of the target's device.
    """
    own_device = _device(target)
    values: dict[str, pd.Series] = {}
    for text in sources:
        source = load_target(text, missing="keep").check_space(target.space.name, "sources")
        if _device(source) != own_device:
            values[text] = pd.Series(source.values, index=pd.Index(source.table.keys))
    if not values:
        raise HwbenchError(f"target {target.key}: all sources are of its own device, {own_device}")
    frame = pd.DataFrame(values)
    archs = target.space.archs_of(frame.index.to_numpy())
    return SourceMetrics(target.space, archs, frame.to_numpy(dtype=np.float64), tuple(values))


def _device(target: Target) -> str:
    if target.device is None:
        raise HwbenchError(
            f"{target.key}: its card does not say the device, so it cannot be left out of the "
            "sources"
        )
    return target.device
