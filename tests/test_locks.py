"""One writer at a time, in whatever process or thread, and who it is."""

import os
import threading

import pytest

from hwbench.errors import HwbenchError
from hwbench.locks import only_writer


def test_another_process_is_named(held_elsewhere, tmp_path):
    process = held_elsewhere(tmp_path / "run")
    with (
        pytest.raises(HwbenchError, match="another process is writing it") as error,
        only_writer(tmp_path / "run"),
    ):
        raise AssertionError
    assert f"(process {process.pid} since 2" in str(error.value)
    assert "\n" not in str(error.value)
    with only_writer(tmp_path / "other"):
        pass


def test_a_killed_process_lets_go(held_elsewhere, tmp_path):
    process = held_elsewhere(tmp_path / "run")
    process.kill()
    process.wait()
    with only_writer(tmp_path / "run") as claim:
        claim.check()


def test_files_are_claimed_beside_themselves(held_elsewhere, tmp_path):
    held_elsewhere(tmp_path / "vae.npz", "file")
    with (
        pytest.raises(HwbenchError, match=r"vae\.npz: another process"),
        only_writer(tmp_path / "vae.npz", folder=False),
    ):
        raise AssertionError
    with only_writer(tmp_path / "other.npz", folder=False):
        pass
    assert not (tmp_path / ".other.npz.lock").exists()


def test_what_is_called_inside_may_claim_again(tmp_path):
    folder = tmp_path / "run"
    with only_writer(folder) as claim:
        with only_writer(tmp_path / "." / "run") as again:
            assert again is claim
        assert (folder / ".lock").exists()
    assert not folder.exists()


def test_another_thread_may_not(tmp_path):
    said = []

    def write():
        try:
            with only_writer(tmp_path):
                said.append("both")
        except HwbenchError as error:
            said.append(str(error))

    with only_writer(tmp_path):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert f"{tmp_path}: another process is writing it (process {os.getpid()} since" in said[0]


def test_nothing_is_left_behind_but_what_was_written(tmp_path):
    with pytest.raises(HwbenchError, match="no good"), only_writer(tmp_path / "a" / "b"):
        raise HwbenchError("no good")
    assert list(tmp_path.iterdir()) == []
    with only_writer(tmp_path / "a"):
        (tmp_path / "a" / "result").write_text("x")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["result"]


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_a_folder_that_is_gone_is_told(what, tmp_path):
    folder = tmp_path / "run"
    with only_writer(folder) as claim:
        claim.check()
        folder.rename(tmp_path / "elsewhere")
        if what == "replaced":
            folder.mkdir()
            (folder / ".lock").write_text("")
        with pytest.raises(HwbenchError, match="was removed or replaced while it was written"):
            claim.check()
    assert folder.exists() == (what == "replaced")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b'{"process": "x"}', b"{" * 3000])
def test_a_lock_that_says_nothing_still_holds(content, held_elsewhere, tmp_path):
    held_elsewhere(tmp_path)
    (tmp_path / ".lock").write_bytes(content)
    with pytest.raises(HwbenchError, match="another process is writing it; wait"):
        only_writer(tmp_path).__enter__()


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(HwbenchError, match="cannot be written"):
        only_writer(tmp_path / "file").__enter__()
    with pytest.raises(HwbenchError, match="cannot be written"):
        only_writer(tmp_path / ("x" * 300)).__enter__()
