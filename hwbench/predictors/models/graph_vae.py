"""A predictor on what a graph VAE makes of graphs (CHOE 4.3): unlabelled ones help the few."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import PositiveInt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from hwbench.arguments import Positive, check_parameters
from hwbench.assets import home
from hwbench.errors import HwbenchError
from hwbench.predictors.models.batched_mlp import ActivationName
from hwbench.predictors.models.graph_network import ROWS_AT_ONCE, GraphReader
from hwbench.predictors.models.mlp import MLP
from hwbench.spaces import Space
from hwbench.vae.checkpoint import load_vae
from hwbench.vae.graphs import graph_format
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import TrainedGraphVAE, new_model
from hwbench.vae.training import train_vae, training_version

N_FOR_SCALE = 1000
"""Architectures by whose features all features are centred and scaled."""

KEPT = ("embedding.", "encoder.")
"""Parts of a VAE that make features."""

Features = Literal["messages", "latents"]


class GraphVAE(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A network with one hidden layer on what the encoder of a graph VAE makes of a graph.

    The VAE sees no targets, and is the same for all fits. Where no file is named, the first fit
    trains it and keeps it in `HWBENCH_HOME`/vae for those that follow, until the code that trains
    it is another.

    Parameters
    ----------
    space : the search space; nasbench201, nasbench101, enas_macro or transnas_micro.
    checkpoint : a file that `hwbench vae train` wrote, of the variant "d-vae-tmb", in place of a
        VAE of the settings below.
    vae_graphs, vae_epochs : architectures that train the VAE, and passes over them.
    hidden_size, latent_size : of the VAE.
    features : "messages", the sums of what all vertices say in the encoder, from which latents
        follow, or "latents", as published. Latents keep of a graph what tells it from others, most
        of them in some ten directions; the messages also keep what costs add up from.
    width, activation : of the hidden layer, see `MLP`.
    learning_rate, steps : of the network's training.
    n_members : networks whose mean is the prediction.
    random_state : seed of the networks; the VAE's is 0.

    Attributes
    ----------
    encoder_weights_ : of what turns graphs into features, float32 arrays by name.
    center_, scale_ : of the features.
    head_ : the fitted network.
    """

    def __init__(
        self,
        space: Space | None = None,
        checkpoint: str | Path | None = None,
        vae_graphs: PositiveInt = 8000,
        vae_epochs: PositiveInt = 15,
        hidden_size: PositiveInt = 128,
        latent_size: PositiveInt = 64,
        features: Features = "messages",
        width: PositiveInt = 256,
        activation: ActivationName = "tanh",
        learning_rate: Positive = 5e-3,
        steps: PositiveInt = 1000,
        n_members: PositiveInt = 1,
        random_state: int | None = None,
    ) -> None:
        self.space = space
        self.checkpoint = checkpoint
        self.vae_graphs = vae_graphs
        self.vae_epochs = vae_epochs
        self.hidden_size = hidden_size
        self.latent_size = latent_size
        self.features = features
        self.width = width
        self.activation = activation
        self.learning_rate = learning_rate
        self.steps = steps
        self.n_members = n_members
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit to rows of the encoding "graph" (n_archs, n_features) and targets (n_archs,)."""
        check_parameters(self)
        features = self._take_vae()._features(X)
        self.n_features_in_ = np.shape(X)[1]
        self.head_ = self._head({}).fit(features, y)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict float64 of shape (n_archs,) from rows of the encoding "graph"."""
        check_is_fitted(self, "head_")
        return self.head_.predict(self._features(X))

    def cross_val_predict(
        self,
        X: ArrayLike,
        y: ArrayLike,
        folds: NDArray[np.int64],
        configurations: Sequence[Mapping[str, Any]],
    ) -> NDArray[np.float64]:
        """Out-of-fold predictions; see `MLP.cross_val_predict`."""
        features = self._take_vae()._features(X)
        return self._head({}).cross_val_predict(features, y, folds, configurations)

    def to_torch(self) -> torch.nn.Module:
        """The fitted model: rows of the encoding "graph", relaxed or not, to (n_archs,)."""
        check_is_fitted(self, "head_")
        return torch.nn.Sequential(self._encoder(), self.head_.to_torch()).eval()

    def _head(self, changes: Mapping[str, Any]) -> MLP:
        own = {
            "n_layers": 1,
            "width": self.width,
            "activation": self.activation,
            "learning_rate": self.learning_rate,
            "steps": self.steps,
            "n_members": self.n_members,
            "random_state": self.random_state,
        }
        return MLP(**{**own, **changes})

    def _take_vae(self) -> Self:
        """Keep what of the VAE makes features, and how they are centred and scaled."""
        space = self._space()
        vae = self._vae(space)
        self.settings_ = vae.settings.model_dump(mode="json")
        self.encoder_weights_ = {
            name: value.numpy().copy()
            for name, value in vae.model.state_dict().items()
            if name.startswith(KEPT)
        }
        self.center_, self.scale_ = np.zeros(1, dtype=np.float32), 1.0
        n_archs = min(N_FOR_SCALE, space.n_architectures)
        known = self._features(space.encode(space.sample(n_archs, seed=0), "graph"))
        # One scale for all: a VAE leaves most latents unused (on nasbench201 ten of 128 hold 99 %
        # of the variance), and each standardised by itself they drown those that say something.
        self.center_ = known.mean(axis=0)
        self.scale_ = float(np.sqrt(known.var(axis=0).sum()))
        return self

    def _space(self) -> Space:
        if self.space is None:
            raise HwbenchError("GraphVAE: it needs the search space")
        return self.space

    def _vae(self, space: Space) -> TrainedGraphVAE:
        if self.checkpoint is not None:
            path = Path(self.checkpoint)
            vae = _load(path, path.stat().st_mtime_ns if path.is_file() else 0)
            if vae.space.name != space.name:
                raise HwbenchError(f"{path}: is of the space {vae.space.name}, not {space.name}")
            if not vae.settings.observed:
                raise HwbenchError(
                    f"{path}: is a {vae.settings.variant}, whose latents depend on the order of "
                    "vertices; train one of the variant d-vae-tmb"
                )
            return vae
        settings = GraphVAESettings(
            n_graphs=self.vae_graphs,
            epochs=self.vae_epochs,
            hidden_size=self.hidden_size,
            latent_size=self.latent_size,
        )
        return _trained(space.name, settings.model_dump_json(), training_version(space))

    def _encoder(self) -> _Features:
        settings = GraphVAESettings.model_validate(self.settings_)
        encoder = _Features(settings, self._space(), self.features, self.center_, self.scale_)
        weights = {
            name: torch.from_numpy(value.copy()) for name, value in self.encoder_weights_.items()
        }
        encoder.load_state_dict(weights, strict=False)
        return encoder.eval()

    def _features(self, X: ArrayLike) -> NDArray[np.float32]:
        rows = torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32))
        encoder = self._encoder()
        with torch.inference_mode():
            parts = [encoder(part) for part in torch.split(rows, ROWS_AT_ONCE)]
        return torch.cat(parts).numpy()


class _Features(torch.nn.Module):
    """From rows of the encoding "graph" (n_archs, n_features) to what the head is given.

    The encoder is given no index, so that the vertices' order of the encoding will do.
    """

    def __init__(
        self,
        settings: GraphVAESettings,
        space: Space,
        kind: str,
        center: NDArray[np.float32],
        scale: float,
    ) -> None:
        super().__init__()
        graphs = graph_format(space, settings.order)
        whole = new_model(settings, graphs)
        self.reader = GraphReader(graphs.n_vertices, len(graphs.operation_names))
        self.embedding, self.encoder = whole.embedding, whole.encoder
        self.kind = kind
        self.center, self.scale = torch.from_numpy(center), scale

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """Messages (n_archs, n_ways * hidden_size) or latents (n_archs, latent_size)."""
        adjacency, operations, _ = self.reader(rows)
        given = adjacency, operations, self.embedding(operations)
        if self.kind == "latents":
            raw, _ = self.encoder(*given)
        else:
            raw = self.encoder.messages(*given)
        return (raw - self.center) / self.scale


@lru_cache(maxsize=4)
def _load(path: Path, _changed: int) -> TrainedGraphVAE:
    return load_vae(path)


@lru_cache(maxsize=4)
def _trained(space_name: str, settings: str, code: str) -> TrainedGraphVAE:
    """The VAE of a space; trained where `HWBENCH_HOME` has none of these settings and code."""
    digest = hashlib.sha256(f"{settings} {code}".encode()).hexdigest()[:12]
    checkpoint = home() / "vae" / f"{space_name}-{digest}.npz"
    chosen = GraphVAESettings.model_validate_json(settings)
    return train_vae(space_name, checkpoint=checkpoint, **chosen.model_dump())
