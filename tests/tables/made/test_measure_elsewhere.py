"""Measuring by a command: failures as rows, trying again, going on, several batch sizes."""

import json
import os
import shlex
import sys

import numpy as np
import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.spaces import get_space
from hwbench.tables import Table
from hwbench.tables.made import measure as measure_module
from hwbench.tables.made.measure import measure, measure_all
from hwbench.tables.made.measured_table import failure_lines, measured_table
from hwbench.tables.made.recipe import MeasureRecipe

SPACE = get_space("nasbench201")
TINY = {"channels": 2, "depth": 1, "input_size": 8}
ARCHS = SPACE.sample(4)
NAMES = SPACE.to_strings(ARCHS)

BOARD = """
import json, pathlib, sys
folder = pathlib.Path(sys.argv[0]).parent
arch, batch = sys.argv[1], int(sys.argv[2])
with open(folder / "calls.jsonl", "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
answers = json.loads((folder / "answers.json").read_text())
answer = answers.get(arch, "1.5 ms")
if answer.startswith("exit "):
    print("no memory", file=sys.stderr)
    sys.exit(int(answer.removeprefix("exit ")))
print(answer if batch == 1 else "12 ms")
"""


@pytest.fixture
def board(tmp_path):
    """A board: gives the command, and has `answers` by architecture and the `calls` so far."""
    folder = tmp_path / "a board"
    folder.mkdir()
    (folder / "bench.py").write_text(BOARD)

    class Board:
        command = f"{shlex.quote(sys.executable)} '{folder}/bench.py' {{arch}} {{batch}}"
        journal = tmp_path / "j"

        def __init__(self):
            self.answers(**{})

        def answers(self, **answers):
            given = {NAMES[int(name[1:])]: answer for name, answer in answers.items()}
            (folder / "answers.json").write_text(json.dumps(given))

        @property
        def calls(self):
            path = folder / "calls.jsonl"
            lines = path.read_text().splitlines() if path.exists() else []
            return [json.loads(line) for line in lines]

        def recipe(self, *, further="", options=(), **changes):
            given = {"command": self.command + further, **dict(options)}
            settings = {"rounds": 2, "warmup": 0, "repeats": 1, "skeleton": TINY, **changes}
            return MeasureRecipe(runtime="command", options=given, **settings)

        def table(self, recipe, **options):
            return measured_table(
                SPACE, recipe, name="t", journal_path=self.journal, archs=ARCHS, **options
            )

    return Board()


def test_what_a_command_prints_is_the_latency(board):
    board.answers(a0="2.5", a1="3500 us")
    table = board.table(board.recipe(device_name="board a"))
    assert list(table.column("latency")) == [2.5, 3.5, 1.5, 1.5]
    assert table.card.columns["latency"].device == "board a"
    assert sorted(board.calls) == sorted([[name, "1"] for name in NAMES] * 2)
    (record,) = table.card.recipes
    assert record["options"]["command"] == board.command
    assert record["device_name"] == "board a"
    assert record["failures"] == []


def test_every_round_has_an_order_of_its_own(board):
    measure(SPACE, board.recipe(rounds=3), board.journal, archs=ARCHS)
    rounds = [board.calls[start : start + 4] for start in (0, 4, 8)]
    assert len({str(each) for each in rounds}) > 1
    assert all(sorted(each) == sorted([name, "1"] for name in NAMES) for each in rounds)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("exit 3", "exit code 3: no memory"),
        ("no device", "no number in what it printed: 'no device'"),
        ("-1", "it printed -1, which no run can take"),
        ("0 ms", "it printed 0 ms, which no run can take"),
        ("1 2", "it printed 2 numbers (1, 2); say which with --read first, last or all"),
        ("", "it printed nothing"),
    ],
)
def test_what_fails_is_a_row_with_its_reason(board, answer, reason, tmp_path):
    board.answers(a1=answer)
    table = board.table(board.recipe())
    latency = table.column("latency")
    assert np.isnan(latency[1])
    assert list(latency[[0, 2, 3]]) == [1.5] * 3
    (record,) = table.card.recipes
    assert [each["arch"] for each in record["failures"]] == [NAMES[1]] * 2
    assert [each["round"] for each in record["failures"]] == [0, 1]
    assert all(reason in each["reason"] for each in record["failures"])
    (line,) = failure_lines(table)
    assert line.startswith(f"{NAMES[1]}: ")
    path = tmp_path / "t.parquet"
    table.save(path)
    read = Table.read(path)
    assert failure_lines(read) == [line]
    pd.testing.assert_frame_equal(read.frame, table.frame)


def test_a_command_that_hangs_is_ended(board):
    slow = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(600)' {{arch}}"
    recipe = board.recipe(options={"command": slow}, timeout=0.2, rounds=1)
    with pytest.raises(HwbenchError) as caught:
        measured_table(SPACE, recipe, name="t", journal_path=board.journal, archs=ARCHS[:2])
    assert "none of the 2 architectures that were tried could be measured" in str(caught.value)
    assert "it took more than 0.2 s and was ended" in str(caught.value)
    assert not board.journal.exists()  # of another recipe it would only stand in the way


def test_what_failed_is_measured_again_where_that_is_asked_for(board):
    board.answers(a1="exit 1", a2="exit 1")
    assert np.isnan(board.table(board.recipe()).column("latency")[[1, 2]]).all()
    before = len(board.calls)
    board.answers()
    assert np.isnan(board.table(board.recipe()).column("latency")[[1, 2]]).all()
    assert len(board.calls) == before  # a failure is a result
    table = board.table(board.recipe(timeout=100.0), retry_failed=True)
    assert (table.column("latency") == 1.5).all()
    assert table.card.recipes[0]["failures"] == []
    assert sorted(board.calls[before:]) == sorted([[NAMES[1], "1"], [NAMES[2], "1"]] * 2)


def test_a_board_that_is_unplugged_ends_the_measurement(board, monkeypatch):
    monkeypatch.setattr(measure_module, "MOST_FAILURES", 3)
    measure(SPACE, board.recipe(rounds=1), board.journal, archs=ARCHS)
    board.answers(a0="exit 7", a1="exit 7", a2="exit 7", a3="exit 7")
    with pytest.raises(HwbenchError, match=r"3 architectures failed one after the other.*code 7"):
        measure(SPACE, board.recipe(), board.journal, archs=ARCHS)
    assert len(board.calls) == 4 + 3
    board.answers()
    found = measure(SPACE, board.recipe(), board.journal, archs=ARCHS, retry_failed=True)
    assert not np.isnan(found.milliseconds).any()
    assert len(board.calls) == 4 + 3 + 4


def test_a_board_that_never_answered_leaves_nothing(board, monkeypatch):
    monkeypatch.setattr(measure_module, "MOST_FAILURES", 2)
    board.answers(a0="1 2", a1="1 2", a2="1 2", a3="1 2")
    with pytest.raises(HwbenchError, match="none of the 2 architectures that were tried"):
        measure(SPACE, board.recipe(), board.journal, archs=ARCHS)
    recipe = board.recipe(options={"read": "last"})  # as the reason proposes
    assert (measure(SPACE, recipe, board.journal, archs=ARCHS).milliseconds == 2).all()


def test_a_stopped_measurement_goes_on_where_it_was(board):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(SPACE, board.recipe(), board.journal, archs=ARCHS, progress=stop)
    assert len(board.calls) == 3
    measure(SPACE, board.recipe(), board.journal, archs=ARCHS)
    assert sorted(board.calls) == sorted([[name, "1"] for name in NAMES] * 2)


def test_a_command_that_repeats_by_itself_is_called_once_a_visit(board):
    further = " {warmup} {repeats}"
    board.answers(**{f"a{number}": "2 ms 4 ms 6 ms" for number in range(4)})
    recipe = board.recipe(further=further, options={"read": "all"}, repeats=3, warmup=2)
    found = measure(SPACE, recipe, board.journal, archs=ARCHS)
    assert found.milliseconds.shape == (2, 4, 3)
    assert (found.milliseconds == [2, 4, 6]).all()
    assert len(board.calls) == 8
    assert all(call[2:] == ["2", "3"] for call in board.calls)


def test_a_command_that_warms_up_by_itself_is_called_for_recorded_runs_alone(board):
    recipe = board.recipe(further=" {warmup}", rounds=1, repeats=3, warmup=2)
    measure(SPACE, recipe, board.journal, archs=ARCHS[:1])
    assert [call[2:] for call in board.calls] == [["2"]] * 3


def test_a_command_that_does_not_is_called_for_every_run(board):
    recipe = board.recipe(rounds=1, repeats=3, warmup=2)
    measure(SPACE, recipe, board.journal, archs=ARCHS[:1])
    assert len(board.calls) == 5


def test_visits_may_print_different_numbers_of_times(board):
    board.answers(a0="2 4", a1="1 2 3")
    table = board.table(board.recipe(options={"read": "all"}, rounds=1, percentiles=(50, 90)))
    assert list(table.column("latency")) == [3, 2, 1.5, 1.5]
    assert table.column("latency_p90")[1] == pytest.approx(np.percentile([1, 2, 3], 90))


def test_every_batch_size_has_its_columns(board):
    recipe = board.recipe(further_batch_sizes=(8,), percentiles=(90,))
    table = board.table(recipe)
    assert (table.column("latency_batch1") == 1.5).all()
    assert (table.column("latency_batch8") == 12).all()
    assert list(table.metrics) == [
        *(f"{name}_batch1" for name in ("latency", "latency_min", "latency_iqr", "latency_p90")),
        *(f"{name}_batch8" for name in ("latency", "latency_min", "latency_iqr", "latency_p90")),
        "parameters",
        "flops",
    ]
    assert "8 images of 8x8 pixels" in table.card.columns["latency_batch8"].source
    assert "1, 8 images of 8x8 pixels" in table.card.description
    first = board.calls[:8]  # a round has both sizes of all, in one order
    assert sorted(first) == sorted([name, size] for name in NAMES for size in ("1", "8"))
    assert first[:4] != [[name, "1"] for name in NAMES]
    found = measure_all(SPACE, recipe, board.journal, archs=ARCHS)
    assert {size: each.milliseconds.shape for size, each in found.items()} == {
        1: (2, 4, 1),
        8: (2, 4, 1),
    }
    with pytest.raises(HwbenchError, match="a batch size is given twice"):
        board.recipe(further_batch_sizes=(1,))


FILES = """
import sys
import numpy as np
kind, path = sys.argv[1:3]
if kind == "onnx":
    import onnxruntime
    images = np.load(sys.argv[3])
    session = onnxruntime.InferenceSession(path)
    logits = session.run(None, {session.get_inputs()[0].name: images})[0]
else:
    import torch
    images = torch.from_numpy(np.load(sys.argv[3]))
    network = torch.jit.load(path) if kind == "torchscript" else torch.export.load(path).module()
    logits = network(images).detach().numpy()
print(abs(float(logits.sum())))
"""


@pytest.mark.parametrize(
    "kind",
    [
        "onnx",
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("torchscript", "torch_export")),
    ],
)
def test_files_hold_the_network_and_the_images(tmp_path, kind):
    import torch

    program = tmp_path / "files.py"
    program.write_text(FILES)
    command = f"{shlex.quote(sys.executable)} -W ignore '{program}' {kind} {{{kind}}} {{input}}"
    recipe = MeasureRecipe(
        runtime="command", options={"command": command}, rounds=1, warmup=0, repeats=1,
        batch_size=2, skeleton=TINY, seed=3,
    )  # fmt: skip
    found = measure(SPACE, recipe, tmp_path / "j", archs=ARCHS[:1])
    images = torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(3))
    network = SPACE.network(ARCHS[0], seed=3, **TINY).eval()
    with torch.inference_mode():
        expected = abs(float(network(images).sum()))
    assert found.milliseconds.item() == pytest.approx(expected, rel=1e-4), found.failures


def test_the_command_may_use_all_cores(board):
    count = "import os; print(len(os.sched_getaffinity(0)))"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(count)} {{arch}}"
    recipe = board.recipe(options={"command": command}, rounds=1)
    found = measure(SPACE, recipe, board.journal, archs=ARCHS[:1])
    assert found.milliseconds.item() == len(os.sched_getaffinity(0))
