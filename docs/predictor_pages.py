"""A page for each predictor: when to use it, how well it ranks, what it costs, and how to call it.

Curves and costs are read from the shipped scores of studies, never made up: a predictor that they
lack has neither.
"""

import math
from functools import cache
from pathlib import Path

import pandas as pd

from hwbench.assets import asset_files
from hwbench.predictors import predictor_card
from hwbench.predictors.card import DEFAULT_PREDICTOR
from hwbench.predictors.registry import extra_of_model

SCORES = Path(__file__).resolve().parent.parent / "reports" / "results" / "study_scores.parquet"
RIVALS = ("ridge", DEFAULT_PREDICTOR)
"""Whose scores on the same targets and seeds stand beside."""

TABLE = "hw-nas-bench"
TARGET = "cifar10.edgegpu_latency"
SOURCE = "cifar10.raspi4_latency"


def predictor_page(name, markdown_table):
    """The page of a predictor.

    Parameters
    ----------
    name : of the predictor.
    markdown_table : makes a table of columns and rows.
    """
    card = predictor_card(name)
    parts = [f"# {card.title}\n", f"**When to use it.** {card.when}\n" if card.when else ""]
    parts += [
        "## Use it\n",
        f"```python\n{snippet(name)}```\n",
        f"```sh\nhwbench fit --target {TABLE}:{TARGET} \\\n    --predictor {name} "
        f"{f'--source {TABLE}:{SOURCE} ' if card.needs_sources else ''}"
        f"--samples 124 -o {name}.hwb\n```\n"
        if not card.own_training_set
        else "",
        _measured(name, markdown_table),
        "## What it is\n",
        markdown_table(["", ""], _facts(name, card).items()),
        f"{card.notes}\n" if card.notes else "",
        _parameters(card, markdown_table),
        _estimator(name, card),
    ]
    return "\n".join(filter(None, parts))


def snippet(name):
    """Python that fits a predictor to 124 measurements, or to what it needs."""
    card = predictor_card(name)
    lines = [
        "import hwbench as hb",
        "",
        f'table = hb.load_table("{TABLE}")',
        f'latency = table.column("{TARGET}")  # ms, float64 of shape (15625,)',
    ]
    rows, options = "[::126]", ""
    if card.own_training_set:
        lines.insert(1, "from hwbench.predictors.training_set import training_set")
        lines += [
            f'archs = training_set(hb.predictor_card("{name}"), table.space)',
            "rows = table.space.rows_among(archs, table.keys)  # the baseline and its neighbours",
        ]
        rows = "[rows]"
    elif card.needs_sources:
        lines += [
            "sources = hb.SourceMetrics(",
            "    table.space,",
            "    table.archs,",
            f'    table.column("{SOURCE}")[:, None],  # float64 of shape (15625, 1)',
            f'    ("{SOURCE}",),',
            ")",
        ]
        options, rows = ", sources=sources", "[::1420]"
    measured = len(range(0, 15625, int(rows[3:-1]))) if rows != "[rows]" else 0
    lines += [
        f'model = hb.make_predictor("{name}", space=table.space, seed=0{options})',
        f"model.fit(table.archs{rows}, latency{rows})"
        + (f"  # {measured} measurements" if measured else ""),
        "predicted = model.predict(table.archs)  # ms, float64 of shape (15625,)",
    ]
    if card.uncertainty:
        lines.append("mean, deviation = model.predict(table.archs[:5], return_std=True)")
    return "\n".join(lines) + "\n"


def overview(name):
    """Kendall's tau with 124 measurements and seconds of a fit, or "" where nothing is shipped."""
    found = _numbers(name)
    if found is None or 124 not in found.index:
        return "", ""
    return f"{found.loc[124, 'tau']:.2f}", _seconds(found.loc[124, "fit"])


@cache
def _scores():
    if not SCORES.exists():
        return None
    frame = pd.read_parquet(SCORES)
    tuned = frame["tuning"].fillna("") != ""
    frame = frame[frame["failure"].isna() & ~tuned]
    cards = {name: predictor_card(name) for name in asset_files("predictors", ".toml")}
    own = frame["predictor"].map({name: card.encoding for name, card in cards.items()})
    return frame[frame["encoding"] == own]


@cache
def _numbers(name):
    """A row for each training size: means, and what is more than its rivals on cells of both."""
    scores = _scores()
    if scores is None or name not in set(scores["predictor"]):
        return None
    cell = ["target", "training_size", "seed"]
    own = scores[scores["predictor"] == name].groupby(cell).mean(numeric_only=True)
    for rival in RIVALS:
        theirs = scores[scores["predictor"] == rival].groupby(cell)["kendall_tau"].mean()
        own[rival] = own["kendall_tau"] - theirs.reindex(own.index)
    sizes = own.reset_index().groupby("training_size")
    return pd.DataFrame(
        {
            "tau": sizes["kendall_tau"].mean(),
            "fit": sizes["fit_cpu_seconds"].median(),
            "predict": sizes["predict_seconds"].median(),
            "targets": sizes["target"].nunique(),
            "seeds": sizes["seed"].nunique(),
            **{rival: sizes[rival].mean() for rival in RIVALS},
        }
    )


def _measured(name, markdown_table):
    found = _numbers(name)
    if found is None:
        return ""
    rivals = [rival for rival in RIVALS if rival != name and found[rival].notna().any()]
    rows = [
        [
            f"{size:,}",
            f"{row['tau']:.3f}",
            *("" if math.isnan(row[rival]) else f"{row[rival]:+.3f}" for rival in rivals),
            _seconds(row["fit"]),
            _seconds(row["predict"]),
            f"{row['targets']:.0f} / {row['seeds']:.0f}",
        ]
        for size, row in found.iterrows()
    ]
    beside = [f"more than {predictor_card(rival).title}" for rival in rivals]
    columns = ["measurements", "tau", *beside, "a fit", "predicting the test set"]
    widest = found[found["targets"] == found["targets"].max()]["tau"]
    return (
        "## Learning curve and cost\n\n"
        "Kendall's tau on held-out architectures, with the card's defaults, means over targets and "
        "seeds. What it is more or less than others is told on the targets and seeds that both "
        "have; rows of different targets cannot be compared with one another. Seconds of one "
        "core, medians.\n\n"
        + (_curve(name, widest) if len(widest) > 1 else "")
        + markdown_table([*columns, "targets / seeds"], rows)
    )


def _seconds(value):
    if value >= 1:
        return f"{value:.1f}\u00a0s"
    return f"{value * 1000:.0f}\u00a0ms" if value >= 0.01 else f"{value * 1000:.1f}\u00a0ms"


WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM = 560, 200, 46, 26, 34


def _curve(name, taus):
    """Tau by number of measurements as an SVG, in the colour of the text around it."""
    low, high = math.floor(taus.min() * 10) / 10, math.ceil(taus.max() * 10) / 10
    first, last = math.log(taus.index.min()), math.log(taus.index.max())

    def x(size):
        return LEFT + (math.log(size) - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(tau):
        return HEIGHT - BOTTOM - (tau - low) / max(high - low, 0.1) * (HEIGHT - BOTTOM - 12)

    parts = []
    for step in range(round((high - low) * 10) + 1):
        tau = low + step / 10
        parts += [
            f'<path d="M{LEFT} {y(tau):.1f}H{WIDTH - RIGHT}" opacity=".15"/>',
            f'<text x="{LEFT - 8}" y="{y(tau) + 4:.1f}" text-anchor="end">{tau:.1f}</text>',
        ]
    parts += [
        f'<text x="{x(size):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{size:,}</text>'
        for size in taus.index
    ]
    points = " ".join(f"{x(size):.1f},{y(tau):.1f}" for size, tau in taus.items())
    parts.append(f'<polyline points="{points}" fill="none" stroke-width="2"/>')
    drawn = "".join(parts).replace("<text ", '<text fill="currentColor" stroke="none" ')
    label = f"Kendall's tau of {name} by number of measurements"
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        'style="max-width:100%;font:12px sans-serif" stroke="currentColor" role="img" '
        f'aria-label="{label}">{drawn}</svg>\n\n'
        f"*{label}.*\n\n"
    )


def _facts(name, card):
    facts = {
        "name": f"`{name}`",
        "family": card.family,
        "from": card.paper,
        "estimator": f"`{card.estimator}`",
        "encoding": f"`{card.encoding}`{', no other' if card.encoding_fixed else ''}",
        "uncertainty": "standard deviation of a new measurement" if card.uncertainty else "none",
        "trained on": {
            "sampled": "any measured architectures",
            "neighbourhood": "one architecture and all its single changes",
        }[card.training],
    }
    extra = card.extra or extra_of_model(card.estimator)
    if extra:
        facts["needs"] = f"`pip install 'hwbench[{extra}]'`"
    return facts


def _parameters(card, markdown_table):
    parameters = dict.fromkeys([*card.defaults, *card.search])
    if not parameters:
        return ""
    rows = [
        [f"`{key}`", card.defaults.get(key, "the library's"), _searched(card.search.get(key))]
        for key in parameters
    ]
    table = markdown_table(["hyper-parameter", "default", "searched"], rows)
    return f"## Hyper-parameters\n\n{table}"


def _searched(search):
    if search is None:
        return "no"
    if search.choices is not None:
        return "one of " + ", ".join(map(str, search.choices))
    return f"{search.low} to {search.high}{', logarithmic' if search.log else ''}"


def _estimator(name, card):
    """The class, defined on the page of the first predictor that is made of it."""
    module, _, attribute = card.estimator.partition(":")
    if not module.startswith("hwbench."):
        return ""
    owner = _first_with(card.estimator)
    if owner != name:
        title = predictor_card(owner).title
        return f"## Estimator\n\n`{attribute}`, as of [{title}]({owner}.md#estimator).\n"
    return (
        f"## Estimator\n\n```{{eval-rst}}\n.. autoclass:: {module}.{attribute}\n   :members:\n```\n"
    )


def _first_with(estimator):
    names = asset_files("predictors", ".toml")
    return next(name for name in names if predictor_card(name).estimator == estimator)
