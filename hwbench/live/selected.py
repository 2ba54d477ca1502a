"""What a selection came to: accuracies, true values, and how near its front is to the true one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from hwbench.arrays import Floats, IntArray
from hwbench.fronts.quality import TrueFront
from hwbench.fronts.two import pareto_front
from hwbench.live.metric import Metric
from hwbench.live.selections.base import Selection
from hwbench.live.supernets.supernet import Supernet
from hwbench.live.truth import Truth, could_be_found, expected_best
from hwbench.spaces.lacks import SpaceLacksError

FITNESS = "fitness"
"""The column of what a search maximised in place of the accuracy."""

DRAWS = 200
"""Random sets that baselines are means over."""


def metric_of(selection: Selection) -> dict[str, Any] | None:
    """What a selection weighed beside the accuracy, as plain data; None where nothing."""
    metric = selection.metric
    if metric is None:
        return None
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "direction": metric.direction,
        "limit": selection.limit,
        "optimised": selection.optimises_metric,
        "source": metric.source,
        "predictor": metric.predictor,
        "samples": metric.samples or None,
    }


def evaluations_of(
    selection: Selection, chosen: IntArray, supernet: Supernet, truth: Truth
) -> pd.DataFrame | None:
    """What a selection evaluated, with true values; see `hwbench.results.selections`."""
    if selection.found is None:
        return None
    frame = selection.found.reset_index(drop=True)
    space = supernet.space
    archs = np.stack([space.from_string(text) for text in frame["architecture"]])
    unknown = np.full(len(frame), np.nan)
    known = truth.accuracies
    true_metric = unknown
    if selection.metric is not None:
        true_metric = selection.metric.true_values_of(archs)
    taken = set(space.to_strings(chosen))
    others = [name for name in (*space.measured, FITNESS) if name in frame]
    return pd.DataFrame(
        {
            "evaluation": np.arange(1, len(frame) + 1),
            "architecture": frame["architecture"],
            "accuracy": frame["accuracy"],
            "loss": frame["loss"],
            "metric": frame["metric"].astype("float64"),
            "true_accuracy": unknown if known is None else known.values_of(archs),
            "true_metric": true_metric,
            "selected": [text in taken for text in frame["architecture"]],
            **{name: frame[name] for name in others},
        }
    )


class TrueValues:
    """True accuracies and metrics of all architectures that a selection could have found.

    Parameters
    ----------
    truth : of the search; it has accuracies.
    supernet : that was selected from.
    selection : that has selected.
    """

    def __init__(self, truth: Truth, supernet: Supernet, selection: Selection) -> None:
        if truth.accuracies is None:
            raise ValueError("no true accuracies are known")
        accuracies, metric = truth.accuracies, selection.metric
        could = could_be_found(accuracies, supernet)
        self.archs: IntArray = accuracies.archs[could]
        self.accuracy: Floats = accuracies.values[could]
        self.selection = selection
        self.supernet = supernet
        self._accuracies = accuracies
        self.metric: Metric | None = metric
        if metric is not None:
            told, true = metric.values_of(self.archs), metric.true_values_of(self.archs)
            kept = np.isfinite(told) & np.isfinite(true)
            if selection.limit is not None:
                kept &= metric.within(told, selection.limit)
            self.archs, self.accuracy = self.archs[kept], self.accuracy[kept]
            self.told, self.true = self._sign * told[kept], self._sign * true[kept]

    @property
    def _sign(self) -> int:
        return -1 if self.metric is not None and self.metric.direction == "maximize" else 1

    def front(self) -> pd.DataFrame | None:
        """The true front, see `hwbench.results.selections`; None where there is no metric."""
        if self.metric is None or not len(self.archs):
            return None
        rows = pareto_front(self.accuracy, self.true)
        return pd.DataFrame(
            {
                "architecture": self.supernet.space.to_strings(self.archs[rows]),
                "accuracy": self.accuracy[rows],
                "metric": self._sign * self.true[rows],
            }
        )

    def quality_of(self, chosen: IntArray, seed: int) -> dict[str, Any] | None:
        """How near what was selected comes to the true front, beside what costs no supernet."""
        if self.metric is None or not len(self.archs):
            return None
        accuracy = self._accuracies.values_of(chosen)
        metric = self._sign * self.metric.true_values_of(chosen)
        known = np.isfinite(accuracy) & np.isfinite(metric)
        if not known.any():
            return None
        true = TrueFront.of(self.accuracy, self.true)
        found = _quality(true, accuracy[known], metric[known])
        baselines = self._front_baselines(true, int(known.sum()), np.random.default_rng(seed))
        return {**found, "baselines": baselines}

    def _front_baselines(
        self, true: TrueFront, n_selected: int, generator: np.random.Generator
    ) -> list[dict[str, Any]]:
        n_archs = len(self.archs)
        few = min(n_selected, n_archs)
        drawn = [generator.choice(n_archs, few, replace=False) for _ in range(DRAWS)]
        found = [
            {
                "name": "random",
                "words": f"{few} architectures drawn at random",
                "evaluations": 0,
                **_mean([_quality(true, self.accuracy[rows], self.true[rows]) for rows in drawn]),
            }
        ]
        sizes = self._sizes()
        if sizes is not None and self.metric is not None and self.metric.source != "formula":
            rows = pareto_front(sizes, self.told)
            found.append(
                {
                    "name": "flops",
                    "words": "the front of FLOPs, in place of accuracy, and the metric",
                    "evaluations": 0,
                    **_quality(true, self.accuracy[rows], self.true[rows]),
                }
            )
        evaluations = 0 if self.selection.found is None else len(self.selection.found)
        many = min(evaluations, n_archs)
        if many:
            fronts = []
            for _ in range(DRAWS // 4):
                rows = generator.choice(n_archs, many, replace=False)
                rows = rows[pareto_front(self.accuracy[rows], self.true[rows])]
                fronts.append(_quality(true, self.accuracy[rows], self.true[rows]))
            found.append(
                {
                    "name": "random_without_error",
                    "words": f"the front of {many} random architectures, judged without error",
                    "evaluations": many,
                    **_mean(fronts),
                }
            )
        return found

    def single(self, arch: IntArray) -> dict[str, Any] | None:
        """How good one selected architecture truly is, beside what costs no supernet."""
        value = float(self._accuracies.values_of(arch[None, :])[0])
        if not np.isfinite(value) or not len(self.archs):
            return None
        baselines = [
            {
                "name": "random",
                "words": "the mean of what could have been selected",
                "true_accuracy": float(self.accuracy.mean()),
                "true_metric": None,
            }
        ]
        sizes = self._sizes()
        if sizes is not None:
            largest = sizes == sizes.max()
            metric = None if self.metric is None else float(self.true[largest].mean() * self._sign)
            baselines.append(
                {
                    "name": "flops",
                    "words": "the one with the most FLOPs",
                    "true_accuracy": float(self.accuracy[largest].mean()),
                    "true_metric": metric,
                }
            )
        evaluations = 0 if self.selection.found is None else len(self.selection.found)
        if 0 < evaluations <= len(self.archs):
            baselines.append(
                {
                    "name": "random_without_error",
                    "words": f"the best of {evaluations} random ones, judged without error",
                    "true_accuracy": expected_best(self.accuracy, evaluations),
                    "true_metric": None,
                }
            )
        metric = None
        if self.metric is not None:
            own = float(self.metric.true_values_of(arch[None, :])[0])
            metric = own if np.isfinite(own) else None
        return {"true_accuracy": value, "true_metric": metric, "baselines": baselines}

    def _sizes(self) -> Floats | None:
        """FLOPs of all, None where the space counts none."""
        try:
            return np.asarray(self.supernet.space.flops(self.archs), dtype=np.float64)
        except SpaceLacksError:
            return None


def _quality(true: TrueFront, accuracy: Floats, metric: Floats) -> dict[str, float]:
    return {
        "hypervolume_share": true.hypervolume_share(accuracy, metric),
        "igd_plus": true.igd_plus(accuracy, metric),
        "epsilon_additive": true.epsilon_additive(accuracy, metric),
    }


def _mean(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}
