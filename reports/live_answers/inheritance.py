"""What the candidates of PR-DARTS lose where they are replaced, with and without inheritance."""

from __future__ import annotations

from itertools import accumulate

import pandas as pd

from hwbench.live.config import load_config
from hwbench.live.recipes import recipe_files
from hwbench.live.strategies.pr_darts import PRDARTS
from live_answers.found import Found
from live_answers.wording import lines, mean, seeds, values_of

WAYS = {"True": "their parents' weights", "False": "random ones"}
"""What children begin with, by the values of `strategy.inherit`."""


def replacements() -> list[int]:
    """The first epochs with new candidates, by the recipe that is swept."""
    node = load_config(str(recipe_files("cpu")["pr_darts"])).strategy
    strategy = PRDARTS(**{key: given for key, given in node.items() if key != "name"})
    begins = accumulate(strategy.epochs)
    return [epoch for epoch, new in zip(begins, strategy.replace, strict=True) if new]


def losses(kept: Found) -> pd.DataFrame:
    """By search: its `value`, how much the validation loss rises where candidates are replaced,
    in the mean of all times (`rise`), and the loss after the `last` epoch.
    """
    ended = kept.runs.query("ended")["run"]
    own = kept.epochs[kept.epochs["run"].isin(ended)]
    by_epoch = own.pivot(index="epoch", columns="run", values="validation_loss")
    at = replacements()
    rise = by_epoch.loc[at].to_numpy() - by_epoch.loc[[epoch - 1 for epoch in at]].to_numpy()
    frame = pd.DataFrame({"rise": rise.mean(axis=0), "last": by_epoch.iloc[-1]})
    return frame.assign(value=values_of(frame.index.to_series()))


def inheritance_table(kept: Found) -> str:
    """Losses by what children begin with."""
    found = losses(kept)
    rows: list[dict[str, object]] = []
    for value, words in WAYS.items():
        own = found[found["value"] == value]
        minutes = kept.runs.set_index("run").loc[own.index, "cpu_seconds"] / 60
        rows.append(
            {
                "children begin with": words,
                "seeds": len(own),
                "validation loss rises with new candidates by": mean(own["rise"], 3),
                "validation loss at the end": mean(own["last"], 3),
                "CPU minutes, at most": f"{minutes.max():.1f}",
            }
        )
    return lines(rows)


def inheritance_words(kept: Found) -> str:
    """Whether inheritance spares supernets what new candidates cost, and what is left of it."""
    found = losses(kept)
    by_seed = found.assign(seed=found.index.str.extract(r"-seed(\d+)$")[0].to_numpy())
    wide = by_seed.pivot(index="seed", columns="value", values=["rise", "last"]).dropna()
    rise, last = wide["rise"], wide["last"]
    return (
        f"Where candidates are replaced the validation loss rises by {mean(rise['True'], 3)} "
        f"within an epoch with their parents' weights and by {mean(rise['False'], 3)} with random "
        f"ones (less in {(rise['True'] < rise['False']).sum()} of {seeds(wide)}); at the end it is "
        f"{mean(last['True'], 3)} and {mean(last['False'], 3)}, "
        f"{mean(last['True'] - last['False'], 3)} between the same seeds."
    )
