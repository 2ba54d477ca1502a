"""The checks of converters pass what is right and find what is wrong."""

import pandas as pd
import pytest

from hwbench.errors import HwbenchError
from hwbench.progress import silent
from hwbench.spaces import get_space
from hwbench.tables import ColumnCard, Table, TableCard
from hwbench.tables.converters.common import listed_files, parse_archs, read_csv
from hwbench.testing import check_converter, converter_checks

SPACE = get_space("nasbench_macro")
ROWS = "".join(f"0012222{i},{i}.5\n" for i in range(3))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text(f"arch,latency\n{ROWS}")
    return path


def right(paths, *, progress=silent, source="a stop watch", value=1.0):
    files = listed_files(paths, lambda path: path.suffix == ".csv", expected="measured.csv")
    progress(0, 1)
    frame = read_csv(files[0], {"arch": "text", "latency": "number"})
    if frame.empty:
        raise HwbenchError(f"{files[0]}: holds no row")
    about = ColumnCard(title="latency", unit="ms", direction="minimize", source=source)
    card = TableCard(
        name="measured",
        title="Measured",
        space=SPACE.name,
        description="with a stop watch",
        created="2026-01-01",
        licence="CC0-1.0",
        columns={"latency": about},
    )
    archs = parse_archs(SPACE, frame["arch"].tolist(), files[0])
    progress(1, 1)
    return Table.from_archs(archs, frame[["latency"]] * value, card)


@pytest.mark.parametrize("check", converter_checks())
def test_one_by_one(check, file):
    check(right, files=[file])


def test_a_published_one_passes(shared_data):
    folder = "xiusu/NAS-Bench-Macro/61a2bfc2ca0dce04d0997e6cf498047c27d6acf2/data"
    path = shared_data / "raw" / folder / "nas-bench-macro_cifar10.json"
    check_converter("nasbench-macro", files=[path])


@pytest.mark.parametrize(
    ("part", "files", "message"),
    [
        ("nasbench-makro", ["a"], "did you mean 'nasbench-macro'"),
        ("no.such:function", ["a"], "no.such cannot be imported"),
        (3, ["a"], "converter 3: is none; give a name"),
        (int, ["a"], "converter int: is none; give a name"),
        (right, [], "give files to check it on"),
        (right, ["no_such_file.csv"], "no_such_file.csv: no such file"),
    ],
)
def test_what_is_no_converter_is_one_line(part, files, message):
    with pytest.raises(HwbenchError, match=message) as caught:
        check_converter(part, files=files)
    assert len(str(caught.value).splitlines()) == 1


def no_table(paths, *, progress=silent):
    return right(paths, progress=progress).frame


def without_source(paths, *, progress=silent):
    return right(paths, progress=progress, source=" ")


def without_numbers(paths, *, progress=silent):
    return right(paths, progress=progress, value=float("nan"))


def other_each_time(paths, *, progress=silent, calls=[]):  # noqa: B006
    calls.append(1)
    return right(paths, progress=progress, value=float(len(calls)))


def files_alone(paths, *, progress=silent):
    if paths and paths[0].is_dir():
        raise HwbenchError("a folder is no file")
    return right(paths, progress=progress)


def greedy(paths, *, progress=silent):
    found = [path for each in paths for path in (each.iterdir() if each.is_dir() else [each])]
    return right(found, progress=progress)


def writing(paths, *, progress=silent):
    for path in paths:
        if path.is_file() and path.parent.name.startswith("hwbench-check-"):
            path.write_bytes(path.read_bytes() + b"\n")
    return right(paths, progress=progress)


def silent_one(paths, *, progress=silent):
    return right(paths)


def unfinished(paths, *, progress=silent):
    return right(paths, progress=lambda done, total: progress(done, 2))


def trusting(paths, *, progress=silent):
    for path in paths:
        if path.is_file() and path.suffix != ".csv":
            return pd.read_csv(path, encoding="latin-1")
    return right(paths, progress=progress)


def with_traceback(paths, *, progress=silent):
    for path in paths:
        if path.is_file() and path.suffix == ".csv":
            path.read_text(encoding="ascii")
    return right(paths, progress=progress)


def nameless(paths, *, progress=silent):
    try:
        return right(paths, progress=progress)
    except HwbenchError:
        raise HwbenchError("something is wrong") from None


def filling(paths, *, progress=silent):
    for path in paths:
        if path.is_file() and path.suffix == ".csv" and path.read_bytes():
            path.write_text(f"arch,latency\n{ROWS}")
    return right(paths, progress=progress)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (no_table, "it makes no Table, but DataFrame"),
        (without_source, "does not say its source"),
        (without_numbers, "holds no number"),
        (other_each_time, "the same files give another table"),
        (files_alone, "a folder is no file"),
        (greedy, "reading the files raises|changes the table"),
        (writing, "it changes the files"),
        (silent_one, "never says how far it is"),
        (unfinished, r"in the end it says \(1, 2\)"),
        (trusting, "a file of another name"),
        (with_traceback, "raises UnicodeDecodeError, not HwbenchError"),
        (nameless, "does not name it: something is wrong"),
        (filling, "is not refused|is read as if it were whole"),
    ],
)
def test_what_is_broken_is_found(broken, message, file):
    with pytest.raises(AssertionError, match=message):
        check_converter(broken, files=[file])
