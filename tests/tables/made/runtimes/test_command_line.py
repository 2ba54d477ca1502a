import shlex
import sys

import pytest

from hwbench.errors import HwbenchError
from hwbench.tables.made.runtimes.command_line import CommandLine

PYTHON = shlex.quote(sys.executable)


def test_what_is_filled_in_stays_one_word():
    line = CommandLine(f"{PYTHON} 'my bench.py' --model={{onnx}} --threads {{threads}}")
    assert line.named == {"onnx", "threads"}
    assert line.filled({"onnx": "/a b/it's; rm -rf *.onnx", "threads": 2}) == [
        sys.executable,
        "my bench.py",
        "--model=/a b/it's; rm -rf *.onnx",
        "--threads",
        "2",
    ]


def test_a_shell_is_given_quoted_values():
    line = CommandLine("cat {onnx} | wc -c", in_shell=True)
    (program, option, text) = line.filled({"onnx": "/a b/$(reboot).onnx"})
    assert (program, option) == ("/bin/sh", "-c")
    assert text == "cat '/a b/$(reboot).onnx' | wc -c"


def test_braces_that_are_meant_are_written_twice():
    line = CommandLine(f"{PYTHON} -c 'print({{{{}}}})' {{onnx}}")
    assert line.filled({"onnx": "n.onnx"})[2] == "print({})"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--command is empty; say what measures a file, such as --command 'bench"),
        ("   ", "--command is empty"),
        (f"{PYTHON} bench.py", "put the file where it belongs: --command "),
        (f"{PYTHON} {{onx}}", "unknown place of --command 'onx'; did you mean 'onnx'?"),
        (f"{PYTHON} {{}}", "unknown place of --command ''"),
        (f"{PYTHON} {{onnx.parent}}", "unknown place of --command 'onnx.parent'"),
        (f"{PYTHON} {{onnx!r}}", "unknown place of --command 'onnx'"),
        (f"{PYTHON} {{onnx:>40}}", "unknown place of --command 'onnx'"),
        (f"{PYTHON} {{onnx", "a brace that is meant is written twice"),
        (f"{PYTHON} 'a {{onnx}}", "No closing quotation"),
        (f"{PYTHON} {{onnx}} | tail -1", "holds the word '|', which only a shell understands"),
        ("no-such-bench {onnx}", "there is no program 'no-such-bench' that can be run"),
    ],
)
def test_no_command(text, message):
    with pytest.raises(HwbenchError) as caught:
        CommandLine(text)
    assert message in str(caught.value)


def test_the_command_that_is_proposed_works():
    with pytest.raises(HwbenchError) as caught:
        CommandLine(f"{PYTHON} 'my bench.py'")
    proposed = shlex.split(str(caught.value))[-1]
    assert CommandLine(proposed).filled({"onnx": "n"}) == [sys.executable, "my bench.py", "n"]
    with pytest.raises(HwbenchError) as caught:
        CommandLine("cat {onnx} | wc -c")
    *_, option, text, in_shell = shlex.split(str(caught.value))
    assert (option, in_shell) == ("--command", "--shell")
    assert CommandLine(text, in_shell=True).text == "cat {onnx} | wc -c"
