"""A softmax over candidates that grows sharper from epoch to epoch."""

import torch

from hwbench.arguments import Positive
from hwbench.live.strategies.base import ParametricStrategy


class Tempered(ParametricStrategy):
    """Candidates mixed by softmax(alpha / temperature); the temperature falls geometrically.

    Parameters
    ----------
    first, last : the temperature in the first and in the last epoch.
    """

    def __init__(self, *, first: Positive = 2.0, last: Positive = 0.5) -> None:
        super().__init__()
        self.first, self.last = first, last
        self.register_buffer("temperature", torch.tensor(first))

    def before_epoch(self, epoch, epochs):
        share = epoch / max(epochs - 1, 1)
        self.temperature.fill_(self.first * (self.last / self.first) ** share)

    def strengths(self):
        return torch.softmax(self.logits() / self.temperature, dim=1)
