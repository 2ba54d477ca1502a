import json
import re

import pytest

from hwbench.tables.converters.nasbench_macro import convert_nasbench_macro

COLUMNS = {
    "test_accuracy": "mean_acc",
    "test_accuracy_1": "test_acc_1",
    "test_accuracy_2": "test_acc_2",
    "test_accuracy_3": "test_acc_3",
    "test_accuracy_deviation": "std",
    "parameters": "params",
    "flops": "flops",
}


@pytest.fixture
def entries():
    def entry(params):
        return {
            "test_acc": [90.5, 91.0, 92.25],
            "mean_acc": 91.25,
            "std": 0.75,
            "params": params,
            "flops": 10 * params,
        }

    return {"21000000": entry(7), "02012100": entry(5)}


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "nas-bench-macro_cifar10.json"
        path.write_text(json.dumps(content))
        return path

    return write


def test_whole_file_is_the_published_table(raw, published, same, steps):
    table = convert_nasbench_macro([raw("nas-bench-macro_cifar10.json")], progress=steps)
    expected = published("nbmacro", table)
    assert len(table) == 6561
    assert table.frame["hwbench_index"].tolist() == list(range(6561))
    assert list(table.card.columns) == list(COLUMNS)
    for column, name in COLUMNS.items():
        assert same(table.column(column), expected[name]), column
    assert table.frame["parameters"].dtype.kind == "i"
    steps.check()


def test_counts_are_those_of_the_space(raw):
    table = convert_nasbench_macro([raw("nas-bench-macro_cifar10.json")])
    assert (table.column("parameters") == table.space.parameters(table.archs)).all()
    assert (table.column("flops") == table.space.flops(table.archs)).all()


def test_part_of_the_space_is_a_table_that_says_so(file, entries):
    path = file(entries)
    for given in (path, path.parent):
        table = convert_nasbench_macro([given])
        assert table.frame["arch"].tolist() == ["02012100", "21000000"]
        assert table.column("parameters").tolist() == [5, 7]
        assert table.column("test_accuracy_2").tolist() == [91.0, 91.0]
        assert "The files hold 2 of its 6561 architectures." in table.card.description


def test_columns_are_explained(file, entries):
    columns = convert_nasbench_macro([file(entries)]).card.columns
    assert columns["test_accuracy"].direction == "maximize"
    assert columns["test_accuracy"].unit == "%"
    assert columns["test_accuracy"].split == "test"
    assert columns["flops"].direction == "minimize"
    assert {card.dataset for card in columns.values()} == {"cifar10"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.clear(), "an entry for each architecture"),
        (lambda e: e.update({"03000000": e["02012100"]}), "'03000000'"),
        (lambda e: e["02012100"].pop("std"), "entry '02012100' must hold"),
        (lambda e: e["02012100"].update(test_acc=[1, 2]), "'02012100'.*a list of 3"),
        (lambda e: e["02012100"].update(mean_acc="91"), "'02012100'.*no number"),
        (lambda e: e["02012100"].update(params=True), "'02012100'.*no number"),
        (lambda e: e.update({"21000000": [1]}), "entry '21000000' must hold"),
    ],
)
def test_broken_entries_are_named(file, entries, refusal, change, message):
    change(entries)
    path = file(entries)
    found = refusal(convert_nasbench_macro, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


def test_absent_or_second_file_is_an_error(tmp_path, file, entries, refusal):
    (tmp_path / "other.txt").touch()
    assert "nas-bench-macro_cifar10.json" in refusal(convert_nasbench_macro, tmp_path)
    file(entries)
    (tmp_path / "second.json").write_text("{}")
    assert "not 2" in refusal(convert_nasbench_macro, tmp_path)
