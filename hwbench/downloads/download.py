"""Downloading one file: continued after a cut, checked as it comes, never seen half-done."""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import socket
import ssl
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any, NoReturn

from hwbench.downloads.checksum import Digest, file_fault, record_sha256
from hwbench.downloads.partial import Origin, Partial, locked
from hwbench.downloads.patience import Patience, patience_seconds, watched
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.version import __version__

TIMEOUT_SECONDS = 30.0
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
FAILURES = 6  # in a row, each of which brings less than STEP_BYTES
STEP_BYTES = 1 << 20
CHUNK_BYTES = 1 << 18
LARGEST_BYTES = 64 << 30  # an endless answer must end somewhere
_PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)


class DownloadError(HwbenchError):
    """A file that its server does not give, or gives wrongly; another source may have it."""


class AbsentError(DownloadError):
    """A file that its server does not have."""


class _PassingError(Exception):
    """A trouble that may be gone when the download is continued."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def download(file: SourceFile, url: str, target: Path, progress: Progress = silent) -> None:
    """Fetch a file unless a right copy is there already.

    What has arrived stands in `<target>.part` until all of it is there and right; a later call
    continues it, after a kill too. Of several processes that want the same file one fetches it,
    and the others wait. Content with a wrong checksum is put aside as `<target>.rejected`. Where
    the catalogue knows no checksum, that of the first download is kept in `<target>.sha256`.

    Parameters
    ----------
    file : what is expected: length and checksum.
    url : where to fetch it, https or http; the proxies of the environment are used.
    target : where to put it; its folder is made.
    progress : called with bytes done and bytes in all (0 while unknown).

    Raises
    ------
    DownloadError
        One line that names file, address and what went wrong.
    HwbenchError
        Where the disk is full or cannot be written; what arrived is kept.
    """
    if file_fault(target, file) is None:
        return
    with locked(target):
        if file_fault(target, file) is None:
            return  # another process was faster
        _Transfer(file, url, target, progress).run()


class _Transfer:
    """One file on its way from one address."""

    def __init__(self, file: SourceFile, url: str, target: Path, progress: Progress) -> None:
        self.file = file
        self.url = url
        self.target = target
        self.progress = progress
        self.partial = Partial(target)
        self.furthest = 0
        self.received = False  # whether this call has had any byte of the file

    def run(self) -> None:
        """Try until the file is there and right, or the trouble does not pass."""
        self.furthest = self.partial.size()
        failures = 0
        while True:
            before = self.furthest
            try:
                self._attempt()
                return
            except OSError as error:
                self._refuse_disk(error)
            except _PassingError as trouble:
                # Only new ground counts: a server that always stops at one place must not win.
                gained = self.furthest - before
                failures = 0 if gained >= STEP_BYTES else failures + 1
                if failures == FAILURES:
                    reason = f"{trouble}, {FAILURES} times; a further try continues"
                    raise self._error(reason) from trouble
                pause = max(PAUSE_SECONDS * 2**failures, trouble.wait)
            time.sleep(min(pause, LONGEST_PAUSE_SECONDS))

    def _attempt(self) -> None:
        if self._is_complete():
            self.partial.move_to(self.target)
            return
        start, validator = self._resume_point()
        with Patience(patience_seconds()) as patience:
            try:
                with self._ask(start, validator, patience) as response:
                    start = self._agree_on_start(response, start, validator)
                    length = self._length(response, start)
                    if start == 0:
                        self.partial.begin(self._origin(response, length))
                    self._refuse_full_disk(start, length)
                    found, size = self._receive(response, start, length, patience)
            except (_PassingError, DownloadError) as error:
                if patience.lost:
                    self._refuse_slow(patience, error)
                raise
        self._check_and_move(found, size, resumed=start > 0)

    def _refuse_slow(self, patience: Patience, cause: Exception | None) -> NoReturn:
        """Tell that too little came; a server that has sent some may be faster the next time."""
        if self.received:
            raise _PassingError(patience.reason) from cause
        raise self._error(patience.reason) from cause

    def _is_complete(self) -> bool:
        """Whether all was there and right when an earlier process was killed before the move."""
        length = self.file.bytes or self.partial.origin().length
        if self.file.checksum is None or self.partial.size() != length:
            return False
        return file_fault(self.partial.path, self.file) is None

    def _origin(self, response: Any, length: int | None) -> Origin:
        return Origin(url=self.url, validator=_validator(response.headers), length=length)

    def _resume_point(self) -> tuple[int, str | None]:
        """How many bytes need not come again, and the server's name for their content."""
        start, origin = self.partial.size(), self.partial.origin()
        validator = origin.validator if origin.url == self.url else None
        length = self.file.bytes or origin.length
        if length is not None and start >= length:
            start = 0  # as long as the file, yet wrong
        if validator is None and self.file.checksum is None:
            start = 0  # nothing could tell whether both parts are of one file
        return start, validator

    def _ask(self, start: int, validator: str | None, patience: Patience) -> Any:
        headers = {"User-Agent": f"hwbench/{__version__}", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
            if validator is not None:
                headers["If-Range"] = validator
        try:
            request = urllib.request.Request(self.url, headers=headers)  # noqa: S310 http(s) only
            return _opener(patience).open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                self._refuse_status(error)
        except urllib.error.URLError as error:
            self._refuse_connection(error.reason)
        except http.client.InvalidURL as error:
            raise self._error(f"this is no valid address ({error})") from error
        except (OSError, http.client.HTTPException) as error:
            self._refuse_connection(error)
        except ValueError as error:
            raise self._error(f"this is no valid address ({error})") from error

    def _agree_on_start(self, response: Any, start: int, validator: str | None) -> int:
        """Where the bytes that the server sends belong: at `start`, or at the beginning."""
        if response.status != 206:
            return 0  # it has no ranges, or its file is another one now
        begin, length = _content_range(response.headers)
        known = self.file.bytes or self.partial.origin().length
        named = _validator(response.headers)
        changed = None not in (named, validator) and named != validator
        if begin != start or changed or (None not in (length, known) and length != known):
            self.partial.discard()
            raise _PassingError("the server's file changes while it is fetched")
        return start

    def _length(self, response: Any, start: int) -> int | None:
        """Length of the whole file in bytes; None where nobody knows it before its end."""
        announced = _content_range(response.headers)[1] if start else response.length
        if None not in (announced, self.file.bytes) and announced != self.file.bytes:
            raise self._error(
                f"the server offers {announced} bytes where {self.file.bytes} are expected, "
                "so it is another file"
            )
        length: int | None = self.file.bytes or announced
        if length is None and self.file.checksum is None:
            raise self._error("neither its length nor a checksum is known, so a cut goes unseen")
        if length is not None and length > LARGEST_BYTES:
            raise self._error(f"the server offers {length} bytes; no benchmark is that large")
        return length

    def _receive(
        self, response: Any, start: int, length: int | None, patience: Patience
    ) -> tuple[str, int]:
        """Write what comes behind the first `start` bytes; give the whole's checksum and size."""
        digest = Digest(self.file.checksum_kind, length or 0)
        size = start
        with self.partial.path.open("r+b", buffering=0) as output:
            digest.update_from(self.partial.path)
            output.seek(start)
            patience.renew()
            self.progress(size, length or 0)
            while chunk := _read(response):
                size += len(chunk)
                if size > (length or LARGEST_BYTES):
                    self.partial.discard()
                    raise self._error(f"the server sends more than {length or LARGEST_BYTES} bytes")
                _write(output, chunk)
                digest.update(chunk)
                patience.received(len(chunk))
                self.received = True
                self.furthest = max(self.furthest, size)
                self.progress(size, length or 0)
            os.fsync(output.fileno())
        if patience.lost:  # which ends an answer of unknown length as its own end would
            self._refuse_slow(patience, None)
        if length is not None and size < length:
            raise _PassingError(f"the connection was cut after {size} of {length} bytes")
        if length is None and self.file.checksum_kind == "git_blob_sha1":
            digest = Digest("git_blob_sha1", size)  # which begins with the length, known only now
            digest.update_from(self.partial.path)
        return digest.hexdigest(), size

    def _check_and_move(self, found: str, size: int, *, resumed: bool) -> None:
        expected = self.file.checksum
        if expected is None:
            record_sha256(self.target, found)
        elif found != expected and resumed:
            self.partial.discard()
            raise _PassingError("the server's file changes while it is fetched")
        elif found != expected:
            rejected = self.target.with_name(f"{self.target.name}.rejected")
            self.partial.move_to(rejected)
            raise self._error(
                f"{self.file.checksum_kind} is {found}, expected {expected}, of {size} bytes; "
                f"it is not used, and kept as {rejected}; it was changed at its source or on its "
                "way (by a proxy or a login page?)"
            )
        self.partial.move_to(self.target)

    def _refuse_status(self, error: urllib.error.HTTPError) -> NoReturn:
        answer = f"{error.code} {http.client.responses.get(error.code, '')}".strip()
        if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.partial.discard()
            raise _PassingError("the server's file changes while it is fetched") from error
        if error.code in _PASSING_STATUS:
            wait = error.headers.get("Retry-After", "")
            raise _PassingError(
                f"the server answers {answer}", float(wait) if wait.isdigit() else 0.0
            )
        if error.code in (http.client.NOT_FOUND, http.client.GONE):
            reason = f"the server has no such file ({answer})"
            raise self._error(reason, AbsentError) from error
        if 300 <= error.code < 400:
            raise self._error(f"the server redirects without reaching a file ({answer})") from error
        raise self._error(f"the server refuses it ({answer})") from error

    def _refuse_connection(self, reason: object) -> NoReturn:
        """Tell what prevents a connection; once bytes have come, any of it may pass again."""
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise self._error(f"its certificate is not valid ({reason.verify_message})")
        if isinstance(reason, ssl.SSLError):
            text, passing = f"no safe connection is possible ({reason.reason})", self.received
        elif isinstance(reason, socket.gaierror):
            text, passing = "no such server is known; is there a network?", self.received
        elif isinstance(reason, ConnectionRefusedError):
            text, passing = "the server refuses the connection", self.received
        elif isinstance(reason, TimeoutError):
            text, passing = f"no answer for {TIMEOUT_SECONDS:.0f} seconds", self.received
        elif isinstance(reason, ConnectionError | http.client.HTTPException):
            text, passing = "the connection was cut before an answer", True
        elif isinstance(reason, OSError):
            text, passing = f"no connection ({reason.strerror or reason})", self.received
        else:
            text, passing = str(reason), False
        if passing:
            raise _PassingError(text)
        raise self._error(text)

    def _refuse_full_disk(self, start: int, length: int | None) -> None:
        usage = shutil.disk_usage(self.target.parent)
        if length is not None and usage.total and usage.free < length - start:
            raise OSError(errno.ENOSPC, "No space left")

    def _refuse_disk(self, error: OSError) -> NoReturn:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            reason = error.strerror or error
            raise HwbenchError(f"{self.target}: cannot be written ({reason})") from error
        length, size = self.file.bytes or self.partial.origin().length, self.partial.size()
        need = f"{length - size} more bytes are" if length else "more room is"
        free = shutil.disk_usage(self.target.parent).free
        raise HwbenchError(
            f"{self.target}: the disk is full: {need} needed, {free} are free; make room and try "
            f"again, the {size} bytes that arrived are kept"
        ) from error

    def _error(self, reason: str, kind: type[DownloadError] = DownloadError) -> DownloadError:
        return kind(f"{self.file.name}: {reason} ({self.url})")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from an encrypted address to an open one."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https:"):
            fp.close()
            raise urllib.error.URLError("the server redirects to an address without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _HTTP(urllib.request.HTTPHandler):
    """Opens http connections that patience watches."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._connection = watched(http.client.HTTPConnection, patience)

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


class _HTTPS(urllib.request.HTTPSHandler):
    """Opens https connections that patience watches."""

    def __init__(self, patience: Patience) -> None:
        super().__init__()
        self._connection = watched(http.client.HTTPSConnection, patience)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._connection, req)


def _opener(patience: Patience) -> urllib.request.OpenerDirector:
    """One that knows http, https and the environment's proxies, and nothing else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        _HTTP(patience),
        _HTTPS(patience),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _read(response: Any) -> bytes:
    """The bytes that are there by now, none at the end."""
    try:
        chunk: bytes = response.read1(CHUNK_BYTES)
    except TimeoutError as error:
        raise _PassingError(f"nothing more came for {TIMEOUT_SECONDS:.0f} seconds") from error
    except (OSError, http.client.HTTPException) as error:
        raise _PassingError("the connection was cut") from error
    return chunk


def _write(output: Any, data: bytes) -> None:
    """Write all bytes; an unbuffered file may take fewer at a time."""
    view = memoryview(data)
    while view:
        view = view[output.write(view) :]


def _validator(headers: Message) -> str | None:
    """What a server may be asked to compare before it continues: a strong ETag, else a date."""
    tag = headers.get("ETag", "")
    if tag.startswith('"'):
        return str(tag)
    date: str | None = headers.get("Last-Modified")
    return None if tag else date  # a weak tag says that the date would be weak as well


def _content_range(headers: Message) -> tuple[int | None, int | None]:
    """First byte of a partial answer, and the length of the whole."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
    if found is None:
        return None, None
    return int(found[1]), None if found[2] == "*" else int(found[2])
