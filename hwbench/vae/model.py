"""The graph VAE: encoder, heads, and the loss; the decoder is in `decoder.py`.

D-VAE (Zhang et al. 2019) as CHOE 2.2.4 describes it, and the contribution of CHOE 4.2. Where they
say nothing or contradict themselves, this is chosen:

- The observer vertex hears of every vertex and is never heard. Its state is the update of its own
  operation with the sum of all messages; in the decoder what the latents say is added to that sum,
  so that it can always see them. It has no index.
- Step 2 names (x_k, h_prev) as what an edge is decided by. It is decided by (h_k, h_prev) as in
  D-VAE: h_k holds x_k, and the edges that k has got so far. With an observer its state joins them.
- Eq. 2.4 multiplies noise by a variance; noise is multiplied by the standard deviation here, and
  by `noise_scale`, which is 1 in the equation and 0.01 in the code published with D-VAE.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hwbench.vae.decoder import Decoder
from hwbench.vae.graphs import GraphBatch, GraphFormat
from hwbench.vae.layers import Propagation
from hwbench.vae.settings import GraphVAESettings

Passed = tuple[torch.Tensor, torch.Tensor]
"""States and messages of all vertices, each (n_vertices, n_graphs, hidden_size)."""


class Encoder(torch.nn.Module):
    """From graphs to mean and log-variance of their latents (eq. 2.5).

    It is given no index but for those that messages hold in the older variants, so that graphs that
    differ by the order of their vertices alone share their latents.
    """

    def __init__(
        self, settings: GraphVAESettings, n_vertices: int, n_inputs: int, *, end: int
    ) -> None:
        super().__init__()
        hidden = settings.hidden_size
        indexed = n_vertices if settings.indexed_messages else 0
        self.end = end
        self.observed = settings.observed
        self.onward = Propagation(n_inputs, hidden, indexed)
        self.back = None
        if settings.both_ways:
            self.back = Propagation(n_inputs + hidden, hidden, indexed)
        self.observer = torch.nn.Parameter(torch.zeros(1, 3 * hidden)) if self.observed else None
        n_summary = hidden if self.observed or self.back is None else 2 * hidden
        self.moments = torch.nn.Linear(n_summary, 2 * settings.latent_size)

    def forward(
        self, adjacency: torch.Tensor, operations: torch.Tensor, inputs: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log-variances (n_graphs, latent_size).

        Parameters
        ----------
        adjacency, operations : see `GraphBatch`.
        inputs : embedded operations (n_graphs, n_vertices, n_inputs).
        """
        last = operations[:, :, self.end].T[:, :, None]  # 1 at every graph's output
        (states, messages), back = self._passed(adjacency, inputs)
        way, summary = self.onward, (states * last).sum(dim=0)
        if self.back is not None and back is not None:
            way, (states, messages) = self.back, back
            summary = torch.cat([summary, states[0]], dim=1)
        if self.observer is not None:
            gates = self.observer.expand(len(adjacency), -1)
            summary = way.update(gates, _all_said(messages, operations))
        mean, log_variance = self.moments(summary).chunk(2, dim=1)
        return mean, log_variance

    def messages(
        self, adjacency: torch.Tensor, operations: torch.Tensor, inputs: torch.Tensor
    ) -> torch.Tensor:
        """Sums of what all vertices say, on the way forth and, where there is one, on the way back.

        The observer's state, and with it the latents, follows from them. Arguments as `forward`.

        Returns
        -------
        (n_graphs, n_ways * hidden_size).
        """
        onward, back = self._passed(adjacency, inputs)
        ways = [onward] if back is None else [onward, back]
        return torch.cat([_all_said(messages, operations) for _, messages in ways], dim=1)

    def _passed(
        self, adjacency: torch.Tensor, inputs: torch.Tensor
    ) -> tuple[Passed, Passed | None]:
        """States and messages of all vertices, forth and back."""
        onward = self.onward(self.onward.update.inputs(inputs), adjacency)
        if self.back is None:
            return onward, None
        both = torch.cat([inputs, onward[0].transpose(0, 1)], dim=2)
        return onward, self.back(self.back.update.inputs(both), adjacency, backwards=True)


def _of_priors(noise: torch.Tensor, means: torch.Tensor) -> torch.Tensor:
    """Latents (n, latent_size) of the priors of `evaluate_vae`, by turns, from standard noise."""
    latents = noise.clone()
    latents[::2] = torch.addcmul(means.mean(dim=0), noise[::2], means.std(dim=0, correction=0))
    return latents


def _all_said(messages: torch.Tensor, operations: torch.Tensor) -> torch.Tensor:
    """The sum (n_graphs, hidden_size) of the messages of the vertices that are there."""
    return (messages * operations.sum(dim=2).T[:, :, None]).sum(dim=0)


@dataclass(frozen=True)
class Losses:
    """Means over the graphs of a batch, as tensors without a dimension.

    Attributes
    ----------
    reconstruction : negative log-likelihood of the graphs given their own latents, nats.
    unconditional : the same of graphs that were given latents of the prior; 0 where none was.
    divergence : Kullback-Leibler divergence of the latents from the prior, nats.
    heads : squared error of the heads over the labelled graphs and metrics, standardised units.
    """

    reconstruction: torch.Tensor
    unconditional: torch.Tensor
    divergence: torch.Tensor
    heads: torch.Tensor


class GraphVAE(torch.nn.Module):
    """A variational autoencoder of directed acyclic graphs.

    Parameters
    ----------
    settings : what it is.
    graphs : how the graphs of the space look.
    """

    def __init__(self, settings: GraphVAESettings, graphs: GraphFormat) -> None:
        super().__init__()
        self.settings = settings
        n_operations = len(graphs.operation_names)
        n_inputs = settings.embedding_size if settings.embeds else n_operations
        self.embedding = (
            torch.nn.Linear(n_operations, n_inputs, bias=False)
            if settings.embeds
            else torch.nn.Identity()
        )
        self.encoder = Encoder(settings, graphs.n_vertices, n_inputs, end=graphs.end)
        self.decoder = Decoder(settings, graphs, n_inputs)
        # One hidden layer, as wide as the latents (CHOE 4.3.2 says no width).
        width = settings.latent_size
        self.heads = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, 1)
            )
            for _ in settings.metrics
        )

    def encode(self, batch: GraphBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Means and log-variances of the latents, each (n_graphs, latent_size)."""
        inputs = self.embedding(batch.operations)
        mean, log_variance = self.encoder(batch.adjacency, batch.operations, inputs)
        return mean, log_variance

    def losses(
        self,
        batch: GraphBatch,
        noise: torch.Tensor,
        labels: torch.Tensor | None = None,
        n_prior: int = 0,
    ) -> Losses:
        """What training makes small.

        Parameters
        ----------
        batch : the graphs.
        noise : standard normal (n_graphs, latent_size).
        labels : standardised metrics (n_graphs, n_metrics), NaN where they are unknown.
        n_prior : the first graphs, that many, are given latents of the prior: by turns of the
            normal distribution with the mean and deviation that the batch's latents have in each
            dimension, and of the standard one.
        """
        mean, log_variance = self.encode(batch)
        deviation = (0.5 * log_variance).exp()
        own = torch.addcmul(mean, noise, deviation, value=self.settings.noise_scale)
        latents = torch.cat([_of_priors(noise[:n_prior], mean.detach()), own[n_prior:]])
        likelihood = self.decoder.log_likelihood(latents, batch, self.embedding)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
        errors = own.new_zeros(())
        if labels is not None and len(self.heads):
            known = ~labels.isnan()
            predicted = self.predict(own)
            errors = (predicted[known] - labels[known]).square().sum() / known.sum().clamp(min=1)
        unconditional = -likelihood[:n_prior].mean() if n_prior else errors.new_zeros(())
        return Losses(-likelihood[n_prior:].mean(), unconditional, divergence.mean(), errors)

    def predict(self, latents: torch.Tensor) -> torch.Tensor:
        """Standardised metrics (n, n_metrics) that the heads see in latents (n, latent_size)."""
        return torch.cat([head(latents) for head in self.heads], dim=1)
