"""Device sets: predict some devices after others, as transfer between devices is compared.

A set names the devices that are learned from, its sources, and those that are predicted. What of
it can be compared is what is there: devices whose tables nobody has fetched are left out and named.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field, PositiveInt

from hwbench.errors import HwbenchError
from hwbench.tables.library import load_table, table_path
from hwbench.target_text import parse_target
from hwbench.toml import FrozenModel

ALTERNATIVES = " | "
"""Stands between columns of which the first that is there is taken."""


class PublishedScore(FrozenModel):
    """What others have published of a device set.

    Attributes
    ----------
    method : its name.
    samples : measurements of each target that it was given.
    spearman : mean over the set's targets.
    note : how it was measured, where that is not how it is measured here.
    """

    method: str
    samples: PositiveInt
    spearman: float = Field(ge=-1, le=1)
    note: str = ""


class DeviceSet(FrozenModel):
    """Devices that are predicted after others.

    Attributes
    ----------
    name : of the set.
    sources : "table:column" each, what predictors that learn from other devices may learn from. In
        place of one there may be several with " | " between, of which the first that is there is
        taken. Those measured on a target's own device are kept from it.
    targets : what is predicted, likewise.
    source_samples : architectures that each source has measured, at most; the study's by default.
    note : what a reader should know of the set.
    published : what others have published of it.
    """

    name: str = Field(pattern=r"^[\w.-]+$")
    sources: tuple[str, ...] = Field(min_length=1)
    targets: tuple[str, ...] = Field(min_length=1)
    source_samples: PositiveInt | None = None
    note: str = ""
    published: tuple[PublishedScore, ...] = ()


@dataclass(frozen=True)
class PresentSets:
    """Device sets of what is there.

    Attributes
    ----------
    sets : those of which a target is there; their sources may be none.
    missing : for each set that lacks something a sentence that names it.
    """

    sets: tuple[DeviceSet, ...]
    missing: tuple[str, ...]


def present_sets(sets: Sequence[DeviceSet], given: Collection[str] = ()) -> PresentSets:
    """What of device sets is there, and what is not, in words.

    Parameters
    ----------
    sets : the sets.
    given : columns that are at hand, whether or not a table of that name is found.

    Raises
    ------
    HwbenchError
        Where not one target is there, or a table that is there is broken.
    """
    kept, missing = [], []
    for each in sets:
        sources = {text: _present(text, given) for text in each.sources}
        targets = {text: _present(text, given) for text in each.targets}
        missing += _missing(each.name, sources, targets)
        if any(targets.values()):
            there = {"sources": _there(sources), "targets": _there(targets)}
            kept.append(each.model_copy(update=there))
    if not kept:
        first = sets[0].targets[0].split(ALTERNATIVES)[0]
        raise HwbenchError(
            f"device sets {', '.join(each.name for each in sets)}: no device that is to be "
            f"predicted is there, such as {first}; hwbench tables benchmarks lists what can be "
            "fetched"
        )
    return PresentSets(tuple(kept), tuple(missing))


def _present(text: str, given: Collection[str]) -> str | None:
    """The first column that is there of those a text names."""
    for each in text.split(ALTERNATIVES):
        if each in given:
            return each
        parts = parse_target(each)
        if parts is None:
            raise HwbenchError(f"target '{each}' must have the form table:column")
        name, column = parts
        try:
            table_path(name)
        except HwbenchError:
            continue
        if column in load_table(name).card.columns:
            return each
    return None


def _there(found: Mapping[str, str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in found.values() if text is not None))


def _missing(
    name: str, sources: Mapping[str, str | None], targets: Mapping[str, str | None]
) -> list[str]:
    parts = []
    for noun, found in (("devices to predict", targets), ("devices to learn from", sources)):
        lacking = [text.split(ALTERNATIVES)[0] for text, there in found.items() if there is None]
        if lacking:
            kept = len(found) - len(lacking)
            parts.append(f"{kept} of {len(found)} {noun} are there, missing {', '.join(lacking)}")
    return [f"device set {name}: {'; '.join(parts)}"] if parts else []
