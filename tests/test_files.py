import pytest

from hwbench.errors import HwbenchError
from hwbench.files import atomic_path, write_text


def test_write_replaces_and_makes_folders(tmp_path):
    path = tmp_path / "a" / "b.txt"
    write_text(path, "one")
    write_text(path, "zwölf")
    assert path.read_text("utf-8") == "zwölf"
    assert [file.name for file in path.parent.iterdir()] == ["b.txt"]


@pytest.mark.parametrize("error", [RuntimeError("no"), KeyboardInterrupt()])
def test_old_content_stays_and_no_temporary_is_left_where_writing_fails(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail():
        with atomic_path(path) as temporary:
            temporary.write_text("half of the ne")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_appears_where_the_first_writing_fails(tmp_path):
    with pytest.raises(RuntimeError), atomic_path(tmp_path / "a.txt"):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_temporary_lies_beside_the_file_and_keeps_its_suffix(tmp_path):
    with atomic_path(tmp_path / "a.parquet") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".parquet"


def test_path_below_a_regular_file_is_refused_by_name(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.txt"
    with pytest.raises(HwbenchError, match="cannot be written") as caught:
        write_text(path, "x")
    assert str(path) in str(caught.value)


def test_folder_in_the_way_is_refused_and_no_temporary_left(tmp_path):
    path = tmp_path / "a.txt"
    path.mkdir()
    with pytest.raises(HwbenchError, match="cannot be written"):
        write_text(path, "x")
    assert list(tmp_path.iterdir()) == [path]
