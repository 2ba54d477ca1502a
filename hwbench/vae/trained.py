"""A trained graph VAE: architectures to latents, latents to architectures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import checks_arguments
from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.spaces.graphs import Graphs
from hwbench.vae.graphs import GraphBatch, GraphFormat, graph_format, loose_ends_joined
from hwbench.vae.model import GraphVAE
from hwbench.vae.settings import GraphVAESettings

ROWS_AT_ONCE = 1024
"""Graphs that are encoded or built together."""


@dataclass(frozen=True)
class Epoch:
    """What one epoch of training came to: means over its graphs, and its duration."""

    reconstruction: float
    divergence: float
    heads: float
    seconds: float


class TrainedGraphVAE:
    """A graph VAE with the weights that training has come to.

    Parameters
    ----------
    space : of the architectures.
    settings : of the VAE.
    model : the network; by default a new one, which knows nothing.
    history : of training, an entry an epoch.
    means, scales : float64 of shape (n_metrics,), of the metrics that the heads predict.
    """

    def __init__(
        self,
        space: Space,
        settings: GraphVAESettings,
        *,
        model: GraphVAE | None = None,
        history: tuple[Epoch, ...] = (),
        means: NDArray[np.float64] | None = None,
        scales: NDArray[np.float64] | None = None,
    ) -> None:
        self.space = space
        self.settings = settings
        self.graphs: GraphFormat = graph_format(space, settings.order)
        self.model = new_model(settings, self.graphs) if model is None else model
        self.history = history
        self.means = np.zeros(len(settings.metrics)) if means is None else means
        self.scales = np.ones(len(settings.metrics)) if scales is None else scales

    def __repr__(self) -> str:
        return (
            f"<{self.settings.variant} of {self.space.name}: {self.settings.latent_size} latents, "
            f"{len(self.history)} of {self.settings.epochs} epochs>"
        )

    @property
    def device(self) -> torch.device:
        """Where it computes; arrays go in and come out wherever that is."""
        return next(self.model.parameters()).device

    def to(self, device: torch.device) -> Self:
        """Move it to another device; returns itself."""
        self.model.to(device)
        return self

    def encode(self, archs: ArrayLike) -> NDArray[np.float32]:
        """The latents of architectures: the means of their distributions.

        Parameters
        ----------
        archs : integers of shape (n_archs, n_positions).

        Returns
        -------
        float32 of shape (n_archs, latent_size).
        """
        return self.encode_graphs(self.graphs.graphs(archs))

    def encode_graphs(self, graphs: Graphs) -> NDArray[np.float32]:
        """The latents of graphs in the order of `graphs`, float32 (n_archs, latent_size)."""
        batch = GraphBatch.of(graphs)
        with torch.inference_mode():
            parts = [
                self.model.encode(batch[rows].to(self.device))[0] for rows in _pieces(len(batch))
            ]
        return torch.cat(parts).cpu().numpy() if parts else self._no_latents()

    def _no_latents(self) -> NDArray[np.float32]:
        return np.empty((0, self.settings.latent_size), dtype=np.float32)

    def decode(
        self,
        latents: ArrayLike,
        seed: int | np.random.Generator | None = None,
        *,
        join_loose_ends: bool = False,
    ) -> tuple[IntArray, NDArray[np.bool_]]:
        """The architectures that latents stand for.

        Parameters
        ----------
        latents : of shape (n, latent_size), any points of the space.
        seed : draws every decision by its probability; by default the likeliest is taken.
        join_loose_ends : whether vertices that lead nowhere are joined to the output, see
            `loose_ends_joined`.

        Returns
        -------
        int64 architectures of shape (n, n_positions), and bool of shape (n,): whether what was
        built is an architecture of the space. Rows of what is none hold zeros.
        """
        graphs = self.decode_graphs(latents, seed, join_loose_ends=join_loose_ends)
        return self.graphs.architectures(graphs)

    def decode_graphs(
        self,
        latents: ArrayLike,
        seed: int | np.random.Generator | None = None,
        *,
        join_loose_ends: bool = False,
    ) -> Graphs:
        """As `decode`, the graphs as they were built."""
        points = np.ascontiguousarray(latents, dtype=np.float32)
        size = self.settings.latent_size
        if points.ndim != 2 or points.shape[1] != size:
            raise HwbenchError(f"latents must be an array of shape (n, {size}), not {points.shape}")
        if not np.isfinite(points).all():
            raise HwbenchError("latents must be finite numbers")
        decoder = self.model.decoder
        generator = None if seed is None else np.random.default_rng(seed)
        n_vertices = self.graphs.n_vertices
        adjacency = np.empty((len(points), n_vertices, n_vertices), dtype=np.uint8)
        operations = np.empty((len(points), n_vertices), dtype=np.int8)
        with torch.inference_mode():
            for rows in _pieces(len(points)):
                part = torch.from_numpy(points[rows]).to(self.device)
                chances = None
                if generator is not None:
                    drawn = generator.random((len(part), decoder.n_decisions), dtype=np.float32)
                    chances = torch.from_numpy(drawn).to(self.device)
                edges, vertices = decoder.draw(part, self.model.embedding, chances)
                adjacency[rows], operations[rows] = edges.cpu().numpy(), vertices.cpu().numpy()
        graphs = Graphs(adjacency, operations, self.graphs.operation_names)
        return loose_ends_joined(graphs) if join_loose_ends else graphs

    @checks_arguments("propose")
    def propose(
        self, latents: ArrayLike, seed: NonNegativeInt = 0, attempts: PositiveInt = 10
    ) -> IntArray:
        """Different architectures near latents, for a search that looks for new candidates.

        Parameters
        ----------
        latents : of shape (n, latent_size).
        seed : of the attempts.
        attempts : how often each latent is decoded: once by the likeliest decisions, then by drawn
            ones; vertices that lead nowhere are joined to the output.

        Returns
        -------
        int64 of shape (n_found, n_positions): every architecture that any attempt gave, once, in
        the order of attempts, then of latents.
        """
        generator = np.random.default_rng(seed)
        found = []
        for attempt in range(attempts):
            drawn_by = generator if attempt else None
            archs, valid = self.decode(latents, drawn_by, join_loose_ends=True)
            found.append(archs[valid])
        together = np.concatenate(found)
        _, first = np.unique(together, axis=0, return_index=True)
        return together[np.sort(first)]

    def predict(self, latents: ArrayLike) -> NDArray[np.float64]:
        """What the heads predict of latents (n, latent_size), in the units of the metrics.

        Returns
        -------
        float64 of shape (n, n_metrics).

        Raises
        ------
        HwbenchError
            Where the VAE was trained without metrics.
        """
        if not self.settings.metrics:
            raise HwbenchError(
                f"{self!r} was trained without metrics; name them in the settings' metrics"
            )
        points = torch.from_numpy(np.ascontiguousarray(latents, dtype=np.float32))
        with torch.inference_mode():
            predicted = self.model.predict(points.to(self.device))
        standardised = predicted.cpu().numpy().astype(np.float64)
        return np.asarray(standardised * self.scales + self.means)


def new_model(settings: GraphVAESettings, graphs: GraphFormat) -> GraphVAE:
    """An untrained network; its start depends on the settings alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return GraphVAE(settings, graphs).eval()


def _pieces(n_rows: int) -> Iterator[slice]:
    return (slice(start, start + ROWS_AT_ONCE) for start in range(0, n_rows, ROWS_AT_ONCE))
