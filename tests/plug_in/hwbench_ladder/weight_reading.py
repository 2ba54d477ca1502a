"""An accelerator that is bound by its memory, by a formula."""

from hwbench.arguments import Positive
from hwbench.tables.made.runtimes.base import Runtime


class WeightReading(Runtime):
    """The time in which all weights are read once.

    Parameters
    ----------
    gigabytes_per_second : of its memory.
    """

    in_process = False  # it says itself how long a run takes

    def __init__(self, *, gigabytes_per_second: Positive = 1.0) -> None:
        self.gigabytes_per_second = gigabytes_per_second

    def prepare(self, work):
        weights = sum(each.numel() * each.element_size() for each in work.network.parameters())
        return lambda: [1e-6 * weights / self.gigabytes_per_second]

    def device_name(self, device):
        return "an accelerator by a formula"
