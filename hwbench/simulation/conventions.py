"""Choices on which the published text and the published code of the simulation differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from hwbench.arguments import check_fields, one_of

PAIRINGS = ("true", "as_published")


@dataclass(frozen=True)
class Conventions:
    """Choices on which the published text and the published code differ.

    Attributes
    ----------
    reference_front : the true front that accuracies are compared with: of the "candidates"
        (published code) or of the whole "space" (as the text reads).
    hypervolume_reference : the reference metric is 1.1 times the largest standardised metric of
        the "candidates" (published code) or of their true "front" (text). The reference accuracy
        is 0.
    pairing : "true" pairs each architecture's accuracy with its own metric. "as_published"
        repeats an error of the published code: the metric values are sorted first.
    """

    reference_front: Annotated[str, one_of(("candidates", "space"))] = "candidates"
    hypervolume_reference: Annotated[str, one_of(("candidates", "front"))] = "candidates"
    pairing: Annotated[str, one_of(PAIRINGS)] = "true"

    def __post_init__(self) -> None:
        check_fields(self, "simulation")
