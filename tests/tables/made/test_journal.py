import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError
from hwbench.tables.made.journal import Journal, digest_of

RECIPE = {"kind": "measure", "rounds": 2, "skeleton": {"channels": 2}, "seeds": (0, 1)}
RECORDS = [{"index": 5, "ms": [0.25, 1e-5]}, {"index": 7, "ms": []}, {"index": 1, "name": "ä"}]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "x.journal"


def write(path, records=RECORDS, recipe=RECIPE):
    with Journal(path, recipe) as journal:
        for record in records:
            journal.append(record)


def records_of(path, recipe=RECIPE):
    with Journal(path, recipe) as journal:
        return journal.records


def refusal(path, recipe=RECIPE):
    with pytest.raises(HwbenchError) as caught:
        Journal(path, recipe)
    assert str(path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_results_come_back_and_more_can_be_added(path):
    write(path, RECORDS[:2])
    assert records_of(path) == RECORDS[:2]
    write(path, RECORDS[2:])
    assert records_of(path) == RECORDS
    assert json.loads(path.read_text().splitlines()[0])["recipe"]["rounds"] == 2


def test_torn_last_line_is_dropped_wherever_it_is_torn(path):
    write(path)
    content = path.read_bytes()
    start = content[:-1].rfind(b"\n") + 1
    for cut in range(start, len(content)):
        path.write_bytes(content[:cut])
        assert records_of(path) == RECORDS[:2]
        write(path, RECORDS[2:])
        assert path.read_bytes() == content


def test_torn_first_line_is_begun_again(path):
    write(path, [])
    content = path.read_bytes()
    for cut in range(len(content)):
        path.write_bytes(content[:cut])
        write(path, [])
        assert path.read_bytes() == content


def test_results_survive_an_exception(path):
    def stopped():
        with Journal(path, RECIPE) as journal:
            journal.append(RECORDS[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert records_of(path) == RECORDS[:1]


def test_other_recipe_is_refused_and_the_difference_named(path):
    write(path)
    before = path.read_bytes()
    message = refusal(path, {**RECIPE, "rounds": 3, "new": "x"})
    assert "new: None there, x now; rounds: 2 there, 3 now" in message
    assert "kind" not in message
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        b"not JSON, and no newline at the end",
        b"latency,accuracy\n1,2\n",
        b"\n",
        b"[]\n",
        b"{}\n",
        b'"recipe"\n',
        b"3\n",
        b'{"recipe": 3}\n',
        b'{"recipe": [1]}\n',
        b"\xff\x00\n",
        b'{"recipe": {}}\nbroken\n{"index": 1}\n',
    ],
)
def test_foreign_file_is_refused_and_left_alone(path, content):
    path.parent.mkdir()
    path.write_bytes(content)
    assert "no journal of measurements" in refusal(path)
    assert path.read_bytes() == content


@given(st.binary(max_size=60))
def test_no_file_of_others_is_ever_changed(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.journal"
    path.write_bytes(b"x" + content)
    refusal(path)
    assert path.read_bytes() == b"x" + content


def test_path_that_cannot_be_opened_is_refused(path):
    path.parent.write_text("a file where a folder should be")
    assert "cannot be" in refusal(path)
    path.parent.unlink()
    path.mkdir(parents=True)
    assert "cannot be" in refusal(path)


def test_digest_tells_lists_apart_by_content_and_order():
    assert digest_of([1, 2]) == digest_of([1, 2])
    assert len({digest_of([1, 2]), digest_of([2, 1]), digest_of([1]), digest_of([])}) == 4


def test_a_second_writer_is_refused(tmp_path):
    path = tmp_path / "j.journal"
    with (
        Journal(path, {"kind": "test"}),
        pytest.raises(HwbenchError, match="another process"),
        Journal(path, {"kind": "test"}),
    ):
        pass
    with Journal(path, {"kind": "test"}) as journal:
        journal.append({"index": 1})
    with Journal(path, {"kind": "test"}) as journal:
        assert journal.records == [{"index": 1}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_one_line(tmp_path):
    with Journal(tmp_path / "j.journal", RECIPE) as journal:
        whole = journal._file
        with Path("/dev/full").open("w", buffering=1) as full:
            journal._file = full
            with pytest.raises(HwbenchError, match="No space left"):
                journal.append({"index": 1})
            with contextlib.suppress(OSError):
                full.close()
        journal._file = whole
