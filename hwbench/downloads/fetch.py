"""Having published files here: from their addresses, from a mirror, or where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from hwbench.downloads.checksum import file_fault
from hwbench.downloads.download import AbsentError, DownloadError, download
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent


def fetch_all(
    files: Sequence[SourceFile],
    *,
    folder: Path,
    mirror: str | Path | None = None,
    place: Callable[[SourceFile], str] = lambda file: file.relative_path,
    otherwise: str = "",
    progress: Progress = silent,
) -> list[Path]:
    """Have files on this machine, checked.

    A file that is there already, with the right checksum, is not fetched again; a download that
    was cut is continued.

    Parameters
    ----------
    files : to fetch.
    folder : where downloads are kept.
    mirror : a folder, or an address (https, http or file), that holds copies under
        <owner>/<repository>/<commit>/<path>, see `SourceFile.relative_path`. Those of a folder are
        checked and used where they are. Nothing is fetched from elsewhere then.
    place : of a file in the folder; its relative path by default.
    otherwise : what a user can do where a file cannot be had, for the message.
    progress : called with bytes done and bytes in all, of all files.

    Returns
    -------
    The files' paths, in the order given, without the optional ones that are left out: see
    `SourceFile.optional`.

    Raises
    ------
    HwbenchError
        Where a file cannot be had or is not what it should be, or the disk is full. The message
        names file and address, and the other ways.
    """
    base = _mirror_base(mirror)
    files = [file for file in files if not (file.optional and _is_left_out(file, base))]
    lengths = [file.bytes or 0 for file in files]
    progress(0, sum(lengths))
    paths = []
    for number, file in enumerate(files):
        before = sum(lengths[:number])

        def report(done: int, total: int, number: int = number, before: int = before) -> None:
            lengths[number] = max(total, done)
            progress(before + done, sum(lengths))

        try:
            path = _fetch(file, base, folder / place(file), report)
        except DownloadError as error:
            if file.optional and base is not None and isinstance(error, AbsentError):
                lengths[number] = 0
                continue
            raise HwbenchError(f"{error}; {otherwise}" if otherwise else str(error)) from error
        lengths[number] = path.stat().st_size
        progress(before + lengths[number], sum(lengths))
        paths.append(path)
    return paths


def checked(path: Path, file: SourceFile) -> Path:
    """A copy that is used where it is.

    Raises
    ------
    DownloadError
        Where it is missing, or another file.
    """
    fault = file_fault(path, file)
    if fault is not None:
        raise DownloadError(f"{file.name}: the copy {fault} ({path})")
    return path


def is_web_address(text: str) -> bool:
    """Whether something is fetched by https or http."""
    return text.partition("://")[0].lower() in ("http", "https") and "://" in text


def local_path(text: str | Path) -> Path:
    """A path of this machine, which may be given as an address file://."""
    url = str(text)
    if url.lower().startswith("file://"):
        return Path(url2pathname(urlsplit(url).path))
    return Path(text).expanduser()


def _mirror_base(mirror: str | Path | None) -> str | Path | None:
    """A mirror as folder, or as an address without slash at its end."""
    if mirror is None:
        return None
    text = str(mirror)
    if is_web_address(text):
        return text.rstrip("/")
    if "://" in text and not text.lower().startswith("file://"):
        raise HwbenchError(f"mirror {text}: must be a folder or begin with https, http or file")
    try:
        path = local_path(mirror)
        found = path.is_dir()
    except (ValueError, RuntimeError, OSError):  # no address, no such user, no way in
        found = False
    if not found:
        raise HwbenchError(f"mirror {text}: there is no such folder")
    return path


def _is_left_out(file: SourceFile, base: str | Path | None) -> bool:
    """Whether an optional file is not asked for: it is not there, or nothing could check it."""
    if isinstance(base, Path):
        return not (base / file.relative_path).exists()
    return file.checksum is None


def _fetch(file: SourceFile, base: str | Path | None, target: Path, progress: Progress) -> Path:
    if isinstance(base, Path):
        return checked(base / file.relative_path, file)
    if base is None and urlsplit(file.url).scheme == "file":
        return checked(local_path(file.url), file)
    url = file.url if base is None else f"{base}/{quote(file.relative_path)}"
    download(file, url, target, progress)
    return target
