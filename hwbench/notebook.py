"""How objects show themselves in notebooks: small pieces of HTML, readable on light and on dark.

Everything that is given is text: it is escaped. Colours are the notebook's own, weakened.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

MOST_ROWS = 12
LONGEST = 400

_LINE = "border: 0; border-bottom: 1px solid rgba(128, 128, 128, .3); padding: .15em .7em .15em 0;"
_WEAK = "opacity: .7; font-weight: normal;"


def panel(title: str, facts: Iterable[tuple[str, object]], *parts: str) -> str:
    """A title, facts below it, and further parts that are HTML already.

    Parameters
    ----------
    title : of the object.
    facts : pairs of a word and what it is; those that are None or "" are left out.
    *parts : of `listing`, `sentences`, or HTML that is known to be harmless.
    """
    rows = [(name, value) for name, value in facts if value is not None and value != ""]
    shown = listing((), rows) if rows else ""
    return (
        f'<div class="hwbench"><p><strong>{_text(title)}</strong></p>{shown}{"".join(parts)}</div>'
    )


def listing(header: Sequence[str], rows: Iterable[Sequence[object]], *, note: str = "") -> str:
    """A table; numbers stand to the right. Without a header the first of a row is its name."""
    head = "".join(f'<th style="{_LINE} text-align: left;">{_text(each)}</th>' for each in header)
    body = "".join(f"<tr>{''.join(_cells(row, named=not header))}</tr>" for row in rows)
    below = f'<p style="{_WEAK}">{_text(note)}</p>' if note else ""
    top = f"<thead><tr>{head}</tr></thead>" if header else ""
    return (
        '<table style="border-collapse: collapse; background: none;">'
        f"{top}<tbody>{body}</tbody></table>{below}"
    )


def sentences(lines: Iterable[str]) -> str:
    """Sentences as a list."""
    items = "".join(f"<li>{_text(line, longest=4 * LONGEST)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def number(value: float | None, digits: int = 3) -> str:
    """A number for people; "" where there is none."""
    return "" if value is None or value != value else f"{value:.{digits}f}"


def _cells(row: Sequence[object], *, named: bool) -> Iterable[str]:
    for place, value in enumerate(row):
        weak = _WEAK if named and place == 0 else ""
        side = "right" if _is_number(value) and not named else "left"
        yield f'<td style="{_LINE} {weak} text-align: {side};">{_text(value)}</td>'


def _is_number(value: object) -> bool:
    try:
        float(str(value).replace(",", ""))
    except ValueError:
        return False
    return True


def _text(value: object, longest: int = LONGEST) -> str:
    text = str(value)
    return html.escape(text if len(text) <= longest else f"{text[:longest]}...")
