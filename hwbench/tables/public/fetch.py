"""Getting all files of a public benchmark: from where they were published, or from a mirror."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from hwbench.assets import home
from hwbench.errors import HwbenchError
from hwbench.progress import Progress, silent
from hwbench.tables.public.catalogue import BenchmarkCard, SourceFile
from hwbench.tables.public.checksum import file_fault
from hwbench.tables.public.download import DownloadError, download


def downloads_folder() -> Path:
    """Where fetched files are kept: `HWBENCH_HOME`/downloads."""
    return home() / "downloads"


def fetch_files(
    card: BenchmarkCard,
    *,
    variant: str | None = None,
    mirror: str | Path | None = None,
    folder: Path,
    progress: Progress = silent,
) -> list[Path]:
    """Have all files of a benchmark on this machine, checked.

    A file that is there already, with the right checksum, is not fetched again; a download that
    was cut is continued.

    Parameters
    ----------
    card : of the benchmark.
    variant : which set of files; the card's default without.
    mirror : a folder, or an address (https, http or file), that holds copies under
        <owner>/<repository>/<commit>/<path>. Those of a folder are checked and used where they
        are. Nothing is fetched from elsewhere then.
    folder : where downloads are kept, under the same paths; see `downloads_folder`.
    progress : called with bytes done and bytes in all, of the whole variant.

    Returns
    -------
    The files' paths, in the card's order.

    Raises
    ------
    HwbenchError
        Where the variant is unknown or cannot be fetched, a file cannot be had or is not what the
        card says, or the disk is full. The message names file and address, and the other ways.
    """
    chosen = card.get_variant(variant)
    if not chosen.fetch:
        raise HwbenchError(
            f"{card.name}: the files of variant '{chosen.name}' cannot be fetched by a program; "
            f"get them from {chosen.where}; then run 'hwbench tables import {card.name} PATH'"
        )
    base = _mirror_base(mirror)
    lengths = [file.bytes or 0 for file in chosen.file]
    progress(0, sum(lengths))
    paths = []
    for number, file in enumerate(chosen.file):
        before = sum(lengths[:number])

        def report(done: int, total: int, number: int = number, before: int = before) -> None:
            lengths[number] = max(total, done)
            progress(before + done, sum(lengths))

        try:
            path = _fetch(file, base, folder, report)
        except DownloadError as error:
            raise HwbenchError(
                f"{error}; get the file in another way and run 'hwbench tables import "
                f"{card.name} PATH', or name a folder or address that has it with --mirror"
            ) from error
        lengths[number] = path.stat().st_size
        progress(before + lengths[number], sum(lengths))
        paths.append(path)
    return paths


def _mirror_base(mirror: str | Path | None) -> str | Path | None:
    """A mirror as folder, or as an address without slash at its end."""
    if mirror is None:
        return None
    text = str(mirror)
    scheme = text.partition("://")[0].lower() if "://" in text else ""
    if scheme in ("http", "https"):
        return text.rstrip("/")
    if scheme not in ("", "file"):
        raise HwbenchError(f"mirror {text}: must be a folder or begin with https, http or file")
    try:
        path = _local_path(text) if scheme else Path(mirror).expanduser()
        found = path.is_dir()
    except (ValueError, RuntimeError, OSError):  # no address, no such user, no way in
        found = False
    if not found:
        raise HwbenchError(f"mirror {text}: there is no such folder")
    return path


def _local_path(url: str) -> Path:
    return Path(url2pathname(urlsplit(url).path))


def _fetch(file: SourceFile, base: str | Path | None, folder: Path, progress: Progress) -> Path:
    if isinstance(base, Path):
        return _checked(base / file.relative_path, file)
    if base is None and urlsplit(file.url).scheme == "file":
        return _checked(_local_path(file.url), file)
    url = file.url if base is None else f"{base}/{quote(file.relative_path)}"
    target = folder / file.relative_path
    download(file, url, target, progress)
    return target


def _checked(path: Path, file: SourceFile) -> Path:
    """A file that is used where it is."""
    fault = file_fault(path, file)
    if fault is not None:
        raise DownloadError(f"{file.name}: the copy {fault} ({path})")
    return path
