"""Blocks as HTML: what a page shows of them, and that no text of theirs becomes markup."""

import re

from markupsafe import Markup

from hwbench.pages.blocks import Finding, Group, Lines, Notice, Section, Text
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
