import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from hwbench.code_version import counted_modules
from hwbench.environment import available_cores, describe_machine, describe_versions
from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables import load_table
from hwbench.tables.made.measure import measure
from hwbench.tables.made.measured_table import measured_table
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.runtimes.torch_eager import TorchEager
from hwbench.tables.made.visit import peak_memory

SPACE = get_space("nasbench201")
TINY = {"channels": 2, "depth": 1, "input_size": 8}
RECIPE = MeasureRecipe(rounds=2, skeleton=TINY)
ARCHS = SPACE.sample(4)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def visits(path):
    return [(record["round"], record["row"]) for record in lines(path)[1:]]


def test_holds_every_run_of_every_architecture(tmp_path, unchanged):
    seen = []
    measured = measure(
        SPACE,
        RECIPE,
        tmp_path / "j",
        archs=unchanged(ARCHS),
        progress=lambda *counts: seen.append(counts),
    )
    assert measured.milliseconds.shape == (RECIPE.rounds, len(ARCHS), RECIPE.repeats)
    assert (measured.milliseconds > 0).all()
    assert measured.peak_memory.shape == (len(ARCHS),)
    assert (measured.peak_memory > 0).all()
    for record in lines(tmp_path / "j")[1:]:
        runs = measured.milliseconds[record["round"], record["row"]]
        np.testing.assert_array_equal(runs, record["ms"])
    assert seen == [(done, 8) for done in range(9)]


def test_every_round_visits_all_in_an_order_of_its_own(tmp_path):
    archs = SPACE.sample(12)
    measure(SPACE, RECIPE, tmp_path / "j", archs=archs)
    order = visits(tmp_path / "j")
    first, second = ([index for r, index in order if r == number] for number in (0, 1))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second


def test_more_rounds_continue_and_fewer_ignore(tmp_path):
    one = measure(SPACE, MeasureRecipe(rounds=1, skeleton=TINY), tmp_path / "j", archs=ARCHS)
    first = lines(tmp_path / "j")
    measure(SPACE, RECIPE, tmp_path / "j", archs=ARCHS)
    assert lines(tmp_path / "j")[: len(first)] == first
    assert len(visits(tmp_path / "j")) == 2 * len(ARCHS)
    again = measure(SPACE, MeasureRecipe(rounds=1, skeleton=TINY), tmp_path / "j", archs=ARCHS)
    np.testing.assert_array_equal(one.milliseconds, again.milliseconds)
    np.testing.assert_array_equal(one.peak_memory, again.peak_memory)


def test_latency_is_the_median_of_all_recorded_runs(tmp_path):
    path = tmp_path / "j"
    table = measured_table(SPACE, RECIPE, name="t", journal_path=path, archs=ARCHS)
    for row, found in enumerate(table.frame.itertuples()):
        runs = [ms for r in lines(path)[1:] if r["row"] == row for ms in r["ms"]]
        assert len(runs) == RECIPE.rounds * RECIPE.repeats
        low, middle, high = np.percentile(runs, [25, 50, 75])
        assert found.latency == pytest.approx(middle)
        assert found.latency_min == min(runs)
        assert found.latency_iqr == pytest.approx(high - low)


def test_interrupted_run_goes_on_where_it_was(tmp_path):
    def interrupt(done, total):
        if done == 5:
            raise KeyboardInterrupt

    measure(SPACE, RECIPE, tmp_path / "whole", archs=ARCHS)
    path = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        measure(SPACE, RECIPE, path, archs=ARCHS, progress=interrupt)
    kept = path.read_text()
    assert len(visits(path)) == 5
    seen = []
    measure(SPACE, RECIPE, path, archs=ARCHS, progress=lambda *counts: seen.append(counts))
    assert seen[0] == (5, 8)
    assert path.read_text().startswith(kept)
    assert visits(path) == visits(tmp_path / "whole")


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("given", [False, True])
def test_process_is_left_as_it_was(tmp_path, monkeypatch, fails, given):
    def fail(done, total):
        if fails and done:
            raise RuntimeError

    def state():
        cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        smallest = torch.full((1,), torch.finfo(torch.float64).tiny, dtype=torch.float64)
        frozen, flushes = gc.get_freeze_count() > 0, (smallest / 2).item() == 0
        return torch.get_num_threads(), cores, gc.isenabled(), frozen, flushes, dict(os.environ)

    monkeypatch.delenv("KINETO_LOG_LEVEL", raising=False)
    measure(SPACE, RECIPE, tmp_path / "first", archs=ARCHS[:1])  # what is set for good, as imports
    if given:  # what a caller may have set is not hwbench's to undo
        monkeypatch.setenv("KINETO_LOG_LEVEL", "5")
        torch.set_flush_denormal(True)
        gc.disable()
        gc.freeze()
    try:
        before = state()
        with pytest.raises(RuntimeError) if fails else contextlib.nullcontext():
            measure(SPACE, RECIPE, tmp_path / "j", archs=ARCHS[:1], progress=fail)
        assert state() == before
        assert os.environ.get("KINETO_LOG_LEVEL") == ("5" if given else None)
    finally:
        gc.unfreeze()
        gc.enable()
        torch.set_flush_denormal(False)


def test_journal_of_other_architectures_is_refused(tmp_path):
    measure(SPACE, RECIPE, tmp_path / "j", archs=ARCHS)
    with pytest.raises(HwbenchError, match="archs_digest"):
        measure(SPACE, RECIPE, tmp_path / "j", archs=ARCHS[::-1])


RUN = """
from pathlib import Path
from hwbench.spaces import get_space
from hwbench.tables.made.measure import measure
from hwbench.tables.made.recipe import MeasureRecipe

TINY = {"channels": 2, "depth": 1}

def run(name, journal):
    space = get_space(name)
    archs = space.sample(2, seed=0)
    measure(space, MeasureRecipe(rounds=1, skeleton=TINY), Path(journal), archs=archs)
"""


@pytest.mark.slow
def test_a_version_is_of_all_that_runs(tmp_path, modules_run, harmless):
    cases = [(name, str(tmp_path / name)) for name in ("nasbench201", "nasbench_macro")]
    for (name, _), (_, ran) in zip(cases, modules_run(RUN, cases, tmp_path), strict=True):
        space = type(get_space(name)).__module__
        counted = counted_modules(measure.__module__, space, TorchEager.__module__)
        assert ran - set(counted) <= harmless, name


def test_journal_of_other_code_is_refused(tmp_path):
    path = tmp_path / "j"
    measure(SPACE, RECIPE, path, archs=ARCHS)
    recipe, *records = path.read_text().splitlines(keepends=True)
    code = json.loads(recipe)["recipe"]["code"]
    path.write_text(recipe.replace(code, "0123456789abcdef") + "".join(records))
    with pytest.raises(HwbenchError, match=f"code: 0123456789abcdef there, {code} now"):
        measure(SPACE, RECIPE, path, archs=ARCHS)


def test_peak_memory_holds_the_weights_and_grows_with_the_network():
    peaks = []
    for channels in (2, 8, 32):
        network = SPACE.network([3] * 6, channels=channels, depth=1, input_size=8).eval()
        weights = sum(t.numel() * t.element_size() for t in network.state_dict().values())
        peaks.append(peak_memory(network, torch.zeros(1, 3, 8, 8)))
        assert peaks[-1] >= weights
    assert peaks == sorted(set(peaks))
    assert peak_memory(network, torch.zeros(4, 3, 8, 8)) > peaks[-1]


@pytest.mark.parametrize(
    ("archs", "message"),
    [
        (ARCHS[:0], "no architecture is given"),
        (ARCHS[[0, 1, 0]], "is given more than once"),
    ],
)
def test_architectures_to_measure_are_some_and_different(tmp_path, archs, message):
    with pytest.raises(HwbenchError, match=message):
        measure(SPACE, RECIPE, tmp_path / "j", archs=archs)
    assert not (tmp_path / "j").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"runtime": "torch_eager"}, "unknown runtime 'torch_eager'; did you mean 'torch-eager'"),
        ({"threads": available_cores() + 1}, "cores would measure their waiting"),
        ({"dtype": "float23"}, "unknown dtype 'float23'; did you mean 'float32'"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"rounds": 0}, "rounds must be above 0"),
        ({"repeats": 0}, "repeats must be above 0"),
        ({"batch_size": 0}, "batch_size must be above 0"),
        ({"threads": 0}, "threads must be above 0"),
    ],
)
def test_recipe_out_of_range_is_refused(settings, message):
    with pytest.raises(HwbenchError) as caught:
        MeasureRecipe(**settings)
    assert message in str(caught.value)


def test_table_says_how_it_was_measured(tmp_path):
    table = measured_table(SPACE, RECIPE, name="mine", journal_path=tmp_path / "j", archs=ARCHS)
    measured = ["latency", "latency_min", "latency_iqr", "peak_memory"]
    assert list(table.metrics) == [*measured, "parameters", "flops"]
    np.testing.assert_array_equal(table.archs, ARCHS)
    np.testing.assert_array_equal(table.column("flops"), SPACE.flops(ARCHS, **TINY))
    np.testing.assert_array_equal(table.column("parameters"), SPACE.parameters(ARCHS, **TINY))
    (recipe,) = table.card.recipes
    assert recipe["command"] == "measure"
    assert recipe["rounds"] == 2
    assert recipe["skeleton"] == {**TINY, "input_channels": 3, "classes": 10}
    assert recipe["machine"] == describe_machine()
    assert recipe["versions"] == describe_versions()
    processor = describe_machine()["processor"]
    for column in ("latency", "latency_min", "latency_iqr", "peak_memory"):
        assert processor in table.card.columns[column].source
    units = {name: column.unit for name, column in table.card.columns.items()}
    assert units == {
        "latency": "ms",
        "latency_min": "ms",
        "latency_iqr": "ms",
        "peak_memory": "MiB",
        "parameters": "1",
        "flops": "1",
    }


def test_rounds_that_agree_give_a_noise_estimate(tmp_path):
    archs = SPACE.sample(60, 1)
    path = tmp_path / "j"
    measured_table(SPACE, RECIPE, name="t", journal_path=path, archs=archs)
    recipe, *records = lines(path)
    rng = np.random.default_rng(0)
    truth = rng.uniform(1, 2, len(archs))
    for record in records:  # rounds that differ by a known noise
        record["ms"] = [float(truth[record["row"]] + 0.1 * rng.standard_normal())] * 2
    path.write_text("\n".join(json.dumps(line) for line in [recipe, *records]) + "\n")
    table = measured_table(SPACE, RECIPE, name="t", journal_path=path, archs=archs)
    noise = table.card.columns["latency"].noise
    assert (noise.method, noise.n_pairs) == ("halves", 60)
    assert noise.deviation == pytest.approx(0.1 / np.sqrt(2), rel=0.25)
    assert 0 < noise.kendall_tau < noise.tau_ceiling < 1
    assert table.card.columns["parameters"].noise is None


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_command_loses_nothing_that_was_written(hwbench_home):
    command = [sys.executable, "-m", "hwbench", "tables", "measure", "nasbench201"]
    command += ["--name", "k", "--limit", "30", "--rounds", "2", "--repeats", "100"]
    command += ["--channels", "2", "--depth", "1", "--input-size", "8"]
    journal = hwbench_home / "tables" / "k.journal"
    copy = hwbench_home / "copy.journal"

    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and (not journal.exists() or journal.stat().st_size < 20_000):
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert journal.exists(), "the first run ended before it was killed"
    before = journal.read_bytes()
    whole = before[: before.rfind(b"\n") + 1]
    assert 5 < whole.count(b"\n") < 60

    # A hard link keeps the journal that the second run removes when it is done.
    os.link(journal, copy)
    subprocess.run(command, check=True, capture_output=True)
    assert not journal.exists()
    assert copy.read_bytes().startswith(whole)
    assert len(visits(copy)) == len(set(visits(copy))) == 60
    table = load_table("k")
    assert len(table) == 30
    assert np.isfinite(table.metrics.to_numpy(dtype=float)).all()
