"""Rebuild docs/concepts/live-results.md: python reports/live_evidence.py [SWEEP ...].

Folders of `hwbench live sweep` that are given, ended or not, are added to reports/results first;
what it holds of the same searches is replaced. All tables of the page and all figures, in
runs/live-evidence.html, are made of these results alone. Intervals are Student's, at 95 %, over
seeds.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from hwbench.analysis.statistics import mean_interval
from hwbench.compress.sparse_bayes import THRESHOLD
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.live.recipes import recipe_files
from hwbench.live.sweep import load_sweep
from hwbench.pages.architectures import short_name
from hwbench.pages.blocks import Section
from hwbench.pages.rendering import render_page
from hwbench.report.live.choices import operations_chosen
from hwbench.report.live.evidence import evidence_blocks
from hwbench.results.live import is_live_sweep, read_live_run, read_live_sweep
from hwbench.results.live_runs import tidy_runs
from hwbench.results.names import SWEEP
from hwbench.results.ranking_measures import ranking_measures
from hwbench.results.selections import read_selections
from hwbench.spaces import get_space
from hwbench.tables import load_target

ROOT = Path(__file__).resolve().parents[1]
KEYS = {
    "live_runs": ["sweep", "run"],
    "live_epochs": ["sweep", "run", "epoch"],
    "live_searches": ["sweep", "value", "seed"],
    "live_selections": ["sweep", "run", "selection"],
    "live_rankings": ["sweep", "run", "architecture"],
    "live_strengths": ["sweep", "run", "position", "operation"],
}
NONE_YET = "No search has ended yet."
SIZES = {"flops": "FLOPs", "parameters": "parameters"}
"""What ranks at no cost: columns of a table beside its accuracies, and their words."""

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("sweeps", type=Path, nargs="*", metavar="SWEEP", help="folders of sweeps")
parser.add_argument("--results", type=Path, default=ROOT / "reports/results")
parser.add_argument("--page", type=Path, default=ROOT / "docs/concepts/live-results.md")
parser.add_argument("--figures", type=Path, default=Path("runs/live-evidence.html"))
arguments = parser.parse_args()


def read(folder: Path) -> dict[str, pd.DataFrame]:
    """The frames of a sweep's folder, by their names."""
    runs, epochs = tidy_runs([folder])
    found = [
        {
            "run": run,
            "seed": seed,
            "selection": each.folder.name,
            "architecture": each.result.architecture,
            "true_value": each.true_accuracy,
        }
        for run, seed in zip(runs["run"], runs["seed"], strict=True)
        for each in read_selections(folder / run)
    ]
    frames = {
        "live_runs": runs,
        "live_epochs": epochs,
        "live_searches": read_live_sweep(folder).searches,
        "live_selections": pd.DataFrame(found),
        "live_rankings": together(
            "live_rankings",
            [
                ranked(folder / run, target)
                for run, target in zip(runs["run"], runs["target"], strict=True)
            ],
        ),
        "live_strengths": together(
            "live_strengths", [learned(folder / run) for run in runs["run"]]
        ),
    }
    return {name: frame.assign(sweep=folder.name) for name, frame in frames.items()}


def together(name: str, frames: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several frames of one kind, of which some may have none."""
    with_rows = [frame for frame in frames if len(frame)]
    return pd.concat(with_rows) if with_rows else pd.DataFrame(columns=KEYS[name])


def ranked(folder: Path, target: str | None) -> pd.DataFrame:
    """What a run's supernet says of architectures beside their true values and sizes, if known."""
    run = read_live_run(folder)
    if run.ranking.empty:
        return pd.DataFrame()
    frame = run.ranking.reindex(columns=["architecture", "score", "accuracy", "true"])
    frame = frame.assign(run=folder.name)
    if target is None or not run.measures:
        return frame
    space = get_space(run.config["space"]["name"])
    archs = np.stack([space.from_string(text) for text in frame["architecture"]])
    table, _, column = target.rpartition(":")
    prefix = column.rpartition(".")[0]
    for size in SIZES:
        sizes = load_target(f"{table}:{prefix}.{size}" if prefix else f"{table}:{size}")
        frame[size] = sizes.check_space(space.name, "sizes").values_of(archs)
    return frame


def learned(folder: Path) -> pd.DataFrame:
    """The strengths of the candidates after the last epoch of a run that has ended."""
    run = read_live_run(folder)
    if run.strengths.empty or not run.result:
        return pd.DataFrame()
    last = run.strengths[run.strengths["epoch"] == run.strengths["epoch"].max()]
    return last[["position", "operation", "strength"]].assign(run=folder.name)


def gathered(name: str, added: list[pd.DataFrame]) -> pd.DataFrame:
    """What is known of one kind, with what is added to it."""
    path = arguments.results / f"{name}.parquet"
    known = together(name, [*([pd.read_parquet(path)] if path.exists() else []), *added])
    if known.empty:
        return known
    frame = known.drop_duplicates(KEYS[name], keep="last")
    frame = frame.sort_values(KEYS[name]).reset_index(drop=True)
    if added:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path, compression="zstd", index=False)
    return frame


def has_ended(folder: Path) -> bool:
    """Whether a search of a sweep has; of one that has none yet it is said."""
    none_yet = (folder / SWEEP).exists() and not is_live_sweep(folder)
    if none_yet:
        print(f"{folder}: {NONE_YET[0].lower()}{NONE_YET[1:]}")
    return not none_yet


try:
    new = [read(folder) for folder in arguments.sweeps if has_ended(folder)]
except HwbenchError as error:
    parser.error(str(error))
runs, epochs, searches, selections, rankings, strengths = (
    gathered(name, [each[name] for each in new]) for name in KEYS
)


def of_sweep(frame: pd.DataFrame, sweep: str) -> pd.DataFrame:
    """The rows of one sweep, or of several whose names a plus joins."""
    return frame[frame["sweep"].isin(sweep.split("+"))]


def mean(values: pd.Series, digits: int = 2) -> str:
    """Mean and half its interval, of two values the mean alone: their interval says nothing."""
    known = values.dropna()
    if known.empty:
        return ""
    middle, low, high = mean_interval(known)
    half = f" ± {(high - low) / 2:.{digits}f}" if len(known) > 2 else ""
    return f"{middle:.{digits}f}{half}"


def lines(rows: list[dict[str, object]]) -> str:
    """Rows as Markdown."""
    table = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in table)


def methods_table(sweep: str) -> str:
    """What each method of a sweep derived, the best first, and what costs no search."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value")
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


def rankings_table(sweep: str) -> str:
    """How far the supernets of a sweep rank as complete trainings do, and sizes in their place."""
    rows: list[dict[str, object]] = []
    order = of_sweep(searches, sweep)["value"].unique()
    about = of_sweep(runs, sweep).assign(value=lambda frame: values_of(frame["run"]))
    own = of_sweep(rankings, sweep).assign(value=lambda frame: values_of(frame["run"]))
    for value in order:
        of_value = own[own["value"] == value]
        for by, words in {"score": f"**{value}**", **SIZES}.items():
            measured = measures_by(of_value, by)
            minutes = about.loc[about["value"] == value, "cpu_seconds"] / 60
            searched = by == "score"
            rows.append(
                {
                    "ranked by": words if searched else f"its cells by {words}",
                    "Kendall's tau": mean(measured["kendall_tau"], 3),
                    "each seed": ", ".join(f"{tau:.2f}" for tau in measured["kendall_tau"])
                    if searched
                    else "",
                    "the best ranked, %": mean(measured["mean_true_top1"]),
                    "mean of the ten best ranked, %": mean(measured["mean_true_top10"]),
                    "mean of all, %": f"{measured['mean_true'].mean():.2f}",
                    "CPU minutes, at most": f"{minutes.max():.1f}" if searched else "0",
                }
            )
    return lines(rows)


def measures_by(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """How well a column ranks each run's cells, a row a run: see `ranking_measures`."""
    known = frame.dropna(subset=[by, "true"])
    return pd.DataFrame(
        [ranking_measures(own[by], own["true"]) for _, own in known.groupby("run") if len(own) > 1]
    )


def values_of(folders: pd.Series) -> pd.Series:
    """The value of a sweep that each run folder is of."""
    return folders.str.replace(r"-seed\d+$", "", regex=True)


def selected_again(sweep: str) -> Iterator[tuple[tuple[str, str], pd.DataFrame, np.ndarray]]:
    """By supernets and selection: what was selected, and what the search itself did."""
    own = of_sweep(selections, sweep)
    own = own.assign(value=values_of(own["run"]))
    trained = of_sweep(runs, sweep).set_index("run")["true_value"]
    for key, chosen in own.groupby(["value", "selection"]):
        yield key, chosen, trained.loc[chosen["run"]].to_numpy()


def selections_table(sweep: str) -> str:
    """What several selections chose from the same supernets."""
    rows: list[dict[str, object]] = []
    for (value, selection), chosen, before in selected_again(sweep):
        rows.append(
            {
                "supernets of": named(sweep, value),
                "selection": selection,
                "true accuracy, %": mean(chosen["true_value"]),
                "minus that by the search's own": mean(chosen["true_value"] - before),
                "better / equal / worse": " / ".join(
                    str(int(count.sum()))
                    for count in (
                        chosen["true_value"] > before,
                        chosen["true_value"] == before,
                        chosen["true_value"] < before,
                    )
                ),
            }
        )
    return lines(rows)


def choices_table(sweep: str) -> str:
    """Operations that would have been chosen after some epochs, on average over the seeds."""
    ended = of_sweep(runs, sweep).query("ended")["run"]
    own = of_sweep(epochs, sweep).dropna(subset="architecture")
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


def strongest(sweep: str) -> pd.DataFrame:
    """On how many positions each candidate is the strongest, a row a run, with its value."""
    own = of_sweep(strengths, sweep).reset_index(drop=True)
    best = own.loc[own.groupby(["run", "position"])["strength"].idxmax()]
    counts = best.groupby(["run", "operation"]).size().unstack(fill_value=0)
    return counts.assign(value=values_of(counts.index.to_series()))


def learning(sweep: str, counts: pd.DataFrame) -> list[str]:
    """The values of a sweep whose searches learn strengths, in its order."""
    return [v for v in of_sweep(searches, sweep)["value"].unique() if (counts["value"] == v).any()]


def strongest_table(sweep: str) -> str:
    """On how many positions each candidate is the strongest, means over the seeds."""
    counts = strongest(sweep)
    rows: list[dict[str, object]] = []
    for value in learning(sweep, counts):
        own = counts[counts["value"] == value].drop(columns="value")
        shown = {short_name(str(name)): mean(own[name], 1) for name in own if counts[name].any()}
        rows.append({"search": named(sweep, value), "seeds": len(own), **shown})
    return lines(rows)


def noise_words(sweep: str) -> str:
    """On how many positions noise would be left."""
    counts = strongest(sweep)
    if "noise" not in counts:
        counts["noise"] = 0
    said = []
    for value in learning(sweep, counts):
        own = counts[counts["value"] == value]
        of = int(own.drop(columns="value").sum(axis=1).iloc[0])
        where = f"on {mean(own['noise'], 1)} of {of} edges ({seeds(own)})"
        said.append(f"{named(sweep, value)} {where}")
    return f"Noise is the strongest candidate with {', with '.join(said)}."


def left_out_words(sweep: str) -> str:
    """What the published threshold of gamma would leave of noise and of what else there is."""
    own = of_sweep(strengths, sweep)
    above = own[own["strength"] > THRESHOLD].groupby(["run", "operation"]).size().unstack()
    counts = above.reindex(own["run"].unique()).reindex(columns=own["operation"].unique())
    edges = own.groupby("run")["position"].nunique().iloc[0]
    left = [
        f"for {short_name(str(name))} on {mean(counts[name].fillna(0), 1)}"
        for name in sorted(counts, key=lambda each: each != "noise")
    ]
    noise = own[own["operation"] == "noise"].groupby("run")["strength"].max()
    return (
        f"Of {edges} edges gamma is above the published threshold of {THRESHOLD:.4f} "
        f"{' and '.join(left)} ({seeds(noise)}); the largest of noise is {noise.max():.4f}. "
        "With the edges on which nothing is above it, "
        f"{noise_words(sweep).replace('Noise', 'noise')}"
    )


def bayes_nas_words(sweep: str) -> str:
    """What cells of the largest gamma are worth beside those of the largest scalar."""
    own = of_sweep(selections, sweep).pivot(index="run", columns="selection", values="true_value")
    gamma, scalar = own["gamma"], own["scalar"]
    first = of_sweep(runs, sweep).iloc[0]
    difference = gamma - scalar
    return (
        f"Cells of the largest gamma have {mean(gamma)} %, those of the largest |w| of the same "
        f"supernets {mean(scalar)} % ({seeds(own)}): {mean(difference)} % between them, "
        f"gamma's the better in {(difference > 0).sum()}, the same in {(difference == 0).sum()}, "
        f"the worse in {(difference < 0).sum()}. A random cell has "
        f"{first['random_50']:.2f} % in the middle, that of the most FLOPs "
        f"{first['most_flops']:.2f} %."
    )


def policies(sweep: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """By value of a sweep over ENAS: what its policies came to, a row a run.

    Columns are the mean accuracies in % of what was sampled in the `first` and the `last` epoch and
    of as many `uniform` draws as are ranked, all on validation images by the supernet; and the true
    values, where they are known, of what the search `chose` and of the best ranked of the draws,
    `drawn`.
    """
    rewards = of_sweep(epochs, sweep).dropna(subset="reward_mean").sort_values("epoch")
    chosen = of_sweep(selections, sweep).pivot(
        index="run", columns="selection", values="true_value"
    )
    frame = pd.DataFrame(
        {
            "first": rewards.groupby("run")["reward_mean"].first(),
            "last": rewards.groupby("run")["reward_mean"].last(),
            "uniform": of_sweep(rankings, sweep).groupby("run")["accuracy"].mean(),
            "chose": of_sweep(runs, sweep).set_index("run")["true_value"],
            "drawn": chosen.get("random"),
        }
    ).dropna(subset=["first", "last", "uniform"])
    values = values_of(frame.index.to_series())
    for value in of_sweep(searches, sweep)["value"].unique():
        yield str(value), frame[values == value]


POLICIES = {
    "epoch_best": "on the best of an epoch's samples",
    "sample": "on a new sample in every step",
}
"""What weights are trained on, by the values of `strategy.train_on`."""


def policy_words(sweep: str) -> str:
    """Whether a policy learns what its supernet says, and whether its cells are any better."""
    said = []
    for value, own in policies(sweep):
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
    first = of_sweep(runs, sweep).iloc[0]
    if first["target"] is not None:
        said.append(
            f"A random cell has {first['random_50']:.2f} % in the middle, that of the most FLOPs "
            f"{first['most_flops']:.2f} %."
        )
    return " ".join(said)


def policies_table(sweep: str) -> str:
    """What policies come to by their supernets, beside uniform draws on the same ones."""
    rows: list[dict[str, object]] = []
    for value, own in policies(sweep):
        minutes = of_sweep(runs, sweep).set_index("run").loc[own.index, "cpu_seconds"] / 60
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
            row["better / equal / worse"] = " / ".join(
                str(int(count.sum()))
                for count in (
                    own["chose"] > own["drawn"],
                    own["chose"] == own["drawn"],
                    own["chose"] < own["drawn"],
                )
            )
        rows.append(row)
    return lines(rows)


def regret_words(sweep: str) -> str:
    """How far what methods derive is from the best of each space, beside random cells."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value")
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


def values_table(sweep: str) -> str:
    """What each value of a sweep over one search derived, beside the first at the same seeds."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value")
    ended = ended.assign(value=values_of(ended["run"]))
    sizes = ended["value"].str.extract(r"-(\d+)$")[0].fillna("")
    order = list(of_sweep(searches, sweep)["value"].unique())
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


def proxy_words(sweep: str) -> str:
    """Whether images that are chosen beat as many random ones."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value")
    ended = ended.assign(value=values_of(ended["run"]))
    said = []
    for size in sorted(set(ended["value"].str.extract(r"-(\d+)$")[0]), key=int):
        own = ended[ended["value"].str.endswith(f"-{size}")]
        by_value = own.pivot(index="seed", columns="value", values="true_value")
        if f"random-{size}" not in by_value:
            continue
        drawn = by_value.pop(f"random-{size}")
        changes = {
            value.removesuffix(f"-{size}"): (by_value[value] - drawn).dropna() for value in by_value
        }
        found = ", ".join(
            f"{mean(change)} with {value} ({seeds(change)})" for value, change in changes.items()
        )
        said.append(f"of {int(size):,} images {found}")
    return f"Beside as many random images, true accuracies change by, {'; '.join(said)}."


def resources_table(sweep: str) -> str:
    """What each value costs in the training, beside the first one of the last sweep."""
    about = of_sweep(runs, sweep).query("ended")
    about = about.assign(value=values_of(about["run"]))
    spent = about.groupby("value")[["cpu_seconds_training", "peak_memory_mb"]].mean()
    before = spent.loc["spos_no_zero"] if "spos_no_zero" in spent.index else spent.iloc[0]
    rows = [
        {
            "search": f"`{value}`",
            "seeds": int((about["value"] == value).sum()),
            "CPU minutes of the training": f"{own['cpu_seconds_training'] / 60:.1f}",
            "of those of the first": f"{own['cpu_seconds_training'] / before.iloc[0]:.2f}",
            "peak of memory, MiB": ""
            if np.isnan(own["peak_memory_mb"])
            else f"{own['peak_memory_mb']:.0f}",
        }
        for value, own in spent.iterrows()
    ]
    return lines(rows)


def methods_words(sweep: str) -> str:
    """Which methods derive better cells than a random one, and than the one of the most FLOPs."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value")
    groups = [(short(str(method)), own) for method, own in ended.groupby("method")]
    groups.sort(key=lambda group: -group[1]["true_value"].mean())
    by_side: dict[bool, list[str]] = {True: [], False: []}
    for method, own in groups:
        above = own["true_value"].mean() > own["random_50"].iloc[0]
        by_side[above].append(f"{method} ({mean(own['true_value'])} %, {seeds(own)})")
    first = ended[ended["operations"] == "all"].iloc[0]
    best = [method for method, own in groups if own["true_value"].mean() > first["most_flops"]]
    said = [
        f"The middle of random cells, {first['random_50']:.2f} %, is exceeded by the cells of "
        f"{', '.join(by_side[True]) or 'no method'}"
    ]
    said += [f"not by those of {', '.join(by_side[False])}"] if by_side[False] else []
    free = f"The cell of the most FLOPs, found without a search, has {first['most_flops']:.2f} %: "
    return f"{'; '.join(said)}. {free}{', '.join(best) or 'no method'} derives better ones."


def rankings_words(sweep: str) -> str:
    """Whose order of cells is nearer to that of complete trainings, supernets' or FLOPs'."""
    own = of_sweep(rankings, sweep).assign(value=lambda frame: values_of(frame["run"]))
    said = []
    for value in of_sweep(searches, sweep)["value"].unique():
        of_value = own[own["value"] == value]
        taus, free = (measures_by(of_value, by)["kendall_tau"] for by in ("score", "flops"))
        side = "above" if taus.mean() > free.mean() else "below"
        said.append(
            f"`{value}` {mean(taus, 2)} ({seeds(taus)}), {side} the {free.mean():.2f} of FLOPs"
        )
    return f"Kendall's tau of supernets with true accuracies: {'; '.join(said)}."


def collapse_words(sweep: str) -> str:
    """How many skip connections each method chose, and what its cells are worth."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value")
    said = []
    for method, own in ended.groupby("method"):
        skips = own["architecture"].str.count("skip_connect").mean()
        said.append(
            f"{short(str(method))} {skips:.1f} skip connections of 6, {mean(own['true_value'])} % "
            f"({seeds(own)})"
        )
    return f"{'; '.join(said)}. A random cell has {ended['random_50'].iloc[0]:.2f} % in the middle."


def warm_up_words(sweep: str) -> str:
    """What a warm-up of the weights changes in the cells of GDAS, and in their zeros."""
    ended = of_sweep(runs, sweep).dropna(subset="true_value").query("strategy == 'gdas'")
    warm, without = (ended[ended["sweep"] == name] for name in sweep.split("+"))
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


def selections_words(sweep: str) -> str:
    """Whether what is selected again is better than what the search itself selected."""
    said = []
    for (value, selection), chosen, before in selected_again(sweep):
        difference = chosen["true_value"] - before
        said.append(
            f"from the supernets of {named(sweep, value)} {selection} selects better cells in "
            f"{(difference > 0).sum()} of {len(chosen)} seeds, by {mean(difference)} % on average"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def beside_whole_supernets(sweep: str, said: str) -> list[str]:
    """What each value changes in tau, beside the same seeds of `spos_no_zero`; a phrase a value.

    Parameters
    ----------
    sweep : of the values, and that of `spos_no_zero`, joined by a plus.
    said : of a value, which stands in place of {}.
    """
    own = of_sweep(searches, sweep).pivot(index="seed", columns="value", values="kendall_tau")
    if "spos_no_zero" not in own:
        return []
    whole = own.pop("spos_no_zero")
    found = []
    for value in sorted((name for name in own if name.isdigit()), key=int):
        change = (own[value] - whole).dropna()
        found.append(f"{mean(change, 3)} {said.format(value)} ({seeds(change)})")
    return found


def window_words(sweep: str) -> str:
    """What each epoch of the split changes in tau."""
    found = beside_whole_supernets(sweep, "before epoch {}")
    if not found:
        return NONE_YET
    return f"Splitting weights changes the tau of the same seeds by {', '.join(found)}."


def stopped_words(sweep: str) -> str:
    """What a training that ends all of a sudden changes in tau."""
    found = beside_whole_supernets(sweep, "after epoch {}")
    if not found:
        return NONE_YET
    return f"Stopping early changes the tau of the same seeds by {', '.join(found)}."


def epochs_words(sweep: str) -> str:
    """What fewer epochs change in tau."""
    found = beside_whole_supernets(sweep, "for {} epochs")
    if not found:
        return NONE_YET
    return f"Training for less than 48 epochs changes tau by {', '.join(found)}."


def title_of(sweep: str) -> str:
    """The title of the sweep that a folder is named after; the folder's name where it is none."""
    found = recipe_files("sweeps").get(sweep.removeprefix("live-"))
    return sweep if found is None else load_sweep(found)[0].title


def short(method: str) -> str:
    """A method's title without what all of them have in common."""
    return method.replace(", on CIFAR-10 of 16 pixels", "")


def first_of(sweeps: str) -> str:
    """What the first of several sweeps is run by."""
    return sweeps.partition("+")[0].removeprefix("live-")


def filled(page: str, comment: str, text: str) -> str:
    """A page with a text between a comment, as a regular expression, and the end of its part."""
    inside = f"\n{text}\n\n" if text else "\n"
    return re.sub(
        rf"({comment}\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{inside}{found[2]}",
        page,
        flags=re.S,
    )


def named(sweep: str, value: str) -> str:
    """A value of a sweep in words: a number's by the method that it is of."""
    if not re.fullmatch(r"[\d.]+", value):
        return f"`{value}`"
    own = of_sweep(runs, sweep)
    return short(str(own.loc[values_of(own["run"]) == value, "method"].iloc[0]))


def seeds(frame: pd.DataFrame | pd.Series) -> str:
    """How many, in words."""
    return f"{len(frame)} seed{'s' * (len(frame) != 1)}"


KINDS = {
    "table: methods": methods_table,
    "table: rankings": rankings_table,
    "table: selections": selections_table,
    "table: choices": choices_table,
    "table: strongest": strongest_table,
    "table: resources": resources_table,
    "table: values": values_table,
    "table: policies": policies_table,
    "words: policy": policy_words,
    "words: proxy": proxy_words,
    "words: noise": noise_words,
    "words: bayes_nas": bayes_nas_words,
    "words: left_out": left_out_words,
    "words: regret": regret_words,
    "words: stopped": stopped_words,
    "words: methods": methods_words,
    "words: rankings": rankings_words,
    "words: collapse": collapse_words,
    "words: selections": selections_words,
    "words: warm_up": warm_up_words,
    "words: epochs": epochs_words,
    "words: window": window_words,
}
page = arguments.page.read_text(encoding="utf-8")
begin = re.compile(r"<!-- (\w+: \w+) of (\S+?)(?:\n(.*?))? -->\n", re.S)  # with a question
parts = begin.findall(page)
not_run = []
for kind, sweep, question in parts:
    ended = not of_sweep(searches, sweep.partition("+")[0]).empty
    if ended:
        made = "\n\n".join(filter(None, [question, KINDS[kind](sweep)]))
    elif question:  # which a reader need not read before there is an answer
        made = ""
        not_run.append(f"- {question.split('**')[1]} `hwbench live sweep {first_of(sweep)}`")
    else:
        made = NONE_YET
    page = filled(page, rf"<!-- {kind} of {re.escape(sweep)}(?:\n[^>]*?)? -->", made)
text = "\n".join(["Still to be run:", "", *not_run]) if not_run else ""
page = filled(page, "<!-- not run -->", text)
arguments.page.write_text(page, encoding="utf-8")
print(arguments.page)

order = dict.fromkeys(sweep for _, several, _ in parts for sweep in several.split("+"))
there = [*filter(set(runs["sweep"]).__contains__, order), *runs["sweep"].unique()]
sections = [
    Section(
        sweep,
        title_of(sweep),
        evidence_blocks(
            (
                of_sweep(runs, sweep).reset_index(drop=True),
                of_sweep(epochs, sweep).reset_index(drop=True),
            )
        ),
        ("reports/results/live_runs.parquet", "reports/results/live_epochs.parquet"),
    )
    for sweep in dict.fromkeys(there)
]
if sections:
    write_text(
        arguments.figures, render_page("What live searches come to", sections, brand="hwbench")
    )
    print(arguments.figures)
