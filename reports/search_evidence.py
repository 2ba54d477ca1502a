"""Rebuild docs/concepts/search-results.md: python reports/search_evidence.py [RUN ...].

Run folders that are given are added to reports/results/search.parquet first, a row a strategy,
device, checkpoint and seed; what it holds of the same search is replaced. The tables stand in the
page between comments that name them; intervals are Student's, at 95 %, over seeds or searches.
"""

import argparse
import re
from pathlib import Path

import pandas as pd
from scipy import stats

from hwbench.runs.scenario import load_scenario

ROOT = Path(__file__).resolve().parents[1]
KEYS = ["strategy", "metric_target", "seed", "evaluation"]
OURS, GP = "Algorithm 1, ours", "Bayesian optimisation, Gaussian process"
PARTS = [each.title for each in load_scenario("search-ablation").search.strategies]

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("runs", type=Path, nargs="*", metavar="RUN", help="run folders of searches")
parser.add_argument("--results", type=Path, default=ROOT / "reports/results/search.parquet")
parser.add_argument("--page", type=Path, default=ROOT / "docs/concepts/search-results.md")
arguments = parser.parse_args()
for place in arguments.runs:
    if not place.exists():
        parser.error(f"{place}: there is no such run folder")


def read(run: Path) -> list[pd.DataFrame]:
    """The searches of a run folder, those that have ended where it is not complete."""
    whole = run / "search.parquet"
    parts = [whole] if whole.exists() else sorted((run / "search_parts").glob("*.parquet"))
    return [pd.read_parquet(part) for part in parts]


frames = [frame for run in arguments.runs for frame in read(run)]
frames = [frame[frame["evaluation"].isin([150, 350, 550])] for frame in frames]
if arguments.results.exists():
    frames.insert(0, pd.read_parquet(arguments.results))
results = pd.concat(frames)[[*KEYS, "hypervolume_share"]].drop_duplicates(KEYS, keep="last")
if arguments.runs:
    results.sort_values(KEYS).to_parquet(arguments.results, compression="zstd", index=False)
shares = results.set_index(KEYS)["hypervolume_share"].unstack()  # a row a search


def mean(values: pd.Series, sign: str = "") -> str:
    """Mean and half its interval, where there are several values; nothing of none."""
    if values.empty:
        return ""
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem() if len(values) > 1 else None
    return f"{values.mean():{sign}.3f}" + ("" if half is None else f" ± {half:.3f}")


def fronts(searches: pd.DataFrame, checkpoint: int) -> pd.DataFrame:
    """A row a strategy, the best first, a column a device."""
    searches = searches[searches[checkpoint].notna()]  # some end at the first
    if searches.empty:
        return pd.DataFrame({"share": ["no search has ended yet"]}, index=["none"])
    grouped = searches[checkpoint].groupby(["strategy", "metric_target"])
    table = grouped.agg(mean).unstack().rename(columns=lambda name: name.partition(":")[2])
    # A mean over fewer devices is of something else.
    everywhere = table.notna().all(axis=1)
    table["all"] = searches[checkpoint].groupby("strategy").agg(mean)[everywhere]
    table["searches"] = searches.groupby("strategy").size()
    order = grouped.mean().groupby("strategy").mean().sort_values(ascending=False).index
    return table.loc[order].fillna("")


def against(searches: pd.DataFrame, one: str) -> pd.DataFrame:
    """What is between one strategy and each other in the same searches, and who leads where."""
    table: dict[str, dict[str, object]] = {}
    strategies = searches.index.unique("strategy")
    if len(strategies) < 2 or one not in strategies:
        return pd.DataFrame({"difference": ["no search has ended yet"]}, index=["none"])
    for other in strategies.drop(one):
        gaps = (searches.loc[one] - searches.loc[other]).dropna(how="all")
        means = gaps.groupby("metric_target").mean()
        row = {f"after {step}": mean(gaps[step].dropna(), "+") for step in gaps}
        ahead = ", ".join(str((means[step] >= 0).sum()) for step in means if means[step].any())
        table[other] = {**row, "ahead on": f"{ahead} of {len(means)}", "searches": len(gaps)}
    return pd.DataFrame(table).T


def lines(table: pd.DataFrame, corner: str) -> str:
    """A frame as Markdown."""
    rows = [[corner, *table.columns], ["---"] * (1 + table.shape[1])]
    rows += [[name, *row] for name, row in zip(table.index, table.to_numpy(), strict=True)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


strategy = shares.index.get_level_values("strategy")
gaussian = strategy.str.contains("Gaussian")
whole = shares[~strategy.isin(set(PARTS) - {OURS, GP})]
untuned = whole.index.get_level_values("metric_target").str.startswith("help")
tables = {
    "ours": lines(against(whole[untuned], OURS), "ours minus"),
    "gaussian process": lines(against(whole[untuned], GP), "Gaussian process minus"),
    "parts of ours": lines(against(shares[strategy.isin(PARTS) & ~gaussian], OURS), "ours minus"),
    "batches": lines(against(shares[strategy.isin(PARTS) & gaussian], GP), "the default minus"),
}
for step in shares:
    tables[f"untuned {step}"] = lines(fronts(whole[untuned], step), f"after {step}")
    tables[f"others {step}"] = lines(fronts(whole[~untuned], step), f"after {step}")
page = arguments.page.read_text(encoding="utf-8")
for name, table in tables.items():
    between = rf"(<!-- table: {name} -->\n).*?(<!-- end -->)"
    page = re.sub(
        between, lambda found, t=table: f"{found[1]}\n{t}\n\n{found[2]}", page, flags=re.S
    )
arguments.page.write_text(page, encoding="utf-8")
print(arguments.page)
