"""What a study compares."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from hwbench.errors import unknown_name
from hwbench.predictors.tuning import Tuning
from hwbench.spaces.encodings import check_encoding_name
from hwbench.study.device_sets import DeviceSet
from hwbench.toml import FrozenModel, refuse_repeats

Several = Annotated[int, Field(ge=2)]
"""Of architectures: fewer have no order that could be predicted."""


class Limits(FrozenModel):
    """What one trial may take before it is ended and recorded as failed.

    They are no part of a trial's identity: a trial that ended within them does not depend on them.

    Attributes
    ----------
    seconds : wall-clock time of the whole trial, search for hyper-parameters included.
    memory_mb : resident memory of its process in MiB (2**20 bytes), with its children.
    """

    seconds: PositiveFloat | None = None
    memory_mb: PositiveFloat | None = None


class Costly(FrozenModel):
    """Predictors that a study fits to fewer measurements than others, since they take too long.

    Which these are was measured before the study, so that its trials are the same everywhere.

    Attributes
    ----------
    seconds : what a fit may take of one core.
    largest : by predictor the largest training size at which a fit takes no longer.
    """

    seconds: PositiveFloat
    largest: dict[str, PositiveInt] = Field(min_length=1)


class StudySpec(FrozenModel):
    """Predictors x targets x training sizes x seeds.

    Attributes
    ----------
    targets : "table:column" each; may be left out where there are `device_sets`, whose targets come
        to them.
    predictors : names of zoo entries.
    training_sizes : numbers of measured architectures to fit on.
    seeds : a repeat for each: which architectures are measured, and the predictor's randomness.
    encodings : features that predictors are compared on; each card's own where empty. A predictor
        made for one encoding keeps it.
    sources : "table:column" each, of the targets' spaces: what predictors that learn from other
        devices may learn from. Those measured on the target's own device are kept from them.
    device_sets : targets with sources of their own, see `DeviceSet`; in place of `sources`. What
        nobody has fetched is left out and named. Predictors that learn from no other device have
        one trial for all sets. Architectures without a measurement are left out of a target.
    source_samples : architectures that each source has measured, at most: first those that are
        measured on the target too, then others at random, never those of the test set.
    tuning : how much every fit searches the cards' ranges; the cards' defaults where left out.
    target_transform : what all predictors learn of the target: "raw", "log", "rank", or "auto";
        what each card says where left out.
    short_fits : whether predictors take the hyper-parameters of their cards that make a fit short
        (`PredictorCard.shortened`); their titles then say so.
    test_size : architectures held out to score on, the same for every predictor and size of a seed;
        or "others", all but as many as are measured at most, on the target or the sources. Of these
        `KEPT_PREDICTIONS` are kept with the results.
    trimming : which of the test set count: "none" is left out; or "help", the fastest and the
        slowest tenth of it are, by the target's own values, as HELP does.
    twins : whether architectures that are the same network as one of the test set (`Space.twins`)
        may be trained on: "allowed", as published, or "excluded".
    limits : what one trial may take; None: no limits.
    costly : predictors that are left out at large training sizes, see `Costly`.
    """

    targets: tuple[str, ...] = ()
    predictors: tuple[str, ...] = Field(min_length=1)
    training_sizes: tuple[Several, ...] = Field(min_length=1)
    seeds: tuple[NonNegativeInt, ...] = Field(min_length=1)
    encodings: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    device_sets: tuple[DeviceSet, ...] = ()
    source_samples: Several = 900
    tuning: Tuning | None = None
    target_transform: Literal["raw", "log", "rank", "auto"] | None = None
    short_fits: bool = False
    test_size: Several | Literal["others"] = 625
    trimming: Literal["none", "help"] = "none"
    twins: Literal["allowed", "excluded"] = "allowed"
    limits: Limits | None = None
    costly: Costly | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        for encoding in self.encodings:
            check_encoding_name(encoding)
        lists = ("targets", "predictors", "training_sizes", "seeds", "encodings", "sources")
        refuse_repeats({name: getattr(self, name) for name in lists})
        names = [each.name for each in self.device_sets]
        if len(set(names)) < len(names):
            raise ValueError("device_sets holds a name twice")
        for name in self.costly.largest if self.costly else ():
            if name not in self.predictors:
                raise ValueError(f"costly: {unknown_name('predictor', name, self.predictors)}")
        if self.device_sets and self.sources:
            raise ValueError("give sources to all targets, or to each of device_sets, not both")
        if not self.targets and not self.device_sets:
            raise ValueError("targets: name one at least, or device_sets")
        return self

    def sets_of(self, target: str) -> tuple[DeviceSet, ...]:
        """The device sets that predict a target."""
        return tuple(each for each in self.device_sets if target in each.targets)

    def sizes_of(self, predictor: str) -> tuple[int, ...]:
        """The training sizes at which a predictor is fitted."""
        largest = self.costly.largest.get(predictor) if self.costly else None
        return tuple(size for size in self.training_sizes if largest is None or size <= largest)

    def samples_of(self, device_set: DeviceSet) -> int:
        """Architectures that each source of a set has measured, at most."""
        return device_set.source_samples or self.source_samples
