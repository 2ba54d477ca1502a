"""The LSTM that chooses operations position by position (Zoph and Le 2017; LAUBE 431-636).

In plain numpy: a batch is ten architectures of a few positions, for which the calls of an automatic
differentiation cost several times the arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import ThreadpoolController

from hwbench.arrays import Floats, IntArray

Array = NDArray[Any]
"""Of the controller's dtype."""

ADAM_DECAYS = (0.9, 0.999)
ADAM_EPSILON = 1e-8
INITIAL_RANGE = 0.1
"""Parameters start uniform within this of 0, so that the distribution starts near uniform."""


@cache
def _libraries() -> ThreadpoolController:
    """The libraries of this process that have threads, found once: looking for them takes long."""
    return ThreadpoolController()


@dataclass
class _Pass:
    """What a pass over some architectures computed, which its gradient needs.

    Attributes
    ----------
    inputs, states, cells : (n_positions + 1, n_archs, hidden_units); of each position the LSTM's
        input and, one place on, what it hands to the next; the first states are zero.
    gates : (n_positions, n_archs, 4 * hidden_units), input, forget and output gate and update.
    squashed : (n_positions, n_archs, hidden_units), tanh of the cells.
    logs : (n_positions, n_archs, most), log-probabilities of the operations, 0 of impossible ones.
    probabilities : as `logs`.
    """

    inputs: Array
    states: Array
    cells: Array
    gates: Array
    squashed: Array
    logs: Array
    probabilities: Array


class Controller:
    """A distribution over architectures: each choice depends on those before it.

    Parameters
    ----------
    n_choices : int64 of shape (n_positions,), operations at each position.
    hidden_units : of the LSTM.
    learning_rate : of Adam.
    seed : of the parameters at the start.
    dtype : of parameters and arithmetic.

    Attributes
    ----------
    parameters : all of them, (n_parameters,), of which `views` are named parts.
    """

    def __init__(
        self,
        n_choices: IntArray,
        hidden_units: int,
        *,
        learning_rate: float = 0.01,
        seed: int = 0,
        dtype: type[np.floating[Any]] = np.float32,
    ) -> None:
        self.n_positions, self.most = len(n_choices), int(n_choices.max())
        self.hidden_units, self.learning_rate = hidden_units, learning_rate
        units = hidden_units
        self.shapes = {
            "start": (units,),
            "chosen": (self.n_positions * self.most, units),
            "input_weights": (units, 4 * units),
            "state_weights": (units, 4 * units),
            "gate_bias": (4 * units,),
            "output_weights": (units, self.most),
            "output_bias": (self.most,),
        }
        size = sum(int(np.prod(shape)) for shape in self.shapes.values())
        drawn = np.random.default_rng([seed, 3]).uniform(-INITIAL_RANGE, INITIAL_RANGE, size)
        self.parameters = drawn.astype(dtype)
        self._moments = np.zeros((2, size), dtype=dtype)
        self._n_steps = 0
        impossible = np.arange(self.most) >= n_choices[:, None]
        self._mask = np.where(impossible, -np.inf, 0.0).astype(dtype)  # (n_positions, most)
        self._offsets = self.most * np.arange(self.n_positions)

    def views(self, flat: Array) -> dict[str, Array]:
        """The named parts of all parameters, or of their gradient."""
        parts, place = {}, 0
        for name, shape in self.shapes.items():
            size = int(np.prod(shape))
            parts[name] = flat[place : place + size].reshape(shape)
            place += size
        return parts

    def state(self) -> tuple[Array, Array, int]:
        """What it has learned: parameters, moments of Adam (2, n_parameters), and steps taken."""
        return self.parameters, self._moments, self._n_steps

    def restore(self, parameters: Array, moments: Array, n_steps: int) -> None:
        """Go on from what `state` gave; the arrays are copied."""
        self.parameters[:], self._moments[:], self._n_steps = parameters, moments, n_steps

    def sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        """Draw architectures, int64 of shape (n_archs, n_positions)."""
        with _libraries().limit(limits=1, user_api="blas"):  # more cost more than they give here
            return self._sample(n_archs, generator)

    def _sample(self, n_archs: int, generator: np.random.Generator) -> IntArray:
        archs = np.empty((n_archs, self.n_positions), dtype=np.int64)
        gumbel = generator.gumbel(size=(self.n_positions, n_archs, self.most))
        part = self.views(self.parameters)
        driven = part["chosen"] @ part["input_weights"] + part["gate_bias"]
        drive = part["start"] @ part["input_weights"] + part["gate_bias"]
        cell = state = np.zeros((n_archs, self.hidden_units), dtype=self.parameters.dtype)
        for position in range(self.n_positions):
            gates = self._gates(drive + state @ part["state_weights"])
            cell, _, state = self._advance(gates, cell)
            logits = state @ part["output_weights"] + part["output_bias"] + self._mask[position]
            archs[:, position] = (logits + gumbel[position]).argmax(axis=1)
            drive = driven[archs[:, position] + self._offsets[position]]
        return archs

    def log_probabilities(self, archs: ArrayLike) -> tuple[Array, Array]:
        """Log-probability of each architecture, and the entropy of its choices.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions).

        Returns
        -------
        Two arrays of shape (n_archs,), of the controller's dtype.
        """
        rows = np.asarray(archs, dtype=np.int64)
        done = self._forward(rows)
        taken = np.take_along_axis(done.logs, rows.T[:, :, None], axis=2)
        return taken.sum(axis=(0, 2)), -(done.probabilities * done.logs).sum(axis=(0, 2))

    def step(self, archs: IntArray, advantages: Floats, entropy_weight: float) -> None:
        """One step of REINFORCE by Adam.

        It ascends the mean of advantage times log-probability plus `entropy_weight` times entropy.

        Parameters
        ----------
        archs : int64 of shape (n_archs, n_positions).
        advantages : float64 of shape (n_archs,).
        entropy_weight : of the entropy.
        """
        with _libraries().limit(limits=1, user_api="blas"):
            gradient = self.gradient(archs, advantages, entropy_weight)
        self._n_steps += 1
        first, second = self._moments
        for moment, decay, power in zip((first, second), ADAM_DECAYS, (1, 2), strict=True):
            moment *= decay
            moment += (1 - decay) * (gradient if power == 1 else np.square(gradient))
        corrections = [1 - decay**self._n_steps for decay in ADAM_DECAYS]
        scale = np.sqrt(second)
        scale *= 1 / np.sqrt(corrections[1])
        scale += ADAM_EPSILON
        np.divide(first, scale, out=scale)
        scale *= self.learning_rate / corrections[0]
        self.parameters += scale

    def gradient(self, archs: IntArray, advantages: Floats, entropy_weight: float) -> Array:
        """The gradient of what `step` ascends, (n_parameters,)."""
        done = self._forward(archs)
        part = self.views(self.parameters)
        flat = np.zeros_like(self.parameters)
        slope = self.views(flat)
        units, dtype = self.hidden_units, self.parameters.dtype
        weights = (advantages / len(archs)).astype(dtype)[None, :, None]
        entropy = -(done.probabilities * done.logs).sum(axis=2, keepdims=True)
        to_logits = -done.probabilities * (
            weights + entropy_weight / len(archs) * (done.logs + entropy)
        )
        places = archs.T[:, :, None]
        chosen = np.take_along_axis(to_logits, places, axis=2) + weights
        np.put_along_axis(to_logits, places, chosen, axis=2)
        to_logits = to_logits.astype(dtype, copy=False)

        to_gates = np.empty_like(done.gates)
        to_states = to_logits @ part["output_weights"].T
        to_state = to_cell = np.zeros_like(done.cells[0])
        for position in reversed(range(self.n_positions)):
            to_state = to_state + to_states[position]
            squashed, gates = done.squashed[position], done.gates[position]
            enter, keep, leave, update = (gates[:, k * units : (k + 1) * units] for k in range(4))
            to_cell = to_cell + to_state * leave * (1 - squashed**2)
            into = to_gates[position]
            into[:, :units] = to_cell * update
            into[:, units : 2 * units] = to_cell * done.cells[position]
            into[:, 2 * units : 3 * units] = to_state * squashed
            into[:, : 3 * units] *= gates[:, : 3 * units] * (1 - gates[:, : 3 * units])
            into[:, 3 * units :] = to_cell * enter * (1 - update**2)
            to_cell = to_cell * keep
            to_state = into @ part["state_weights"].T

        def rows(array: Array) -> Array:
            return array.reshape(-1, array.shape[-1])

        slope["output_weights"][:] = rows(done.states[1:]).T @ rows(to_logits)
        slope["output_bias"][:] = rows(to_logits).sum(axis=0)
        slope["input_weights"][:] = rows(done.inputs).T @ rows(to_gates)
        slope["state_weights"][:] = rows(done.states[:-1]).T @ rows(to_gates)
        slope["gate_bias"][:] = rows(to_gates).sum(axis=0)
        to_inputs = to_gates @ part["input_weights"].T
        slope["start"][:] = to_inputs[0].sum(axis=0)
        np.add.at(slope["chosen"], (archs + self._offsets)[:, :-1].T, to_inputs[1:])
        return flat

    def _forward(self, archs: IntArray) -> _Pass:
        part = self.views(self.parameters)
        n_archs, units = len(archs), self.hidden_units
        dtype = self.parameters.dtype
        inputs = np.empty((self.n_positions, n_archs, units), dtype=dtype)
        inputs[0] = part["start"]
        inputs[1:] = part["chosen"][(archs + self._offsets)[:, :-1].T]
        gates = inputs @ part["input_weights"] + part["gate_bias"]
        states = np.zeros((self.n_positions + 1, n_archs, units), dtype=dtype)
        cells, squashed = np.zeros_like(states), np.empty_like(inputs)
        for position in range(self.n_positions):
            gates[position] = self._gates(
                gates[position] + states[position] @ part["state_weights"]
            )
            advanced = self._advance(gates[position], cells[position])
            cells[position + 1], squashed[position], states[position + 1] = advanced
        logits = states[1:] @ part["output_weights"] + part["output_bias"] + self._mask[:, None]
        logits -= logits.max(axis=2, keepdims=True)
        probabilities = np.exp(logits)
        total = probabilities.sum(axis=2, keepdims=True)
        probabilities /= total
        logs = np.where(probabilities > 0, logits - np.log(total), 0.0).astype(dtype, copy=False)
        return _Pass(inputs, states, cells, gates, squashed, logs, probabilities)

    def _gates(self, driven: Array) -> Array:
        """Squash (n_archs, 4 * hidden_units): three logistic gates and the update."""
        three = slice(3 * self.hidden_units)
        driven[:, three] *= 0.5
        np.tanh(driven, out=driven)  # the logistic function is a tanh of half the argument
        driven[:, three] += 1
        driven[:, three] *= 0.5
        return driven

    def _advance(self, gates: Array, cell: Array) -> tuple[Array, Array, Array]:
        """The next cell, its tanh and the next state, each (n_archs, hidden_units)."""
        units = self.hidden_units
        enter, keep, leave, update = (gates[:, k * units : (k + 1) * units] for k in range(4))
        following = keep * cell + enter * update
        squashed = np.tanh(following)
        return following, squashed, leave * squashed
