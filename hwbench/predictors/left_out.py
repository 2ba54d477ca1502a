"""Predictors that cannot take part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hwbench.extras import remedy


class LeftOutWarning(UserWarning):
    """A chooser among predictors does without some, whose libraries are not installed."""


@dataclass(frozen=True)
class LeftOut:
    """A predictor that is not tried, and why.

    Attributes
    ----------
    predictor : its name.
    reason : why, in words that go on after the name.
    encoding, target : where it is left out; empty for everywhere.
    extra : of hwbench that it lacks, where that is why.
    """

    predictor: str
    reason: str
    encoding: str = ""
    target: str = ""
    extra: str = ""


def lacking_in_words(left_out: Iterable[LeftOut]) -> str:
    """What predictors lack: "gcn, nao need hwbench[torch]: pip install 'hwbench[torch]'".

    Those that are left out for another reason are passed over; "" where all are.
    """
    by_extra: dict[str, list[str]] = {}
    for each in left_out:
        if each.extra:
            by_extra.setdefault(each.extra, []).append(each.predictor)
    if not by_extra:
        return ""
    parts = [
        f"{', '.join(names)} need{'s' if len(names) == 1 else ''} hwbench[{extra}]"
        for extra, names in sorted(by_extra.items())
    ]
    return f"{'; '.join(parts)}: {remedy(*sorted(by_extra))}"
