"""What the policy of ENAS learns, beside uniform draws on the same supernets."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from live_answers.found import Found
from live_answers.wording import better_equal_worse, lines, mean, seeds, values_of


def policies(kept: Found) -> Iterator[tuple[str, pd.DataFrame]]:
    """By value of a sweep over ENAS: what its policies came to, a row a run.

    Columns are the mean accuracies in % of what was sampled in the `first` and the `last` epoch and
    of as many `uniform` draws as are ranked, all on validation images by the supernet; and the true
    values, where they are known, of what the search `chose` and of the best ranked of the draws,
    `drawn`.
    """
    rewards = kept.epochs.dropna(subset="reward_mean").sort_values("epoch")
    chosen = kept.selections.pivot(index="run", columns="selection", values="true_value")
    frame = pd.DataFrame(
        {
            "first": rewards.groupby("run")["reward_mean"].first(),
            "last": rewards.groupby("run")["reward_mean"].last(),
            "uniform": kept.rankings.groupby("run")["accuracy"].mean(),
            "chose": kept.runs.set_index("run")["true_value"],
            "drawn": chosen.get("random"),
        }
    ).dropna(subset=["first", "last", "uniform"])
    values = values_of(frame.index.to_series())
    for value in kept.searches["value"].unique():
        yield str(value), frame[values == value]


POLICIES = {
    "epoch_best": "on the best of an epoch's samples",
    "sample": "on a new sample in every step",
}
"""What weights are trained on, by the values of `strategy.train_on`."""


def policy_words(kept: Found) -> str:
    """Whether a policy learns what its supernet says, and whether its cells are any better."""
    said = []
    for value, own in policies(kept):
        rises = (own["last"] > own["first"]).sum()
        better = (own["last"] > own["uniform"]).sum()
        said.append(
            f"Where weights are trained {POLICIES[value]}, the mean accuracy of what is sampled "
            f"goes from {mean(own['first'], 1)} to {mean(own['last'], 1)} % (it rises in {rises} "
            f"of {seeds(own)}); uniform draws have {mean(own['uniform'], 1)} % on the same "
            f"supernets (less in {better})."
        )
        if own["chose"].notna().any():
            said.append(
                f"In truth its cells have {mean(own['chose'])} %, the best ranked of the draws "
                f"{mean(own['drawn'])}: {mean(own['chose'] - own['drawn'])} between them."
            )
    first = kept.runs.iloc[0]
    if pd.notna(first["target"]):
        said.append(
            f"A random cell has {first['random_50']:.2f} % in the middle, that of the most FLOPs "
            f"{first['most_flops']:.2f} %."
        )
    return " ".join(said)


def policies_table(kept: Found) -> str:
    """What policies come to by their supernets, beside uniform draws on the same ones."""
    rows: list[dict[str, object]] = []
    for value, own in policies(kept):
        minutes = kept.runs.set_index("run").loc[own.index, "cpu_seconds"] / 60
        row: dict[str, object] = {
            "weights are trained": POLICIES[value],
            "seeds": len(own),
            "mean of the first samples, %": mean(own["first"], 1),
            "of the last": mean(own["last"], 1),
            "of uniform draws": mean(own["uniform"], 1),
            "CPU minutes, at most": f"{minutes.max():.1f}",
        }
        if own["chose"].notna().any():
            row["true accuracy of what is chosen, %"] = mean(own["chose"])
            row["of the best ranked draw"] = mean(own["drawn"])
            row["better / equal / worse"] = better_equal_worse(own["chose"], own["drawn"])
        rows.append(row)
    return lines(rows)
