"""What a graph VAE is and how it is trained, as plain data that travels in its checkpoint."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hwbench.toml import FrozenModel

Variant = Literal["d-vae", "d-vae-emb", "d-vae-tmb"]
VertexOrder = Literal["depth_first", "breadth_first", "given"]


class GraphVAESettings(FrozenModel):
    """Settings of a graph VAE and of its training.

    Attributes
    ----------
    variant : "d-vae" (Zhang et al. 2019): operations as they are, the index of a vertex joins the
        messages that it sends, the state of the last vertex stands for the graph; "d-vae-emb"
        (Chatzianastasis et al. 2021): the same with learned embeddings of operations;
        "d-vae-tmb" (CHOE 4.2): embeddings, the index of a vertex enters its update in the decoder
        and nothing else, an observer vertex stands for the graph.
    order : of the vertices, in which a graph is encoded and rebuilt: topological, depth first or
        breadth first, or as the search space gives them.
    hidden_size : of a vertex's state.
    latent_size : dimensions of the latent space.
    embedding_size : of an operation, where operations are embedded.
    bidirectional : the encoder goes back from the output too, each vertex starting from what it
        knows from the way forth, so that cells differ that share all their ways from the input.
        By default where the variant is "d-vae-tmb".
    tallied : the decoder's decisions are told how many edges there are, how many vertices lead
        nowhere yet, and of an edge whether its source is one of them (ours): what a space with a
        limit of edges asks of its graphs can then be learned where latents say little of a graph.
    kl_weight : of the Kullback-Leibler divergence in the loss (eq. 2.3), whose other part is the
        negative log-likelihood of a graph in nats.
    noise_scale : what the noise of the latents is multiplied by in training, on top of their
        deviation; the code published with D-VAE takes 0.01. The divergence and latents of the
        prior are as without.
    prior_share : of the graphs of a step whose latents are not their own but drawn from the priors
        of `evaluate_vae`, so that the decoder also learns which graphs there are where no graph's
        latents lie: there it falls back on what all graphs have in common, and what it builds is
        more often valid.
    epochs, batch_size, learning_rate : of training; the rate is the largest of a schedule that
        warms up and falls along a cosine.
    n_graphs : architectures drawn from the space, without repeats; all of them where it has fewer.
    test_share : of the drawn architectures that are kept for the evaluation.
    metrics : columns "table:column" of which heads on the latents learn together with the VAE (the
        pre-predictor of CHOE 4.4.3); none by default.
    n_labelled : training architectures whose metrics the heads see.
    head_weight : of the heads' mean squared errors, in standardised units, in the loss.
    start : SHA-256 of the weights that training began with, where they were another VAE's; see
        `train_vae`.
    seed : of the draws, the start, the order of batches and the noise.
    """

    variant: Variant = "d-vae-tmb"
    order: VertexOrder = "depth_first"
    hidden_size: int = Field(default=128, ge=2, le=4096)
    latent_size: int = Field(default=128, ge=1, le=4096)
    embedding_size: int = Field(default=32, ge=1, le=4096)
    bidirectional: bool | None = None
    tallied: bool = False
    kl_weight: float = Field(default=0.02, ge=0, allow_inf_nan=False)
    noise_scale: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    prior_share: float = Field(default=0.0, ge=0, lt=1)
    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=128, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0, allow_inf_nan=False)
    n_graphs: int = Field(default=20_000, ge=2)
    test_share: float = Field(default=0.1, gt=0, lt=1)
    metrics: tuple[str, ...] = ()
    n_labelled: int = Field(default=200, ge=2)
    head_weight: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    start: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _different_metrics(self) -> Self:
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError("a metric is named twice")
        return self

    @property
    def embeds(self) -> bool:
        """Whether operations have learned embeddings."""
        return self.variant != "d-vae"

    @property
    def indexed_messages(self) -> bool:
        """Whether a vertex tells its index in what it sends, in encoder and decoder."""
        return self.variant != "d-vae-tmb"

    @property
    def indexed_update(self) -> bool:
        """Whether the decoder's update is given the index of the vertex (eq. 4.1)."""
        return self.variant == "d-vae-tmb"

    @property
    def observed(self) -> bool:
        """Whether an observer vertex stands for the graph, not the last vertex."""
        return self.variant == "d-vae-tmb"

    @property
    def both_ways(self) -> bool:
        """Whether the encoder is bidirectional."""
        return self.observed if self.bidirectional is None else self.bidirectional
