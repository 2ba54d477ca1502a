"""Whatever rows hold, they fit the terminal, and nothing of them is lost."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.cli import output, table_layout

WORDS = st.text("abc[]/ 0123,", max_size=30).map(lambda text: " ".join(text.split()))


@given(
    columns=st.integers(2, 7),
    data=st.data(),
    width=st.sampled_from([40, 80, 200]),
    wrap=st.booleans(),
)
def test_rows_fit_and_are_whole(columns, data, width, wrap):
    names = [f"column {place}" for place in range(columns)]
    rows = data.draw(st.lists(st.lists(WORDS, min_size=columns, max_size=columns), max_size=4))
    rows = [[f"name{place}", *row[1:]] for place, row in enumerate(rows)]
    dictionaries = [dict(zip(names, row, strict=True)) for row in rows]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setenv("COLUMNS", str(width))
        output.print_listing(dictionaries, names, as_json=False, title="a [b]", wrap=wrap)
    lines = printed.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    text = "".join(lines)
    for row in rows:
        for word in " ".join(row).split():
            assert word in text


def test_columns_are_parted_with_what_says_which_row_it_is():
    columns = ["target", "predictor", "tau", "mae", "rmse"]
    rows = [["table:column", "ridge", "0.81", "1.2", "1.5"]]
    groups = table_layout.column_groups(columns, rows, 40)
    assert groups == [[0, 2, 3], [0, 4]] or groups[0][:2] == [0, 1]
    for group in groups:
        widths = table_layout.natural_widths(columns, rows)
        assert table_layout.table_width([widths[place] for place in group]) <= 40
    assert sorted({place for group in groups for place in group}) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("columns", [200, 30])
def test_what_an_extra_is_missing_for_says_which(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [{"name": "a", "what": "that is there"}, {"name": "b", "needs": "hwbench[torch]"}]
    output.print_listing(rows, ["name", "what"], as_json=False)
    assert "needs hwbench[torch]" in " ".join(capsys.readouterr().out.replace("│", " ").split())
