"""Training a graph VAE, with checkpoints from which it goes on as if it had never stopped."""

from __future__ import annotations

import copy
import math
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hwbench.code_version import code_version
from hwbench.devices import choose_device, sent
from hwbench.errors import HwbenchError
from hwbench.locks import only_writer
from hwbench.optimisation import denormals_flushed, learning_rate_share
from hwbench.progress import Progress, silent
from hwbench.spaces import Space, get_space
from hwbench.toml import validated
from hwbench.vae.checkpoint import (
    Moments,
    load_vae,
    read_checkpoint,
    save_vae,
    weights_digest,
)
from hwbench.vae.data import Labels, labels, split
from hwbench.vae.graphs import GraphBatch
from hwbench.vae.model import GraphVAE
from hwbench.vae.settings import GraphVAESettings
from hwbench.vae.trained import Epoch, TrainedGraphVAE

LARGEST_GRADIENT = 5.0
"""Norm to which longer gradients are cut."""

LABELLED_A_STEP = 32
"""Labelled graphs that join each batch, so that the heads learn from every step."""

SECONDS_BETWEEN_CHECKPOINTS = 30.0


def train_vae(
    space: Space | str,
    *,
    checkpoint: Path | str | None = None,
    start: Path | str | None = None,
    device: str = "cpu",
    progress: Progress = silent,
    **settings: Any,
) -> TrainedGraphVAE:
    """Train a graph VAE on architectures of a space.

    Parameters
    ----------
    space : whose architectures are graphs: nasbench201, nasbench101, enas_macro, transnas_micro.
    checkpoint : a file, written as training goes; where it is there already, training goes on
        from it, and comes to the same as without the stop.
    start : a file of another VAE of the space, with whose weights training begins; what that has
        not (heads, a tally) begins anew. Architectures that are its training or test ones stay so
        where `n_graphs`, `test_share` and `seed` are the same.
    device : where it is trained, and the VAE then is; files are the same for all. All draws are the
        CPU's, so that what differs on a GPU is the rounding of sums.
    progress : told how many epochs are done.
    **settings : see `GraphVAESettings`.

    Returns
    -------
    The trained VAE.

    Raises
    ------
    HwbenchError
        Where the space, the device or a setting is unknown, the checkpoint is of another space, of
        other settings, or not at its end and of other code, or the VAE to start with is of another
        space or of other sizes.
    """
    where = get_space(space) if isinstance(space, str) else space
    on = choose_device(device)
    begin = None
    if start is not None:
        begin = load_vae(start)
        settings = {**settings, "start": weights_digest(begin)}
    chosen = validated(settings, GraphVAESettings, where="graph VAE")
    if begin is not None:
        _require_fitting(begin, where, chosen, start)
    place = None if checkpoint is None else Path(checkpoint)
    with nullcontext() if place is None else only_writer(place, folder=False) as claim:
        trainer = _Trainer(where, chosen, place, begin, on)
        progress(len(trainer.vae.history), chosen.epochs)
        try:
            with denormals_flushed():
                while len(trainer.vae.history) < chosen.epochs:
                    trainer.epoch()
                    progress(len(trainer.vae.history), chosen.epochs)
        except KeyboardInterrupt:
            trainer.save_last_epoch()
            raise
        if claim is not None:
            claim.check()
    trainer.vae.model.eval()
    return trainer.vae


def training_version(space: Space) -> str:
    """Version of the code that trains VAEs of a space, see `hwbench.code_version`."""
    return code_version(__name__, type(space).__module__)


# What a VAE must share with the one that it begins with, so that their weights fit.
SHARED = ("variant", "order", "hidden_size", "latent_size", "embedding_size", "both_ways")


def _require_fitting(
    begin: TrainedGraphVAE, space: Space, settings: GraphVAESettings, path: Path | str | None
) -> None:
    if begin.space.name != space.name:
        raise HwbenchError(f"{path}: is of the space {begin.space.name}, not {space.name}")
    for name in SHARED:
        theirs, ours = getattr(begin.settings, name), getattr(settings, name)
        if theirs != ours:
            raise HwbenchError(
                f"{path}: has {name} = {theirs!r}, not {ours!r}; training that starts with it "
                "must have the same"
            )


def _begin_with(model: GraphVAE, other: GraphVAE) -> None:
    """Take over the weights of all parts that both have, heads aside."""
    theirs = {
        name: value for name, value in other.state_dict().items() if not name.startswith("heads.")
    }
    ours = model.state_dict()
    model.load_state_dict({**ours, **{name: theirs[name] for name in theirs.keys() & ours.keys()}})


class _Trainer:
    """A VAE, its optimiser, and what it learns from."""

    def __init__(
        self,
        space: Space,
        settings: GraphVAESettings,
        checkpoint: Path | None,
        begin: TrainedGraphVAE | None,
        device: torch.device,
    ) -> None:
        self.settings = settings
        self.device = device
        self.checkpoint = checkpoint
        archs = split(space, settings).training
        found: Labels | None = labels(space, settings, archs)
        moments = None
        self.code = training_version(space)
        if checkpoint is not None and checkpoint.exists():
            self.vae, moments = read_checkpoint(checkpoint)
            self._require_same(space, checkpoint)
            if moments is not None:
                self._require_same_code(moments, checkpoint)
        else:
            means, scales = (None, None) if found is None else (found.means, found.scales)
            self.vae = TrainedGraphVAE(space, settings, means=means, scales=scales)
            if begin is not None:
                _begin_with(self.vae.model, begin.model)
        self.vae.to(device)
        self.batch = GraphBatch.of(self.vae.graphs.graphs(archs)).to(device)
        self.labels = None
        if found is not None:
            known = torch.full((len(archs), len(settings.metrics)), math.nan)
            known[found.rows] = torch.from_numpy(found.values)
            self.labels = known.to(device)
            self.labelled = found.rows
        self.steps_an_epoch = math.ceil(len(archs) / settings.batch_size)
        self.optimizer = _optimizer(self.vae.model, settings, moments)
        self.saved = time.monotonic()
        self.unsaved: tuple[TrainedGraphVAE, Moments] | None = None

    def _require_same(self, space: Space, checkpoint: Path) -> None:
        if self.vae.space.name != space.name:
            raise HwbenchError(
                f"{checkpoint}: is of the space {self.vae.space.name}, not {space.name}; "
                "choose another file"
            )
        ours, given = self.vae.settings.model_dump(), self.settings.model_dump()
        for name, value in given.items():
            if ours[name] != value:
                raise HwbenchError(
                    f"{checkpoint}: was trained with {name} = {ours[name]!r}, not {value!r}; "
                    "choose another file, or take it away"
                )

    def _require_same_code(self, moments: Moments, checkpoint: Path) -> None:
        over = len(self.vae.history) == self.settings.epochs
        if not over and moments.code != self.code:
            raise HwbenchError(
                f"{checkpoint}: was trained so far by other code, that of hwbench "
                f"{moments.hwbench}; go on with that, choose another file, or take it away"
            )

    def epoch(self) -> None:
        """One pass over the training graphs."""
        vae, settings = self.vae, self.settings
        number = len(vae.history)
        start = time.monotonic()
        generator = np.random.default_rng([settings.seed, 1, number])
        noise = torch.Generator().manual_seed(int(generator.integers(2**62)))
        order = generator.permutation(len(self.batch))
        total = torch.zeros(3, dtype=torch.float64, device=self.device)
        vae.model.train()
        for step in range(self.steps_an_epoch):
            rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
            n_rows = len(rows)
            if self.labels is not None:
                n_labelled = min(LABELLED_A_STEP, len(self.labelled))
                rows = np.concatenate([rows, generator.choice(self.labelled, n_labelled, False)])
            done = number * self.steps_an_epoch + step
            total += n_rows * self._step(sent(torch.from_numpy(rows), self.device), noise, done)
        reconstruction, divergence, heads = (total / len(self.batch)).tolist()
        if not math.isfinite(reconstruction):
            raise HwbenchError(
                f"graph VAE: training diverged in epoch {number + 1}; take a smaller learning_rate"
            )
        seconds = time.monotonic() - start
        vae.history = (*vae.history, Epoch(reconstruction, divergence, heads, seconds))
        self._save()

    def _step(self, rows: torch.Tensor, noise: torch.Generator, done: int) -> torch.Tensor:
        """Take one step; returns reconstruction, divergence and the heads' error."""
        settings, model = self.settings, self.vae.model
        steps = settings.epochs * self.steps_an_epoch
        rate = settings.learning_rate * learning_rate_share(done, steps)
        self.optimizer.param_groups[0]["lr"] = rate
        drawn = torch.randn(len(rows), settings.latent_size, generator=noise)
        drawn = sent(drawn, self.device)
        known = None if self.labels is None else self.labels[rows]
        n_prior = round(settings.prior_share * len(rows))
        losses = model.losses(self.batch[rows], drawn, known, n_prior)
        likelihood = torch.lerp(losses.reconstruction, losses.unconditional, n_prior / len(rows))
        loss = likelihood + settings.kl_weight * losses.divergence
        self.optimizer.zero_grad()
        torch.autograd.backward(loss + settings.head_weight * losses.heads)
        torch.nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
        self.optimizer.step()
        told = torch.stack([losses.reconstruction, losses.divergence, losses.heads])
        return told.detach().double()

    def save_last_epoch(self) -> None:
        """Write what the last whole epoch left, if a checkpoint does not hold it already."""
        if self.checkpoint is not None and self.unsaved is not None:
            save_vae(self.unsaved[0], self.checkpoint, self.unsaved[1])
            self.unsaved = None

    def _save(self) -> None:
        """Write a checkpoint now and then; what is not written is kept as it is for later."""
        if self.checkpoint is None:
            return
        names = dict(self.vae.model.named_parameters())
        state = {name: self.optimizer.state[value] for name, value in names.items()}
        moments = Moments(
            {name: value["exp_avg"] for name, value in state.items()},
            {name: value["exp_avg_sq"] for name, value in state.items()},
            len(self.vae.history) * self.steps_an_epoch,
            self.code,
        )
        self.unsaved = copy.deepcopy((self.vae, moments))
        over = len(self.vae.history) == self.settings.epochs
        if over or time.monotonic() - self.saved > SECONDS_BETWEEN_CHECKPOINTS:
            self.save_last_epoch()
            self.saved = time.monotonic()


def _optimizer(
    model: GraphVAE, settings: GraphVAESettings, moments: Moments | None
) -> torch.optim.Adam:
    """Adam, where it stood when the moments were saved."""
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
    if moments is not None:
        for name, parameter in model.named_parameters():
            optimizer.state[parameter] = {
                "step": torch.tensor(float(moments.steps), device=parameter.device),
                "exp_avg": moments.first[name].to(parameter.device),
                "exp_avg_sq": moments.second[name].to(parameter.device),
            }
    return optimizer
