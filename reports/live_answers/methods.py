"""What methods derive, beside random cells and what costs no search."""

from __future__ import annotations

from hwbench.report.live.choices import operations_chosen
from live_answers.found import Found
from live_answers.wording import lines, mean, seeds, short, values_of


def methods_table(kept: Found) -> str:
    """What each method of a sweep derived, the best first, and what costs no search."""
    ended = kept.runs.dropna(subset="true_value")
    rows: list[dict[str, object]] = []
    for (method, operations), own in ended.groupby(["method", "operations"]):
        rows.append(
            {
                "method": short(method) + f" ({operations})" * (operations != "all"),
                "true accuracy, %": mean(own["true_value"]),
                "each seed": ", ".join(f"{value:.2f}" for value in own["true_value"]),
                "percentile": f"{own['percentile'].median():.0f}",
                "above random's median": f"{(own['true_value'] > own['random_50']).sum()} "
                f"of {len(own)}",
                "operations": operations_chosen(own["space"].iloc[0], own["architecture"]),
                "CPU minutes, at most": f"{own['cpu_seconds'].max() / 60:.1f}",
            }
        )
    rows.sort(key=lambda row: str(row["true accuracy, %"]), reverse=True)
    for (space, operations), own in ended.groupby(["space", "operations"]):
        first = own.iloc[0]
        where = f"{space}, {operations}"
        free = {
            f"one random cell ({where})": (first["random_50"], 50),
            f"most FLOPs ({where})": (first["most_flops"], first["most_flops_percentile"]),
            f"most parameters ({where})": (
                first["most_parameters"],
                first["most_parameters_percentile"],
            ),
        }
        for title, (value, percentile) in free.items():
            row = dict.fromkeys(rows[0], "")
            row |= {"method": title, "true accuracy, %": f"{value:.2f}"}
            rows.append({**row, "percentile": f"{percentile:.0f}"})
    return lines(rows)


def choices_table(kept: Found) -> str:
    """Operations that would have been chosen after some epochs, on average over the seeds."""
    ended = kept.runs.query("ended")["run"]
    own = kept.epochs.dropna(subset="architecture")
    own = own[own["run"].isin(ended)]
    rows: list[dict[str, object]] = []
    for method, of_method in own.groupby("method"):
        last = int(of_method["epoch"].max())
        row: dict[str, object] = {"method": short(str(method))}
        for share in (0.25, 0.5, 1.0):
            at = of_method[of_method["epoch"] == max(0, round(share * (last + 1)) - 1)]
            space = at["space"].iloc[0]
            row[f"after {share:.0%} of the epochs"] = (
                f"{mean(at['true_value'])}: {operations_chosen(space, at['architecture'])}"
            )
        rows.append(row)
    return lines(rows)


def values_table(kept: Found) -> str:
    """What each value of a sweep over one search derived, beside the first at the same seeds."""
    ended = kept.runs.dropna(subset="true_value")
    ended = ended.assign(value=values_of(ended["run"]))
    sizes = ended["value"].str.extract(r"-(\d+)$")[0].fillna("")
    order = list(kept.searches["value"].unique())
    rows: list[dict[str, object]] = []
    for size, of_size in sorted(ended.groupby(sizes), key=lambda group: int(group[0] or 0)):
        there = [value for value in order if (of_size["value"] == value).any()]
        first = of_size[of_size["value"] == there[0]].set_index("seed")["true_value"]
        for value in there:
            own = of_size[of_size["value"] == value].set_index("seed")
            change = (own["true_value"] - first).dropna() if value != there[0] else first[:0]
            rows.append(
                {
                    "search": f"`{value}`",
                    "seeds": len(own),
                    "true accuracy, %": mean(own["true_value"]),
                    f"minus `{there[0].removesuffix(f'-{size}')}`": mean(change),
                    "percentile": f"{own['percentile'].median():.0f}",
                    "above random's median": f"{(own['true_value'] > own['random_50']).sum()} of "
                    f"{len(own)}",
                    "CPU minutes, at most": f"{own['cpu_seconds'].max() / 60:.1f}",
                }
            )
    return lines(rows)


def methods_words(kept: Found) -> str:
    """Which methods derive better cells than a random one, and than the one of the most FLOPs."""
    ended = kept.runs.dropna(subset="true_value")
    groups = [(short(str(method)), own) for method, own in ended.groupby("method")]
    groups.sort(key=lambda group: -group[1]["true_value"].mean())
    first = ended[ended["operations"] == "all"].iloc[0]
    by_side: dict[bool, list[str]] = {True: [], False: []}
    for method, own in groups:
        middle = own["random_50"].iloc[0]  # of what the method could find
        other = f", of cells whose middle is {middle:.2f} %" * bool(middle != first["random_50"])
        count = f"above in {(own['true_value'] > middle).sum()} of {seeds(own)}"
        above = own["true_value"].mean() > middle
        by_side[above].append(f"{method} ({mean(own['true_value'])} %, {count}{other})")
    best = [
        method for method, own in groups if own["true_value"].mean() > own["most_flops"].iloc[0]
    ]
    said = [
        f"The middle of random cells, {first['random_50']:.2f} %, is exceeded on average by the "
        f"cells of {', '.join(by_side[True]) or 'no method'}"
    ]
    said += [f"not by those of {', '.join(by_side[False])}"] if by_side[False] else []
    free = f"The cell of the most FLOPs, found without a search, has {first['most_flops']:.2f} %: "
    return f"{'; '.join(said)}. {free}{', '.join(best) or 'no method'} derives better ones."


def collapse_words(kept: Found) -> str:
    """How many skip connections each method chose, and what its cells are worth."""
    ended = kept.runs.dropna(subset="true_value")
    said = []
    for method, own in ended.groupby("method"):
        skips = own["architecture"].str.count("skip_connect").mean()
        said.append(
            f"{short(str(method))} {skips:.1f} skip connections of 6, {mean(own['true_value'])} % "
            f"({seeds(own)})"
        )
    return f"{'; '.join(said)}. A random cell has {ended['random_50'].iloc[0]:.2f} % in the middle."


def warm_up_words(kept: Found) -> str:
    """What a warm-up of the weights changes in the cells of GDAS, and in their zeros."""
    ended = kept.runs.dropna(subset="true_value").query("strategy == 'gdas'")
    warm, without = (ended[ended["sweep"] == name] for name in kept.sweeps)
    said = [
        f"{own['architecture'].str.count('none').mean():.1f} zeros of 6, {mean(own['true_value'])} "
        f"% ({seeds(own)})"
        for own in (warm, without)
    ]
    by_seed = [own.set_index("seed")["true_value"] for own in (warm, without)]
    change = (by_seed[0] - by_seed[1]).dropna()
    return (
        f"With a warm-up {said[0]}, without one {said[1]}: {mean(change)} % between the same seeds."
    )


def regret_words(kept: Found) -> str:
    """How far what methods derive is from the best of each space, beside random cells."""
    ended = kept.runs.dropna(subset="true_value")
    said = []
    for space, own in ended.groupby("space"):
        first = own.iloc[0]
        regrets = own.assign(regret=own["best_possible"] - own["true_value"])
        by_method = sorted(regrets.groupby("method"), key=lambda group: group[1]["regret"].mean())
        found = ", ".join(
            f"{short(str(method)).partition(', NAS-Bench')[0]} {mean(rows['regret'])} "
            f"({seeds(rows)})"
            for method, rows in by_method
        )
        said.append(
            f"in `{space}` {found}; a random cell in the middle "
            f"{first['best_possible'] - first['random_50']:.2f}, the one of the most FLOPs "
            f"{first['best_possible'] - first['most_flops']:.2f}"
        )
    return f"Points of accuracy below the best cell: {'. '.join(said)}."


def proxy_words(kept: Found) -> str:
    """Whether images that are chosen beat as many random ones."""
    ended = kept.runs.dropna(subset="true_value")
    ended = ended.assign(value=values_of(ended["run"]))
    said = []
    for size in sorted(set(ended["value"].str.extract(r"-(\d+)$")[0]), key=int):
        own = ended[ended["value"].str.endswith(f"-{size}")]
        by_value = own.pivot(index="seed", columns="value", values="true_value")
        random = [value for value in by_value if str(value).startswith("random-")]
        if len(random) != 1:
            continue
        drawn = by_value.pop(random[0])
        changes = {
            value.removesuffix(f"-{size}"): (by_value[value] - drawn).dropna() for value in by_value
        }
        found = ", ".join(
            f"{mean(change)} with {value} ({seeds(change)})" for value, change in changes.items()
        )
        said.append(f"of {int(size):,} images {found}")
    return f"Beside as many random images, true accuracies change by, {'; '.join(said)}."
