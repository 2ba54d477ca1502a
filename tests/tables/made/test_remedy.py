import shlex

import pytest

from hwbench.errors import HwbenchError
from hwbench.tables.made.recipe import MeasureRecipe
from hwbench.tables.made.remedy import RemedyError


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({"--threads": "2"}, "--name x", "--name x --threads 2"),
        ({"--threads": "2"}, "--threads 9 --name x", "--name x --threads 2"),
        ({"--threads": "2"}, "--threads=9 --name x", "--name x --threads 2"),
        ({"--energy": ""}, "--name x --energy rapl --limit 3", "--name x --limit 3"),
        ({"--energy": ""}, "--energy=rapl", ""),
        ({"--retry-failed": None}, "--name x", "--name x --retry-failed"),
        ({"--retry-failed": None}, "--retry-failed --name x", "--name x --retry-failed"),
        ({"--retry-failed": ""}, "--retry-failed --name x", "--name x"),
        ({"--command": "b {onnx}"}, "--command b", "--command 'b {onnx}'"),
        (
            {"--command": "b {onnx} | wc", "--shell": None},
            "--command 'b {onnx} | wc' --name x",
            "--name x --command 'b {onnx} | wc' --shell",
        ),
    ],
)
def test_a_command_line_is_changed(changes, before, after):
    error = RemedyError("It is wrong", "do", changes)
    assert error.command(shlex.split(before)) == after
    assert error.text(shlex.split(before)) == f"It is wrong; do: {after}"


def test_in_python_the_options_are_said():
    with pytest.raises(HwbenchError) as caught:
        MeasureRecipe(energy="nvml")
    assert str(caught.value).endswith("; read the meter of that: --energy rapl")
    assert str(RemedyError("No", "do", {"--energy": ""})) == "No; do: without --energy"
