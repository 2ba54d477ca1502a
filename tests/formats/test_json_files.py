"""JSON of others: bounded, without repeated keys, and errors that name line and column."""

import gzip
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.formats import load_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)  # fmt: skip


@given(value=VALUES, indent=st.sampled_from([None, 1]))
def test_values_come_back(tmp_path_factory, value, indent):
    path = tmp_path_factory.getbasetemp() / "x.json"
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=False), encoding="utf-8",
                    errors="surrogatepass")  # fmt: skip
    assert load_json(path) == value


def test_packed_and_marked_files(file):
    assert load_json(file(gzip.compress(b'{"a": 1}'))) == {"a": 1}
    assert load_json(file(b"\xef\xbb\xbf[1]")) == [1]


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ("", "line 1, column 1", "Expecting value"),
        ('{"a": 1,\n "b" 2}', "line 2, column 6", "Expecting ':'"),
        ("[1, 2", "line 1, column 6", "Expecting"),
        ("[1] [2]", "line 1, column 5", "Extra data"),
        ('["a\n"]', "line 1, column 4", "control character"),
        ('{"a": 1,\n "b": {"c": 1,\n   "c": 2}}', "line 3, column 4", "'c' stands twice"),
        ('{"a": [{"a": 1}, {"a": 2}], "a": 3}', "line 1, column 29", "'a' stands twice"),
        (r'{"k\"[": "x", "a": "k\"[", "k\u0022[": 1}', "line 1, column 28", "stands twice"),
        ('["NaN",\nNaN]', "line 2, column 1", "no finite number"),
        ("[0,\n -Infinity]", "line 2, column 2", "no finite number"),
        ("[1e5, 1e400]", "line 1, column 7", "no finite number"),
        ("[" + "9" * 400 + ".0]", "line 1, column 2", "no finite number"),
        ("[" * 101 + "]" * 101, "line 1, column 101", "deeper than 100"),
        ('["[[", ' + '{"a":\n' * 100 + "1" + "}" * 100 + "]", "line 100, column 1", "deeper"),
        ("[" * 100_000, "line 1, column 101", "deeper than 100"),
        ('{"a":' * 100_000, "line 1, column", "deeper than 100"),
    ],
)
def test_errors_name_the_place(file, refusal, text, place, problem):
    path = file(text.encode(), "x.json")
    message = refusal(load_json, path)
    assert message.startswith(f"{path}: {place}")
    assert problem in message


def test_bytes_that_are_no_utf8(file, refusal):
    assert "line 2: byte 5" in refusal(load_json, file(b'["a\n,\xff"]'))


def test_numbers_that_are_not_finite_where_they_are_meant(file):
    found = load_json(file(b"[NaN, -Infinity, 1e400]"), allow_nan=True)
    assert math.isnan(found[0])
    assert found[1:] == [-math.inf, math.inf]
    assert load_json(file(b"[1e300, 1E-400, 123456789e200]")) == [1e300, 0.0, 1.23456789e208]


def test_limits(file, refusal):
    path = file(b'["' + b"x" * 1000 + b'"]')
    assert "max_bytes" in refusal(load_json, path, max_bytes=1000)
    assert "max_bytes" in refusal(load_json, file(gzip.compress(bytes(10**7))), max_bytes=1000)
    nested = file(b"[[[1]]]")
    assert load_json(nested, max_depth=3) == [[[1]]]
    assert "deeper than 2" in refusal(load_json, nested, max_depth=2)
    refusal(load_json, file(b"[" + b"9" * 100_000 + b"]"))


def test_a_missing_file(tmp_path):
    with pytest.raises(HwbenchError, match="no such file"):
        load_json(tmp_path / "x.json")


def test_a_real_file(shared_data):
    path = next(shared_data.glob("raw/xiusu/*/*/data/nas-bench-macro_cifar10.json"), None)
    if path is None:
        pytest.skip("the published file is not there")
    found = load_json(path)
    assert len(found) == 6561
    assert found == json.loads(path.read_text())
