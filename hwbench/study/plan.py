"""All trials of a study, with everything they need, checked before the first is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hwbench.code_version import READERS, code_version
from hwbench.errors import HwbenchError
from hwbench.predictors import PredictorCard, predictor_card
from hwbench.predictors.identity import used_cards
from hwbench.predictors.installed import all_missing
from hwbench.predictors.left_out import LeftOut, lacking_in_words
from hwbench.predictors.sources import sources_for
from hwbench.predictors.training_set import training_set
from hwbench.predictors.transfer import SourceMetrics
from hwbench.predictors.tuning import check_tuning
from hwbench.spaces.encodings import encoding_modules
from hwbench.study.device_sets import present_sets
from hwbench.study.identity import (
    CodeVersions,
    column_digest,
    common_identity,
    sources_digest,
    trial_identity,
)
from hwbench.study.spec import StudySpec
from hwbench.study.trial import (
    TargetData,
    Trial,
    TrialResult,
    failed_result,
    run_trial,
    split,
    twin_rows,
)
from hwbench.tables import Target, load_target


@dataclass(frozen=True, eq=False)
class Workload:
    """What a worker needs besides the key of a trial.

    Attributes
    ----------
    cards : of the predictors by name, as they were when the study was planned.
    targets : tables and columns by target.
    code : versions of the code with which the study was planned.
    """

    cards: Mapping[str, PredictorCard]
    targets: Mapping[str, TargetData]
    code: CodeVersions

    def run(self, trial: Trial) -> TrialResult:
        """Run one trial, where the code here is that with which it was planned.

        In a process of its own it need not be: a file was edited since, or another machine of a
        cluster has another hwbench. The result is then a failure, `OTHER_CODE`.
        """
        card, data = self.cards[trial.predictor], self.targets[trial.target]
        planned = self.code.of_trial(trial.predictor, trial.target)
        if planned not in _the_same_here:
            cards, spaces = {trial.predictor: card}, {trial.target: data.target.space}
            here = CodeVersions.of(cards, spaces)
            if here.of_trial(trial.predictor, trial.target) != planned:
                return failed_result(
                    trial, card, OTHER_CODE, "", seconds=float("nan"), memory_mb=float("nan")
                )
            _the_same_here.add(planned)
        return run_trial(trial, data, card)


OTHER_CODE = "OtherCode"
"""The exception of a trial that was not run, since its result would not be what it was planned as.
"""

_the_same_here: set[tuple[str, ...]] = set()
"""Versions that were found to be those of this process, before it imported what they are of."""


@dataclass(frozen=True, eq=False)
class Plan:
    """The trials of a study.

    Attributes
    ----------
    trials : in the order of their keys.
    workload : what they need.
    left_out : what cannot be run.
    digests : of each target's column.
    spec : the study's, of its device sets what is there.
    missing : a sentence for each device set that lacks something, on predictors that are left out
        since their libraries are not installed, and on choosers that do without some.
    """

    trials: list[Trial]
    workload: Workload
    left_out: list[LeftOut]
    digests: dict[str, str]
    spec: StudySpec
    missing: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """What results must have in common to be compared, and how many there will be: JSON."""
        return {
            "code": asdict(self.workload.code),
            "targets": self.digests,
            "trials": len(self.trials),
        }


def make_plan(
    spec: StudySpec, targets: Sequence[Target] | None = None, *, without_missing: bool = False
) -> Plan:
    """All trials of a study, after checking that they can be run, and what cannot be.

    A predictor with a fixed training set has one trial a target. A predictor whose encoding a
    target's space lacks is left out there.

    Parameters
    ----------
    spec : what to compare.
    targets : the spec's, by whose names they are opened where not given.
    without_missing : whether predictors whose libraries are not installed are left out, and named
        in `Plan.missing`; else they are refused.

    Raises
    ------
    HwbenchError
        Where a table, column or predictor is unknown, libraries of a predictor are missing, the
        targets given are not the spec's, a table has too few architectures, or nothing is left to
        run.
    """
    spec, missing = _present(spec, targets)
    check_tuning(spec.tuning)
    spec, lacking = _installed(spec, without_missing=without_missing)
    missing += lacking
    opened = _opened(spec, targets)
    cards = {name: _card_as_asked(name, spec) for name in spec.predictors}
    for given in opened.values():
        _check_size(spec, given)
    transfers = [name for name, card in cards.items() if card.needs_sources]
    if transfers and not spec.sources and not spec.device_sets:
        raise HwbenchError(
            f"predictor {transfers[0]} learns from other devices: name their columns in sources"
        )
    data = {
        key: TargetData(
            target,
            sources_for(target, spec.sources) if transfers and spec.sources else None,
            twin_rows(target.table) if spec.twins == "excluded" else None,
            _sources_of_sets(spec, target) if transfers else {},
        )
        for key, target in opened.items()
    }
    _check_twins(spec, data)
    digests = {key: column_digest(target) for key, target in opened.items()}
    code = CodeVersions.of(cards, {key: target.space for key, target in opened.items()})
    workload = Workload(cards, data, code)
    trials: list[Trial] = []
    left_out: list[LeftOut] = []
    for target, of_target in data.items():
        for predictor, card in cards.items():
            for encoding in _encodings(card, spec):
                space = of_target.target.space
                if not space.offers(encoding):
                    reason = f"{space.name} has no encoding '{encoding}'"
                    left_out.append(LeftOut(predictor, reason, encoding, target))
                    continue
                trials.extend(_trials(spec, workload, target, predictor, encoding, digests[target]))
                left_out += _too_costly(spec, predictor, encoding, target)
        left_out += _without_sources(spec, of_target, transfers)
    if not trials:
        raise HwbenchError(f"the study has nothing to run: {left_out[0].reason}")
    return Plan(sorted(trials), workload, left_out, digests, spec, missing)


def _present(
    spec: StudySpec, targets: Sequence[Target] | None
) -> tuple[StudySpec, tuple[str, ...]]:
    """A spec with what of its device sets is there, their targets among its own."""
    if not spec.device_sets:
        return spec, ()
    found = present_sets(spec.device_sets, [target.key for target in targets or ()])
    of_sets = [target for each in found.sets for target in each.targets]
    changes = {"device_sets": found.sets, "targets": _once([*spec.targets, *of_sets])}
    return spec.model_copy(update=changes), found.missing


def _installed(spec: StudySpec, *, without_missing: bool) -> tuple[StudySpec, tuple[str, ...]]:
    """A spec with those of its predictors whose libraries are here, and sentences on the others."""
    lacking = all_missing(spec.predictors)
    if not lacking:
        return spec, _chosen_without(spec.predictors)
    words = lacking_in_words(lacking)
    if not without_missing:
        raise HwbenchError(f"study: {words}")
    absent = {each.predictor for each in lacking}
    left = tuple(name for name in spec.predictors if name not in absent)
    if not left:
        raise HwbenchError(f"the study has nothing to run: {words}")
    return (
        spec.model_copy(update={"predictors": left}),
        (f"Left out: {words}.", *_chosen_without(left)),
    )


def _chosen_without(predictors: Sequence[str]) -> tuple[str, ...]:
    """Sentences on choosers among predictors that do without some of them."""
    found = {name: all_missing(used_cards(predictor_card(name))) for name in predictors}
    return tuple(
        f"{name} chooses without some predictors: {lacking_in_words(lacking)}."
        for name, lacking in found.items()
        if lacking
    )


def _once(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _sources_of_sets(spec: StudySpec, target: Target) -> dict[str, SourceMetrics]:
    """What predictors of a target may learn from, by device set."""
    return {
        each.name: sources_for(target, each.sources)
        for each in spec.sets_of(target.key)
        if each.sources
    }


def _without_sources(spec: StudySpec, data: TargetData, transfers: Sequence[str]) -> list[LeftOut]:
    """Predictors that learn from other devices where none is there to learn from."""
    target = data.target.key
    if not spec.device_sets:
        return []
    named = [each.name for each in spec.sets_of(target) if each.name not in data.device_sets]
    reason = "none of the devices that it would learn from is there"
    lacking = [f"device set {name}: {reason}" for name in named]
    if not spec.sets_of(target):
        lacking = ["it is a target of no device set, so there is nothing to learn from"]
    return [LeftOut(name, each, target=target) for name in transfers for each in lacking]


def _too_costly(spec: StudySpec, predictor: str, encoding: str, target: str) -> list[LeftOut]:
    """A predictor where it is not fitted to all training sizes."""
    skipped = sorted(set(spec.training_sizes) - set(spec.sizes_of(predictor)))
    if spec.costly is None or not skipped:
        return []
    reason = (
        f"is not fitted to {skipped[0]:,} measurements or more: "
        f"a fit takes longer than {spec.costly.seconds:g} s of one core"
    )
    return [LeftOut(predictor, reason, encoding, target)]


def _opened(spec: StudySpec, targets: Sequence[Target] | None) -> dict[str, Target]:
    """The targets of a spec by their text."""
    if targets is None:
        of_sets = {text for each in spec.device_sets for text in each.targets}
        return {
            text: load_target(text, missing="drop" if text in of_sets else "refuse")
            for text in spec.targets
        }
    given = {target.key: target for target in targets}
    if set(given) != set(spec.targets):
        raise HwbenchError(
            f"targets: {', '.join(given) or 'none'} were given, the spec names "
            f"{', '.join(spec.targets)}; Target.of(table, column, key=...) sets the name"
        )
    return {text: given[text] for text in spec.targets}


def _card_as_asked(name: str, spec: StudySpec) -> PredictorCard:
    """A predictor's card with the transform of the target that the study asks for."""
    card = predictor_card(name)
    if spec.target_transform is None:
        return card
    return card.model_copy(update={"target_transform": spec.target_transform})


def _check_size(spec: StudySpec, target: Target) -> None:
    n_archs, test_size = len(target.table), _test_size(spec, target)
    measured = max(spec.training_sizes) if spec.test_size != "others" else n_archs - test_size
    if measured + max(test_size, 2) > n_archs:
        raise HwbenchError(
            f"target {target.key}: its table has {n_archs} architectures, fewer than the "
            f"{measured} to train on and {max(test_size, 2)} to test on"
        )


def _test_size(spec: StudySpec, target: Target) -> int:
    """How many architectures a target's trials are scored on."""
    if spec.test_size != "others":
        return spec.test_size
    sampled = [spec.samples_of(each) for each in spec.sets_of(target.key)]
    if spec.sources:
        sampled.append(spec.source_samples)
    return len(target.table) - max([*spec.training_sizes, *sampled])


def _check_twins(spec: StudySpec, data: Mapping[str, TargetData]) -> None:
    for target, of_target in data.items():
        if of_target.twin_rows is None:
            continue
        for seed in spec.seeds:
            try:
                n_archs, test_size = len(of_target.target.table), _test_size(spec, of_target.target)
                split(n_archs, max(spec.training_sizes), test_size, seed, of_target.twin_rows)
            except HwbenchError as error:
                raise HwbenchError(f"target {target}, seed {seed}: {error}") from error


def _encodings(card: PredictorCard, spec: StudySpec) -> tuple[str, ...]:
    if card.encoding_fixed or card.own_training_set:
        return (card.encoding,)
    return spec.encodings or (card.encoding,)


def _trials(
    spec: StudySpec,
    workload: Workload,
    target: str,
    predictor: str,
    encoding: str,
    digest: str,
) -> Iterator[Trial]:
    card, data = workload.cards[predictor], workload.targets[target]
    own = training_set(card, data.target.space)
    own_code = encoding_modules(encoding)
    sizes = spec.sizes_of(predictor) if own is None else (len(own),)
    seeds = spec.seeds if own is None else spec.seeds[:1]
    test_size = _test_size(spec, data.target) if own is None else len(data.target.table)
    # What changes nothing for a predictor makes no other trial of it.
    tuning = spec.tuning if spec.tuning is not None and spec.tuning.searches(card) else None
    short_fits = spec.short_fits and bool(card.shortened)
    samples = {each.name: spec.samples_of(each) for each in spec.device_sets}
    sets = data.device_sets if card.needs_sources and spec.device_sets else ("",)
    for device_set in sets:
        source_samples = samples.get(device_set, spec.source_samples)
        learned_from = (
            [device_set, source_samples, sources_digest(data.sources_of(device_set))]
            if card.needs_sources
            else None
        )
        common = common_identity(
            {
                "target": [target, digest],
                "predictor": [predictor, card.model_dump(mode="json")],
                "encoding": encoding,
                "test_size": test_size,
                "trimming": spec.trimming,
                "few_kept": spec.test_size == "others",
                "tuning": tuning.model_dump(mode="json") if tuning else None,
                "short_fits": short_fits,
                "twins": spec.twins,
                "code": [
                    *workload.code.of_trial(predictor, target),
                    *([code_version(*own_code, without=READERS)] if own_code else []),
                ],
                "sources": learned_from,
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
                    tuning,
                    short_fits,
                    exclude_twins=spec.twins == "excluded",
                    device_set=device_set,
                    source_samples=source_samples,
                    trimmed=spec.trimming == "help",
                    few_kept=spec.test_size == "others",
                    identity=trial_identity(common, size, seed),
                )
