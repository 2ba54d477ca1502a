"""The LSTM that chooses operations position by position (Zoph and Le 2017; LAUBE 431-636)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hwbench.spaces.base import IntArray


class Controller(torch.nn.Module):
    """A distribution over architectures: each choice depends on those before it.

    Parameters
    ----------
    n_choices : int64 of shape (n_positions,), operations at each position.
    hidden_units : of the LSTM.
    """

    impossible: torch.Tensor

    def __init__(self, n_choices: IntArray, hidden_units: int) -> None:
        super().__init__()
        self.n_positions, self.most = len(n_choices), int(n_choices.max())
        self.start = torch.nn.Parameter(torch.zeros(1, hidden_units))
        self.chosen = torch.nn.Embedding(self.n_positions * self.most, hidden_units)
        self.cell = torch.nn.LSTMCell(hidden_units, hidden_units)
        self.head = torch.nn.Linear(hidden_units, self.most)
        for parameter in self.parameters():  # small, so that it starts near uniform
            torch.nn.init.uniform_(parameter, -0.1, 0.1)
        impossible = np.arange(self.most) >= n_choices[:, None]
        self.register_buffer("impossible", torch.from_numpy(impossible))

    def sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        """Draw architectures, int64 of shape (n_archs, n_positions)."""
        archs = np.empty((n_archs, self.n_positions), dtype=np.int64)
        gumbel = generator.gumbel(size=(self.n_positions, n_archs, self.most))
        with torch.no_grad():
            values, state = self.start.expand(n_archs, -1), None
            for position in range(self.n_positions):
                logits, state = self._step(values, state, position)
                drawn = (logits.numpy() + gumbel[position]).argmax(axis=1)
                archs[:, position] = drawn
                values = self.chosen(torch.from_numpy(drawn + position * self.most))
        return archs

    def log_probabilities(self, archs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability of each architecture, and the entropy of its choices.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions).

        Returns
        -------
        Two floats of shape (n_archs,).
        """
        offsets = self.most * torch.arange(self.n_positions)
        embedded = self.chosen(archs + offsets)
        values, state = self.start.expand(len(archs), -1), None
        logs, entropies = [], []
        for position in range(self.n_positions):
            logits, state = self._step(values, state, position)
            log = torch.log_softmax(logits, dim=1)
            logs.append(log.gather(1, archs[:, position : position + 1])[:, 0])
            finite = log.masked_fill(self.impossible[position], 0.0)
            entropies.append(-(log.exp() * finite).sum(dim=1))
            values = embedded[:, position]
        return torch.stack(logs).sum(dim=0), torch.stack(entropies).sum(dim=0)

    def step(
        self,
        archs: IntArray,
        advantages: NDArray[np.float64],
        optimizer: torch.optim.Optimizer,
        entropy_weight: float,
    ) -> None:
        """One step of REINFORCE: mean of advantage times the gradient of the log-probability."""
        log, entropy = self.log_probabilities(torch.from_numpy(archs))
        weights = torch.from_numpy(advantages.astype(np.float32))
        optimizer.zero_grad()
        torch.autograd.backward(-(weights * log + entropy_weight * entropy).mean())
        optimizer.step()

    def _step(
        self,
        values: torch.Tensor,
        state: tuple[torch.Tensor, torch.Tensor] | None,
        position: int,
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        state = self.cell(values, state)
        logits = self.head(state[0]).masked_fill(self.impossible[position], -torch.inf)
        return logits, state
