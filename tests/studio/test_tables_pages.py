"""Tables and architectures: every table that ships has a page, and so has what it holds."""

import html
import re

import pytest
from starlette.testclient import TestClient

from hwbench.studio.app import make_app
from hwbench.studio.settings import Settings
from hwbench.studio.table_page import architecture_blocks, table_page, tables_listing
from hwbench.tables import load_table, table_files

DRAWN = {"nasbench201", "nasbench101", "transnas_micro"}
"""Spaces whose architectures are graphs."""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    settings = Settings(tmp_path_factory.mktemp("none"))
    made = TestClient(make_app(settings), base_url="http://127.0.0.1:1")
    made.get(f"/tables?token={settings.token}")
    return made


def test_every_table_that_ships_is_listed(client):
    rows, problems = tables_listing()
    assert problems == []
    assert [row["name"] for row in rows] == list(table_files())
    text = client.get("/tables").text
    for row in rows:
        assert f'<a href="/table?name={row["name"]}">{row["name"]}</a>' in text


@pytest.mark.parametrize("name", sorted(table_files()))
def test_every_table_and_its_first_architecture_have_a_page(client, name):
    table = load_table(name)
    answer = client.get("/table", params={"name": name})
    assert answer.status_code == 200
    for column in table.card.columns:
        assert f'data-value="{html.escape(column)}"' in answer.text
    front = answer.text.partition('id="front"')[2].partition("</table>")[0]
    assert front.count("<tr>") >= 2
    arch = str(table.frame["arch"].iloc[0])
    answer = client.get("/architecture", params={"table": name, "arch": arch})
    assert answer.status_code == 200
    assert ("<svg" in answer.text) == (table.card.space in DRAWN)
    values = answer.text.partition('id="values"')[2].partition("</table>")[0]
    first = re.search(r'<th scope="row"[^>]* data-value="([^"]*)"', values)
    assert html.unescape(first[1]) == next(iter(table.card.columns))
    part = client.get("/architecture/part", params={"table": name, "arch": arch})
    assert part.text.strip() in answer.text


def test_an_architecture_has_its_values_in_other_tables_and_neighbours():
    table = load_table("nb201-digits")
    arch = str(table.frame["arch"].iloc[7])
    drawing, values, neighbours = architecture_blocks("nb201-digits", arch)
    assert drawing.text == arch
    by_place = {(row.cells[0].text, row.title): row.cells for row in values.rows}
    assert {place for place, _ in by_place} == {"nb201-digits", "hw-nas-bench"}
    own = by_place["nb201-digits", "parameters"]
    assert own[1].value == table.column("parameters")[7]
    assert own[1].text == f"{table.column('parameters')[7]:,.0f}"
    assert own[2].value is None  # a number of no unit
    assert len(neighbours.rows) == 24  # four other operations at each of six places


def test_axes_and_architectures_that_are_none_are_told_of(client):
    page, chosen = table_page("nb201-digits", "flops", "latency")
    assert (chosen["x"], chosen["y"]) == ("flops", "latency")
    assert page.sections[1].blocks[0].title == "latency against flops"
    for path, query, said in (
        ("/table", {"name": "nb201-digit"}, "did you mean 'nb201-digits'"),
        ("/table", {"name": "nb201-digits", "x": "flop"}, "did you mean 'flops'"),
        ("/architecture", {"table": "nb201-digits", "arch": "<b>|"}, "architecture"),
        ("/architecture", {"table": "../x", "arch": "a"}, "table"),
    ):
        for accept in ("text/html", "*/*"):
            answer = client.get(path, params=query, headers={"Accept": accept})
            assert answer.status_code in (400, 404)
            assert said in html.unescape(answer.text)
            assert "<b>|" not in answer.text or accept == "*/*"
