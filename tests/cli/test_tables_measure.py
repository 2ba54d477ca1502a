"""`hwbench tables measure` with runtimes of all kinds, and what it refuses."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from hwbench.tables import load_table
from hwbench.tables.made.runtimes import base

TINY = ["--rounds", 2, "--channels", 2, "--depth", 1, "--input-size", 8, "--limit", 3]
MEASURE = ["tables", "measure", "nasbench201", "--name", "new", *TINY]

BOARD = """
import json, pathlib, sys
if len(sys.argv) < 3:
    sys.exit("no model")
calls = pathlib.Path(sys.argv[1])
with open(calls, "a") as file:
    file.write(sys.argv[2] + "\\n")
failing = calls.with_name("failing")
if failing.exists() and failing.read_text() == sys.argv[2]:
    sys.exit("device is busy")
print(json.dumps({"batch": 1, "latency_us": [len(sys.argv[2]) * 10.0 + k for k in range(3)]}))
"""


@pytest.fixture
def board(tmp_path):
    """A folder with a program in it whose name has a blank; gives the option and the folder."""
    folder = tmp_path / "my board"
    folder.mkdir()
    (folder / "bench.py").write_text(BOARD)
    program = shlex.join([sys.executable, f"{folder}/bench.py", f"{folder}/calls"])
    return folder, f"{program} {{arch}} {{repeats}}"


def test_a_command_measures(hwbench, hwbench_home, board):
    folder, command = board
    options = ["--command", command, "--key", "latency_us", "--read", "all"]
    result = hwbench(*MEASURE, *options, "--percentiles", "p50,90", "--device-name", "my board")
    assert result.code == 0, result
    table = load_table("new")
    expected = [(len(name) * 10 + 1) / 1000 for name in table.frame["arch"]]
    np.testing.assert_allclose(table.column("latency"), expected)
    np.testing.assert_allclose(table.column("latency_p50"), expected)
    assert "my board" in table.card.title
    assert len((folder / "calls").read_text().splitlines()) == 6
    assert "p90 of 4 runs: about the slowest or fastest of them; 10 runs can tell" in result.err
    assert "--rounds 2 --repeats 5" in result.err
    shown = hwbench("tables", "show", "new", "--json")
    (recipe,) = json.loads(shown.out)["recipes"]
    assert recipe["options"]["key"] == "latency_us"


def test_what_fails_can_be_measured_again_with_the_command_that_is_told(
    hwbench, hwbench_home, board
):
    folder, command = board
    options = ["--command", command, "--key", "latency_us", "--read", "last"]
    assert hwbench(*MEASURE, *options).code == 0
    failing = load_table("new").frame["arch"][1]
    (hwbench_home / "tables" / "new.parquet").unlink()
    (folder / "failing").write_text(failing)
    result = hwbench(*MEASURE, *options)
    assert result.code == 0
    assert f"hwbench: warning: failed: {failing}: exit code 1: device is busy" in result.err
    assert "1 of 3 architectures failed at least once" in result.err
    assert list(np.isnan(load_table("new").column("latency"))) == [False, True, False]
    assert "exists already" in hwbench(*MEASURE, *options).err
    (folder / "failing").unlink()
    (folder / "calls").unlink()
    again = result.err.strip().rpartition("measure them again with: ")[2]
    told = hwbench(*shlex.split(again)[1:])
    assert told.code == 0, told
    assert told.err == ""
    assert not np.isnan(load_table("new").column("latency")).any()
    assert (folder / "calls").read_text().splitlines() == [failing] * 2
    assert [each.name for each in (hwbench_home / "tables").iterdir()] == ["new.parquet"]
    assert "nothing that failed is known" in hwbench(*MEASURE, *options, "--retry-failed").err


def test_options_of_a_runtime_and_batch_sizes(hwbench, hwbench_home):
    options = ["--runtime", "onnxruntime", "--set", "graph_optimisation=none"]
    assert hwbench(*MEASURE, *options, "--batch-size", 1, "--batch-size", 2).code == 0
    table = load_table("new")
    assert {"latency_batch1", "latency_batch2"} <= set(table.card.columns)
    assert table.card.recipes[0]["options"]["graph_optimisation"] == "none"
    assert table.card.recipes[0]["runtime_versions"]["onnxruntime"]


def test_runtimes_are_listed(hwbench, monkeypatch):
    known = base.is_there
    monkeypatch.setattr(base, "is_there", lambda name: name != "openvino" and known(name))
    result = hwbench("tables", "runtimes")
    assert result.code == 0
    for text in ("command", "graph_optimisation=all", "needs hwbench[openvino]"):
        assert text in result.out
    rows = json.loads(hwbench("tables", "runtimes", "--json").out)
    assert [row["runtime"] for row in rows] == sorted(row["runtime"] for row in rows)
    assert {row["from"] for row in rows} == {"hwbench"}
    by_name = {row["runtime"]: row for row in rows}
    assert by_name["onnxruntime"]["installed"] == "yes"
    assert by_name["openvino"]["needs"] == "hwbench[openvino]"
    assert by_name["onnxruntime-int8"]["options"]["calibration"] == "digits"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--runtime", "onnxruntim"], "unknown runtime 'onnxruntim'; did you mean 'onnxruntime'?"),
        (["--runtime", "command"], "be run; give one, such as: hwbench tables measure"),
        (["--read", "last"], "there is no --command that would be run"),
        (["--shell"], "there is no --command that would be run"),
        (["--command", "bench"], "names no network, so that it would measure the same thing"),
        (["--command", "cat {onx}"], "unknown place of --command 'onx'; did you mean 'onnx'?"),
        (["--command", "no-such {onnx}"], "there is no program 'no-such'"),
        (["--command", "cat {onnx} | wc"], "let one run it: hwbench tables measure nasbench201"),
        (["--command", "cat {onnx}", "--read", "lst"], "did you mean 'last'?"),
        (["--command", "cat {onnx}", "--unit", "msec"], "did you mean 'ms'?"),
        (["--command", "cat {onnx}", "--pattern", "("], "--pattern '(' is no regular expression"),
        (["--command", "cat {onnx}", "--pattern", "a", "--key", "b"], "--pattern and --key: give"),
        (["--command", "cat {onnx}", "--dtype", "float16"], "float32 alone, not float16"),
        (
            ["--command", "cat {onnx}", "--runtime", "onnxruntime"],
            "--command is for a command of one's own, and the runtime is onnxruntime",
        ),
        (
            ["--runtime", "onnxruntime", "--set", "graph_optimization=all"],
            "did you mean 'graph_optimisation'?",
        ),
        (["--set", "spinning"], "--set spinning: must be KEY=VALUE"),
        (["--percentiles", "50,p9x"], "--percentiles '50,p9x': 'p9x' is no number"),
        (["--percentiles", "101"], "percentiles"),
        (["--energy", "rapll"], "unknown energy meter 'rapll'; did you mean 'rapl'?"),
        (["--batch-size", "2", "--batch-size", "2"], "a batch size is given twice"),
        (["--timeout", "0"], "timeout must be above 0"),
        (["--retry-failed"], "so nothing that failed is known; measure everything: hwbench"),
        (
            ["--runtime", "onnxruntime-int8", "--set", "calibration=cifar"],
            "unknown image set 'cifar'; did you mean 'cifar10'?",
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line(refused, hwbench_home, options, message):
    assert message in refused(*MEASURE, *options)
    assert not list(hwbench_home.rglob("*.journal"))


def test_none_that_can_be_measured_is_an_error(refused, hwbench_home):
    line = refused(*MEASURE, "--command", "false {onnx}")
    assert "none of the 3 architectures that were tried could be measured" in line
    assert "the first failed with: exit code 1" in line
    proposed = shlex.split(line.rpartition("measure anew with: ")[2])
    assert proposed == ["hwbench", *map(str, MEASURE), "--command", "false {onnx}"]
    assert not list(hwbench_home.rglob("*.journal"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_measurement_goes_on_and_measures_nothing_twice(hwbench_home, board):
    folder, command = board
    slow = f"{sys.executable} -c 'import time; time.sleep(.2)' && {command}"
    line = [sys.executable, "-m", "hwbench", *map(str, MEASURE), "--limit", "8"]
    line += ["--command", slow, "--shell", "--key", "latency_us", "--read", "all"]
    journal = hwbench_home / "tables" / "new.journal"
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and (
        not journal.exists() or journal.read_bytes().count(b"\n") < 6
    ):
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = journal.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    copy = hwbench_home / "copy.journal"
    os.link(journal, copy)  # keeps the journal that the second run removes
    subprocess.run(line, check=True, capture_output=True)
    after = copy.read_bytes()
    assert after.startswith(kept)
    records = [json.loads(each) for each in after.splitlines()[1:]]
    visits = [(each["round"], each["row"]) for each in records]
    assert len(visits) == len(set(visits)) == 16
    calls = len((folder / "calls").read_text().splitlines())
    assert calls in (16, 17)  # the visit that was under way may have been made again
    assert not np.isnan(load_table("new").column("latency")).any()
