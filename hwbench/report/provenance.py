"""The sections of the report that say what its words mean and where its numbers are from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hwbench.files import file_digest
from hwbench.pages.blocks import (
    EMPTY,
    Block,
    Cell,
    Code,
    Column,
    DataTable,
    Facts,
    Group,
    Row,
    Section,
    Terms,
    Text,
)
from hwbench.pages.terms import KENDALL_TAU
from hwbench.results.run import Record, Run

DIRECTIONS = {"minimize": "less", "maximize": "more"}

TERMS: dict[str, str | Markup] = {
    "Kendall's tau": KENDALL_TAU,
    "Lookup table": "A baseline without learning: measure one architecture and each single change "
    "of it, predict the baseline plus the differences. It needs a fixed number of measurements.",
    "95 % interval": "Student's t interval of the mean over seeds (or repeats). Two predictors "
    "whose intervals overlap widely should not be ranked by this run.",
    "Median, nine in ten, quartiles": "Half of single selections (or of seeds) have less, half "
    "more than the median. Nine in ten selections lie between the 5 % and the 95 % quantile, half "
    "of the seeds between the quartiles. A few hopeless architectures can make most of a mean.",
    "Deviation": "How far predictions lie from the truth, in standard deviations of the metric "
    "over the space. 0 is perfect; at 1 the errors are as large as the differences between "
    "architectures.",
    "MRA, mean reduction of accuracy": Markup(
        "For each selected architecture, how much better the best candidate at no larger metric "
        "is, averaged; in percentage points of accuracy. MRA of <em>all</em> takes everything "
        "selected; MRA of <em>verified</em> picks only those still non-dominated once their metric "
        "is measured."
    ),
    "Hypervolume": "The area that the selected architectures dominate, with accuracy as a fraction "
    "and the metric standardised: larger is better. It has no unit. As published, it counts down "
    "to accuracy 0 and up to 1.1 times the largest metric.",
    "Ideal, nadir, normalised": "The ideal is the best accuracy and the least metric of the true "
    "front, the nadir the worst of both on that front. Normalised, the ideal is 0 and the nadir 1 "
    "in both. The share of the true front's hypervolume counts the area up to 1.1 and lies between "
    "0 and 1.",
    "IGD+, additive epsilon": "Distances to the true front, normalised; 0 is the true front. IGD+ "
    "is the mean distance from its points to what was found, additive epsilon by how much all that "
    "was found must improve in both objectives to be as good everywhere.",
    "Pareto-optimal": "No other candidate is at least as accurate and at least as cheap, and "
    "better in one of the two. All such candidates are the front.",
}
FRONT_TERMS = ("Ideal, nadir, normalised", "IGD+, additive epsilon", "Pareto-optimal")
LIVE_TERMS: dict[str, str | Markup] = {
    "Supernet": "One network that holds every candidate operation at every position. Its weights "
    "are trained once; an architecture is evaluated with the weights of its own operations.",
    "Architecture weights": "How strongly a gradient-based search holds each candidate of a "
    "position, as shares that sum to one. What the search derives takes the strongest.",
}


def how_to_read(run: Run) -> Section:
    """What the words of the page mean."""
    selects = any(part is not None for part in (run.study, run.simulation, run.search))
    fronts = any(each.result.front for live in run.live for each in live.selections)
    few = ("Kendall's tau", "95 % interval", *(FRONT_TERMS if fronts else ()))
    some = {name: TERMS[name] for name in few}
    terms = {**(TERMS if selects else some), **(LIVE_TERMS if run.live else {})}
    return Section("how-to-read", "How to read this", [Terms(tuple(terms.items()))])


def provenance(run: Run) -> Section:
    """Tables, machines, versions, specifications and result files behind every number."""
    blocks: list[Block] = []
    said = [(record.folder.name, record.info) for record in run.records]
    said += [(each.label, each.model_dump(mode="json")) for each in run.retrainings]
    if not any(info.get("machine") or info.get("versions") for _, info in said):
        blocks.append(
            Text("The folder holds no run.json, so machine, versions and units are unknown.")
        )
    blocks += [_table_columns(i, *item) for i, item in enumerate(_tables(run))]
    several = len(run.records) > 1
    facts = [
        block
        for key, title in (("machine", "Machine"), ("versions", "Versions"))
        for block in _facts(said, key, title)
    ]
    if facts:
        blocks.append(Group("", facts))
    for i, record in enumerate(run.records):
        where = f" of {record.folder.name}" if several else ""
        blocks += specifications(record, where)
        if len(record.sessions) > 1:
            blocks.append(_sessions(f"sessions-{i}", f"Sessions{where}", record.sessions))
    blocks.append(result_files(run.records))
    return Section("provenance", "Provenance", blocks)


def _facts(said: Sequence[tuple[str, Mapping[str, Any]]], key: str, title: str) -> list[Block]:
    """What named records say under a key, once for all that say the same."""
    folders: dict[str, list[str]] = {}
    known: dict[str, Mapping[str, Any]] = {}
    for name, info in said:
        facts = info.get(key)
        if facts:
            text = json.dumps(facts, sort_keys=True, default=str)
            known[text] = facts
            folders.setdefault(text, []).append(name)
    return [
        Facts(title if len(known) == 1 else f"{title} of {', '.join(folders[text])}", facts)
        for text, facts in known.items()
    ]


def specifications(record: Record, where: str = "") -> list[Block]:
    """What a run was asked for: its resolved specification, as JSON or TOML."""
    blocks: list[Block] = []
    scenario = record.info.get("scenario")
    if record.info.get("spec"):
        title = f"Resolved specification{where}" + (
            f", of the scenario {scenario}" if scenario else ""
        )
        blocks.append(Code(title, pretty_json(record.info["spec"])))
    if record.config:
        blocks.append(Code(f"Configuration{where}", record.config))
    return blocks


def pretty_json(value: Any, indent: str = "") -> str:
    """JSON for people: a line a key, but lists of plain values in one line."""
    inner = indent + "  "
    if isinstance(value, Mapping) and value:
        parts = [
            f"{json.dumps(str(key))}: {pretty_json(each, inner)}" for key, each in value.items()
        ]
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        parts = [pretty_json(each, inner) for each in value]
    else:
        return json.dumps(value, ensure_ascii=False, default=str)
    first, last = "{}" if isinstance(value, Mapping) else "[]"
    lines = (",\n" + inner).join(parts)
    return f"{first}\n{inner}{lines}\n{indent}{last}"


def _tables(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    tables = run.info.get("tables") or {}
    return [(name, table) for name, table in tables.items() if isinstance(table, Mapping)]


def _table_columns(place: int, name: str, table: Mapping[str, Any]) -> DataTable:
    rows_of = table.get("rows")
    number = f"{rows_of:,}" if isinstance(rows_of, int) else "an unknown number of"
    note = f"{number} architectures of the space {table.get('space') or 'unknown'}; table {name}"
    if table.get("sha256"):
        note += f", SHA-256 {table['sha256']}"
    given = table.get("columns")
    rows = []
    for key, column in (given if isinstance(given, Mapping) else {}).items():
        if not isinstance(column, Mapping):
            continue
        direction = column.get("direction")
        texts = (
            str(column.get("unit") or "none"),
            DIRECTIONS.get(str(direction), str(direction or "")),
            str(column.get("dataset") or ""),
            str(column.get("description") or column.get("title") or ""),
        )
        rows.append(Row(str(key), tuple(Cell(text, text) for text in texts)))
    titles = ("column", "unit", "better is", "dataset", "what it is")
    columns = tuple(Column(title, title.replace(" ", "_"), numeric=False) for title in titles)
    title = str(table.get("title") or name)
    return DataTable(f"table-{place}", title, columns, tuple(rows), note=f"{note}.")


def _sessions(name: str, title: str, sessions: Sequence[Mapping[str, Any]]) -> DataTable:
    """When and where the run went on after it was stopped."""
    rows = []
    for session in sessions:
        machine = session.get("machine")
        processor = machine.get("processor", "") if isinstance(machine, Mapping) else ""
        seconds = session.get("seconds")
        rows.append(
            Row(
                str(session.get("started", "")),
                (
                    Cell(f"{seconds:.0f}", float(seconds))
                    if isinstance(seconds, int | float)
                    else EMPTY,
                    Cell(str(session.get("workers", "")), str(session.get("workers", ""))),
                    Cell(str(processor), str(processor)),
                ),
            )
        )
    columns = (
        Column("started", "started", numeric=False),
        Column("seconds", "seconds"),
        Column("workers", "workers"),
        Column("processor", "processor", numeric=False),
    )
    return DataTable(name, title, columns, tuple(rows), folded=True)


def result_files(records: Sequence[Record]) -> DataTable:
    """Every file that the page was made from, with its hash."""
    several = len(records) > 1
    rows = []
    for record in records:
        for path in record.files:
            name = str(path.relative_to(record.folder))
            size = path.stat().st_size
            count = _row_count(path)
            digest = file_digest(path)
            rows.append(
                Row(
                    f"{record.folder.name}/{name}" if several else name,
                    (
                        EMPTY if count is None else Cell(f"{count:,}", float(count)),
                        Cell(f"{size:,}", float(size)),
                        Cell(digest, digest),
                    ),
                )
            )
    columns = (
        Column("file", "file", numeric=False),
        Column("rows", "rows"),
        Column("bytes", "bytes"),
        Column("SHA-256", "sha256", numeric=False),
    )
    return DataTable("result-files", "Result files", columns, tuple(rows))


def _row_count(path: Path) -> int | None:
    if path.suffix != ".parquet":
        return None
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)
