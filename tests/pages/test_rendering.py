"""Blocks as HTML: what a page shows of them, and that no text of theirs becomes markup."""

import base64
import gzip
import re

from markupsafe import Markup

from hwbench.pages.blocks import (
    Cell,
    Column,
    DataTable,
    Facts,
    Finding,
    Group,
    Lines,
    Notice,
    Row,
    Section,
    Tab,
    Tabs,
    Text,
)
from hwbench.pages.rendering import render_page


def _page(*blocks):
    page = render_page("A <page>", [Section("part", "Part", blocks)], brand="tests")
    return page.partition('<section aria-labelledby="part">')[2].partition("</section>")[0]


def test_lines_are_a_list_folded_beneath_a_heading_where_there_is_one():
    open_, folded = Lines(("one", "two <b>")), Lines((Markup("<code>x</code>"),), "more of it")
    page = _page(open_, folded)
    assert '<ul class="lines"><li>one</li><li>two &lt;b&gt;</li></ul>' in page
    assert page.count("<details") == page.count("</details>") == 1
    assert "<summary><h4>More of it</h4></summary>" in page
    inside = page.partition("<details")[2].partition("</details>")[0]
    assert "<li><code>x</code></li>" in inside
    assert "two" not in inside


def test_texts_of_every_block_are_escaped():
    hostile = "<script>alert(1)</script>"
    blocks = [
        Text(hostile),
        Finding(hostile, (hostile,)),
        Lines((hostile,), hostile),
        Notice(hostile, hostile, (hostile,)),
    ]
    page = _page(*blocks, Group(hostile, blocks, text=hostile))
    assert "<script" not in page
    assert len(re.findall(r"&lt;script&gt;", page, flags=re.IGNORECASE)) == 18


def test_a_cell_leads_to_where_its_number_is_from():
    row = Row("<i>one</i>", (Cell("0.5", 0.5, link="run-1"), Cell("0.6", 0.6)))
    table = DataTable("t", "T", (Column("a", "a"), Column("b", "b"), Column("c", "c")), (row,))
    page = _page(table, Facts("F", {"a": 1}, "run-1"))
    assert '<a href="#run-1">0.5</a>' in page
    assert 'id="run-1"' in page
    assert "&lt;i&gt;one" in page
    assert '">0.6' in page.replace("\n", "")


def test_of_tabs_the_first_is_shown():
    page = _page(Tabs("sizes", "Sizes", [Tab("10", [Text("ten")]), Tab("<b>", [Text("more")])]))
    assert page.count('role="tab"') == page.count('role="tabpanel"') == 2
    first, second = page.split('role="tabpanel"')[1:]
    assert "hidden" not in first
    assert " hidden>" in second
    assert "&lt;b&gt;" in page


def test_a_packed_page_holds_all_of_plotly():
    from plotly.offline import get_plotlyjs

    page = render_page("A page", [Section("part", "Part", [Text("text")])], pack=True)
    packed = re.search(r'<script id="plotly" type="text/plain">([\w+/=]+)</script>', page)[1]
    assert gzip.decompress(base64.b64decode(packed)).decode() == get_plotlyjs()
    assert len(page) < 2.5e6
    assert page == render_page("A page", [Section("part", "Part", [Text("text")])], pack=True)
