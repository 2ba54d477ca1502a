"""What the graph predictors share: reading graphs from features, and training.

The graphs of a space have the same number of vertices, padding included, so they are dense arrays
and a whole batch is a few matrix products.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import check_parameters
from hwbench.errors import HwbenchError
from hwbench.optimisation import batches, denormals_flushed, learning_rate_share
from hwbench.predictors.models.mlp import ConstantNetwork
from hwbench.spaces import Space

ROWS_AT_ONCE = 2048
"""Architectures that are predicted together."""

Weights = dict[str, NDArray[np.float32]]


class GraphReader(torch.nn.Module):
    """Takes rows of the encoding "graph" apart (`hwbench.spaces.graphs.Graphs.features`).

    Parameters
    ----------
    n_vertices : of every graph, padding included.
    n_operations : what a vertex can be.
    """

    placement: torch.Tensor

    def __init__(self, n_vertices: int, n_operations: int) -> None:
        super().__init__()
        self.n_vertices = n_vertices
        self.n_operations = n_operations
        rows, columns = np.triu_indices(n_vertices, 1)
        placement = torch.zeros(len(rows), n_vertices * n_vertices)
        placement[np.arange(len(rows)), rows * n_vertices + columns] = 1.0
        self.register_buffer("placement", placement, persistent=False)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Adjacency, operations, and which vertices are there.

        Parameters
        ----------
        features : float of shape (n_archs, n_features), 0 and 1 or a relaxation of them.

        Returns
        -------
        Floats of shape (n_archs, n_vertices, n_vertices), (n_archs, n_vertices, n_operations) and
        (n_archs, n_vertices).
        """
        n_edges = self.placement.shape[0]
        shape = (len(features), self.n_vertices)
        adjacency = (features[:, :n_edges] @ self.placement).view(*shape, self.n_vertices)
        operations = features[:, n_edges:].reshape(*shape, self.n_operations)
        return adjacency, operations, operations.sum(dim=2)


class Network(torch.nn.Module):
    """A network on rows of the encoding "graph"."""

    @abstractmethod
    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Predict, from features (n_archs, n_features) to (n_archs,)."""

    def loss(self, features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """What training makes small: Huber's loss, as outliers of a measurement are no news."""
        return torch.nn.functional.smooth_l1_loss(self(features), targets)


class GraphNetworkRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Base of the graph predictors: a network, trained by Adam with decoupled weight decay.

    A subclass stores its hyper-parameters, among them `space`, `learning_rate`, `batch_size`,
    `steps`, `passes` and `random_state`, and makes a network of them.
    """

    space: Space | None
    learning_rate: float
    batch_size: int
    steps: int
    passes: int
    weight_decay: float = 0.0
    random_state: int | None

    most_steps = 30_000
    """However large the training set, `passes` lead to no more steps: a few minutes on one core."""

    @abstractmethod
    def _make_network(self, n_vertices: int, n_operations: int) -> Network:
        """A network with PyTorch's own random start."""

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows of the encoding "graph" (n_archs, n_features) and targets (n_archs,)."""
        check_parameters(self)
        features = np.ascontiguousarray(X, dtype=np.float32)
        targets = np.asarray(y, dtype=np.float64)
        self.n_features_in_ = features.shape[1]
        self.constant_ = float(targets[0]) if np.ptp(targets) == 0 else None
        self.weights_: Weights = {}
        if self.constant_ is None:
            (self.weights_,) = self._train(features, targets, [np.arange(len(targets))])
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from rows of the encoding "graph"."""
        check_is_fitted(self, "weights_")
        features = np.ascontiguousarray(X, dtype=np.float32)
        if self.constant_ is not None:
            return np.full(len(features), self.constant_)
        return _outputs(self._fitted_network(self.weights_), features)

    def cross_val_predict(
        self,
        X: ArrayLike,
        y: ArrayLike,
        folds: NDArray[np.int64],
        configurations: Sequence[Mapping[str, Any]],
    ) -> NDArray[np.float64]:
        """Out-of-fold predictions, the folds of a configuration trained side by side.

        Parameters
        ----------
        X, y : features (n_archs, n_features) and targets (n_archs,).
        folds : int64 of shape (n_archs,); each row is predicted by a model of the other folds.
        configurations : hyper-parameters that replace this estimator's own.

        Returns
        -------
        float64 of shape (n_configurations, n_archs).
        """
        features = np.ascontiguousarray(X, dtype=np.float32)
        targets = np.asarray(y, dtype=np.float64)
        predictions = np.empty((len(configurations), len(targets)))
        n_folds = int(folds.max()) + 1
        for place, configuration in enumerate(configurations):
            model = type(self)(**{**self.get_params(deep=False), **configuration})
            varied = []
            for fold in range(n_folds):
                rows = np.flatnonzero(folds != fold)
                predictions[place, folds == fold] = targets[rows[0]]
                if np.ptp(targets[rows]) > 0:
                    varied.append((folds == fold, rows))
            trained = model._train(features, targets, [rows for _, rows in varied])
            for (left_out, _), weights in zip(varied, trained, strict=True):
                network = model._fitted_network(weights)
                predictions[place, left_out] = _outputs(network, features[left_out])
        return predictions

    def to_torch(self) -> torch.nn.Module:
        """The fitted network: rows of the encoding "graph", relaxed or not, to (n_archs,)."""
        check_is_fitted(self, "weights_")
        if self.constant_ is not None:
            return ConstantNetwork(self.constant_)
        return self._fitted_network(self.weights_)

    def _fitted_network(self, weights: Weights) -> Network:
        network = self._new_network(0)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        return network.eval()

    def _new_network(self, seed: int) -> Network:
        if self.space is None:
            raise HwbenchError(f"{type(self).__name__}: it needs the search space")
        graphs = self.space.graphs(self.space.baseline[None, :])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._make_network(graphs.operations.shape[1], len(graphs.operation_names))

    def _train(
        self,
        features: NDArray[np.float32],
        targets: NDArray[np.float64],
        rows: list[NDArray[np.int64]],
    ) -> list[Weights]:
        """Train a network on each set of rows; those that agree in steps and batches, together."""
        seed = self.random_state
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        together: dict[tuple[int, int], list[int]] = {}
        for place, own in enumerate(rows):
            size = min(self.batch_size, len(own))
            steps = max(self.steps, min(self.passes * len(own) // size, self.most_steps))
            together.setdefault((size, steps), []).append(place)
        found: dict[int, Weights] = {}
        for (size, steps), places in together.items():
            order = batches([rows[p] for p in places], size, steps, [(seed,)] * len(places))
            networks = [self._new_network(seed) for _ in places]
            with denormals_flushed():
                trained = self._descend(networks, features, targets, order, steps)
            found.update(zip(places, trained, strict=True))
        return [found[place] for place in range(len(rows))]

    def _descend(
        self,
        networks: list[Network],
        features: NDArray[np.float32],
        targets: NDArray[np.float64],
        order: Iterator[NDArray[np.int64]],
        steps: int,
    ) -> list[Weights]:
        """Weights of the networks after the steps whose batches `order` gives."""
        alone = len(networks) == 1
        parameters, losses = _alone(networks[0]) if alone else _stacked(networks)
        optimizer = torch.optim.AdamW(
            parameters.values(), lr=self.learning_rate, weight_decay=self.weight_decay, fused=True
        )
        inputs = torch.from_numpy(features)
        outputs = torch.from_numpy(targets.astype(np.float32))
        for step, drawn in enumerate(order):
            share = learning_rate_share(step, steps)
            optimizer.param_groups[0]["lr"] = self.learning_rate * share
            batch = torch.from_numpy(drawn)
            optimizer.zero_grad()
            torch.autograd.backward(losses(inputs[batch], outputs[batch]))
            optimizer.step()
        return [
            {
                name: (value if alone else value[place]).detach().numpy().copy()
                for name, value in parameters.items()
            }
            for place in range(len(networks))
        ]


def start_for_relu(network: torch.nn.Module) -> None:
    """Draw every matrix as He et al. 2015 do, so that signals keep their size through relu.

    PyTorch's own start shrinks them in every layer, and small learning rates take long to undo it.
    """
    for part in network.modules():
        if isinstance(part, torch.nn.Linear):
            torch.nn.init.kaiming_uniform_(part.weight, nonlinearity="relu")


Losses = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From features (n_networks, batch, n_features) and targets (n_networks, batch): summed losses."""


class _Loss(torch.nn.Module):
    """A network's loss as a module, so that it can be called with other parameters."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return self.network.loss(features, targets)


def _alone(network: Network) -> tuple[dict[str, torch.Tensor], Losses]:
    """Parameters and loss of a single network."""
    return dict(network.named_parameters()), lambda x, y: network.loss(x[0], y[0])


def _stacked(networks: list[Network]) -> tuple[dict[str, torch.Tensor], Losses]:
    """Parameters of several networks of one shape, stacked, and the sum of their losses."""
    parameters, _ = torch.func.stack_module_state(list(networks))
    call = _Loss(networks[0])

    def loss(own: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        named = {f"network.{name}": value for name, value in own.items()}
        return torch.func.functional_call(call, named, (x, y))

    each = torch.func.vmap(loss)
    return parameters, lambda x, y: each(parameters, x, y).sum()


def _outputs(network: Network, features: NDArray[np.float32]) -> NDArray[np.float64]:
    with torch.no_grad():
        parts = [
            network(torch.from_numpy(features[start : start + ROWS_AT_ONCE]))
            for start in range(0, len(features), ROWS_AT_ONCE)
        ]
    return torch.cat(parts).numpy().astype(np.float64) if parts else np.empty(0)
