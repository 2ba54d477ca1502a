"""BayesNAS: candidates go where a sparse prior is sure that they are not needed (YANG 386-692)."""

from __future__ import annotations

from typing import Self

import torch
from pydantic import PositiveInt
from torch import Tensor, nn

from hwbench.arguments import Positive
from hwbench.compress.curvature import scalar_curvatures
from hwbench.compress.sparse_bayes import (
    THRESHOLD,
    chained,
    reweighting,
    scaled_curvature,
    switches,
)
from hwbench.live.judge import Judge
from hwbench.live.origins import Origins
from hwbench.live.requirements import Requirements
from hwbench.live.strategies.base import ParametricStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.structure import Structure
from hwbench.live.supernets.supernet import Supernet


class BayesNAS(ParametricStrategy):
    """A free scalar a candidate, under a hierarchical prior that knows what leads to it.

    Weights and scalars are trained together, on the same images, with the penalty sparsity * sum
    |omega w|. After every `update_every` epochs omega is computed anew from the curvature of the
    loss by each scalar (YANG Algorithm 1), and a candidate's strength is gamma, the variance of its
    prior: small where the candidate, or all that leads to where it begins, is not needed (eq. 3-5).
    There is no `none`: a position is off where all of its candidates are.

    Published code keeps a scalar in every cell of the network and groups them; here cells share
    one, whose curvature is that of all its copies together. Curvatures are those of Gauss and
    Newton, divided by the sparsity, see `hwbench.compress.sparse_bayes`.

    Parameters
    ----------
    sparsity : lambda_w, of the penalty; 0.01, 0.007 and 0.005 in the publication.
    gates : whether every position has a scalar more for the whole of it, which rules what follows
        (YANG eq. 3-6).
    update_every : epochs from one update to the next.
    images : training images that curvatures are taken of, two passes for each scalar.
    prune : whether candidates of a variance of no more than 0.0585, where the entropy of their
        prior is zero, are removed while the supernet is trained. The best of a position stays.
    """

    deterministic = True
    requires = Requirements(without=("none",))

    def __init__(
        self,
        *,
        sparsity: Positive = 0.01,
        gates: bool = False,
        update_every: PositiveInt = 1,
        images: PositiveInt = 256,
        prune: bool = False,
    ) -> None:
        super().__init__()
        self.sparsity = sparsity
        self.gates = gates
        self.update_every = update_every
        self.images = images
        self.prune = prune

    def attach(self, supernet: Supernet) -> Self:
        super().attach(supernet)
        nn.init.ones_(self.alpha)
        self.after = tuple(position.after for position in supernet.positions)
        self._add("gamma", torch.ones_like(self.alpha))
        self._add("omega", torch.ones_like(self.alpha))
        if self.gates:
            self.gate = nn.Parameter(torch.ones(len(self.sizes)))
            self._add("gate_gamma", torch.ones(len(self.sizes)))
            self._add("gate_omega", torch.ones(len(self.sizes)))
        return self

    def follow(self, structure: Structure) -> Origins:
        before = self.operations
        origins = super().follow(structure)
        if structure.operations != before:
            for name in ("gamma", "omega"):
                old = self.get_buffer(name)
                made = torch.ones(self.alpha.shape, device=old.device, dtype=old.dtype)
                for row, (names, own) in enumerate(zip(structure.operations, before, strict=True)):
                    for column, each in enumerate(names):
                        if each in own:
                            made[row, column] = old[row, own.index(each)]
                self._add(name, made)
        return origins

    def mixture(self) -> Mixture:
        return self._mixed(self._scalars())

    def strengths(self) -> Tensor:
        """Variances of the priors, from what the scalars are now."""
        return self._variances(self.alpha, self.gate if self.gates else None)

    def amounts(self) -> Tensor:
        """|w| of each candidate, of the shape of `alpha`; see `hwbench.live.selections.scalar`."""
        return self.alpha.detach().abs() * self.get_buffer("present")

    def probabilities(self) -> Tensor:
        strengths = self.strengths() + torch.finfo(self.alpha.dtype).eps
        strengths = strengths * self.get_buffer("present")
        return strengths / strengths.sum(dim=1, keepdim=True)

    def penalty(self) -> Tensor:
        weighed = (self.get_buffer("omega") * self.alpha).abs().flatten()
        total = weighed[self.get_buffer("places")].sum()
        if self.gates:
            total = total + (self.get_buffer("gate_omega") * self.gate).abs().sum()
        return self.sparsity * total

    def after_epoch(self, epoch: int, judge: Judge) -> Structure | None:
        if (epoch + 1) % self.update_every:
            return None
        self._update(judge)
        return self._pruned() if self.prune else None

    # ------------------------------------------------------------------ parts of it

    def _add(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values.detach().clone())

    def _scalars(self) -> Tensor:
        """All scalars that are there, gates last, in one row."""
        own = self.alpha.flatten()[self.get_buffer("places")]
        return torch.cat([own, self.gate]) if self.gates else own

    def _mixed(self, scalars: Tensor) -> Mixture:
        count = sum(self.sizes)
        flat = torch.zeros(self.alpha.numel(), device=scalars.device, dtype=scalars.dtype)
        weights = flat.index_put((self.get_buffer("places"),), scalars[:count])
        weights = weights.view_as(self.alpha)
        if self.gates:
            weights = weights * scalars[count:, None]
        return Mixture.weighted(weights, self.sizes)

    def _variances(self, scalars: Tensor, gate: Tensor | None) -> Tensor:
        """Gamma of each candidate, of the shape of `alpha`, zero behind a position's candidates."""
        present = self.get_buffer("present")
        own = switches(scalars, self.get_buffer("omega")) * present
        passed = own
        if gate is not None:
            passed = chained(switches(gate, self.get_buffer("gate_omega"))[:, None], own)
        sums = passed.sum(dim=1)
        unbound = torch.full_like(sums[0], float("inf"))
        before = torch.stack(
            [sums[list(places)].sum() if places else unbound for places in self.after]
        )
        return chained(before[:, None], own) * present

    def _update(self, judge: Judge) -> None:
        """The updates of a loop of Algorithm 1, in place."""
        outputs = judge.outputs(self.images)
        with torch.no_grad():
            curvature = scalar_curvatures(
                lambda scalars: outputs(self._mixed(scalars)), self._scalars()
            )
            scaled = scaled_curvature(curvature, self.sparsity)
            count, places = sum(self.sizes), self.get_buffer("places")
            omega = self.get_buffer("omega")
            gamma = self.get_buffer("gamma")
            omega.flatten()[places] = reweighting(gamma.flatten()[places], scaled[:count])
            if self.gates:
                own = reweighting(self.get_buffer("gate_gamma"), scaled[count:])
                self.get_buffer("gate_omega").copy_(own)
                self.get_buffer("gate_gamma").copy_(switches(self.gate, own))
            gamma.copy_(self.strengths())

    def _pruned(self) -> Structure | None:
        """The candidates whose priors have an entropy above zero, one of each position at least."""
        gamma = self.get_buffer("gamma")
        kept = []
        for row, names in zip(gamma.tolist(), self.operations, strict=True):
            own = row[: len(names)]
            best = own.index(max(own))
            kept.append(
                tuple(
                    name
                    for place, name in enumerate(names)
                    if place == best or own[place] > THRESHOLD
                )
            )
        return None if tuple(kept) == self.operations else Structure(tuple(kept))
