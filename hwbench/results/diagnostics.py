"""What is seen inside supernets whose strengths are learned, as tidy frames (CHOE 3.3, 3.4)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from hwbench.results.frames import Column, Columns

NODE_VARIANCE = "node_variance"
OPERATION_VARIANCE = "operation_variance"
VARIANCE_RATIO = "variance_ratio"
GRADIENT_NORM = "gradient_norm"
CORRELATION = "correlation"

QUANTITIES = {
    NODE_VARIANCE: "variance of what a node passes on (CHOE Fig. 3.2)",
    OPERATION_VARIANCE: "variance of a candidate's output",
    VARIANCE_RATIO: "variance of a mixed operation's output over that of its input (CHOE Fig. 3.6)",
    GRADIENT_NORM: "norm of the loss's gradient by a candidate's weights (CHOE Fig. 3.5)",
    CORRELATION: "covariance of two candidates' outputs, each channel of both normalised (CHOE "
    "Fig. 3.7)",
}

DIAGNOSTIC_COLUMNS: Columns = {
    "epoch": Column("integer", "from 0; the state after it"),
    "quantity": Column("text", f"one of {', '.join(QUANTITIES)}"),
    "cell": Column("integer", "how many cells with the same decision stand before, from 0"),
    "position": Column(
        "text", "name of the decision, as in the frame of strengths; of a node its name"
    ),
    "operation": Column("optional text", "name of the candidate, the first of two"),
    "other": Column("optional text", "name of the second candidate of a correlation"),
    "value": Column("number", "of the quantity"),
}
"""What a frame of diagnostics holds, a row for each epoch, quantity and place of the network."""

DISCRETISED_COLUMNS: Columns = {
    "position": Column("text", "name of the decision that has one candidate left"),
    "operation": Column("text", "name of that candidate"),
    "strength": Column("number", "of it, before"),
    "accuracy_at_once": Column(
        "number", "in %, on validation images with the statistics of each batch, without tuning"
    ),
    "accuracy": Column("number", "the same after the tuning (CHOE Fig. 3.1)"),
    "tuning_epochs": Column("integer", "trained on with the candidate alone"),
    "code": Column("text", "version of the code that trained"),
}
"""What a frame of discretised positions holds, a row for each candidate."""

LANDSCAPE_COLUMNS: Columns = {
    "along": Column("number", "distance from what was learned along the gradient of the loss"),
    "across": Column("number", "distance in a random direction orthogonal to it"),
    "loss": Column("number", "on validation images with the statistics of each batch"),
}
"""What a frame of a loss landscape holds, a row for each point of the grid (NA Fig. 4.6)."""


def reliability(discretised: pd.DataFrame) -> dict[str, float]:
    """How far strengths say which candidate of an edge is worth most.

    Parameters
    ----------
    discretised : see `DISCRETISED_COLUMNS`.

    Returns
    -------
    `positions`; `kendall_tau` of strengths and accuracies, the mean over the positions where it is
    defined; and `strongest_is_best`, the share of positions whose strongest candidate has the
    highest accuracy. Empty where there is no position.
    """
    taus, best = [], []
    for _, own in discretised.groupby("position", sort=False):
        tau = kendalltau(own["strength"], own["accuracy"]).statistic
        taus.append(tau)
        best.append(own["strength"].idxmax() == own["accuracy"].idxmax())
    if not best:
        return {}
    known = [tau for tau in taus if np.isfinite(tau)]
    return {
        "positions": len(best),
        "kendall_tau": float(np.mean(known)) if known else float("nan"),
        "strongest_is_best": float(np.mean(best)),
    }


def rise(landscape: pd.DataFrame) -> dict[str, float]:
    """How much the loss rises around what was learned.

    Parameters
    ----------
    landscape : see `LANDSCAPE_COLUMNS`.

    Returns
    -------
    `loss` in the middle; `reach` of the axes; and `rise`, the mean over all points but the middle
    of the loss minus that there. Empty where there is no point.
    """
    if landscape.empty:
        return {}
    distance = np.hypot(landscape["along"], landscape["across"])
    middle = float(landscape["loss"][distance.idxmin()])
    others = landscape["loss"].drop(index=distance.idxmin())
    return {
        "loss": middle,
        "reach": float(landscape["along"].abs().max()),
        "rise": float((others - middle).mean()),
    }
