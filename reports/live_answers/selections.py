"""What several selections choose from the same supernets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from live_answers.found import Found
from live_answers.wording import better_equal_worse, lines, mean, named, seeds, values_of


def selected_again(kept: Found) -> Iterator[tuple[tuple[str, str], pd.DataFrame, np.ndarray]]:
    """By supernets and selection: what was selected, and what the search itself did."""
    own = kept.selections
    own = own.assign(value=values_of(own["run"]))
    trained = kept.runs.set_index("run")["true_value"]
    for key, chosen in own.groupby(["value", "selection"]):
        yield key, chosen, trained.loc[chosen["run"]].to_numpy()


def selections_table(kept: Found) -> str:
    """What several selections chose from the same supernets."""
    rows: list[dict[str, object]] = []
    for (value, selection), chosen, before in selected_again(kept):
        rows.append(
            {
                "supernets of": named(kept, value),
                "selection": selection,
                "true accuracy, %": mean(chosen["true_value"]),
                "minus that by the search's own": mean(chosen["true_value"] - before),
                "better / equal / worse": better_equal_worse(chosen["true_value"], before),
            }
        )
    return lines(rows)


def selections_words(kept: Found) -> str:
    """Whether what is selected again is better than what the search itself selected."""
    said = []
    for (value, selection), chosen, before in selected_again(kept):
        difference = chosen["true_value"] - before
        said.append(
            f"from the supernets of {named(kept, value)} {selection} selects better cells in "
            f"{(difference > 0).sum()} of {len(chosen)} seeds, by {mean(difference)} % on average"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def bayes_nas_words(kept: Found) -> str:
    """What cells of the largest gamma are worth beside those of the largest scalar."""
    own = kept.selections.pivot(index="run", columns="selection", values="true_value")
    gamma, scalar = own["gamma"], own["scalar"]
    first = kept.runs.iloc[0]
    difference = gamma - scalar
    return (
        f"Cells of the largest gamma have {mean(gamma)} %, those of the largest |w| of the same "
        f"supernets {mean(scalar)} % ({seeds(own)}): {mean(difference)} % between them, "
        f"gamma's the better in {(difference > 0).sum()}, the same in {(difference == 0).sum()}, "
        f"the worse in {(difference < 0).sum()}. A random cell has "
        f"{first['random_50']:.2f} % in the middle, that of the most FLOPs "
        f"{first['most_flops']:.2f} %."
    )
