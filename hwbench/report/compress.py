"""The page of compressions: how much smaller and faster, at what loss, beside what baselines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from hwbench.analysis.compression import (
    OWN,
    Beside,
    beside_best,
    method_title,
    summary,
    with_losses,
)
from hwbench.files import write_text
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Column,
    DataTable,
    Finding,
    Group,
    Page,
    Row,
    Section,
    Terms,
)
from hwbench.pages.plotting import (
    Entry,
    Figure,
    Json,
    base_layout,
    line_trace,
    log_axis,
    marked_level,
    nth_entry,
    plain_numbers,
    plain_text,
    signed,
)
from hwbench.pages.rendering import render_page
from hwbench.report.page import machine, moment
from hwbench.report.provenance import provenance
from hwbench.results.compressions import WHOLE, Compressions, read_compressions
from hwbench.results.names import (
    COMPRESS,
    COMPRESSED_LATENCY,
    COMPRESSED_LAYERS,
    COMPRESSIONS,
    RECORD,
    REPORT,
)
from hwbench.results.run import Record, Run

TOLERATED = 3.0
"""Points of accuracy: the first sentence is about the smallest network that loses no more."""

TERMS: tuple[tuple[str, str], ...] = (
    (
        "FLOPs",
        "Of fully connected layers and convolutions for one image, two for each multiplication and "
        "its addition.",
    ),
    (
        "Points lost",
        "Test accuracy of the whole network, trained for as many epochs with the same seed, less "
        "that of the smaller one, in percentage points.",
    ),
    (
        "Latency",
        "All networks are measured beside one another on one machine, each once a round; the share "
        "is the median over rounds of the ratio to the whole network within a round.",
    ),
    (
        "As it comes",
        "No budget was set: only units were left out whose weights the penalty had made zero.",
    ),
    (
        "Best strength",
        "Where a method was run with several lambdas, the one with the highest test accuracy "
        "counts under each budget. That is an advantage: the choice saw the test images.",
    ),
)


def write_compress_report(folders: Sequence[Path], output: Path | None = None) -> Path:
    """Write one HTML page about runs of compressions, which works offline.

    Parameters
    ----------
    folders : of runs, one or more.
    output : where to write; `report.html` in the first folder by default.

    Returns
    -------
    The path written.

    Raises
    ------
    HwbenchError
        Where a folder holds no run of compressions, none of its trainings has ended, a file is
        broken, or the page cannot be written.
    """
    runs = [read_compressions(Path(folder)) for folder in folders]
    path = runs[0].folder / REPORT if output is None else Path(output)
    page = compression_page(runs)
    write_text(path, render_page(page.title, page.sections, meta=page.meta))
    return path


def compression_page(runs: Sequence[Compressions]) -> Page:
    """What the page about runs of compressions holds."""
    several = len(runs) > 1
    answers = [block for run in runs for block in _answer(run)]
    sections = [Section("summary", "Summary", answers)]
    sections += [each for place, run in enumerate(runs) for each in _sections(run, place, several)]
    sections.append(Section("how-to-read", "How to read this", [Terms(TERMS)], folded=True))
    sections.append(_provenance(runs))
    first = runs[0].record
    return Page(
        " and ".join(_title(run) for run in runs),
        sections,
        meta=[
            moment(first.get("started")),
            machine(first.get("machine") or {}),
            f"{sum(len(run.trainings) for run in runs)} trainings",
        ],
    )


def _title(run: Compressions) -> str:
    return str(run.record.get("title") or f"{run.spec['network']} on {run.spec['images']}")


# ---------------------------------------------------------------------- the answer


def _answer(run: Compressions) -> list[Block]:
    """The first sentence, whether baselines do as well, and the picture of both."""
    means = summary(with_losses(run))
    sentences = [sentence for sentence in (_headline(run, means), _against(run)) if sentence]
    entries = _entries(means)
    pictures = [_figure(run, means, entries, "flops_share", "answer")]
    if means["latency_ratio"].notna().any():
        pictures.append(_figure(run, means, entries, "latency_ratio", "answer-latency"))
    return [
        Finding(_title(run), tuple(sentences)),
        Group("", pictures, legend=tuple(entries.values())),
    ]


def _headline(run: Compressions, means: pd.DataFrame) -> Markup:
    """How much smaller and faster at what loss: of our method, or of the best where it is not."""
    small = means[(means["method"] != WHOLE) & means["lost"].notna() & means["best"]]
    if small.empty:
        return Markup("No smaller network stands beside the whole one yet; the run goes on.")
    own = small[small["method"] == OWN]
    small = small if own.empty else own
    good = small[small["lost"] <= TOLERATED]
    row = (
        small.loc[small["lost"].idxmin()] if good.empty else good.loc[good["flops_share"].idxmin()]
    )
    whole = means[means["method"] == WHOLE].iloc[0]
    faster = (
        Markup(" and <b>{:.0f} % of its latency</b>").format(100 * row["latency_ratio"])
        if np.isfinite(row["latency_ratio"])
        else ""
    )
    return Markup(
        "{} is left with <b>{:.2g} % of its FLOPs</b>{} at <b>{}</b> ({:.2f} instead of {:.2f} % "
        "of test images right, {}, {})."
    ).format(
        run.spec["network"],
        100 * row["flops_share"],
        faster,
        _points(row["lost"]),
        row["accuracy"],
        whole["accuracy"],
        row["title"],
        _counted(int(row["seeds"]), "seed"),
    )


def _points(lost: float) -> str:
    return f"{abs(lost):.2f} points of accuracy {'lost' if lost >= 0 else 'gained'}"


def _against(run: Compressions) -> Markup:
    """Whether that is better than what is simpler."""
    held = beside_best(with_losses(run))
    if not held:
        return Markup("No baseline was run under the same budget.")
    parts = [_one_against(run, each) for each in held]
    return (
        Markup("Beside the best baseline under the same budget: ")
        + Markup("; ").join(parts)
        + Markup(".")
    )


def _one_against(run: Compressions, held: Beside) -> Markup:
    known = np.isfinite(held.low)
    interval = f" ({signed(held.low)} to {signed(held.high)})" if known else ", one seed"
    tried = len((run.spec.get("strengths") or {}).get(held.other["method"], ()))
    return Markup("at {:g} % of the FLOPs <b>{} points</b>{} against {}{}: {}").format(
        100 * held.budget,
        signed(held.gained, plus=True),
        interval,
        method_title(held.other["method"]),
        f", the best of {tried} lambdas" if tried > 1 else "",
        held.verdict if known else "not known",
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


# ---------------------------------------------------------------------- figures


def _entries(means: pd.DataFrame) -> dict[str, Entry]:
    methods = [method for method in dict.fromkeys(means["method"]) if method != WHOLE]
    return {
        method: nth_entry(place, f"c:{place}", method_title(method))
        for place, method in enumerate(methods)
    }


def _figure(
    run: Compressions, means: pd.DataFrame, entries: dict[str, Entry], column: str, name: str
) -> Figure:
    """Test accuracy against what is left of FLOPs or of latency, in %."""
    words = {"flops_share": "FLOPs", "latency_ratio": "latency"}[column]
    data: list[Json] = []
    seeds = with_losses(run)
    for method, entry in entries.items():
        own = means[(means["method"] == method) & means[column].notna()]
        line = own[own["best"]].sort_values(column)
        text = [_hover(row) for _, row in line.iterrows()]
        data.append(line_trace(entry, 100 * line[column], line["accuracy"], text))
        each = seeds[(seeds["method"] == method) & seeds[column].notna()]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": plain_numbers(100 * each[column]),
                "y": plain_numbers(each["accuracy"]),
                "marker": {"color": f"{entry.colour}/0.35", "symbol": entry.symbol, "size": 4},
                "legendgroup": entry.group,
                "text": [plain_text(label) for label in each["label"]],
                "hoverinfo": "text",
            }
        )
    layout = base_layout(f"{words} left (%)", "test accuracy (%)")
    layout["xaxis"] |= log_axis(value for trace in data for value in trace["x"])
    whole = means.loc[means["method"] == WHOLE, "accuracy"]
    if len(whole):
        layout["shapes"] = [marked_level(float(whole.iloc[0]))]
    return Figure(
        name=f"{name}-{run.folder.name}",
        title=f"Accuracy against {words}",
        description=f"Test accuracy of smaller networks against the {words} that are left",
        data=data,
        layout=layout,
        caption="Dotted: the whole network. Lines join means over the seeds, of each method's best "
        "lambda; small marks are single trainings, of all lambdas.",
    )


def _hover(row: pd.Series) -> str:
    return (
        f"<b>{plain_text(row['title'])}</b><br>{row['accuracy']:.2f} %, "
        f"{_points(row['lost'])}<br>{100 * row['flops_share']:.2f} % of the FLOPs"
    )


# ---------------------------------------------------------------------- tables


COLUMNS = (
    Column("method", "method", numeric=False),
    Column("test accuracy, %", "accuracy"),
    Column("deviation over seeds", "deviation"),
    Column("points lost", "lost"),
    Column("FLOPs, %", "flops_share"),
    Column("parameters", "parameters"),
    Column("weights left, %", "weights_left"),
    Column("latency, %", "latency_ratio"),
    Column("units of the first seed", "units", numeric=False),
)


def _sections(run: Compressions, place: int, several: bool) -> list[Section]:
    means = summary(with_losses(run))
    rows = tuple(_row(run, row) for _, row in means.iterrows())
    table = DataTable(
        f"compressions-{place}",
        "Every method, budget and lambda",
        COLUMNS,
        rows,
        note="Means over the seeds. Points lost have a 95 % interval where there are several "
        "seeds. Units: of each dimension of the network, in its order.",
    )
    where = f" of {_title(run)}" if several else ""
    sources = [COMPRESSIONS, COMPRESSED_LAYERS]
    sources += [COMPRESSED_LATENCY] if run.latency is not None else []
    return [Section(f"methods-{place}", f"All trainings{where}", [table], tuple(sources))]


def _row(run: Compressions, row: pd.Series) -> Row:
    known = np.isfinite(row["lost_low"])
    interval = f"{signed(row['lost_low'])} to {signed(row['lost_high'])}" if known else ""
    return Row(
        str(row["title"]),
        (
            _number(row["accuracy"], "{:.2f}"),
            _number(row["deviation"], "{:.2f}"),
            _number(row["lost"], "{:.2f}", small=interval),
            _number(100 * row["flops_share"], "{:.2f}"),
            _number(row["parameters"], "{:,.0f}"),
            _number(100 * row["weights_left"], "{:.2f}"),
            _number(100 * row["latency_ratio"], "{:.1f}"),
            _units(run, row),
        ),
        small=_counted(int(row["seeds"]), "seed")
        + (f", {row['diverged']} diverged" if row["diverged"] else ""),
    )


def _number(value: Any, shape: str, *, small: str = "") -> Cell:
    return Cell(shape.format(value), float(value), small) if np.isfinite(value) else EMPTY


def _units(run: Compressions, row: pd.Series) -> Cell:
    frame = run.trainings
    same = frame["method"] == row["method"]
    for key in ("budget", "strength"):
        same &= frame[key].isna() if row[key] != row[key] else frame[key] == row[key]
    label = frame[same].iloc[0]["label"]
    own = run.layers[run.layers["label"] == label].sort_values("place")
    text = "-".join(str(each) for each in own["units"])
    return Cell(text, text)


def _provenance(runs: Sequence[Compressions]) -> Section:
    names = (RECORD, COMPRESS, COMPRESSIONS, COMPRESSED_LAYERS, COMPRESSED_LATENCY)
    records = tuple(
        Record(
            run.folder,
            run.record,
            (run.folder / COMPRESS).read_text(encoding="utf-8"),
            tuple(run.folder / name for name in names if (run.folder / name).is_file()),
        )
        for run in runs
    )
    whole = Run(folder=runs[0].folder, info=runs[0].record, records=records)
    found = provenance(whole)
    return Section(found.name, found.title, found.blocks, folded=True, appendix=True)
