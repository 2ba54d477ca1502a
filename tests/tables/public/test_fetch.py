"""All files of a benchmark come from where they were published, or from a mirror."""

import hashlib

import numpy as np
import pytest

from hwbench.downloads.download import DownloadError, download
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.tables.public.catalogue import load_benchmark
from hwbench.tables.public.fetch import downloads_folder, fetch_files

CONTENT = np.random.default_rng(0).bytes(300_000)  # which the fixture `serve` serves


def test_files_come_whole_and_in_order(serve, server, fetch, tmp_path, leftovers):
    first, second = serve(), serve(np.random.default_rng(1).bytes(1000), name="other.bin")
    paths = fetch(first, second)
    folder = (tmp_path / "downloads" / first.relative_path).parent
    assert paths == [folder / "table.bin", folder / "other.bin"]
    assert paths[0].read_bytes() == CONTENT
    assert paths[1].read_bytes() == np.random.default_rng(1).bytes(1000)
    assert leftovers(paths[0]) == ["other.bin"]
    headers = server.answers[0].headers
    assert headers["User-Agent"].startswith("hwbench/")
    assert headers["Accept-Encoding"] == "identity"


def test_what_is_there_is_not_fetched_again(serve, server, fetch):
    file = serve()
    fetch(file)
    fetch(file)
    assert len(server.answers) == 1


def test_what_was_damaged_later_is_fetched_again(serve, server, fetch):
    file = serve()
    [path] = fetch(file)
    for damaged in (CONTENT[:-1] + b"x", CONTENT[:-1], b""):
        path.write_bytes(damaged)
        fetch(file)
        assert path.read_bytes() == CONTENT
    assert len(server.answers) == 4


def test_progress_counts_the_bytes_of_all_files(serve, fetch):
    files = serve(), serve(np.random.default_rng(1).bytes(1000), name="other.bin")
    for _ in range(2):  # the second time nothing is fetched
        calls = []
        fetch(*files, progress=lambda done, total, calls=calls: calls.append((done, total)))
        done, totals = zip(*calls, strict=True)
        assert done[0] == 0
        assert done[-1] == 301_000
        assert list(done) == sorted(done)
        assert set(totals) == {301_000}


def test_progress_learns_an_unknown_length_from_the_server(serve, fetch):
    calls = []
    fetch(serve(bytes=None), progress=lambda *call: calls.append(call))
    assert calls[0] == (0, 0)
    assert calls[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("tag", ["strong", "weak", "date", "none"])
@pytest.mark.parametrize(
    "how", [{}, {"chunked": True}, {"until_close": True}], ids=["length", "chunks", "close"]
)
@pytest.mark.parametrize("known", ["both", "git", "git and length"])
def test_every_kind_of_server_and_checksum(
    serve, server, fetch, fault, tag, how, known, git_name, leftovers
):
    changes = {} if known == "both" else {"sha256": None, "git_blob_sha1": git_name(CONTENT)}
    file = serve(**changes, **({"bytes": None} if known == "git" else {}))
    server.tag = tag
    server.faults.append(fault(**how))
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert leftovers(path) == []


def test_the_address_of_the_card_is_used_without_a_mirror(server, tmp_path, make_card):
    server.files["some/where.bin"] = CONTENT
    file = SourceFile(
        url=f"{server.url}/some/where.bin", sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    [path] = fetch_files(make_card(file), folder=tmp_path)
    assert path == tmp_path / "127.0.0.1" / "some" / "where.bin"
    assert path.read_bytes() == CONTENT


def test_proxies_of_the_environment_are_used(server, tmp_path, monkeypatch, make_card):
    server.files["file.bin"] = CONTENT
    monkeypatch.setenv("http_proxy", server.url)
    file = SourceFile(
        url="http://benchmarks.invalid/file.bin", sha256=hashlib.sha256(CONTENT).hexdigest()
    )
    [path] = fetch_files(make_card(file), folder=tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.answers[0].headers["Host"] == "benchmarks.invalid"


def test_downloads_are_kept_in_the_users_home(hwbench_home):
    assert downloads_folder() == hwbench_home / "downloads"


def test_published_files_come_through_a_mirror(shared_data, server, tmp_path):
    server.root = shared_data / "raw"
    card = load_benchmark("hw-nas-bench")
    paths = fetch_files(card, mirror=server.url + "/", folder=tmp_path)
    for path, file in zip(paths, card.get_variant().file, strict=True):
        assert path.read_bytes() == (server.root / file.relative_path).read_bytes()
    # Another benchmark that needs the same files finds them here.
    fetch_files(load_benchmark("nasbench201"), mirror=server.url, folder=tmp_path)
    assert len(server.answers) == 6


@pytest.fixture
def mirror_folder(tmp_path):
    """Put content into a mirror; gives its folder."""

    def put(file, content=CONTENT):
        path = tmp_path / "a mirror" / file.relative_path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return tmp_path / "a mirror"

    return put


def test_a_mirror_folder_is_read_in_place(mirror_folder, fetch, tmp_path, source):
    folder = mirror_folder(source())
    for mirror in (folder, str(folder), folder.as_uri()):
        assert fetch(source(), mirror=mirror) == [folder / source().relative_path]
    assert not (tmp_path / "downloads").exists()


def test_what_is_optional_may_be_absent_from_a_mirror(serve, server, fetch, mirror_folder, source):
    needed, there = serve(), serve(name="there.bin", optional=True)
    away = source(CONTENT, "away.bin", optional=True)
    assert [path.name for path in fetch(needed, away, there)] == ["table.bin", "there.bin"]
    mirror_folder(needed)
    folder = mirror_folder(there)
    assert [path.name for path in fetch(away, needed, there, mirror=folder)] == [
        "table.bin",
        "there.bin",
    ]


def test_what_is_optional_is_not_wrong(mirror_folder, refusal, source):
    file = source(optional=True)
    assert "has sha256" in refusal(file, mirror=mirror_folder(file, CONTENT[:-1] + b"x"))


def test_what_nothing_can_check_comes_from_a_folder_alone(serve, server, fetch, mirror_folder):
    unknown = serve(name="u.bin", optional=True, sha256=None, git_blob_sha1=None, bytes=None)
    needed = serve()
    assert [path.name for path in fetch(needed, unknown)] == ["table.bin"]
    assert len(server.answers) == 1
    mirror_folder(needed)
    paths = fetch(needed, unknown, mirror=mirror_folder(unknown))
    assert [path.name for path in paths] == ["table.bin", "u.bin"]


def test_published_files_are_read_in_place(shared_data, tmp_path):
    card = load_benchmark("transnas-bench-101-macro")
    paths = fetch_files(card, mirror=shared_data / "raw", folder=tmp_path / "none")
    assert len(paths) == 7
    assert all(path.is_relative_to(shared_data / "raw") for path in paths)
    assert not (tmp_path / "none").exists()


def test_a_file_of_this_machine_is_read_in_place(tmp_path, make_card):
    path = tmp_path / "a table.bin"
    path.write_bytes(CONTENT)
    file = SourceFile(url=path.as_uri(), bytes=len(CONTENT))
    assert fetch_files(make_card(file), folder=tmp_path / "none") == [path]
    path.write_bytes(CONTENT[1:])
    with pytest.raises(HwbenchError, match="the copy has 299999 bytes, expected 300000"):
        fetch_files(make_card(file), folder=tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "reason"),
    [(CONTENT[:-1] + b"x", "has sha256"), (CONTENT[1:], "has 299999 bytes, expected 300000")],
)
def test_a_wrong_copy_in_a_mirror_folder_is_refused_and_kept(
    mirror_folder, refusal, content, reason, source
):
    folder = mirror_folder(source(), content)
    message = refusal(source(), mirror=folder)
    assert f"table.bin: the copy {reason}" in message
    assert str(folder / source().relative_path) in message
    assert (folder / source().relative_path).read_bytes() == content


def test_a_mirror_that_lacks_a_file_is_one_line(mirror_folder, server, serve, refusal, source):
    first, second = serve(), source(name="other.bin")
    folder = mirror_folder(first)
    message = refusal(first, second, mirror=folder)
    assert f"other.bin: the copy does not exist ({folder / second.relative_path})" in message
    message = refusal(first, second)
    assert f"other.bin: the server has no such file (404 Not Found) ({server.url}/" in message


@pytest.mark.parametrize("mirror", ["ftp://host/folder", "s3://bucket"])
def test_a_mirror_of_another_kind_is_refused(refusal, mirror, source):
    assert "must be a folder or begin with https, http or file" in refusal(source(), mirror=mirror)


@pytest.mark.parametrize("mirror", ["absent", "file:///absent", "file://[", "~nobody-at-all/x"])
def test_a_mirror_folder_that_is_absent_is_refused(refusal, source, mirror):
    assert refusal(source(), mirror=mirror) == f"mirror {mirror}: there is no such folder"


def test_what_no_program_can_fetch_says_where_it_is(refusal, tmp_path, make_card):
    card = make_card(fetch=False, where="a drive, https://drive.example.org/1")
    with pytest.raises(HwbenchError, match="variant 'copy' cannot be fetched by a prog") as caught:
        fetch_files(card, folder=tmp_path)
    assert "get them from a drive, https://drive.example.org/1; then run" in str(caught.value)
    assert "'hwbench tables import mine PATH'" in str(caught.value)


def test_a_variant_is_chosen_by_name(mirror_folder, tmp_path):
    card = load_benchmark("nasbench101")
    with pytest.raises(HwbenchError, match="did you mean 'original'"):
        fetch_files(card, variant="origin", folder=tmp_path)
    with pytest.raises(HwbenchError, match=r"nasbench_full\.tfrecord: the copy does not exist"):
        fetch_files(card, variant="original", mirror=tmp_path, folder=tmp_path / "none")


def test_one_file_can_be_downloaded_by_itself(serve, server, tmp_path):
    file = serve()
    target = tmp_path / "new" / "name.bin"
    download(file, f"{server.url}/{file.relative_path}", target)
    assert target.read_bytes() == CONTENT
    with pytest.raises(DownloadError):
        download(file, f"{server.url}/absent", target.with_name("2.bin"))
