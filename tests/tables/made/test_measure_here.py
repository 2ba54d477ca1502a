"""Failures, time limits, percentiles and energy of what is measured in this machine."""

import sys

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables.made.energy import ENERGY_METERS
from hwbench.tables.made.energy.base import EnergyMeter
from hwbench.tables.made.measure import measure
from hwbench.tables.made.measured_table import failure_lines, measured_table
from hwbench.tables.made.recipe import MeasureRecipe

SPACE = get_space("nasbench201")
TINY = {"channels": 2, "depth": 1, "input_size": 8}
ARCHS = SPACE.sample(4)
NAMES = SPACE.to_strings(ARCHS)

RUNTIME = '''
import os, signal, time
from hwbench.tables.made.runtimes.base import MeasureError, Runtime

class Moody(Runtime):
    """A runtime that fails on one architecture."""

    def __init__(self, *, arch: str, mood: str) -> None:
        self.arch = arch
        self.mood = mood

    def prepare(self, work):
        def run():
            if work.name == self.arch:
                if self.mood == "refuses":
                    raise MeasureError("this cell is too large for it")
                if self.mood == "breaks":
                    raise RuntimeError("out of\\nmemory")
                if self.mood == "hangs":
                    time.sleep(600)
                os.kill(os.getpid(), signal.SIGSEGV)
        return run
'''


@pytest.fixture
def moody(tmp_path, monkeypatch):
    """A recipe whose runtime fails on the second architecture, in some way."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "moody_runtime.py").write_text(RUNTIME)
    monkeypatch.syspath_prepend(str(folder))

    def recipe(mood, **changes):
        return MeasureRecipe(
            runtime="moody_runtime:Moody",
            options={"arch": NAMES[1], "mood": mood},
            rounds=1,
            skeleton=TINY,
            **changes,
        )

    return recipe


@pytest.mark.parametrize(
    ("mood", "timeout", "reason"),
    [
        ("refuses", None, "this cell is too large for it"),
        ("breaks", None, "RuntimeError: out of memory"),
        pytest.param("hangs", 3.0, "ended after 3.0 s, its limit", marks=pytest.mark.slow),
        pytest.param("breaks", 60.0, "RuntimeError: out of memory", marks=pytest.mark.slow),
        pytest.param("dies", 60.0, "was killed by SIGSEGV", marks=pytest.mark.slow),
    ],
)
def test_one_that_fails_leaves_the_others(moody, tmp_path, mood, timeout, reason):
    recipe = moody(mood, timeout=timeout)
    table = measured_table(SPACE, recipe, name="t", journal_path=tmp_path / "j", archs=ARCHS)
    latency = table.column("latency")
    assert list(np.isnan(latency)) == [False, True, False, False]
    (line,) = failure_lines(table)
    assert line.startswith(f"{NAMES[1]}: ")
    assert reason in line


@pytest.mark.slow
def test_a_limit_changes_nothing_else(tmp_path):
    recipe = MeasureRecipe(rounds=1, skeleton=TINY, timeout=60.0, threads=1)
    found = measure(SPACE, recipe, tmp_path / "j", archs=ARCHS)
    assert (found.milliseconds > 0).all()
    free = MeasureRecipe(rounds=1, skeleton=TINY)
    again = measure(SPACE, free, tmp_path / "j", archs=ARCHS)  # the limit is no part of the journal
    np.testing.assert_array_equal(found.milliseconds, again.milliseconds)
    np.testing.assert_array_equal(found.peak_memory, again.peak_memory)


def test_percentiles_are_of_all_runs(tmp_path):
    recipe = MeasureRecipe(rounds=2, repeats=5, skeleton=TINY, percentiles=(50, 90, 99.5))
    path = tmp_path / "j"
    table = measured_table(SPACE, recipe, name="t", journal_path=path, archs=ARCHS)
    runs = measure(SPACE, recipe, path, archs=ARCHS).milliseconds.transpose(1, 0, 2).reshape(4, 10)
    for name, percentile in (("p50", 50), ("p90", 90), ("p99.5", 99.5)):
        expected = np.percentile(runs, percentile, axis=1)
        np.testing.assert_allclose(table.column(f"latency_{name}"), expected)
        assert table.card.columns[f"latency_{name}"].unit == "ms"
    np.testing.assert_array_equal(table.column("latency_p50"), table.column("latency"))
    other = MeasureRecipe(rounds=2, repeats=5, skeleton=TINY, percentiles=(10,))
    table = measured_table(SPACE, other, name="t", journal_path=path, archs=ARCHS)
    assert "latency_p10" in table.card.columns


class Counting(EnergyMeter):
    """Counts the readings."""

    columns = {"energy": "energy of a run"}  # noqa: RUF012

    def __init__(self):
        self.readings = 0

    def read(self):
        self.readings += 1
        return {"counter": 5_000 * self.readings}

    def used(self, before, after):
        return {"energy": (after["counter"] - before["counter"]) / 1000}


def test_energy_is_a_column(tmp_path, monkeypatch):
    monkeypatch.setitem(ENERGY_METERS.built_in, "rapl", f"{__name__}:Counting")
    monkeypatch.setitem(sys.modules, __name__, type("M", (), {"Counting": Counting}))
    monkeypatch.setattr("hwbench.tables.made.visit.energy_of.__kwdefaults__", {"seconds": 0.0})
    recipe = MeasureRecipe(rounds=2, skeleton=TINY, energy="rapl")
    path = tmp_path / "j"
    table = measured_table(SPACE, recipe, name="t", journal_path=path, archs=ARCHS)
    assert list(table.column("energy")) == [5.0] * 4
    card = table.card.columns["energy"]
    assert (card.unit, card.direction) == ("mJ", "minimize")
    assert "what the machine uses while it idles included" in card.source
    with pytest.raises(HwbenchError, match="energy: rapl there,  now"):
        measure(SPACE, MeasureRecipe(rounds=2, skeleton=TINY), path, archs=ARCHS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"energy": "rappl"}, "unknown energy meter 'rappl'; did you mean 'rapl'?"),
        (
            {"energy": "nvml"},
            "covers --device cuda, and the networks run on cpu; read the meter of that",
        ),
        (
            {"energy": "rapl", "runtime": "command", "options": {"command": "bench {onnx}"}},
            "--energy rapl reads this machine, and runtime command may measure on another",
        ),
        ({"percentiles": (100,)}, "percentiles"),
        ({"percentiles": (0,)}, "percentiles"),
        ({"timeout": 0}, "timeout must be above 0"),
        ({"further_batch_sizes": (0,)}, "further_batch_sizes"),
    ],
)
def test_recipe_out_of_range_is_refused(settings, message):
    with pytest.raises(HwbenchError) as caught:
        MeasureRecipe(**settings)
    assert message in str(caught.value)


def test_energy_that_cannot_be_read_is_refused_before_anything_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr("hwbench.tables.made.energy.rapl.ROOT", tmp_path / "none")
    recipe = MeasureRecipe(rounds=1, skeleton=TINY, energy="rapl")
    with pytest.raises(HwbenchError, match="holds no processor package"):
        measure(SPACE, recipe, tmp_path / "j", archs=ARCHS)
    assert not (tmp_path / "j").exists()


@pytest.mark.slow
def test_interrupts_under_a_limit_leave_no_process(tmp_path):
    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    recipe = MeasureRecipe(rounds=2, skeleton=TINY, timeout=60.0)
    with pytest.raises(KeyboardInterrupt):
        measure(SPACE, recipe, tmp_path / "j", archs=ARCHS, progress=stop)
    found = measure(SPACE, recipe, tmp_path / "j", archs=ARCHS)
    assert (found.milliseconds > 0).all()
    assert len((tmp_path / "j").read_text().splitlines()) == 1 + 8
