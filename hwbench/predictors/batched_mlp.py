"""Many multi-layer perceptrons trained at once.

A single small network leaves a processor idle: most of its time goes into starting operations, not
into arithmetic. Networks of equal depth and activation are therefore stacked and trained by batched
matrix products. Narrow ones are widened by units whose weights are zero; those get no gradient, so
they stay zero and change nothing. Each network has its own rows, start, order of batches and
learning rate, and comes out as it would alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from hwbench.predictors.training import batches, learning_rate_share

WIDEST_TO_NARROWEST = 1.5
"""Networks are stacked while the widest is at most this much wider than the narrowest."""

FIRST_GAIN, LAST_GAIN = 0.3, 0.1

WIDTH_STEP = 8
"""Widths are rounded up to a multiple of this; processors multiply such matrices faster."""


@dataclass(frozen=True)
class Activation:
    """What stands between the layers.

    Attributes
    ----------
    function : element by element; it leaves 0 as it is.
    flow_back : from the loss's slope by its outputs, its inputs and its outputs, the loss's slope
        by its inputs.
    gain : of the starting weights, so that signals keep their size from layer to layer.
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    flow_back: Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
    gain: float


ACTIVATIONS = {
    "relu": Activation(
        torch.relu,
        lambda flow, before, _after: torch.ops.aten.threshold_backward(flow, before, 0),
        2.0**0.5,
    ),
    "tanh": Activation(
        torch.tanh,
        lambda flow, _before, after: torch.ops.aten.tanh_backward(flow, after),
        1.0,
    ),
    "hardswish": Activation(
        torch.nn.functional.hardswish,
        lambda flow, before, _after: torch.ops.aten.hardswish_backward(flow, before),
        2.0**0.5,
    ),
}


@dataclass(frozen=True)
class Network:
    """One network to train.

    Attributes
    ----------
    n_layers : hidden layers.
    width : units of each.
    learning_rate : the largest of Adam's.
    activation : a key of `ACTIVATIONS`.
    residual : whether every hidden layer but the first adds to what it is given.
    batch_size : rows a step.
    steps : of Adam.
    rows : training rows, int64 of shape (n_rows,).
    seed : of start and batches.
    """

    n_layers: int
    width: int
    learning_rate: float
    activation: str
    residual: bool
    batch_size: int
    steps: int
    rows: NDArray[np.int64]
    seed: tuple[int, ...]

    @property
    def kind(self) -> tuple[int, int, int, bool, str]:
        """What networks must share to be stacked."""
        return (self.n_layers, self.batch_size, self.steps, self.residual, self.activation)


Weights = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""A trained network: a matrix (inputs, outputs) and a vector (outputs,) for each layer."""


def train(
    networks: Sequence[Network], X: NDArray[np.float32], y: NDArray[np.float32]
) -> list[Weights]:
    """Train networks on rows of the same features.

    The loss is Huber's (quadratic up to one deviation of the target), so that outliers of a
    measurement do not bend the fit; the optimiser is Adam.

    Parameters
    ----------
    networks : what to train.
    X : float32 of shape (n_archs, n_features).
    y : float32 of shape (n_archs,).

    Returns
    -------
    The weights of each network, in the order given.
    """
    trained: list[Weights] = [[] for _ in networks]
    features, targets = torch.from_numpy(X), torch.from_numpy(y)
    for places in _stacks(networks):
        stack = _Stack([networks[place] for place in places], X.shape[1])
        stack.train(features, targets)
        for place, weights in zip(places, stack.weights(), strict=True):
            trained[place] = weights
    return trained


def outputs(
    layers: Sequence[tuple[torch.Tensor, torch.Tensor]],
    activation: str,
    residual: bool,
    X: torch.Tensor,
) -> torch.Tensor:
    """Outputs of a network, shape (n_archs,), for features X of shape (n_archs, n_features).

    `layers` holds a matrix (inputs, outputs) and a vector (outputs,) each.
    """
    function = ACTIVATIONS[activation].function
    values = X
    for layer, (matrix, vector) in enumerate(layers[:-1]):
        after = function(torch.addmm(vector, values, matrix))
        values = after + values if residual and layer else after
    matrix, vector = layers[-1]
    return torch.addmm(vector, values, matrix)[:, 0]


def predict(
    weights: Weights, activation: str, residual: bool, X: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Outputs of a trained network, float64 of shape (n_archs,), for X (n_archs, n_features)."""
    layers = [(torch.from_numpy(matrix), torch.from_numpy(vector)) for matrix, vector in weights]
    return outputs(layers, activation, residual, torch.from_numpy(X)).numpy().astype(np.float64)


def _stacks(networks: Sequence[Network]) -> Iterator[list[int]]:
    """Places of networks that are trained together."""
    order = sorted(
        range(len(networks)),
        key=lambda place: (networks[place].kind, networks[place].width, place),
    )
    stack: list[int] = []
    for place in order:
        if stack:
            first, network = networks[stack[0]], networks[place]
            if first.kind != network.kind or network.width > WIDEST_TO_NARROWEST * first.width:
                yield stack
                stack = []
        stack.append(place)
    if stack:
        yield stack


class _Stack:
    """Networks of equal depth, activation and number of steps.

    Weights are kept divided by their network's learning rate. Adam's step does not depend on the
    gradient's scale, so one step of size 1 on these is a step of each network's own size on its
    weights, and a single fused optimiser serves all.
    """

    def __init__(self, networks: list[Network], n_features: int) -> None:
        self._networks = networks
        self._activation = ACTIVATIONS[networks[0].activation]
        self._residual = networks[0].residual
        widest = max(network.width for network in networks)
        width = -(-widest // WIDTH_STEP) * WIDTH_STEP
        n_layers = networks[0].n_layers
        sizes = [n_features, *[width] * n_layers, 1]
        # One tensor holds all weights, so that a step of the optimiser starts few operations.
        shapes = list(pairwise(sizes))
        self._parameters = torch.zeros(len(networks) * sum(a * b + b for a, b in shapes))
        self._parameters.grad = torch.zeros_like(self._parameters)
        self._matrices, self._vectors = _layers(self._parameters, len(networks), shapes)
        self._slopes = _layers(self._parameters.grad, len(networks), shapes)
        rates = [network.learning_rate for network in networks]
        self._rate = torch.tensor(rates, dtype=torch.float32).reshape(-1, 1, 1)
        for place, network in enumerate(networks):
            generator = np.random.default_rng([*network.seed, 0])
            own = [n_features, *[network.width] * n_layers, 1]
            for layer, (a, b) in enumerate(pairwise(own)):
                start = torch.from_numpy(_start(generator, a, b, self._gain(layer)))
                self._matrices[layer][place, :a, :b] = start / network.learning_rate
        self._optimizer = torch.optim.Adam(
            [self._parameters], lr=1.0, betas=(0.9, 0.99), fused=True
        )

    def _gain(self, layer: int) -> float:
        """Size of a layer's starting weights.

        Small first and last layers let the features be learned, rather than fitted by whatever
        random features a start of full size has; with few rows that is worth most.
        """
        n_layers = self._networks[0].n_layers
        if layer == 0:
            return FIRST_GAIN
        if layer == n_layers:
            return LAST_GAIN
        return float(n_layers**-0.5) if self._residual else self._activation.gain

    def train(self, features: torch.Tensor, targets: torch.Tensor) -> None:
        """Take all steps."""
        first = self._networks[0]
        order = batches(
            [network.rows for network in self._networks],
            first.batch_size,
            first.steps,
            [network.seed for network in self._networks],
        )
        for step, drawn in enumerate(order):
            rows = torch.from_numpy(drawn)
            self._optimizer.param_groups[0]["lr"] = learning_rate_share(step, first.steps)
            self._gradients(features[rows], targets[rows][:, :, None])
            self._optimizer.step()

    def weights(self) -> list[Weights]:
        """The weights of each network, without the units that widen it."""
        found: list[Weights] = []
        for place, network in enumerate(self._networks):
            own: Weights = []
            for layer, (matrix, vector) in enumerate(
                zip(self._matrices, self._vectors, strict=True)
            ):
                a = matrix.shape[1] if layer == 0 else network.width
                b = 1 if layer == network.n_layers else network.width
                rate = np.float32(network.learning_rate)
                own.append(
                    (
                        matrix[place, :a, :b].numpy() * rate,
                        vector[place, 0, :b].numpy() * rate,
                    )
                )
            found.append(own)
        return found

    def _gradients(self, inputs: torch.Tensor, targets: torch.Tensor) -> None:
        """Back-propagation, written out: inputs (n, batch, n_features), targets (n, batch, 1)."""
        befores, own, afters = [], [], [inputs]
        last = len(self._matrices) - 1
        for layer, (matrix, vector) in enumerate(zip(self._matrices, self._vectors, strict=True)):
            before = torch.baddbmm(vector, afters[-1], matrix).mul_(self._rate)
            befores.append(before)
            own.append(before if layer == last else self._activation.function(before))
            afters.append(own[-1] + afters[-1] if self._adds(layer) else own[-1])
        # The slope of Huber's loss; its scale does not matter to Adam.
        passed = (afters[-1] - targets).clamp_(-1.0, 1.0)
        matrix_slopes, vector_slopes = self._slopes
        for layer in range(last, -1, -1):
            # From the slope by what the layer passes on to the slope by what it is given.
            flow = passed
            if layer < last:
                flow = self._activation.flow_back(passed, befores[layer], own[layer])
            torch.bmm(afters[layer].transpose(1, 2), flow, out=matrix_slopes[layer])
            torch.sum(flow, dim=1, keepdim=True, out=vector_slopes[layer])
            if layer:
                back = torch.bmm(flow, self._matrices[layer].transpose(1, 2)).mul_(self._rate)
                passed = back.add_(passed) if self._adds(layer) else back

    def _adds(self, layer: int) -> bool:
        """Whether a layer adds to what it is given."""
        return self._residual and 0 < layer < len(self._matrices) - 1


def _layers(
    flat: torch.Tensor, count: int, shapes: list[tuple[int, int]]
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Views of a flat tensor: for every layer matrices (count, a, b) and vectors (count, 1, b)."""
    lengths = [count * size for a, b in shapes for size in (a * b, b)]
    parts = torch.split(flat, lengths)
    matrices = [part.view(count, a, b) for part, (a, b) in zip(parts[::2], shapes, strict=True)]
    vectors = [part.view(count, 1, b) for part, (_, b) in zip(parts[1::2], shapes, strict=True)]
    return matrices, vectors


def _start(generator: np.random.Generator, a: int, b: int, gain: float) -> NDArray[np.float32]:
    """Orthogonal starting weights (inputs, outputs): even deep narrow networks pass signals on."""
    tall = generator.normal(size=(max(a, b), min(a, b)))
    q, r = np.linalg.qr(tall)
    q *= np.sign(np.diagonal(r))
    return (gain * (q if a >= b else q.T)).astype(np.float32)
