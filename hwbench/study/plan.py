"""All trials of a study, with everything they need, checked before the first is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwbench.code_version import code_version
from hwbench.errors import HwbenchError
from hwbench.predictors import PredictorCard, predictor_card
from hwbench.predictors.left_out import LeftOut
from hwbench.predictors.models.lookup_table import neighbourhood
from hwbench.predictors.sources import sources_for
from hwbench.study.identity import column_digest, common_identity, sources_digest, trial_identity
from hwbench.study.spec import StudySpec
from hwbench.study.trial import TargetData, Trial, TrialResult, run_trial, split, twin_rows
from hwbench.tables import Table, load_target

Targets = Mapping[str, tuple[Table, NDArray[np.float64]]]


@dataclass(frozen=True, eq=False)
class Workload:
    """What a worker needs besides the key of a trial.

    Attributes
    ----------
    cards : of the predictors by name, as they were when the study was planned.
    targets : tables and columns by target.
    """

    cards: Mapping[str, PredictorCard]
    targets: Mapping[str, TargetData]

    def run(self, trial: Trial) -> TrialResult:
        """Run one trial."""
        return run_trial(trial, self.targets[trial.target], self.cards[trial.predictor])


@dataclass(frozen=True, eq=False)
class Plan:
    """The trials of a study.

    Attributes
    ----------
    trials : in the order of their keys.
    workload : what they need.
    left_out : what cannot be run.
    digests : of each target's column.
    """

    trials: list[Trial]
    workload: Workload
    left_out: list[LeftOut]
    digests: dict[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """What results must have in common to be compared: JSON for a run folder's record."""
        return {"code": code_version(), "targets": self.digests}


def load_targets(spec: StudySpec) -> dict[str, tuple[Table, NDArray[np.float64]]]:
    """Open the tables of a study's targets."""
    return {target: load_target(target) for target in spec.targets}


def make_plan(spec: StudySpec, targets: Targets | None = None) -> Plan:
    """All trials of a study, after checking that they can be run, and what cannot be.

    A predictor with a fixed training set has one trial a target. A predictor whose encoding a
    target's space lacks is left out there.

    Parameters
    ----------
    spec : what to compare.
    targets : for each of the spec's targets its table and column; opened by name where not given.

    Raises
    ------
    HwbenchError
        Where a table, column or predictor is unknown, a table has too few architectures, or nothing
        is left to run.
    """
    opened = load_targets(spec) if targets is None else targets
    cards = {name: predictor_card(name) for name in spec.predictors}
    for target, (table, _) in opened.items():
        _check_size(spec, target, table)
    transfers = [name for name, card in cards.items() if card.family == "transfer"]
    if transfers and not spec.sources:
        raise HwbenchError(
            f"predictor {transfers[0]} learns from other devices: name their columns in sources"
        )
    data = {
        target: TargetData(
            table,
            values,
            sources_for(target, table, spec.sources) if transfers else None,
            twin_rows(table) if spec.twins == "excluded" else None,
        )
        for target, (table, values) in opened.items()
    }
    _check_twins(spec, data)
    digests = {target: column_digest(target, *opened[target]) for target in opened}
    trials: list[Trial] = []
    left_out: list[LeftOut] = []
    for target, of_target in data.items():
        for predictor, card in cards.items():
            for encoding in _encodings(card, spec):
                space = of_target.table.space
                if encoding not in space.encodings:
                    reason = f"{space.name} has no encoding '{encoding}'"
                    left_out.append(LeftOut(predictor, reason, encoding, target))
                    continue
                trials.extend(
                    _trials(spec, target, of_target, predictor, card, encoding, digests[target])
                )
    if not trials:
        raise HwbenchError(f"the study has nothing to run: {left_out[0].reason}")
    return Plan(sorted(trials), Workload(cards, data), left_out, digests)


def _check_size(spec: StudySpec, target: str, table: Table) -> None:
    largest = max(spec.training_sizes)
    if largest + spec.test_size > len(table):
        raise HwbenchError(
            f"target {target}: its table has {len(table)} architectures, fewer than the "
            f"{largest} to train on and {spec.test_size} to test on"
        )


def _check_twins(spec: StudySpec, data: Mapping[str, TargetData]) -> None:
    for target, of_target in data.items():
        if of_target.twin_rows is None:
            continue
        for seed in spec.seeds:
            try:
                n_archs = len(of_target.table)
                split(n_archs, max(spec.training_sizes), spec.test_size, seed, of_target.twin_rows)
            except HwbenchError as error:
                raise HwbenchError(f"target {target}, seed {seed}: {error}") from error


def _encodings(card: PredictorCard, spec: StudySpec) -> tuple[str, ...]:
    if card.encoding_fixed or card.training == "neighbourhood":
        return (card.encoding,)
    return spec.encodings or (card.encoding,)


def _trials(
    spec: StudySpec,
    target: str,
    data: TargetData,
    predictor: str,
    card: PredictorCard,
    encoding: str,
    digest: str,
) -> Iterator[Trial]:
    fixed = card.training == "neighbourhood"
    sizes = (len(neighbourhood(data.table.space)),) if fixed else spec.training_sizes
    seeds = spec.seeds[:1] if fixed else spec.seeds
    test_size = len(data.table) if fixed else spec.test_size
    learns_from_others = card.family == "transfer" and data.sources is not None
    common = common_identity(
        {
            "target": [target, digest],
            "predictor": [predictor, card.model_dump(mode="json")],
            "encoding": encoding,
            "test_size": test_size,
            "tuning": spec.tuning.model_dump(mode="json") if spec.tuning else None,
            "twins": spec.twins,
            "sources": sources_digest(data.sources)
            if learns_from_others and data.sources
            else None,
        }
    )
    for size in sizes:
        for seed in seeds:
            yield Trial(
                target,
                predictor,
                encoding,
                size,
                seed,
                test_size,
                spec.tuning,
                spec.twins == "excluded",
                trial_identity(common, size, seed),
            )
