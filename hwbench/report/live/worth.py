"""What a found architecture is worth, in words, from what its search recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup


def worth_sentences(result: Mapping[str, Any]) -> list[Markup]:
    """Its true value, its rank, and what architectures that cost no search are worth.

    Parameters
    ----------
    result : as in a live search's `result.json`; empty where the search has not ended.
    """
    if not result:
        return []
    true = result.get("true")
    if not isinstance(true, Mapping):
        if "true" in result:
            return [
                Markup(
                    "Nobody knows what it is truly worth: no table has true accuracies of its "
                    "space. Train it from scratch with <code>hwbench live retrain</code>."
                )
            ]
        return [
            Markup(
                "What it is truly worth was not recorded: the search's own <code>hwbench live "
                "run</code> command, given again, looks it up."
            )
        ]
    text = Markup(
        "Trained in full, what it found has <b>{:.2f} %</b> ({}): rank <b>{}</b> of {}, better "
        "than {:.1f} % of them."
    ).format(
        true["value"],
        true["target"],
        f"{true['rank']:,}",
        f"{true['of']:,}",
        100 * true["better_than"],
    )
    beside = Markup(
        "One random architecture has {:.2f} % on average (nine in ten between {:.2f} and {:.2f}), "
        "the best of ten {:.2f}"
    ).format(
        true["random_mean"],
        true["random_least"],
        true["random_most"],
        true["random_best_of_10"],
    )
    if "most_flops" in true:
        beside += f", that of most FLOPs {true['most_flops']:.2f}"
    return [text, beside + Markup(", the best there is {:.2f}.").format(true["best"])]
