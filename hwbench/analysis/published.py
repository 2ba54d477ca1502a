"""The published learning curves of LAUBE, drawn beside a run's own on the tables they are of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

SIZES = (11, 25, 55, 124, 276, 614, 1366, 3036, 6748, 15000)

LINEAR = {
    "hw-nas-bench:ImageNet16-120.raspi4_latency": (
        0.324, 0.205, 0.606, 0.676, 0.705, 0.716, 0.715, 0.723, 0.728, 0.729,
    ),
    "hw-nas-bench:cifar100.pixel3_latency": (
        0.392, 0.292, 0.732, 0.780, 0.797, 0.803, 0.806, 0.809, 0.812, 0.812,
    ),
    "hw-nas-bench:cifar10.edgegpu_latency": (
        0.370, 0.258, 0.724, 0.790, 0.806, 0.819, 0.820, 0.822, 0.830, 0.829,
    ),
    "hw-nas-bench:cifar100.edgegpu_energy": (
        0.376, 0.275, 0.732, 0.793, 0.812, 0.821, 0.821, 0.823, 0.831, 0.831,
    ),
    "hw-nas-bench:ImageNet16-120.eyeriss_arithmetic_intensity": (
        0.369, 0.293, 0.748, 0.805, 0.817, 0.827, 0.825, 0.832, 0.843, 0.846,
    ),
}  # fmt: skip
"""Kendall's tau of linear regression on the five selected tables (LAUBE Table A.2)."""

BEST = (0.55, 0.67, 0.71, 0.77, 0.81, 0.85, 0.875, 0.89, 0.90, 0.908)
"""The best of the 18 predictors at each size, mean over the five tables (read off LAUBE Fig. 5.3a).
"""


@dataclass(frozen=True)
class PublishedCurve:
    """A learning curve that others have published.

    Attributes
    ----------
    title : what it is of, and where it stands.
    taus : Kendall's tau by training size.
    """

    title: str
    taus: dict[int, float]


def published_curves(targets: Collection[str]) -> list[PublishedCurve]:
    """The published curves of a target, or of the mean over several; none where nobody has any.

    Parameters
    ----------
    targets : "table:column" each; the mean over several is known for the five selected tables.
    """
    if not targets or not set(targets) <= set(LINEAR):
        return []
    found = []
    if set(targets) == set(LINEAR):
        found.append(PublishedCurve("best published (LAUBE Fig. 5.3)", _curve(BEST)))
    if len(targets) == 1 or set(targets) == set(LINEAR):
        rows = [LINEAR[target] for target in sorted(targets)]
        means = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
        title = "linear regression as published (LAUBE Table A.2)"
        found.append(PublishedCurve(title, _curve(means)))
    return found


def _curve(taus: Collection[float]) -> dict[int, float]:
    return dict(zip(SIZES, taus, strict=True))
