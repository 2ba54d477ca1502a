"""How far a command is, as lines: where they are asked for, and no more of them than help."""

import pytest

from hwbench.cli.progress_lines import INTERVAL, progress_lines


@pytest.fixture
def at(monkeypatch):
    """Lines are asked for; gives the clock that they are told by."""
    monkeypatch.setenv("HWBENCH_PROGRESS", "lines")
    return [0.0]


def test_nobody_who_has_not_asked_gets_lines(monkeypatch, capsys):
    monkeypatch.delenv("HWBENCH_PROGRESS", raising=False)
    progress_lines("fitting")(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_stage_is_told_at_its_start_now_and_then_and_at_its_end(at, capsys):
    update = progress_lines("fitting", clock=lambda: at[0])
    for done in range(11):
        update(1000 * done, 10_000)
        at[0] += INTERVAL / 4
    out, err = capsys.readouterr()
    assert out == ""  # results alone go there
    told = [f"fitting: {done:,} of 10,000" for done in (0, 4000, 8000, 10_000)]
    assert err.splitlines() == told


def test_what_is_not_counted_is_named_once(at, capsys):
    update = progress_lines("choosing", counted=False, clock=lambda: at[0])
    for _ in range(3):
        update(0, 1)
        at[0] += 2 * INTERVAL
    assert capsys.readouterr().err == "choosing ...\n"
