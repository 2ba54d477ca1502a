"""Many multi-layer perceptrons trained at once.

A single small network leaves a processor idle: most of its time goes into starting operations, not
into arithmetic. Networks of equal depth are therefore stacked and trained by batched matrix
products, those of equal activation side by side. Narrow ones are widened by units whose weights are
zero; those get no gradient, so they stay zero and change nothing. Each network has its own rows,
start, order of batches and learning rate, and comes out as it would alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Annotated

import numpy as np
import torch
from numpy.typing import NDArray

from hwbench.arguments import one_of
from hwbench.devices import sent
from hwbench.optimisation import batches, denormals_flushed, learning_rate_share

CPU = torch.device("cpu")

STARTING_COST = 0.3e6
"""What starting one layer's operations of a stack costs, in multiply-adds: 15 microseconds at 20 to
the nanosecond, measured on one core. It weighs few stacks against widening few networks."""

FIRST_GAIN, LAST_GAIN = 0.3, 0.1

WIDTH_STEP = 8
"""Widths are rounded up to a multiple of this; processors multiply such matrices faster."""


@dataclass(frozen=True)
class Activation:
    """What stands between the layers.

    Attributes
    ----------
    function : element by element; it leaves 0 as it is.
    in_place : the same, written over what it is given.
    flow_back : from the loss's slope by its outputs, its inputs and its outputs, the loss's slope
        by its inputs, written into the last argument.
    gain : of the starting weights, so that signals keep their size from layer to layer.
    """

    function: Callable[[torch.Tensor], torch.Tensor]
    in_place: Callable[[torch.Tensor], torch.Tensor]
    flow_back: Callable[[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor], object]
    gain: float


ACTIVATIONS = {
    "relu": Activation(
        torch.relu,
        torch.relu_,
        lambda flow, before, _after, out: torch.ops.aten.threshold_backward.grad_input(
            flow, before, 0, grad_input=out
        ),
        2.0**0.5,
    ),
    "tanh": Activation(
        torch.tanh,
        torch.tanh_,
        lambda flow, _before, after, out: torch.ops.aten.tanh_backward.grad_input(
            flow, after, grad_input=out
        ),
        1.0,
    ),
    "hardswish": Activation(
        torch.nn.functional.hardswish,
        torch.ops.aten.hardswish_,
        lambda flow, before, _after, out: torch.ops.aten.hardswish_backward.out(
            flow, before, out=out
        ),
        2.0**0.5,
    ),
}

ActivationName = Annotated[str, one_of(ACTIVATIONS)]

ADAM_BETAS = 0.9, 0.99


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
    def kind(self) -> tuple[int, int, int, bool]:
        """What networks must share to be stacked."""
        return (self.n_layers, self.batch_size, self.steps, self.residual)


Weights = list[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""A trained network: a matrix (inputs, outputs) and a vector (outputs,) for each layer."""


def train(
    networks: Sequence[Network],
    X: NDArray[np.float32],
    y: NDArray[np.float32],
    *,
    device: torch.device = CPU,
) -> list[Weights]:
    """Train networks on rows of the same features.

    The loss is Huber's (quadratic up to one deviation of the target), so that outliers of a
    measurement do not bend the fit; the optimiser is Adam.

    Parameters
    ----------
    networks : what to train.
    X : float32 of shape (n_archs, n_features).
    y : float32 of shape (n_archs,).
    device : where; starts and batches are drawn on the CPU and are the same for all.

    Returns
    -------
    The weights of each network, in the order given.
    """
    trained: list[Weights] = [[] for _ in networks]
    features, targets = torch.from_numpy(X).to(device), torch.from_numpy(y).to(device)
    for places in stacks(networks, X.shape[1]):
        stack = _Stack([networks[place] for place in places], X.shape[1], device)
        with torch.inference_mode(), denormals_flushed():
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


def stacks(networks: Sequence[Network], n_features: int) -> Iterator[list[int]]:
    """Places of networks that are trained together.

    Those of one kind are cut into stacks of similar width such that starting the operations of all
    stacks and multiplying with all widened matrices cost least together.
    """
    order = sorted(range(len(networks)), key=lambda place: _order(networks[place]))
    for _, places in groupby(order, key=lambda place: networks[place].kind):
        of_kind = list(places)
        for start, end in _cuts([networks[place] for place in of_kind], n_features):
            yield sorted(of_kind[start:end], key=lambda place: networks[place].activation)


def _order(network: Network) -> tuple[tuple[int, int, int, bool], int]:
    return network.kind, network.width


def _cuts(networks: Sequence[Network], n_features: int) -> list[tuple[int, int]]:
    """Start and end of each stack of networks of one kind, given by rising width."""
    first = networks[0]
    starting = STARTING_COST * (first.n_layers + 1)
    best: list[tuple[float, int]] = [(0.0, 0)]  # cost of the first networks; its last stack's start
    for end in range(1, len(networks) + 1):
        width = _padded(networks[end - 1].width)
        weights = width * (n_features + 1 + (first.n_layers - 1) * width)
        each = 3 * first.batch_size * weights  # forwards, and twice backwards
        best.append(
            min((best[start][0] + starting + (end - start) * each, start) for start in range(end))
        )
    found = []
    end = len(networks)
    while end:
        start = best[end][1]
        found.append((start, end))
        end = start
    return found[::-1]


def _padded(width: int) -> int:
    return -(-width // WIDTH_STEP) * WIDTH_STEP


class _Stack:
    """Networks of equal depth and number of steps, those of equal activation side by side.

    Weights are kept divided by their network's learning rate. Adam's step does not depend on the
    gradient's scale, so one step of size 1 on these is a step of each network's own size on its
    weights, and a single fused optimiser serves all.

    Most of a step's time would go into starting operations and allocating their results, so all
    tensors are made once, and a step writes into them.
    """

    def __init__(self, networks: list[Network], n_features: int, device: torch.device) -> None:
        self._networks = networks
        first = networks[0]
        count, self._last = len(networks), first.n_layers
        width = _padded(max(network.width for network in networks))
        sizes = [n_features, *[width] * first.n_layers, 1]
        # One tensor holds all weights, so that a step of the optimiser starts one operation.
        shapes = list(pairwise(sizes))
        started = torch.zeros(count * sum(a * b + b for a, b in shapes))
        matrices, _ = _layers(started, count, shapes)
        for place, network in enumerate(networks):
            _start_network(matrices, place, network, n_features)
        self._weights = started.to(device)
        self._slopes = torch.zeros_like(self._weights)
        self._moments = torch.zeros_like(self._weights), torch.zeros_like(self._weights)
        self._step = torch.zeros((), device=device)
        self._matrices, self._vectors = _layers(self._weights, count, shapes)
        self._matrix_slopes, self._vector_slopes = _layers(self._slopes, count, shapes)
        rates = [network.learning_rate for network in networks]
        self._rate = torch.tensor(rates, dtype=torch.float32).reshape(-1, 1, 1).to(device)
        self._backwards = [matrix.transpose(1, 2) for matrix in self._matrices]
        batch = (count, first.batch_size)
        self._inputs = torch.empty(*batch, n_features, device=device)
        self._targets = torch.empty(*batch, 1, device=device)
        self._flow = torch.empty(*batch, width, device=device)
        self._layers = [
            _Layer(batch, b, device, adds=first.residual and 0 < layer < self._last)
            for layer, (_, b) in enumerate(shapes)
        ]
        self._activations = []
        end = 0
        for name, members in groupby(networks, key=lambda network: network.activation):
            start, end = end, end + len(list(members))
            self._activations.append((ACTIVATIONS[name], slice(start, end)))
        for layer in self._layers[: self._last]:
            layer.activate(self._activations, self._flow)

    def train(self, features: torch.Tensor, targets: torch.Tensor) -> None:
        """Take all steps."""
        first = self._networks[0]
        order = batches(
            [network.rows for network in self._networks],
            first.batch_size,
            first.steps,
            [network.seed for network in self._networks],
        )
        inputs, wanted = self._inputs.flatten(0, 1), self._targets.flatten(0, 1)
        targets = targets[:, None]
        for step, drawn in enumerate(order):
            rows = sent(torch.from_numpy(drawn), features.device).flatten()
            torch.index_select(features, 0, rows, out=inputs)
            torch.index_select(targets, 0, rows, out=wanted)
            self._gradients()
            self._update(learning_rate_share(step, first.steps))

    def weights(self) -> list[Weights]:
        """The weights of each network, without the units that widen it."""
        found: list[Weights] = []
        layers = [
            (matrix.cpu(), vector.cpu())
            for matrix, vector in zip(self._matrices, self._vectors, strict=True)
        ]
        for place, network in enumerate(self._networks):
            own: Weights = []
            for layer, (matrix, vector) in enumerate(layers):
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

    def _gradients(self) -> None:
        """Back-propagation, written out, of the batch in `_inputs` and `_targets`."""
        given = self._inputs
        for matrix, vector, layer in zip(self._matrices, self._vectors, self._layers, strict=True):
            torch.baddbmm(vector, given, matrix, out=layer.before).mul_(self._rate)
            if layer.parts:
                layer.own.copy_(layer.before)
                for part in layer.parts:
                    part.activation.in_place(part.own)
                if layer.adds:
                    torch.add(layer.own, given, out=layer.after)
            given = layer.after
        # The slope of Huber's loss; its scale does not matter to Adam.
        passed = self._layers[-1].passed
        torch.sub(given, self._targets, out=passed).clamp_(-1.0, 1.0)
        for number in range(self._last, -1, -1):
            # From the slope by what the layer passes on to the slope by what it is given.
            layer = self._layers[number]
            flow = layer.passed
            if layer.parts:
                flow = self._flow
                for part in layer.parts:
                    part.activation.flow_back(part.passed, part.before, part.own, part.flow)
            below = self._layers[number - 1] if number else None
            given = below.after if below else self._inputs
            torch.bmm(given.transpose(1, 2), flow, out=self._matrix_slopes[number])
            torch.sum(flow, dim=1, keepdim=True, out=self._vector_slopes[number])
            if below:
                torch.bmm(flow, self._backwards[number], out=below.passed).mul_(self._rate)
                if layer.adds:
                    below.passed.add_(layer.passed)

    def _update(self, rate: float) -> None:
        """A step of Adam, without the bookkeeping of `torch.optim`, which takes as long."""
        self._step += 1
        torch._fused_adam_(
            [self._weights],
            [self._slopes],
            [self._moments[0]],
            [self._moments[1]],
            [],
            [self._step],
            lr=rate,
            beta1=ADAM_BETAS[0],
            beta2=ADAM_BETAS[1],
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )


class _Layer:
    """What a layer of a stack holds of one batch, tensors of shape (n_networks, batch, units).

    Attributes
    ----------
    before, own, after : outputs before and after the activation, and what is passed on.
    passed : the loss's slope by what is passed on.
    adds : whether it passes on the sum of what it is given and its own outputs.
    parts : the networks of one activation each; none for the last layer.
    """

    def __init__(
        self, batch: tuple[int, int], units: int, device: torch.device, *, adds: bool
    ) -> None:
        self.before = torch.empty(*batch, units, device=device)
        self.own = self.before
        self.after = self.before
        self.passed = torch.empty_like(self.before)
        self.adds = adds
        self.parts: list[_Part] = []

    def activate(self, activations: Sequence[tuple[Activation, slice]], flow: torch.Tensor) -> None:
        """Put activations behind the layer; slopes by its outputs before them go to `flow`."""
        self.own = torch.empty_like(self.before)
        self.after = torch.empty_like(self.before) if self.adds else self.own
        self.parts = [
            _Part(activation, self.before[own], self.own[own], self.passed[own], flow[own])
            for activation, own in activations
        ]


@dataclass(frozen=True)
class _Part:
    """The networks of one activation in a layer: views of the layer's tensors."""

    activation: Activation
    before: torch.Tensor
    own: torch.Tensor
    passed: torch.Tensor
    flow: torch.Tensor


def _start_network(
    matrices: Sequence[torch.Tensor], place: int, network: Network, n_features: int
) -> None:
    """Write a network's starting weights, divided by its learning rate, into those of its stack."""
    generator = np.random.default_rng([*network.seed, 0])
    own = [n_features, *[network.width] * network.n_layers, 1]
    for layer, (a, b) in enumerate(pairwise(own)):
        weights = _start(generator, a, b, _gain(network, layer))
        matrices[layer][place, :a, :b] = torch.from_numpy(weights) / network.learning_rate


def _gain(network: Network, layer: int) -> float:
    """Size of a layer's starting weights.

    Small first and last layers let the features be learned, rather than fitted by whatever random
    features a start of full size has; with few rows that is worth most.
    """
    if layer == 0:
        return FIRST_GAIN
    if layer == network.n_layers:
        return LAST_GAIN
    if network.residual:
        return float(network.n_layers**-0.5)
    return ACTIVATIONS[network.activation].gain


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
