import pytest

from hwbench.target_text import column_of, parse_target


@pytest.mark.parametrize("text", ["", "small", ":", "small:", ":latency"])
def test_other_texts_are_no_target(text):
    assert parse_target(text) is None
    assert column_of(text) == text


def test_the_column_stands_behind_the_last_colon():
    assert parse_target("small:latency") == ("small", "latency")
    assert parse_target("c:/a.parquet:latency") == ("c:/a.parquet", "latency")
    assert column_of("c:/a.parquet:latency") == "latency"
