"""ENAS: a recurrent policy learns which paths of the supernet are good (LAUBE 451, 536)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import PositiveInt

from hwbench.arguments import NotNegative, Positive, Share
from hwbench.arrays import Floats, IntArray
from hwbench.errors import HwbenchError
from hwbench.live.components import component, make_component
from hwbench.live.judge import Judge
from hwbench.live.schedules import SCHEDULES, LearningRateSchedule
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.mixture import Mixture
from hwbench.live.supernets.supernet import Supernet
from hwbench.search.strategies.controller import Controller

CONSTANT: dict[str, Any] = {"name": "constant", "warm_up_epochs": 0.0}


class ENAS(ArchitectureStrategy):
    """REINFORCE with the LSTM of `hwbench.search`, between the epochs of the weights' training.

    After each epoch the policy samples architectures, which the supernet evaluates on all
    validation images; their accuracies, as shares, are the rewards. The baseline is a moving
    average that begins with the first mean: from 0, at the published decay, all advantages would
    be positive for a thousand steps. The rate of the policy follows a schedule of its own.

    Parameters
    ----------
    train_on : what the weights are trained on: "epoch_best", the best of what was sampled after the
        epoch before, for the whole epoch (the thesis); "sample", a new sample in every step (the
        code of ENAS).
    samples : architectures of a step of the policy; 10 in the publications.
    steps : of the policy after an epoch, each with samples of its own; 1 in the thesis, 30 in the
        code of ENAS.
    hidden_units : of the LSTM; 100 in the publications.
    learning_rate : of Adam.
    schedule : of that rate, a node of `hwbench.live.schedules`.
    entropy_weight : of the entropy that is added to the rewards.
    baseline_decay : of the moving average, a step.

    Attributes
    ----------
    sampled, sampled_accuracy, sampled_loss : what was sampled after the last epoch: int64 of shape
        (steps * samples, space.n_positions), and what it came to, in % and as it is.
    best, best_accuracy, best_loss : the most accurate that was ever sampled.
    """

    learns_strengths = False
    learns_by_gradient = False
    learns_policy = True

    def __init__(
        self,
        *,
        train_on: Literal["epoch_best", "sample"] = "epoch_best",
        samples: PositiveInt = 10,
        steps: PositiveInt = 1,
        hidden_units: PositiveInt = 100,
        learning_rate: Positive = 3.5e-3,
        schedule: Annotated[dict[str, Any], component(SCHEDULES)] = CONSTANT,
        entropy_weight: NotNegative = 1e-4,
        baseline_decay: Share = 0.999,
    ) -> None:
        super().__init__()
        self.train_on = train_on
        self.samples = samples
        self.steps = steps
        self.hidden_units = hidden_units
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.entropy_weight = entropy_weight
        self.baseline_decay = baseline_decay
        self._schedule: LearningRateSchedule = make_component(SCHEDULES, schedule)
        self._epochs = 1
        self._read: dict[str, tuple[tuple[int, int], NDArray[Any]]] = {}

    def check(self, epochs: int) -> None:
        self._schedule.check(self.learning_rate, epochs)

    def attach(self, supernet: Supernet) -> Self:
        if supernet.chooses_positions:
            raise HwbenchError(
                f"strategy ENAS: architectures of {supernet.space.name} leave some positions out, "
                "which its policy does not decide about"
            )
        # What the policy chooses from at each position, and what the supernet makes of it.
        self._choosable = [supernet.choosable(place) for place in range(len(supernet.positions))]
        self._architecture_of = supernet.architecture_of
        sizes = np.array([len(each) for each in self._choosable], dtype=np.int64)
        if not sizes.all():
            raise HwbenchError(
                f"strategy ENAS: a position of the supernet of {supernet.space.name} has no "
                "candidate that an architecture may hold"
            )
        self._controller = Controller(
            sizes, self.hidden_units, learning_rate=self.learning_rate, seed=_seed()
        )
        parameters, moments, _ = self._controller.state()
        n_sampled, n_positions = self.steps * self.samples, supernet.space.n_positions
        for name, value in {
            "policy": torch.from_numpy(parameters.copy()),
            "moments": torch.from_numpy(moments.copy()),
            "policy_steps": torch.tensor(0),
            "baseline": torch.tensor(0.0, dtype=torch.float64),
            "path": torch.from_numpy(self._controller.sample(1, np.random.default_rng(_seed()))[0]),
            "sampled": torch.zeros(n_sampled, n_positions, dtype=torch.int64),
            "sampled_accuracy": torch.zeros(n_sampled, dtype=torch.float64),
            "sampled_loss": torch.zeros(n_sampled, dtype=torch.float64),
            "best": torch.zeros(n_positions, dtype=torch.int64),
            "best_accuracy": torch.tensor(float("-inf"), dtype=torch.float64),
            "best_loss": torch.tensor(0.0, dtype=torch.float64),
            "entropy": torch.tensor(0.0, dtype=torch.float64),
        }.items():
            self.register_buffer(name, value)
        return self

    def before_epoch(self, epoch: int, epochs: int) -> None:
        del epoch
        self._epochs = epochs
        self._read.clear()

    def mixture(self) -> Mixture:
        if self.train_on == "sample":
            return self._mixture_of(self._drawn(1)[0])
        return self._mixture_of(self._values("path"))

    def after_epoch(self, epoch: int, judge: Judge) -> None:
        controller = self._restored()
        controller.learning_rate = self._schedule.rate(self.learning_rate, epoch, self._epochs)
        paths, accuracies, losses, entropies = [], [], [], []
        baseline = float(self.get_buffer("baseline")) if self._has_learned else None
        for _ in range(self.steps):
            drawn = controller.sample(self.samples, np.random.default_rng(_seed()))
            found = judge.evaluate(np.stack([self._architecture(path) for path in drawn]))
            paths.append(drawn)
            accuracies.append(found["accuracy"].to_numpy(dtype=np.float64))
            losses.append(found["loss"].to_numpy(dtype=np.float64))
            entropies.append(float(controller.log_probabilities(drawn)[1].mean()))
            rewards = accuracies[-1] / 100
            if baseline is None:
                baseline = float(rewards.mean())
            controller.step(drawn, rewards - baseline, self.entropy_weight)
            decay = self.baseline_decay
            baseline = decay * baseline + (1 - decay) * float(rewards.mean())
            self._store(baseline)
        self._keep(np.concatenate(paths), np.concatenate(accuracies), np.concatenate(losses))
        self.get_buffer("entropy").fill_(float(np.mean(entropies)))

    def numbers(self) -> Mapping[str, float]:
        if not self._has_learned:
            return {}
        accuracies = self.get_buffer("sampled_accuracy")
        return {
            "reward_mean": float(accuracies.mean()),
            "reward_best": float(accuracies.max()),
            "policy_entropy": float(self.get_buffer("entropy")),
        }

    # ------------------------------------------------------------------ parts of it

    @property
    def _has_learned(self) -> bool:
        return bool(self._values("policy_steps") > 0)

    def _restored(self) -> Controller:
        """The controller as the buffers have it, which checkpoints hold."""
        self._controller.restore(
            self._values("policy"), self._values("moments"), int(self._values("policy_steps"))
        )
        return self._controller

    def _values(self, name: str) -> NDArray[Any]:
        """What a buffer holds, read again where it was written to: no step waits for a device."""
        buffer = self.get_buffer(name)
        version = id(buffer), buffer._version
        if name not in self._read or self._read[name][0] != version:
            self._read[name] = version, buffer.cpu().numpy().copy()
        return self._read[name][1]

    def _store(self, baseline: float) -> None:
        parameters, moments, steps = self._controller.state()
        self.get_buffer("policy").copy_(torch.from_numpy(parameters))
        self.get_buffer("moments").copy_(torch.from_numpy(moments))
        self.get_buffer("policy_steps").fill_(steps)
        self.get_buffer("baseline").fill_(baseline)

    def _drawn(self, n_paths: int) -> IntArray:
        return self._restored().sample(n_paths, np.random.default_rng(_seed()))

    def _keep(self, paths: IntArray, accuracies: Floats, losses: Floats) -> None:
        """Keep what an epoch has sampled, its best for the next epoch, and the best so far."""
        archs = np.stack([self._architecture(path) for path in paths])
        self.get_buffer("sampled").copy_(torch.from_numpy(archs))
        self.get_buffer("sampled_accuracy").copy_(torch.from_numpy(accuracies))
        self.get_buffer("sampled_loss").copy_(torch.from_numpy(losses))
        first = int(accuracies.argmax())
        self.get_buffer("path").copy_(torch.from_numpy(paths[first]))
        if accuracies[first] > float(self.get_buffer("best_accuracy")):
            self.get_buffer("best").copy_(torch.from_numpy(archs[first]))
            self.get_buffer("best_accuracy").fill_(float(accuracies[first]))
            self.get_buffer("best_loss").fill_(float(losses[first]))

    def _candidates(self, path: IntArray) -> list[int]:
        """The candidates that a path of the policy takes, an index for each position."""
        return [own[choice] for own, choice in zip(self._choosable, path.tolist(), strict=True)]

    def _mixture_of(self, path: IntArray) -> Mixture:
        return Mixture.single(self._candidates(path))

    def _architecture(self, path: IntArray) -> IntArray:
        return self._architecture_of([(index,) for index in self._candidates(path)])


def _seed() -> int:
    """A seed drawn from torch's default generator, of which all draws of a search come."""
    return int(torch.randint(2**62, ()))
