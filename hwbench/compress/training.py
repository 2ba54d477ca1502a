"""Training a network while units of it are left out (Algorithm 2 of YANG), for any method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from hwbench.compress.budget import chosen_units
from hwbench.compress.flops import Cost, count_flops
from hwbench.compress.groups import Family, families, needless, weights_of
from hwbench.compress.methods.base import Method, Network
from hwbench.compress.recipe import CompressRecipe
from hwbench.compress.rewiring import checked_rewiring, everything, narrowed, rewired
from hwbench.compress.sparse_bayes import shares_left
from hwbench.compress.units import find_units, layers_of
from hwbench.images.augmentation import Augmentation
from hwbench.images.fit import Descent, restore, state_of, train_epoch
from hwbench.images.parts import Part

CHECKED_IMAGES = 8
"""On which the smaller network is held against the one with zeros, each time."""

State = dict[str, Any]


@dataclass
class Compression:
    """A network on its way to a smaller one.

    Attributes
    ----------
    network : as it is now, dense.
    train : images to train on, on its device.
    recipe : how.
    method : which units go; None for the network that stays whole.
    budget : share of the first FLOPs that may be left in the end; None where only those units go
        that have become zero.
    kept : of each dimension, units of the first network.
    epoch : epochs done.
    loops : numbers of each loop that has ended: `flops` and `units` after it, `difference` of the
        smaller network's outputs from those of the one with zeros.
    penalties : lambda times omega of each group; None while nothing is penalised.
    masks : of each family of shapes 1, or 0 for those that stay zero; None where there are none.
    """

    network: nn.Module
    train: Part
    recipe: CompressRecipe
    method: Method | None = None
    budget: float | None = None
    kept: list[Tensor] = field(default_factory=list)
    epoch: int = 0
    loops: list[dict[str, float]] = field(default_factory=list)
    penalties: list[Tensor] | None = field(default=None, init=False)
    masks: list[Tensor] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.units = find_units(self.network, self.example)
        self.first = self.units
        self.kept = everything(self.units.dimensions)
        self.first_flops = count_flops(self.network, self.example)
        self._set_up()

    @property
    def example(self) -> Tensor:
        """Images that show a network what it is given."""
        return self.train.images[:2]

    def train_all(self, after_epoch: Callable[[int], None] | None = None) -> None:
        """Train what epochs are left; called with the number of those done after each."""
        self.train_until(self.recipe.epochs, after_epoch)

    def train_until(self, epochs: int, after_epoch: Callable[[int], None] | None = None) -> None:
        """As `train_all`, until so many epochs are done."""
        while self.epoch < epochs:
            self._train_epoch()
            if after_epoch is not None:
                after_epoch(self.epoch)

    # ------------------------------------------------------------------ stopping and going on

    def state_dict(self) -> State:
        """All that training changes; torch's random numbers too."""
        return {
            "epoch": self.epoch,
            "kept": list(self.kept),
            "loops": self.loops,
            "penalties": self.penalties,
            "masks": self.masks,
            "method": {} if self.method is None else self.method.state_dict(),
            **state_of(network=self.network, optimizer=self.optimizer),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state of the same network, untrained or at any time; method aside."""
        device = self.train.labels.device
        self.kept = [each.cpu() for each in state["kept"]]
        self.network = rewired(self.network, self.units, self.kept)
        self.units = find_units(self.network, self.example)
        self._set_up()
        restore(state, network=self.network, optimizer=self.optimizer)
        self.epoch, self.loops = state["epoch"], list(state["loops"])
        self.penalties = _moved(state["penalties"], device)
        self.masks = _moved(state["masks"], device)
        if self.method is not None:
            own = {name: each.to(device) for name, each in state["method"].items()}
            self.method.load_state_dict(own)

    # ------------------------------------------------------------------ parts of it

    def _set_up(self) -> None:
        """What follows from the network as it is; an optimizer begins anew."""
        self.cost = Cost(self.network, self.units, self.example)
        self.families = families(self.network, self.units, self.recipe.groups)  # type: ignore[arg-type]
        self.optimizer = self.recipe.optimizer(self.network.parameters())
        self.penalties = self.masks = None

    def _view(self) -> Network:
        return Network(
            self.network,
            self.units,
            self.families,
            self.train,
            self.recipe.curvature_images,
            self.recipe.curvature_draws or None,
        )

    def _train_epoch(self) -> None:
        recipe, epoch = self.recipe, self.epoch
        loop = recipe.loop_of(epoch)
        if self.method is not None and loop is not None and recipe.loop_of(epoch - 1) != loop:
            self.penalties = self.method.penalties(self._view())
        self.network.train()
        train_epoch(
            self._step,
            self.train,
            self.optimizer,
            recipe.schedule(),
            epoch=epoch,
            epochs=recipe.epochs,
            batch_size=recipe.batch_size,
            augmentation=Augmentation(shift=recipe.shift, flip=recipe.flip, cutout=recipe.cutout),
        )
        if self.method is not None and loop is not None:
            if recipe.ends_loop(epoch):
                self._leave_out(self.method, loop)
            elif self.budget is not None and self._flops_needed() <= self._allowed(1.0):
                self.penalties = None  # enough is zero
        self.epoch += 1

    def _step(self, batch: Part) -> tuple[Tensor, Tensor]:
        """A step of the weights, then the proximal one of all groups."""
        recipe = self.recipe
        found = Descent(
            network=self.network,
            optimizer=self.optimizer,
            gradient_clip=recipe.gradient_clip,
            loss=recipe.loss_of(self.network),
            precision=recipe.precision,
        )(batch)
        weights = weights_of(self.network)
        if self.penalties is not None:
            # With a momentum a gradient moves the weights 1 / (1 - momentum) times as far in all.
            rate = self.optimizer.param_groups[0]["lr"] / (1.0 - recipe.momentum)
            momenta = self._momenta()
            for family, penalty in zip(self.families, self.penalties, strict=True):
                left = shares_left(family.norms(weights), rate * penalty)
                family.scale_(weights, left)
                if momenta:  # what is zero comes back by its gradient, not by its momentum
                    family.scale_(momenta, (left > 0).to(left.dtype))
        elif self.masks is not None:
            for family, mask in zip(self._shapes, self.masks, strict=True):
                family.scale_(weights, mask)
        return found

    def _momenta(self) -> dict[str, Tensor]:
        """What the optimizer keeps of each layer's weight; none without momentum."""
        if not self.recipe.momentum:
            return {}
        state = self.optimizer.state
        return {
            name: state[layer.weight]["momentum_buffer"]
            for name, layer in layers_of(self.network).items()
        }

    @property
    def _shapes(self) -> list[Family]:
        return [family for family in self.families if family.kind == "shape"]

    def _needless(self) -> list[Tensor]:
        if self.method is None or not self.method.penalised:
            return [torch.zeros(size, dtype=torch.bool) for size in self.units.sizes]
        return needless(self.units, self.families, weights_of(self.network))

    def _flops_needed(self) -> int:
        """FLOPs without the units that are zero."""
        return self.cost.flops([max(1, int((~each).sum())) for each in self._needless()])

    def _allowed(self, progress: float) -> float:
        """FLOPs that may be left, with so much of the loops done."""
        share = 1.0 if self.budget is None else self.budget
        return float(self.first_flops * share**progress)

    def _leave_out(self, method: Method, loop: int) -> None:
        """Choose the units that are kept after a loop, and go on with a network of them."""
        view = self._view()
        own = chosen_units(
            method.scores(view),
            self._needless(),
            self.cost,
            None if self.budget is None else self._allowed((loop + 1) / self.recipe.loops),
        )
        images = self.train.images[:CHECKED_IMAGES]
        small, difference = checked_rewiring(self.network, self.units, own, images)
        method.keep(view, own)
        self.kept = narrowed(self.kept, own)
        self.network = small
        self.units = find_units(small, self.example)
        self._set_up()
        weights = weights_of(small)
        self.masks = [(family.norms(weights) > 0).float() for family in self._shapes] or None
        self.loops.append(
            {
                "flops": self.cost.flops(),
                "units": sum(self.units.sizes),
                "difference": difference,
            }
        )


def _moved(given: Sequence[Tensor] | None, device: torch.device) -> list[Tensor] | None:
    return None if given is None else [each.to(device) for each in given]
