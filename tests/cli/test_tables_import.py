import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest

from hwbench.spaces import get_space
from hwbench.tables import load_table
from hwbench.tables.public.catalogue import benchmark_cards

ARCHS = [
    "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
]


@pytest.fixture
def own_file(tmp_path):
    path = tmp_path / "mine.csv"
    pd.DataFrame({"arch": ARCHS, "latency": [3.25, 1.5]}).to_csv(path, index=False)
    return path


# ---------------------------------------------------------------------- public benchmarks


def test_benchmarks_lists_every_variant(hwbench):
    listed = json.loads(hwbench("tables", "benchmarks", "--json").out)
    assert {row["name"] for row in listed} == set(benchmark_cards())
    text = hwbench("tables", "benchmarks").out
    for name in benchmark_cards():
        assert name in text


def test_one_benchmark_tells_where_its_files_are(hwbench):
    text = hwbench("tables", "benchmarks", "nasbench201").out
    assert "NAS-Bench-201-v1_1" in text
    assert "https://raw.githubusercontent.com/" in text
    assert "sha256 " in text


def test_fetch_makes_a_table_that_passes_every_check(hwbench, hwbench_home, shared_data):
    fetch = ["tables", "fetch", "nasbench-macro", "--mirror", shared_data / "raw"]
    result = hwbench(*fetch, "--variant", "original")
    assert result.code == 0, result
    path = hwbench_home / "tables" / "nasbench-macro-original.parquet"
    assert f"table nasbench-macro-original: 6561 architectures at {path}" in result.out
    assert load_table("nasbench-macro-original").card.name == "nasbench-macro-original"
    result = hwbench("tables", "verify", "nasbench-macro-original")
    assert result.code == 0
    assert result.out.count("passed") == 5


def test_devices_that_are_not_there_are_named(hwbench, shared_data, tmp_path):
    path = tmp_path / "help.parquet"
    fetch = ["tables", "fetch", "help-fbnet", "--mirror", shared_data / "raw"]
    result = hwbench(*fetch, "-o", path)
    assert result.code == 0, result
    made, note = result.out.splitlines()
    assert "table help-fbnet: 5000 architectures" in made
    assert "fpga.pt" in note
    assert "raspi4.pt" not in note
    assert "HayeonLee/HELP/tree/45f70eb92d0d735970a33b608d1544ad3c52f285/data/fbnet/lat" in note
    # The command that the note gives, with a folder that holds two of them.
    (tmp_path / "help").mkdir()
    for copy, name in (
        ("arch.pt", "arch.pt"),
        ("raspi4.pt", "raspi4.pt"),
        ("fpga.pt", "raspi4.pt"),
    ):
        [found] = (shared_data / "raw").rglob(name)
        (tmp_path / "help" / copy).write_bytes(found.read_bytes())
    command = note.partition("run: ")[2].replace("FOLDER", str(tmp_path / "help"))
    result = hwbench(*shlex.split(command)[1:])
    assert result.code == 0, result
    assert set(load_table(str(path)).card.columns) == {"fpga.latency", "raspi4.latency"}
    assert "fpga.pt" not in result.out


def test_fetched_table_is_replaced_only_when_asked(hwbench, refused, shared_data, tmp_path):
    fetch = ["tables", "fetch", "nasbench-macro", "--mirror", shared_data / "raw"]
    fetch += ["-o", tmp_path / "t.parquet", "--name", "macro"]
    assert hwbench(*fetch).code == 0
    assert "exists already" in refused(*fetch)
    assert hwbench(*fetch, "--replace").code == 0
    assert load_table(tmp_path / "t.parquet").card.name == "macro"


def test_nothing_is_fetched_of_what_comes_with_hwbench(hwbench, refused, hwbench_home):
    for benchmark, table in (
        ("nasbench-macro", "nasbench-macro"),
        ("transnas-bench-101-micro", "transnas-micro"),
    ):
        result = hwbench("tables", "fetch", benchmark)
        assert result.code == 0
        assert f"{benchmark} comes with hwbench, as the table {table}" in result.out
        assert f"hwbench tables fetch {benchmark} --name NAME" in result.out
    assert not list(hwbench_home.iterdir())
    assert "give yours another name" in refused(
        "tables", "fetch", "nasbench-macro", "--name", "nasbench-macro"
    )


def test_import_takes_a_file_the_user_has(hwbench, hwbench_home, shared_data):
    (file,) = (shared_data / "raw").rglob("nas-bench-macro_cifar10.json")
    result = hwbench("tables", "import", "nasbench-macro", file)
    assert result.code == 0, result
    assert len(load_table("nasbench-macro-imported")) == 6561


def test_failed_check_is_an_error(hwbench, own_table):
    content = bytearray(own_table.read_bytes())
    content[len(content) // 4] ^= 1
    own_table.write_bytes(content)
    result = hwbench("tables", "verify", "small")
    assert result.code == 2
    assert "FAILED" in result.out
    assert "failed checksums of pages" in result.err


# ---------------------------------------------------------------------- one's own numbers


def test_own_file_becomes_a_table(hwbench, hwbench_home, own_file):
    result = hwbench("tables", "import", "--space", "nasbench201", own_file, "--unit", "latency=ms")
    assert result.code == 0, result
    assert (
        f"table mine: 2 architectures at {hwbench_home / 'tables' / 'mine.parquet'}" in result.out
    )
    table = load_table("mine")
    assert sorted(table.frame["arch"]) == sorted(ARCHS)
    by_arch = dict(zip(table.frame["arch"], table.column("latency"), strict=True))
    assert by_arch == dict(zip(ARCHS, [3.25, 1.5], strict=True))
    assert table.card.columns["latency"].unit == "ms"
    assert table.card.columns["latency"].direction == "minimize"


def test_every_bad_row_is_told(hwbench, tmp_path):
    path = tmp_path / "bad.csv"
    archs = [ARCHS[0], "|nor_conv_9x9~0|", ARCHS[1], ARCHS[0]]
    pd.DataFrame({"arch": archs, "latency": ["1", "2", "fast", "4"]}).to_csv(path, index=False)
    command = ["tables", "import", "--space", "nasbench201", path, "--unit", "latency=ms"]
    result = hwbench(*command)
    assert result.code == 2
    for piece in ("nor_conv_9x9", "fast"):
        assert piece in result.err
    assert "Traceback" not in result.err
    result = hwbench(*command, "--bad-rows", "drop", "--duplicates", "first")
    assert result.code == 0, result
    np.testing.assert_array_equal(load_table("bad").column("latency"), [1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fetch", "hw-nas-benhc"], "did you mean 'hw-nas-bench'?"),
        (["fetch", "nasbench-macro", "--variant", "orignal"], "did you mean 'original'?"),
        (["fetch", "nasbench-macro", "--name", "own", "--mirror", "gone"], "gone"),
        (["benchmarks", "hw"], "unknown benchmark 'hw'"),
        (["import", "nasbench-macro"], "name its files or a folder of them"),
        (["import", "nasbench-macro", "gone.json"], "gone.json: no such file or folder"),
        (["import", "nasbenchmacro", "gone.json"], "did you mean 'nasbench-macro'?"),
        (["import", "--space", "nasbench201", "gone.csv"], "gone.csv"),
        (["import", "--space", "nasbench20", "mine.csv"], "did you mean 'nasbench201'?"),
        (["import", "--space", "nasbench201", "a.csv", "b.csv"], "give one file, not 2"),
        (["import", "--space", "nasbench201", "mine.csv", "--unit", "ms"], "COLUMN=UNIT"),
        (["import", "--space", "nasbench201", "mine.csv"], "latency"),
        (["import", "mine.csv"], "say what it is"),
        (["verify", "gone.parquet"], "no such file"),
    ],
)
def test_wrong_use_is_one_line(refused, hwbench_home, own_file, monkeypatch, arguments, message):
    monkeypatch.chdir(own_file.parent)
    assert message in refused("tables", *arguments)


@pytest.mark.parametrize("given", ["my board", "latency=my board"])
def test_own_columns_are_told_their_device(hwbench, own_file, given):
    command = ["tables", "import", "--space", "nasbench201", own_file, "--unit", "latency=ms"]
    assert hwbench(*command, "--replace", "--device", given).code == 0
    assert load_table("mine").card.columns["latency"].device == "my board"


def test_a_column_with_an_equals_sign_is_given_unit_direction_and_device(
    hwbench, refused, hwbench_home, tmp_path
):
    space = get_space("nasbench201")
    archs = space.to_strings(space.sample(20, 0))
    columns = {"a=b": range(1, 21), "a": range(21, 41), "a=b=c": range(41, 61)}
    path = tmp_path / "mine.csv"
    pd.DataFrame({"arch": archs, **columns}).to_csv(path, index=False)
    given = ("tables", "import", "--space", "nasbench201", path, "--name", "mine")
    options = [("--unit", "a=b=ms"), ("--unit", "a=mJ"), ("--unit", "a=b=c=kB")]
    options += [("--direction", f"{name}=minimize") for name in columns]
    options += [("--device", "a=b=one"), ("--device", "a=b=c=x=y")]
    result = hwbench(*given, *[each for pair in options for each in pair])
    assert result.code == 0, result.err
    cards = load_table("mine").card.columns
    assert {name: card.unit for name, card in cards.items()} == {
        "a_b": "ms", "a": "mJ", "a_b_c": "kB",
    }  # fmt: skip
    assert {name: card.device for name, card in cards.items()} == {
        "a_b": "one", "a": None, "a_b_c": "x=y",
    }  # fmt: skip
    assert "COLUMN=UNIT" in refused(*given, "--replace", "--unit", "=ms")


@pytest.mark.parametrize(
    "name", ["a" * 300, "a" * 201, "", ".", "..", "../x", "a/b", "-a", "a\nb", "a\0b", "A", "ä"]
)
@pytest.mark.parametrize("command", ["import", "measure", "train", "merge"])
def test_names_that_no_file_can_have_are_one_line(refused, hwbench_home, tmp_path, name, command):
    path = tmp_path / "mine.csv"
    path.write_text("arch,latency\n")
    arguments = {
        "import": ["--space", "nasbench201", path],
        "measure": ["nasbench201"],
        "train": ["nasbench201"],
        "merge": ["nb201-digits"],
    }[command]
    line = refused("tables", command, *arguments, f"--name={name}")
    assert ("table name" if name else "--name is empty") in line
    assert len(line) < 400
    assert not list(hwbench_home.rglob("*.parquet"))


# ---------------------------------------------------------------------- files as people have them


@pytest.fixture
def long_file(tmp_path):
    """Two devices, a row a network and device; an odd name of the file."""
    space = get_space("nasbench201")
    archs = space.to_strings(space.sample(12, 0))
    rows = [f"{arch},{device},{1 + place}.5\n" for device in ("pixel 3", "pi")
            for place, arch in enumerate(archs)]  # fmt: skip
    path = tmp_path / "my file.csv"
    path.write_text(f"arch,device,latency_ms\n{''.join(rows)}")
    return path


def proposed(line):
    """The commands between backticks, each as words."""
    return [shlex.split(command) for command in re.findall(r"`([^`]*)`", line)]


@pytest.mark.parametrize(
    "given",
    [("tables", "import", "--space", "nasbench201", "--name", "mine"),
     ("advise", "--space", "nasbench201", "--suggest", "--budget", "3")],
)  # fmt: skip
def test_proposed_commands_are_whole_and_work(
    hwbench, refused, hwbench_home, long_file, monkeypatch, given
):
    monkeypatch.chdir(long_file.parent)
    line = refused(*given, long_file.name)
    commands = proposed(line)
    assert len(commands) == 2 + (given[0] == "tables")
    assert "column 'device' holds pixel 3 (12 rows), pi (12 rows)" in line
    for command in commands:
        assert command[: len(given) + 2] == ["hwbench", *given, long_file.name]
        result = hwbench(*command[1:], *(("--replace",) if given[0] == "tables" else ()))
        assert result.code == 0, (command, result.err)


def test_an_option_that_was_given_is_replaced_and_not_given_twice(hwbench, hwbench_home, long_file):
    command = ("tables", "import", "--space", "nasbench201", long_file, "--name", "mine")
    result = hwbench(*command, "--pool", "device", "--duplicates", "refuse")
    assert result.code == 2
    (median, first) = proposed(result.err.splitlines()[-1])  # behind the report
    assert median[-2:] == ["--duplicates", "median"]
    assert median.count("--duplicates") == first.count("--duplicates") == 1


def test_formats_are_listed_and_shown(hwbench, refused):
    listed = json.loads(hwbench("spaces", "formats", "nasbench201", "--json").out)
    assert {"official-index", "naslib", "hwbench"} <= {row["format"] for row in listed}
    assert "--arch-format official-index`" in refused("spaces", "show", "nasbench201", "7")
    shown = hwbench(
        "spaces", "show", "nasbench201", "7", "--arch-format", "official-index", "--json"
    )
    assert json.loads(shown.out)["official index"] == 7


def test_files_that_are_no_tables_are_told_how_to_become_one(refused, long_file, tmp_path):
    line = refused("fit", "--target", f"{long_file}:latency_ms", "--predictor", "ridge", "-o",
                   tmp_path / "m.hwb")  # fmt: skip
    assert f"hwbench fit --target '{long_file}:latency_ms'" in line
    assert line.endswith("--space SPACE")
