"""A download is continued after any stop, checked as it comes, and never used half-done."""

import contextlib
import hashlib
import itertools
import re
import shutil
import socket
import subprocess
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwbench.downloads import download as download_module
from hwbench.downloads import patience as patience_module
from hwbench.downloads.download import FAILURES
from hwbench.errors import HwbenchError
from hwbench.tables.public.fetch import fetch_files

CONTENT = np.random.default_rng(0).bytes(300_000)  # which the fixture `serve` serves


def test_only_the_rest_is_sent_after_a_cut(serve, server, fetch, fault, leftovers, ranges_of):
    file = serve()
    server.faults.extend([fault(cut=123_457), fault(cut=1), fault(cut=0)])
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert ranges_of(server) == [None, "bytes=123457-", "bytes=123458-", "bytes=123458-"]
    assert sum(answer.sent for answer in server.answers) == len(CONTENT)
    assert {answer.headers.get("If-Range") for answer in server.answers[1:]} == {
        f'"{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"'
    }
    assert leftovers(path) == []


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 5000), max_size=4), tag=st.sampled_from(["strong", "none"]))
def test_any_cuts_are_mended(file_server, fault, tmp_path_factory, cuts, tag, make_card, source):
    server, content = file_server, CONTENT[:5000]
    server.reset()
    server.tag = tag
    file = source(content)
    server.files[file.relative_path] = content
    server.faults.extend(fault(cut=cut) for cut in cuts)
    folder = tmp_path_factory.mktemp("downloads")
    [path] = fetch_files(make_card(file), mirror=server.url, folder=folder)
    assert path.read_bytes() == content
    assert sum(answer.sent for answer in server.answers) == len(content)


def test_a_connection_cut_before_an_answer_is_tried_again(serve, server, fetch, fault):
    file = serve()
    server.faults.extend([fault(close=True), fault(cut=1000), fault(close=True)])
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT


def test_chunks_that_are_cut_are_continued(serve, server, fetch, fault):
    file = serve(bytes=None)
    server.faults.append(fault(chunked=True, cut=50_500))
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[1].start > 0


def test_a_server_that_always_cuts_is_given_up_and_the_rest_fetched_later(
    serve, server, refusal, fetch, fault, ranges_of
):
    file = serve()
    server.faults.append(fault(cut=1000))
    server.always = fault(cut=0)
    message = refusal(file)
    assert len(server.answers) == FAILURES
    assert "table.bin: the connection was cut after 1000 of 300000 bytes, 6 times" in message
    assert f"({server.url}/{file.relative_path})" in message
    assert "'hwbench tables import mine PATH'" in message
    assert "--mirror" in message
    server.reset()
    serve()
    fetch(file)
    assert ranges_of(server) == ["bytes=1000-"]


def test_cuts_do_not_count_while_much_arrives(serve, server, fetch, fault, monkeypatch):
    monkeypatch.setattr(download_module, "STEP_BYTES", 20_000)
    file = serve()
    server.always = fault(cut=20_000)
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert len(server.answers) == 15 > 2 * FAILURES


def test_a_server_that_begins_again_and_again_is_given_up(
    serve, server, refusal, fault, monkeypatch
):
    monkeypatch.setattr(download_module, "STEP_BYTES", 20_000)
    file = serve()
    server.ranges = False
    server.always = fault(cut=100_000)
    assert "was cut after 100000 of 300000 bytes" in refusal(file)
    assert len(server.answers) == 1 + FAILURES


def test_a_server_that_gets_no_further_is_given_up(serve, server, refusal, fault, monkeypatch):
    monkeypatch.setattr(download_module, "STEP_BYTES", 20_000)
    file = serve()
    server.ranges = False
    server.faults.extend([fault(cut=100_000), fault(cut=150_000)] * 20)
    refusal(file)
    assert len(server.answers) == 2 + FAILURES


def test_a_server_that_falls_silent_is_asked_again(serve, server, fetch, fault, monkeypatch):
    monkeypatch.setattr(download_module, "TIMEOUT_SECONDS", 0.2)
    file, silence = serve(), threading.Event()
    server.faults.append(fault(cut=1000, stall=silence))
    [path] = fetch(file)
    silence.set()
    assert path.read_bytes() == CONTENT
    assert server.answers[1].start == 1000


def test_a_server_that_never_answers_is_one_line(serve, server, refusal, fault, monkeypatch):
    monkeypatch.setattr(download_module, "TIMEOUT_SECONDS", 0.2)
    file, silence = serve(), threading.Event()
    server.always = fault(stall=silence)
    assert "table.bin: no answer for 0 seconds" in refusal(file)
    silence.set()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_of_the_server_is_waited_for(
    serve, server, fetch, fault, monkeypatch, status
):
    pauses = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    file = serve()
    server.faults.append(fault(status=status, headers={"Retry-After": "7"}))
    server.faults.append(fault(status=status, headers={"Retry-After": "100000"}))
    server.faults.append(fault(status=status, headers={"Retry-After": "later"}))
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert [pause for pause in pauses if pause != 0.01] == [7, 60, 0]


def test_pauses_grow(serve, server, refusal, fault, monkeypatch):
    pauses = []
    monkeypatch.setattr(download_module.time, "sleep", pauses.append)
    monkeypatch.setattr(download_module, "PAUSE_SECONDS", 1.0)
    server.always = fault(status=503)
    message = refusal(serve())
    assert "the server answers 503 Service Unavailable, 6 times" in message
    assert pauses == [2, 4, 8, 16, 32]


def test_a_server_without_ranges_starts_over(serve, server, fetch, fault):
    file = serve()
    server.ranges = False
    server.faults.append(fault(cut=1000))
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert [(answer.status, answer.start) for answer in server.answers] == [(200, 0), (200, 0)]


@pytest.mark.parametrize("tag", ["strong", "none"])
def test_a_file_that_was_changed_meanwhile_starts_over(
    server, fetch, refusal, fault, tag, leftovers, source
):
    # The wrong file is there first, and cut; the right one replaces it.
    file, wrong = source(), np.random.default_rng(5).bytes(len(CONTENT))
    server.tag = tag
    server.files[file.relative_path] = wrong
    server.always = fault(cut=0)
    server.faults.append(fault(cut=1000))
    refusal(file)
    server.always = None
    server.files[file.relative_path] = CONTENT
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].start == 0
    assert leftovers(path) == []


def test_a_partial_answer_from_the_wrong_place_is_not_used(serve, server, fetch, fault):
    file = serve()
    server.faults.extend([fault(cut=1000), fault(shifted=1)])
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert [answer.start for answer in server.answers] == [0, 1001, 0]


def test_a_partial_answer_of_another_length_is_not_used(server, fetch, fault, source):
    content = CONTENT[:2000]
    file = source(content, bytes=None)
    server.tag = "none"
    server.files[file.relative_path] = CONTENT[:1500]
    server.faults.append(fault(cut=1000))
    server.faults.extend([fault(status=404)])
    with pytest.raises(HwbenchError):
        fetch(file)
    server.files[file.relative_path] = content
    [path] = fetch(file)
    assert path.read_bytes() == content
    assert server.answers[-1].start == 0


def test_a_part_from_one_server_is_continued_from_another(serve, server, fetch, refusal, fault):
    file = serve()
    server.files["copy/" + file.relative_path] = CONTENT
    server.always = fault(cut=0)
    server.faults.append(fault(cut=1000))
    refusal(file)
    server.always = None
    [path] = fetch(file, mirror=server.url + "/copy")
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].start == 1000
    assert "If-Range" not in server.answers[-1].headers  # the tag is the other server's


@pytest.mark.parametrize("note", [b"", b"[]", b"{", b'{"url": 3}', b"\xff"])
def test_a_broken_note_beside_a_part_does_no_harm(serve, fetch, tmp_path, note, leftovers):
    file = serve()
    target = tmp_path / "downloads" / file.relative_path
    target.parent.mkdir(parents=True)
    target.with_name("table.bin.part").write_bytes(CONTENT[:77])
    target.with_name("table.bin.part.json").write_bytes(note)
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert leftovers(path) == []


@pytest.mark.parametrize(
    ("part", "asked"),
    [
        (CONTENT, []),  # killed just before the move
        (CONTENT[:-1] + b"x", [None]),
        (CONTENT + b"x", [None]),
        (CONTENT[:1000], ["bytes=1000-"]),
        (b"x" * 1000, ["bytes=1000-", None]),  # no part of this file
        (b"", [None]),
    ],
)
def test_any_part_ends_as_the_right_file(
    serve, server, fetch, tmp_path, part, asked, leftovers, ranges_of
):
    file = serve()
    target = tmp_path / "downloads" / file.relative_path
    target.parent.mkdir(parents=True)
    target.with_name("table.bin.part").write_bytes(part)
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert ranges_of(server) == asked
    assert leftovers(path) == []


def test_a_range_behind_the_end_starts_over(serve, server, fetch, tmp_path):
    file = serve(bytes=None)
    target = tmp_path / "downloads" / file.relative_path
    target.parent.mkdir(parents=True)
    target.with_name("table.bin.part").write_bytes(CONTENT + b"more")
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert [answer.status for answer in server.answers] == [416, 200]


@pytest.mark.parametrize("kind", ["sha256", "git_blob_sha1"])
def test_a_wrong_checksum_is_never_used(
    server, refusal, tmp_path, kind, git_name, leftovers, source
):
    file = source(**{"sha256": None, kind: "0" * (64 if kind == "sha256" else 40)})
    server.files[file.relative_path] = CONTENT
    found = hashlib.sha256(CONTENT).hexdigest() if kind == "sha256" else git_name(CONTENT)
    for _ in range(2):
        message = refusal(file)
        assert f"table.bin: {kind} is {found}, expected 000" in message
        assert "300000 bytes" in message
        assert f"({server.url}/{file.relative_path})" in message
        assert "'hwbench tables import mine PATH'" in message
    target = tmp_path / "downloads" / file.relative_path
    assert leftovers(target) == ["table.bin.rejected"]
    assert not target.exists()
    assert (target.parent / "table.bin.rejected").read_bytes() == CONTENT
    assert len(server.answers) == 2  # what was rejected is neither used nor continued


@pytest.mark.parametrize("offered", [CONTENT[:-1], CONTENT + b"x", b"<html>log in</html>", b""])
def test_a_wrong_size_is_refused_before_it_is_fetched(
    server, refusal, tmp_path, offered, leftovers, source
):
    file = source()
    server.files[file.relative_path] = offered
    message = refusal(file)
    assert f"the server offers {len(offered)} bytes where 300000 are expected" in message
    assert leftovers(tmp_path / "downloads" / file.relative_path) == []


def test_more_bytes_than_promised_are_refused(serve, server, refusal, fault, tmp_path, leftovers):
    file = serve()
    server.faults.append(fault(chunked=True, extra=b"x" * 10_000))
    assert "sends more than 300000 bytes" in refusal(file)
    assert leftovers(tmp_path / "downloads" / file.relative_path) == []


def test_an_endless_answer_ends(serve, server, refusal, fault, monkeypatch):
    monkeypatch.setattr(download_module, "LARGEST_BYTES", 100_000)
    server.faults.append(fault(chunked=True))
    assert "sends more than 100000 bytes" in refusal(serve(bytes=None))
    assert "offers 300000 bytes; no benchmark is that large" in refusal(serve(bytes=None))


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "the server has no such file (404 Not Found)"),
        (410, "the server has no such file (410 Gone)"),
        (403, "the server refuses it (403 Forbidden)"),
        (401, "the server refuses it (401 Unauthorized)"),
        (599, "the server refuses it (599)"),
    ],
)
def test_a_lasting_refusal_is_one_line_at_once(serve, server, refusal, fault, status, reason):
    server.always = fault(status=status)
    message = refusal(serve())
    assert f"table.bin: {reason} ({server.url}/owner" in message
    assert message.endswith(
        "get the file in another way and run 'hwbench tables import mine PATH', or name a folder "
        "or address that has it with --mirror"
    )
    assert len(server.answers) == 1


def test_redirects_are_followed(serve, server, fetch, fault):
    file = serve()
    there = f"{server.url}/{file.relative_path}"
    server.faults.append(fault(status=302, headers={"Location": there}))
    server.faults.append(fault(cut=1000))
    server.faults.append(fault(status=307, headers={"Location": there}))
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].start == 1000


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/again", "redirects without reaching a file"),
        ("file:///etc/hostname", "redirects without reaching a file"),
        ("ftp://127.0.0.1/file", "unknown url type: ftp"),
    ],
)
def test_redirects_that_lead_nowhere_are_one_line(serve, server, refusal, fault, location, reason):
    server.always = fault(status=302, headers={"Location": location})
    assert reason in refusal(serve())


def test_a_refused_connection_is_one_line(serve, refusal):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        message = refusal(serve(), mirror=f"http://127.0.0.1:{port}")
    assert "table.bin: the server refuses the connection" in message


def test_an_unknown_server_is_one_line(serve, refusal, monkeypatch):
    def unknown(*_arguments, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = refusal(serve(), mirror="http://benchmarks.invalid")
    assert "table.bin: no such server is known; is there a network? (http://bench" in message


def test_a_network_lost_on_the_way_is_waited_for(serve, server, fetch, fault, monkeypatch):
    file = serve()
    server.faults.append(fault(cut=1000))
    real, calls = socket.getaddrinfo, []

    def lost_for_a_while(*arguments, **options):
        calls.append(arguments)
        if len(calls) in (2, 3):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return real(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lost_for_a_while)
    [path] = fetch(file)
    assert path.read_bytes() == CONTENT
    assert len(calls) == 4


@pytest.mark.parametrize("address", ["http://host:port", "http://[1", "http://ho st", "http://"])
def test_an_invalid_address_is_one_line(serve, refusal, address):
    assert re.match(
        "table.bin: (this is no valid address|no host given)", refusal(serve(), mirror=address)
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody vouches for, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is absent, so no certificate can be made")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", path.with_suffix(".crt")],
        check=True,
        capture_output=True,
    )  # fmt: skip
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


@pytest.fixture
def secure_url(server, certificate):
    """The server's address with encryption."""
    return server.encrypted(certificate)


def test_a_certificate_that_nobody_vouches_for_is_one_line(serve, server, refusal, secure_url):
    message = refusal(serve(), mirror=secure_url)
    assert "table.bin: its certificate is not valid (self-signed certificate) (https:" in message
    assert server.answers == []


def test_encryption_is_not_given_up_on_the_way(
    serve, server, fetch, refusal, fault, secure_url, certificate, monkeypatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_suffix(".crt")))
    file = serve()
    server.faults.append(fault(status=302, headers={"Location": f"{server.url}/x"}))
    assert "redirects to an address without encryption" in refusal(file, mirror=secure_url)
    [path] = fetch(file, mirror=secure_url)
    assert path.read_bytes() == CONTENT


def test_no_encryption_where_it_is_expected_is_one_line(serve, server, refusal):
    message = refusal(serve(), mirror=server.url.replace("http:", "https:"))
    assert "table.bin: no safe connection is possible" in message


class DrippingServer:
    """Answers every connection by pieces with a pause before each, as long as anybody listens."""

    def __init__(self, pieces, pause=0.05):
        self.pieces, self.pause, self.connections = pieces, pause, 0
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._drip, args=(connection,), daemon=True).start()

    def _drip(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for piece in self.pieces():
                connection.sendall(piece)
                if self.ended.wait(self.pause):
                    return

    def close(self):
        self.ended.set()
        self.listener.close()


HEAD = b"HTTP/1.1 200 OK\r\n"
WHOLE_HEAD = HEAD + f"Content-Length: {len(CONTENT)}\r\n\r\n".encode()
DRIPS = {
    "head": lambda: itertools.chain([HEAD + b"X: "], itertools.repeat(b"x")),
    "body": lambda: itertools.chain([WHOLE_HEAD], itertools.repeat(b"x")),
    "body without end": lambda: itertools.chain([HEAD + b"\r\n"], itertools.repeat(b"x")),
    "size of a chunk": lambda: itertools.chain(
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"], itertools.repeat(b"x")
    ),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_a_server_that_drips_is_given_up(source, make_card, tmp_path, monkeypatch, drip):
    monkeypatch.setenv("HWBENCH_DOWNLOAD_SECONDS", "0.4")
    server = DrippingServer(DRIPS[drip])
    try:
        with pytest.raises(HwbenchError, match=r"fewer than 262144 bytes came in 0\.4 seconds"):
            fetch_files(make_card(source(CONTENT)), mirror=server.url, folder=tmp_path)
    finally:
        server.close()
    assert server.connections in (1, FAILURES)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and ".part" not in path.name]


def test_a_slow_server_is_not_cut(source, make_card, tmp_path, monkeypatch):
    monkeypatch.setenv("HWBENCH_DOWNLOAD_SECONDS", "2")
    monkeypatch.setattr(patience_module, "SLOWEST_BYTES", 20_000)
    parts = [CONTENT[first : first + 5_000] for first in range(0, len(CONTENT), 5_000)]
    server = DrippingServer(lambda: [WHOLE_HEAD, *parts])  # in all it takes longer than patience
    try:
        [path] = fetch_files(make_card(source(CONTENT)), mirror=server.url, folder=tmp_path)
    finally:
        server.close()
    assert path.read_bytes() == CONTENT
    assert server.connections == 1


@pytest.mark.parametrize("given", ["", "0", "-1", "nan", "inf", "soon"])
def test_patience_is_a_number_of_seconds(refusal, serve, monkeypatch, given):
    monkeypatch.setenv("HWBENCH_DOWNLOAD_SECONDS", given)
    assert "must be a number of seconds above 0" in refusal(serve())
