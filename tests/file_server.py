"""A web server on this machine that can misbehave in every way a download must survive."""

import hashlib
import ssl
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

from hwbench.downloads import download
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.tables.public.catalogue import BenchmarkCard
from hwbench.tables.public.fetch import fetch_files


@dataclass
class Fault:
    """What goes wrong with one answer.

    cut: the connection ends after so many bytes of the body.
    stall: an event to wait for at the place of the cut; without a cut, before the answer.
    status, headers: the answer instead of the file.
    chunked: no length is given, and the body comes in chunks, with `extra` at its end.
    until_close: no length is given, and the body ends with the connection.
    close: no answer at all.
    shifted: the partial answer begins so many bytes later than asked.
    """

    cut: int | None = None
    stall: threading.Event | None = None
    status: int | None = None
    headers: dict = field(default_factory=dict)
    chunked: bool = False
    extra: bytes = b""
    until_close: bool = False
    close: bool = False
    shifted: int = 0


@dataclass
class Answer:
    """What the server did: `start` is the first byte sent, `sent` how many bytes followed."""

    path: str
    headers: dict
    status: int
    start: int = 0
    sent: int = 0


class FileServer:
    """Serves `files` by path, and those under `root`."""

    def __init__(self):
        self.reset()
        self._servers = []
        self.url = f"http://127.0.0.1:{self._listen(_QuietServer).server_port}"

    def reset(self):
        self.files = {}
        self.root = None
        self.ranges = True
        self.conditions = True  # whether If-Range is heeded
        self.tag = "strong"  # or "weak", "date", "none"
        self.always = None
        self.faults = deque()
        self.answers = []

    def wait_for(self, happened):
        """Wait until a condition holds; the test fails where it never does."""
        for _ in range(3000):
            if happened():
                return
            time.sleep(0.01)
        pytest.fail("what the test waits for did not happen")

    def content(self, path):
        if path in self.files:
            return self.files[path]
        file = Path(self.root or "/nowhere") / path
        return file.read_bytes() if file.is_file() else None

    def encrypted(self, certificate):
        """Serve the same at a second address with encryption; gives the address."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.with_suffix(".crt"), certificate)
        second = self._listen(_QuietServer)
        second.socket = context.wrap_socket(
            second.socket, server_side=True, do_handshake_on_connect=False
        )
        return f"https://127.0.0.1:{second.server_port}"

    def close(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def _listen(self, kind):
        handler = type("Handler", (_Handler,), {"owner": self})
        server = kind(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, *arguments):
        pass  # a client that refuses the certificate


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: FileServer

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        owner = self.owner
        self.close_connection = True
        path = unquote(urlsplit(self.path).path).lstrip("/")
        fault = owner.faults.popleft() if owner.faults else (owner.always or Fault())
        if fault.stall is not None and fault.cut is None:
            fault.stall.wait(30)
        if fault.close:
            owner.answers.append(Answer(path, dict(self.headers), 0))
            return
        content = owner.content(path)
        if fault.status is not None or content is None:
            status = fault.status or 404
            owner.answers.append(Answer(path, dict(self.headers), status))
            self._head(status, {"Content-Length": "0", **fault.headers})
            return
        self._send_file(path, content, fault)

    def _head(self, status, headers):
        self.send_response(status)
        for name, value in {"Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_file(self, path, content, fault):
        owner = self.owner
        headers = self._validators(content)
        start = self._first_byte(headers, content)
        status = 206 if start is not None else 200
        if start is not None and start >= len(content):
            owner.answers.append(Answer(path, dict(self.headers), 416))
            self._head(416, {"Content-Length": "0"})
            return
        start = (start or 0) + fault.shifted
        body = content[start:]
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        if fault.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif not fault.until_close:
            headers["Content-Length"] = str(len(body))
        answer = Answer(path, dict(self.headers), status, start)
        owner.answers.append(answer)
        self._head(status, headers)
        answer.sent = self._send_body(body + fault.extra, fault)

    def _send_body(self, body, fault):
        if fault.cut is not None:
            body = body[: fault.cut]
        try:
            if fault.chunked:
                for at in range(0, len(body), 1000):
                    chunk = body[at : at + 1000]
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                if fault.cut is None:
                    self.wfile.write(b"0\r\n\r\n")
            else:
                self.wfile.write(body)
            self.wfile.flush()
            if fault.stall is not None and fault.cut is not None:
                fault.stall.wait(30)
        except OSError:
            pass  # the client has gone
        return len(body)

    def _validators(self, content):
        tag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        date = "Thu, 01 Jan 2026 00:00:00 GMT"
        return {
            "strong": {"ETag": tag, "Last-Modified": date},
            "weak": {"ETag": f"W/{tag}", "Last-Modified": date},
            "date": {"Last-Modified": date},
            "none": {},
        }[self.owner.tag]

    def _first_byte(self, validators, content):
        asked = self.headers.get("Range")
        if asked is None or not self.owner.ranges:
            return None
        condition = self.headers.get("If-Range")
        heeded = condition is not None and self.owner.conditions
        if heeded and condition not in validators.values():
            return None
        return int(asked.removeprefix("bytes=").removesuffix("-"))


CONTENT = np.random.default_rng(0).bytes(300_000)
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def quick():
    """Connections without proxies, and no pauses between two tries."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        patch.setenv("no_proxy", "127.0.0.1")
        patch.setattr(download, "PAUSE_SECONDS", 0.0)
        yield


@pytest.fixture(scope="session")
def file_server():
    """A web server; a test that does not ask for `server` must reset it itself."""
    server = FileServer()
    yield server
    server.close()


@pytest.fixture
def server(file_server, quick):
    """A web server without files and faults; see `FileServer`."""
    file_server.reset()
    return file_server


@pytest.fixture(scope="session")
def fault():
    """Make a `Fault`."""
    return Fault


@pytest.fixture(scope="session")
def git_name():
    """Git's name of some content."""

    def name(content):
        blob = f"blob {len(content)}\0".encode() + content
        return hashlib.sha1(blob, usedforsecurity=False).hexdigest()

    return name


@pytest.fixture(scope="session")
def source():
    """Describe content as a file of the catalogue; what is None is left out."""

    def describe(content=CONTENT, name="table.bin", **changes):
        keys = {
            "repository": "owner/name",
            "commit": COMMIT,
            "path": f"data/{name}",
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
        }
        return SourceFile(**{key: value for key, value in (keys | changes).items() if value})

    return describe


@pytest.fixture(scope="session")
def make_card():
    """Make a benchmark's card with one variant, "copy", of the files."""

    def make(*files, **variant):
        card = BenchmarkCard(
            title="Mine",
            space="nasbench201",
            description="Numbers",
            paper="none",
            licence="CC0-1.0",
            converter="package.module:function",
            variant=[{"name": "copy", "file": files, **variant}],
        )
        card._name = "mine"
        return card

    return make


@pytest.fixture
def serve(server, source):
    """Serve content as a file of the catalogue; gives the file."""

    def put(content=CONTENT, name="table.bin", **changes):
        file = source(content, name, **changes)
        server.files[file.relative_path] = content
        return file

    return put


@pytest.fixture
def fetch(server, make_card, tmp_path):
    """Fetch files from the server or another mirror; gives their paths."""

    def run(*files, progress=None, mirror=None):
        options = {} if progress is None else {"progress": progress}
        return fetch_files(
            make_card(*files),
            mirror=server.url if mirror is None else mirror,
            folder=tmp_path / "downloads",
            **options,
        )

    return run


@pytest.fixture
def refusal(fetch):
    """Fetch files in vain; gives the one line that says why."""

    def run(*files, **options):
        with pytest.raises(HwbenchError) as caught:
            fetch(*files, **options)
        message = str(caught.value)
        assert "\n" not in message
        return message

    return run


@pytest.fixture(scope="session")
def leftovers():
    """Names of what lies beside a fetched file."""
    return lambda path: sorted(other.name for other in path.parent.iterdir() if other != path)


@pytest.fixture
def ranges_of():
    """The ranges that a server was asked for."""
    return lambda server: [answer.headers.get("Range") for answer in server.answers]
