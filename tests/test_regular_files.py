import os
from pathlib import Path

import pytest

from hwbench.errors import HwbenchError
from hwbench.regular_files import check_regular, open_regular, read_regular


def n_open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_read_also_by_way_of_a_link(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        assert read_regular(tmp_path / name, most_bytes=3) == b"abc"
        with open_regular(tmp_path / name) as file:
            assert file.read(2) == b"ab"


def test_what_is_too_large_is_not_read(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    with pytest.raises(HwbenchError, match="3 bytes are more than the 2 that are read"):
        read_regular(tmp_path / "file", most_bytes=2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pipe", "no regular file"),
        ("device", "no regular file"),
        ("folder", "no regular file"),
        ("loop", "cannot be read"),
        ("absent", "no such file"),
        ("a\0b", "cannot be read"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path, name, message):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    before = n_open_files()
    with pytest.raises(HwbenchError, match=message):
        check_regular(tmp_path / name)
    assert n_open_files() == before
