import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.imports import import_object
from hwbench.spaces import get_space
from hwbench.tables.converters.common import listed_files, parse_archs, read_csv
from hwbench.tables.converters.nasbench_macro import convert_nasbench_macro
from hwbench.tables.public.catalogue import benchmark_cards, load_benchmark


def known(path):
    return path.suffix == ".csv"


@pytest.fixture
def folder(tmp_path):
    for name in ("b.csv", "a.csv", "sub/c.csv", "a.csv.sha256", "README.md"):
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "folder"


def test_folders_give_the_known_files_inside_them(folder, tmp_path):
    alone = tmp_path / "alone.csv"
    alone.touch()
    given = [alone, folder / "b.csv", folder]
    names = [path.name for path in listed_files(given, known, expected="x")]
    assert names == ["alone.csv", "b.csv", "a.csv", "c.csv"]


def test_a_file_that_is_given_must_be_known(folder):
    with pytest.raises(HwbenchError, match=r"README\.md: is none of .*expected a table"):
        listed_files([folder, folder / "README.md"], known, expected="a table")


def test_a_folder_must_hold_a_known_file(tmp_path):
    (tmp_path / "README.md").touch()
    with pytest.raises(HwbenchError, match=r"holds none of .*expected a table"):
        listed_files([tmp_path], known, expected="a table")


def test_csv_keeps_every_bit_and_every_gap(tmp_path):
    numbers = [0.1, 1 / 3, 3.6058499999999998, 5e-324, -1.7976931348623157e308]
    path = tmp_path / "t.csv"
    lines = [f"{n},{number!r},x" for n, number in enumerate(numbers)]
    path.write_text("\n".join(["n,value,other", *lines, "5,,x"]) + "\n")
    frame = read_csv(path, {"value": "number", "n": "integer"})
    assert list(frame) == ["value", "n"]
    assert frame["value"].tolist()[:-1] == numbers
    assert np.isnan(frame["value"].iloc[-1])
    assert frame["n"].dtype == np.int64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n\n1\n", "value"),
        ("n,value\n1,fast\n", "fast"),
        ("n,value\n1.5,2\n", "1.5"),
        ("n,value\n1\n", "Expected 2 columns, got 1"),
        ("", "Empty CSV file"),
    ],
)
def test_broken_csv_is_one_line(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(HwbenchError, match=message) as caught:
        read_csv(path, {"n": "integer", "value": "number"})
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_absent_csv_is_an_error(tmp_path):
    with pytest.raises(HwbenchError, match=r"gone\.csv"):
        read_csv(tmp_path / "gone.csv", {"n": "integer"})


def test_architectures_are_told_by_their_row(tmp_path):
    space = get_space("nasbench_macro")
    with pytest.raises(HwbenchError, match="file: row 1: architecture '03000000'"):
        parse_archs(space, ["00000000", "03000000"], tmp_path / "file")
    with pytest.raises(HwbenchError, match="file: row 2: architecture '00000000' stands twice"):
        parse_archs(space, ["00000000", "01000000", "00000000"], tmp_path / "file")


def test_card_tells_where_the_numbers_are_from(raw):
    card = convert_nasbench_macro([raw("nas-bench-macro_cifar10.json")]).card
    benchmark = load_benchmark("nasbench-macro")
    (file,) = benchmark.get_variant().file
    assert (card.name, card.title) == ("nasbench-macro", benchmark.title)
    assert card.licence == benchmark.licence
    assert card.description == benchmark.description
    (recipe,) = card.recipes
    assert recipe["benchmark"] == "nasbench-macro"
    (source,) = recipe["files"]
    about = {name: source[name] for name in ("name", "bytes", "sha256")}
    assert about == {"name": file.name, "bytes": file.bytes, "sha256": file.sha256}
    assert source["licence"] == "Apache-2.0"
    assert source["repository"].endswith("NAS-Bench-Macro")
    assert len(source["commit"]) == 40


@pytest.mark.parametrize("name", benchmark_cards())
def test_every_benchmark_has_a_converter_that_refuses_other_files(name, tmp_path, refusal):
    convert = import_object(load_benchmark(name).converter, owner=name)
    path = tmp_path / "table.txt"
    path.touch()
    found = refusal(convert, path)
    assert found.startswith(f"{path}: is none of the benchmark's files; expected ")
    found = refusal(convert, tmp_path)
    assert found.startswith(f"{tmp_path}: holds none of the benchmark's files; expected ")
