"""What pages are made of: sections of blocks, as plain data that one template renders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from markupsafe import Markup

from hwbench.pages.plotting import Entry, Figure


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str | Markup


@dataclass(frozen=True)
class Finding:
    """What was found, in sentences under a heading (or none)."""

    kind: ClassVar[str] = "finding"
    title: str
    sentences: tuple[str | Markup, ...]


@dataclass(frozen=True)
class Answers:
    """Questions of a reader, each with its answer."""

    kind: ClassVar[str] = "answers"
    pairs: tuple[tuple[str, str | Markup], ...]


@dataclass(frozen=True)
class Lines:
    """Sentences as a list; folded beneath a heading where there is one."""

    kind: ClassVar[str] = "lines"
    lines: tuple[str | Markup, ...]
    title: str = ""


@dataclass(frozen=True)
class Notice:
    """Something that a reader must know before they trust the numbers, with details to unfold."""

    kind: ClassVar[str] = "notice"
    text: str | Markup
    summary: str = ""
    details: tuple[str | Markup, ...] = ()


@dataclass(frozen=True)
class Drawing:
    """An architecture drawn as a graph: an SVG image, or a chain of layers as HTML."""

    kind: ClassVar[str] = "drawing"
    title: str
    image: Markup
    caption: str = ""
    text: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : what is shown.
    value : what it sorts by and what the CSV holds; None for an empty cell.
    small : shown beneath.
    heat : its colour, from 0 (worst) to 1 (best); None for none.
    best : whether it is the best of its column.
    more : further fields of the CSV, by the suffix of their column.
    link : where the number is from: the id of an element of the page; "" for nowhere.
    """

    text: str
    value: float | str | None = None
    small: str = ""
    heat: float | None = None
    best: bool = False
    more: Mapping[str, float | str] = field(default_factory=dict)
    link: str = ""


EMPTY = Cell("\N{EN DASH}")


@dataclass(frozen=True)
class Column:
    """A column of a table; the CSV calls it `key`."""

    title: str
    key: str
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A row: its heading, what stands small beneath, and a cell for each further column."""

    title: str
    cells: tuple[Cell, ...]
    small: str = ""


@dataclass(frozen=True)
class DataTable:
    """A table that sorts by its headings and downloads as CSV.

    Attributes
    ----------
    name : its id in the page and the file's name.
    columns : the first is that of the rows' headings.
    small_key : the CSV's column for what stands small beneath the rows' headings; "" for none.
    foot : rows that do not sort.
    note : below the rows.
    sorted_by : the column that the rows are sorted by, and whether descending.
    folded : whether the reader has to unfold it.
    """

    kind: ClassVar[str] = "table"
    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    small_key: str = ""
    foot: tuple[Row, ...] = ()
    note: str = ""
    sorted_by: tuple[int, bool] | None = None
    folded: bool = False


@dataclass(frozen=True)
class Facts:
    """Names and values; `name` is its id in the page, if it has one."""

    kind: ClassVar[str] = "facts"
    title: str
    rows: Mapping[str, Any]
    name: str = ""


@dataclass(frozen=True)
class Code:
    """Text as it stands in a file."""

    kind: ClassVar[str] = "code"
    title: str
    text: str


@dataclass(frozen=True)
class Terms:
    """Words and what they mean."""

    kind: ClassVar[str] = "terms"
    terms: tuple[tuple[str, str | Markup], ...]


@dataclass(frozen=True)
class Group:
    """Blocks that belong together, side by side where there is room; small ones densely."""

    kind: ClassVar[str] = "group"
    title: str
    blocks: Sequence[Block]
    legend: tuple[Entry, ...] = ()
    text: str | Markup = ""
    dense: bool = False


@dataclass(frozen=True)
class Tab:
    """One of several views of the same, of which a reader sees one."""

    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Tabs:
    """Views of the same behind a row of buttons; `name` is its id in the page."""

    kind: ClassVar[str] = "tabs"
    name: str
    title: str
    tabs: Sequence[Tab]


@dataclass(frozen=True)
class Section:
    """A part of the page with an entry in its contents.

    Attributes
    ----------
    name : its id in the page.
    sources : result files that it shows.
    lead : a line beneath the title, which stands there when the rest is folded away too.
    folded : whether the reader has to unfold it; paper takes it unfolded.
    appendix : whether it stands at the end, among what only a reviewer wants; paper leaves it out
        unless the reader has unfolded it.
    """

    name: str
    title: str
    blocks: Sequence[Block]
    sources: tuple[str, ...] = ()
    lead: str | Markup = ""
    folded: bool = False
    appendix: bool = False


@dataclass(frozen=True)
class Page:
    """What a page holds, before anything is rendered.

    Attributes
    ----------
    title : of the page.
    sections : at least one; the first is what readers see first, and is not folded.
    meta : facts below the title.
    """

    title: str
    sections: Sequence[Section]
    meta: Sequence[str] = ()


Block = (
    Text
    | Finding
    | Answers
    | Lines
    | Notice
    | Drawing
    | DataTable
    | Facts
    | Code
    | Terms
    | Group
    | Tabs
    | Figure
)
