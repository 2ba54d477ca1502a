"""Columns that a form offers: each table is read once, and again where it is another."""

import os

from hwbench.studio.forms import columns


def test_each_table_is_read_once_and_again_where_it_has_changed(own_table, monkeypatch):
    read = []
    load = columns.load_table
    monkeypatch.setattr(columns, "load_table", lambda name: read.append(name) or load(name))
    columns._columns.cache_clear()
    first = columns.targets()
    assert "small:latency" in first
    assert set(columns.accuracies()) < set(first) == set(columns.targets())
    assert len(read) == len(set(read))
    read.clear()
    os.utime(own_table, ns=(1, 1))
    assert columns.targets() == first
    assert read == ["small"]
    own_table.unlink()
    assert "small:latency" not in columns.targets()
    own_table.write_bytes(b"no table")
    assert "small:latency" not in columns.targets()  # and whoever asks for others has these
    assert len(columns.targets()) > 20
