"""How good a graph VAE is: accuracy, validity and uniqueness as Table 4.1 of CHOE has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt

from hwbench.arguments import checks_arguments
from hwbench.arrays import IntArray
from hwbench.vae.data import split
from hwbench.vae.graphs import same_graphs
from hwbench.vae.trained import TrainedGraphVAE

N_PRIOR, N_DECODES = 1000, 10

Prior = Literal["training", "standard"]


@dataclass(frozen=True)
class VAEEvaluation:
    """Measures of a graph VAE, in percent but for the counts.

    Attributes
    ----------
    accuracy : test graphs that are rebuilt exactly, every vertex and edge, from the mean of their
        latents; over `N_DECODES` decodings each, whose decisions are drawn.
    likeliest_accuracy : the same where the likeliest decision is always taken.
    validity : decoded latents of the prior that are architectures of the space; `N_PRIOR` latents
        are decoded `N_DECODES` times, decisions drawn.
    uniqueness : different architectures among the valid ones.
    n_unique : that many.
    novelty : different architectures that training has not seen, among all different ones.
    n_test, n_prior, n_decodes : numbers of test graphs, latents, and decodings of each.
    prior, join_loose_ends : see `evaluate_vae`.
    """

    accuracy: float
    likeliest_accuracy: float
    validity: float
    uniqueness: float
    n_unique: int
    novelty: float
    n_test: int
    n_prior: int
    n_decodes: int
    prior: Prior
    join_loose_ends: bool


@checks_arguments("evaluate_vae")
def evaluate_vae(
    vae: TrainedGraphVAE,
    *,
    prior: Prior = "training",
    join_loose_ends: bool = False,
    n_prior: PositiveInt = N_PRIOR,
    n_decodes: PositiveInt = N_DECODES,
    seed: NonNegativeInt = 0,
) -> VAEEvaluation:
    """Evaluate a VAE on its test architectures and on its prior (CHOE 4.4.2).

    Parameters
    ----------
    vae : trained.
    prior : "training" draws latents from the normal distribution that has the mean and deviation
        of the training architectures' latents in each dimension, as the code published with D-VAE
        does; "standard" draws from the prior of the loss, of mean 0 and deviation 1.
    join_loose_ends : whether vertices of a decoded graph that lead nowhere are joined to its
        output, as that code does; by default graphs are taken as they are drawn.
    n_prior, n_decodes : latents, and decodings of each.
    seed : of latents and decisions.

    Raises
    ------
    HwbenchError
        Where the prior is unknown or a number is not positive.
    """
    archs = split(vae.space, vae.settings)
    generator = np.random.default_rng(seed)
    latents = vae.encode(archs.test)
    rule = {"join_loose_ends": join_loose_ends}
    truth = vae.graphs.graphs(archs.test)
    exact = [
        same_graphs(vae.decode_graphs(latents, generator, **rule), truth) for _ in range(n_decodes)
    ]
    likeliest = same_graphs(vae.decode_graphs(latents, **rule), truth)
    points = draw_prior(vae, prior, n_prior, generator, archs.training)
    found, valid = vae.decode(np.repeat(points, n_decodes, axis=0), generator, **rule)
    unique = np.unique(found[valid], axis=0)
    seen = set(vae.space.keys_of(archs.training).tolist())
    new = sum(key not in seen for key in vae.space.keys_of(unique).tolist())
    return VAEEvaluation(
        accuracy=100 * float(np.mean(exact)),
        likeliest_accuracy=100 * float(likeliest.mean()),
        validity=100 * float(valid.mean()),
        uniqueness=100 * len(unique) / max(int(valid.sum()), 1),
        n_unique=len(unique),
        novelty=100 * new / max(len(unique), 1),
        n_test=len(archs.test),
        n_prior=n_prior,
        n_decodes=n_decodes,
        prior=prior,
        join_loose_ends=join_loose_ends,
    )


def draw_prior(
    vae: TrainedGraphVAE,
    prior: Prior,
    n_points: int,
    generator: np.random.Generator,
    training: IntArray,
) -> NDArray[np.float32]:
    """Latents (n_points, latent_size) of a prior, see `evaluate_vae`."""
    points = generator.standard_normal((n_points, vae.settings.latent_size), dtype=np.float32)
    if prior == "training":
        known = vae.encode(training)
        points = points * known.std(axis=0) + known.mean(axis=0)
    return points
