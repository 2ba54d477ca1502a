"""The ledger of published numbers: each beside ours, from the results that are kept.

reports/results/published.csv has a row a number: `source` and `place`, what it is (`what`), its
value (`published`) and `unit`, how ours is had (`ours`, in the words of `OURS`; empty where it
cannot be had here), and a `note`: why it differs, or what it would take.
"""

import csv
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from hwbench.analysis.published import LINEAR
from hwbench.analysis.statistics import mean_interval
from hwbench.results.leaderboard import read_scores, results_folder
from hwbench.runs.scenario import load_scenario
from hwbench.spaces import get_space
from hwbench.spaces.shufflenasnet.cells import IDENTITY
from hwbench.spaces.shufflenasnet.cost import block_costs, cost_around
from hwbench.spaces.shufflenasnet.skeleton import ShuffleSkeleton

EIGHTEEN = (
    "bananas", "bayesian_linear_regression", "bohamiann", "bonas", "gaussian_process", "gcn",
    "lightgbm", "linear", "lookup_table", "mlp_large", "mlp_small", "nao", "ngboost",
    "random_forest", "ridge", "sparse_gaussian_process", "svm", "xgboost",
)  # fmt: skip
"""Predictors of the published study."""

FOUND = "SRB_k5|SRB_k5|skip|SRB_k3|SRB_k5"
"""What AutoSNN has found (NA Fig. 5.11, lambda -0.08)."""

ENOUGH = 12
"""Of the eighteen, so that the best of them can be told; some stop at large training sizes."""

SEARCHER = "Algorithm 1, ours"
"""Stands beside the searches of CHOE Table 4.2."""

AGREES = {"tau": 0.02, "rho": 0.02, "points": 0.2, "no unit": 0.05, "%": 1.0, "M": 0.01}
"""Ours agrees with what is published where it differs by no more, by unit."""


@dataclass(frozen=True)
class Ours:
    """Our number: its value, how many seeds it is of, what is to be known of it, where not
    everything is there that was published, and half of its 95 % interval over seeds."""

    value: float
    seeds: int | None = None
    note: str = ""
    where: str = ""
    half: float = 0.0


class Kept:
    """The results that are kept, read once."""

    def __init__(self):
        scores = read_scores()
        self.scores = scores[(scores["tuning"] == "") & scores["kendall_tau"].notna()]
        self.folder = results_folder()
        self.device_sets = load_scenario("paper-few-shot").study.device_sets

    def frame(self, name):
        path = self.folder / f"{name}.parquet"
        return pd.read_parquet(path) if path.exists() else None


def study(kept, predictor, target, size):
    rows = kept.scores
    rows = rows[(rows["predictor"] == predictor) & (rows["target"] == target)]
    return _mean(rows[rows["training_size"] == int(size)])


def lookup(kept, target):
    rows = kept.scores
    return _mean(rows[(rows["predictor"] == "lookup_table") & (rows["target"] == target)])


def device(kept, predictor, metric):
    rows = kept.scores[kept.scores["target"].str.endswith(f".{metric}")]
    rows = rows[rows["predictor"] == predictor]
    if predictor == "linear":
        rows = rows[rows["training_size"] == 124]
    found = rows.groupby("target")["kendall_tau"].mean()
    return None if len(found) < 3 else Ours(float(found.mean()), int(rows["seed"].nunique()))


def best(kept, size):
    means = _five_means(kept)
    if means is None or int(size) not in means.columns:
        return None
    own = means[int(size)].dropna()
    published = own[own.index.isin(EIGHTEEN)]
    if len(published) < ENOUGH:
        return None
    note = (
        f"{published.idxmax()}, at its defaults; of the whole zoo {own.idxmax()}, {own.max():.3f}"
    )
    five = _five(kept)
    five = five[(five["predictor"] == published.idxmax()) & (five["training_size"] == int(size))]
    return Ours(float(published.max()), int(five["seed"].nunique()), note)


def passes(kept, name):
    means, five = _five_means(kept), _five(kept)
    table = kept.scores[(kept.scores["predictor"] == name) & kept.scores["target"].isin(LINEAR)]
    if means is None or table["target"].nunique() < len(LINEAR):
        return None
    level = table.groupby("target")["kendall_tau"].mean().mean()
    passed = {}
    small = means.reindex(columns=[11, 25, 55, 124]).notna().all(axis=1)
    for predictor, row in means[means.index.isin(EIGHTEEN) & small].iterrows():
        above = row.dropna()
        above = above[above > level]
        passed[predictor] = above.index.min() if len(above) else np.inf
    if len(passed) < ENOUGH - 1:  # the lookup table is one of the eighteen
        return None
    last = max(passed, key=passed.get)
    note = f"the last is {last}; sizes are 11, 25, 55, 124; the table's tau is {level:.2f}"
    seeds = five.loc[five["predictor"] == last, "seed"].nunique()
    return Ours(float(passed[last]), int(seeds), note)


def loss(kept, measure, deviation):
    return _simulated(kept, "loss", measure, deviation)


def volume(kept, candidates):
    return _simulated(kept, "volume", "hypervolume", candidates)


def _simulated(kept, what, measure, at):
    frame = kept.frame("simulated_selections")
    if frame is None:
        return None
    rows = frame[(frame["what"] == what) & (frame["measure"] == measure)]
    rows = rows[np.isclose(rows["at"], float(at))].set_index("pairing")
    if "as_published" not in rows.index:
        return None
    published, true = rows.loc["as_published"], rows.loc["true"]
    note = f"paired as the published code pairs; paired right {true['value']:.2f}"
    return Ours(float(published["value"]), int(published["repeats"]), note)


def ranking(kept, method):
    rows = kept.frame("live_searches")
    rows = rows[(rows["value"] == method) & rows["sweep"].str.startswith("live-cpu_rankings")]
    taus = rows["kendall_tau"].dropna()
    return Ours(float(taus.mean()), len(taus)) if len(taus) else None


def spiking(_, channels):
    space = get_space("autosnn")
    count = space.parameters(space.from_string(FOUND)[None, :], channels=int(channels))
    return Ours(float(count[0]) / 1e6, None, "counted, exact")


def compress(kept, run, method, what):
    rows = kept.frame("compressions")
    rows = rows[(rows["run"] == run) & (rows["method"] == method) & (rows["budget"].fillna(0) == 0)]
    if rows.empty:
        return None
    value = 100 - rows["accuracy"] if what == "error" else 100 * rows["flops_share"]
    return Ours(float(value.mean()), rows["seed"].nunique(), f"units {rows['units'].iloc[0]}")


def few(kept, name):
    frame = kept.frame("few_shot")
    if frame is None:
        return None
    rows = frame[(frame["device_set"] == name) & (frame["trimming"] == "none")]
    rows = rows[rows["training_size"] == 20]
    rows = rows[rows["predictor"] == "structural_gaussian_process"]
    means = rows.groupby("target")["spearman"].mean()
    if means.empty:
        return None
    (whole,) = (each for each in kept.device_sets if each.name == name)
    some = f", on {len(means)} of {len(whole.targets)} devices"
    return Ours(float(means.mean()), rows["seed"].nunique(), where=some)


def bypass(_, kind):
    """By how much what goes past reduction cells enlarges ShuffleNASNet-B of 96 channels."""

    def millions(channels, **skeleton):
        costs = block_costs(ShuffleSkeleton(channels=channels, depth=5, **skeleton))[0]
        around = cost_around(ShuffleSkeleton(channels=channels, depth=5, **skeleton)).parameters
        return (around + (normal @ costs[0, 0])[:, None] + reduction @ costs[1].ravel()) / 1e6

    normal = _multisets(range(6), 6)
    normal = normal[normal[:, IDENTITY] == 2]
    reduction = _multisets(range(12), 12)  # blocks that keep the size, and that halve it
    reduction = reduction[reduction[:, 6:].any(axis=1)]
    near = np.max([abs(millions(96) - 1.79), abs(millions(128) - 3.10)], axis=0) < 0.02
    added = 100 * (millions(96, bypass=kind) / millions(96) - 1)[near]
    note = f"counted, in the middle of {near.sum()} pairs of cells of B's printed sizes"
    return Ours(float(np.median(added)), None, f"{note}: {added.min():.1f} to {added.max():.1f}")


def _multisets(kinds, n_kinds):
    """How often each kind is among the blocks of each cell, but for their order."""
    return np.array(
        [np.bincount(each, minlength=n_kinds) for each in combinations_with_replacement(kinds, 5)]
    )


def limited(kept, target, limit):
    frame = kept.frame("limited_searches")
    if frame is None:
        return None
    rows = frame[(frame["metric_target"] == target) & (frame["limit"] == float(limit))]
    means = rows.groupby("strategy")["accuracy"].mean()
    if SEARCHER not in means.index:
        return None
    free = means.reindex(["Random search", "FLOPs alone"]).dropna()
    note = ", ".join([SEARCHER, *(f"{name} {value:.2f}" for name, value in free.items())])
    own = rows[rows["strategy"] == SEARCHER]
    return Ours(float(means[SEARCHER]), own["seed"].nunique(), note)


def vae(kept, name, measure):
    frame = kept.frame("vaes")
    if frame is None or name not in set(frame["file"]):
        return None
    values = frame.set_index("file")[measure]
    more = f"{name}-final"
    note = f"after the further epochs with --tallied {values[more]:.2f}" if more in values else ""
    return Ours(float(values[name]), 1, note)


OURS = {
    each.__name__: each
    for each in (
        *(study, lookup, device, best, passes, loss, volume, ranking, spiking, compress, few),
        *(bypass, limited, vae),
    )
}


def _mean(rows):
    if rows.empty:
        return None
    mean, low, high = mean_interval(rows["kendall_tau"])
    half = 0.0 if np.isnan(low) else (high - low) / 2
    return Ours(mean, int(rows["seed"].nunique()), half=half)


def _five(kept):
    return kept.scores[kept.scores["target"].isin(LINEAR) & ~kept.scores["own_training_set"]]


def _five_means(kept):
    """Mean tau over the five tables, by predictor and size, where all five are there."""
    five = _five(kept)
    if five.empty:
        return None
    by_target = five.groupby(["predictor", "training_size", "target"])["kendall_tau"].mean()
    groups = by_target.groupby(level=[0, 1])
    return groups.mean().where(groups.size() == len(LINEAR)).unstack()


# ---------------------------------------------------------------------- the page


def rows(kept=None):
    """Every published number with ours: dicts of the file's columns, `found` and `verdict`."""
    kept = kept or Kept()
    path = kept.folder / "published.csv"
    with path.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    for row in found:
        way, *arguments = row["ours"].split() or [""]
        row["found"] = OURS[way](kept, *arguments) if way else None
        row["verdict"] = _verdict(row)
    return found


def _verdict(row):
    if not row["ours"]:
        return "cannot run here"
    if row["found"] is None:
        return "not run yet"
    if row["place"] == "5.5":
        return "agrees" if row["found"].value <= float(row["published"]) else "**differs**"
    gap = abs(row["found"].value - float(row["published"]))
    if row["source"] == "few-shot" or row["what"].startswith(("best of", "accuracy under")):
        shown = float(_number(row["found"].value, row["published"]))  # as both are printed
        ahead = shown - float(row["published"])
        verdict = "ours is higher" if ahead > 0 else "**ours is lower**" if ahead else "agrees"
        return f"{verdict}{row['found'].where}"
    if gap <= AGREES[row["unit"]] + 1e-9:
        return "agrees"
    return "within our interval" if gap <= row["found"].half else "**differs**"


def page(kept=None):
    """The page as Markdown."""
    found = rows(kept)
    parts = [
        "# What is published, and what comes out here\n",
        f"Of {len(found)} published numbers {_counted(found)}. Every number of the sources that "
        "hwbench can be held to stands here, with ours beside it, made from the results in "
        "`reports/results`; nothing is left out for failing. Numbers that sources repeat from "
        "others are not theirs and not listed.\n",
        "*Agrees* allows "
        + ", ".join(f"{value:g} {unit}" for unit, value in AGREES.items())
        + ": what the sources round to, and the noise of fewer seeds. *Within our interval* is "
        "what differs by more, but by less than half of our 95 % interval over seeds.\n",
        "## Where ours differ or are lower\n",
        _markdown(COLUMNS, [_line(row) for row in found if "**" in row["verdict"]]),
    ]
    others = [row for row in found if row["place"] not in ("Table A.2", "Table A.3")]
    for title, chosen in _grouped(others):
        table = _markdown(COLUMNS, [_line(row) for row in chosen])
        parts += [f"## {title}\n", _folded(chosen, table)]
    parts += _linear_table(found)
    return "\n".join(parts)


def _counted(found):
    """How many there are of each verdict, in words."""
    verdicts = [row["verdict"].replace("*", "").partition(",")[0] for row in found]
    counts = pd.Series(verdicts).value_counts()
    return ", ".join(f"{count} {WORDS[name][count != 1]}" for name, count in counts.items())


def _folded(found, text):
    """What a click unfolds, under what it comes to."""
    return f"<details>\n<summary>{_counted(found)}</summary>\n\n{text}\n</details>\n"


WORDS = {
    "agrees": ("agrees", "agree"),
    "cannot run here": ("cannot be run here", "cannot be run here"),
    "differs": ("differs", "differ"),
    "not run yet": ("has not been run yet", "have not been run yet"),
    "ours is higher": ("of ours is higher", "of ours are higher"),
    "ours is lower": ("of ours is lower", "of ours are lower"),
    "within our interval": ("is within our interval", "are within our interval"),
}
"""Verdicts of one number, and of several."""


COLUMNS = ["where", "what", "published", "ours", "verdict", "why, or what it would take"]


def _grouped(found):
    able = [row for row in found if row["ours"]]
    unable = [row for row in found if not row["ours"]]
    return [
        ("Predictors, selections and searches", [r for r in able if r["source"] != "few-shot"]),
        ("Few measurements of a new device", [r for r in able if r["source"] == "few-shot"]),
        ("What cannot run here", unable),
    ]


def _line(row):
    ours, note = row["found"], row["note"]
    if ours is None:
        value = ""
    else:
        value = _number(ours.value, row["published"])
        value += f" ({ours.seeds} seed{'s' * (ours.seeds > 1)})" if ours.seeds else ""
        note = "; ".join(each for each in (ours.note, note) if each)
    if row["place"] == "Table A.2":
        note = note or _why_in_a_2(row["what"])
    where = row["place"] if row["source"] == "few-shot" else f"{row['source']} {row['place']}"
    published = f"{row['published']} {row['unit'] if row['unit'] != 'no unit' else ''}".strip()
    what = row["what"].replace("_", "_<wbr>").replace(".", ".<wbr>")  # narrow screens break there
    return [where, what, published, value, row["verdict"], note]


def _why_in_a_2(what):
    """Why a number of the table of all targets may differ, which is the same for all targets."""
    if what.startswith("XGBoost"):
        return "Published: tuned in up to 15 minutes; ours: at its defaults."
    if " 25 measurements" in what:
        return "As many measurements as features: seeds differ by 0.1 and more."
    return "Published: 50 seeds; which architectures were measured is not."


def _number(value, like):
    """As many digits as what it stands beside, and one where that is whole and this is not."""
    digits = len(like.partition(".")[2]) or int(round(value, 1) % 1 != 0)
    return f"{value:.{digits}f}"


def _linear_table(found):
    """LAUBE Tables A.2 and A.3, a row a target; a cell: published, then ours."""
    parts = []
    for place, title, note in (
        (
            "Table A.2",
            "All tables of HW-NAS-Bench (LAUBE Table A.2)",
            "Kendall's tau, published / ours; **bold** where they differ by more than 0.02 "
            "and by more than half of our 95 % interval. Published: 50 seeds, XGBoost tuned in up "
            "to 15 minutes; ours: ten seeds or fewer, XGBoost at its defaults. Near 25 "
            "measurements, as many as there are features, seeds differ by 0.1.",
        ),
        (
            "Table A.3",
            "TransNAS-Bench-101 (LAUBE Table A.3)",
            "Published only: no public copy of the macro space's inference times is known. With "
            "one, `hwbench tables import` and the scenario `paper-transnas` fill this table. The "
            "row of class_object cannot be read.",
        ),
    ):
        chosen = [row for row in found if row["place"] == place]
        table = {}
        for row in chosen:
            what, _, target = row["what"].rpartition(", ")
            column = what.replace("linear regression, ", "").replace(" measurements", "")
            table.setdefault(target, {})[column.replace(", ", " ")] = _cell_of(row)
        columns = list(dict.fromkeys(name for cells in table.values() for name in cells))
        lines = [
            [target, *(cells.get(name, "") for name in columns)] for target, cells in table.items()
        ]
        table = _markdown(["target", *columns], lines)
        parts += [f"## {title}\n", note + "\n", _folded(chosen, table)]
    return parts


def _cell_of(row):
    if row["found"] is None:
        return row["published"]
    text = f"{row['published']} / {row['found'].value:.3f}"
    return f"**{text}**" if row["verdict"] == "**differs**" else text


def _markdown(columns, lines):
    table = [columns, ["---"] * len(columns), *lines]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in table)
