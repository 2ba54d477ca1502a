"""Selection by a policy: the best of the architectures that it has sampled (LAUBE 451, 542)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from hwbench.arrays import IntArray
from hwbench.live.requirements import Requirements
from hwbench.live.selections.base import Selection
from hwbench.progress import StageProgress

if TYPE_CHECKING:
    from hwbench.live.search import Search


class Policy(Selection):
    """The most accurate that the policy has sampled, by the accuracy that it had then.

    Parameters
    ----------
    of : "last_epoch", what was sampled after the last epoch, and so with the weights as they are in
        the end (ShuffleNASNet-B); "ever", after any (ShuffleNASNet-A).
    """

    requires = Requirements(policy=True, training=True)

    def __init__(self, *, of: Literal["last_epoch", "ever"] = "last_epoch") -> None:
        self.of = of

    @property
    def planned_evaluations(self) -> int:
        return 0

    def select(self, search: Search, stage: StageProgress) -> IntArray:
        del stage
        names = ("sampled", "sampled_accuracy", "sampled_loss")
        if self.of == "ever":
            names = ("best", "best_accuracy", "best_loss")
        rows, accuracy, loss = (
            np.atleast_1d(search.strategy.get_buffer(name).cpu().numpy()) for name in names
        )
        archs, first = np.unique(np.atleast_2d(rows), axis=0, return_index=True)
        order = np.argsort(-accuracy[first], kind="stable")
        found: IntArray = archs[order].astype(np.int64)
        self.found = pd.DataFrame(
            {
                "architecture": search.supernet.space.to_strings(found),
                "accuracy": accuracy[first][order].astype(np.float64),
                "loss": loss[first][order].astype(np.float64),
                "metric": np.nan,
            }
        )
        return found[:1]

    def title(self) -> str:
        when = "in the end" if self.of == "last_epoch" else "ever"
        return f"The policy's best sample {when}"
