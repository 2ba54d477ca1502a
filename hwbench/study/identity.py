"""What a trial is: everything its result depends on, hashed to a name.

A trial's identity is the SHA-256 of canonical JSON (sorted keys, no spaces) over its predictor with
the resolved card, encoding, target with the digest of what the target's column holds, other
devices' metrics where it learns from them, test size, care for twins, tuning, training size, seed,
the version of the protocol, and the versions of the code: of what every trial runs, of its
predictor, and of its target's space, see `hwbench.code_version`. Scheduling, storage, reports and
how tables and cards are read do not count: what was read does. Versions of other libraries and of
hwbench itself are recorded in a run folder but are no part of an identity, nor are the limits of a
trial.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hwbench.code_version import READERS, code_version
from hwbench.predictors import PredictorCard
from hwbench.predictors.identity import predictor_modules, predictor_version
from hwbench.predictors.transfer import SourceMetrics
from hwbench.spaces import Space
from hwbench.tables import Target

PROTOCOL = 1
"""Version of how architectures are drawn and predictions are scored."""

IDENTITY_LENGTH = 32
"""Hexadecimal digits kept of a hash: 128 bits."""


TRIAL = "hwbench.study.trial"
SOURCES = "hwbench.predictors.sources"
"""Modules that every trial runs, and those that learn from other devices."""


@dataclass(frozen=True)
class CodeVersions:
    """Versions of the code that the trials of a study run.

    Attributes
    ----------
    trial : of what all of them run.
    predictors : of each predictor, by name.
    targets : of the space of each target, by "table:column".
    """

    trial: str
    predictors: Mapping[str, str]
    targets: Mapping[str, str]

    @classmethod
    def of(cls, cards: Mapping[str, PredictorCard], spaces: Mapping[str, Space]) -> Self:
        """The versions here and now.

        Parameters
        ----------
        cards : of the predictors by name.
        spaces : by target.
        """
        return cls(
            code_version(TRIAL, without=READERS),
            {name: predictor_version(card, _besides(card)) for name, card in cards.items()},
            {
                target: code_version(type(space).__module__, without=READERS)
                for target, space in spaces.items()
            },
        )

    def of_trial(self, predictor: str, target: str) -> tuple[str, str, str]:
        """The versions that a trial of a predictor on a target depends on."""
        return self.trial, self.predictors[predictor], self.targets[target]


def trial_modules(card: PredictorCard, space: Space) -> list[str]:
    """The modules that a trial begins with; these and what they import its versions are of."""
    return [TRIAL, *predictor_modules(card), *_besides(card), type(space).__module__]


def _besides(card: PredictorCard) -> list[str]:
    """Modules that a predictor's trials need besides its own."""
    return [SOURCES] if card.needs_sources else []


def column_digest(target: Target) -> str:
    """Digest of all that a target's column says to a trial, whatever file it is in."""
    digest = hashlib.sha256()
    about = [target.space.definition, target.direction]
    digest.update(canonical_json(about).encode())
    digest.update(_bytes_of(target.table.keys))
    digest.update(np.ascontiguousarray(target.values, dtype="<f8").tobytes())
    return digest.hexdigest()[:IDENTITY_LENGTH]


def sources_digest(sources: SourceMetrics) -> str:
    """Digest of what other devices measured."""
    digest = hashlib.sha256(canonical_json(sources.names).encode())
    digest.update(np.ascontiguousarray(sources.archs, dtype="<i8").tobytes())
    digest.update(np.ascontiguousarray(sources.values, dtype="<f8").tobytes())
    return digest.hexdigest()[:IDENTITY_LENGTH]


def common_identity(key: dict[str, Any]) -> str:
    """Identity of what trials of different training sizes and seeds have in common."""
    return _hash(canonical_json({**key, "protocol": PROTOCOL}))


def trial_identity(common: str, training_size: int, seed: int) -> str:
    """Identity of one trial, given the common part's."""
    return _hash(f'{{"common":"{common}","seed":{seed},"training_size":{training_size}}}')


def canonical_json(value: Any) -> str:
    """JSON that is the same text for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:IDENTITY_LENGTH]


def _bytes_of(keys: NDArray[Any]) -> bytes:
    if keys.dtype.kind in "iu":
        return np.ascontiguousarray(keys, dtype="<i8").tobytes()
    return "\n".join(keys.tolist()).encode()
