"""Getting the published files of image sets to where they are read from."""

from __future__ import annotations

import shutil
from pathlib import Path

from hwbench.downloads.download import DownloadError, download
from hwbench.downloads.fetch import checked, fetch_all, is_web_address, local_path
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.files import atomic_path
from hwbench.images.catalogue import ImageCard, image_card
from hwbench.images.reading import fetch_command
from hwbench.images.sets import images_folder
from hwbench.progress import Progress, silent


def fetch_images(
    name: str,
    *,
    copy: str | Path | None = None,
    mirror: str | Path | None = None,
    folder: Path | None = None,
    progress: Progress = silent,
) -> list[Path]:
    """Have the files of a published image set in a folder, checked.

    What is there already is not fetched again, and a download that was cut is continued.

    Parameters
    ----------
    name : of the image set, see `hwbench.images.catalogue.image_cards`.
    copy : a file of the set, a folder that holds its files by their names, or an address (https,
        http or file) of either. Nothing is fetched from elsewhere then.
    mirror : as for `hwbench.downloads.fetch.fetch_all`.
    folder : where the files go; `HWBENCH_HOME`/images by default.
    progress : called with bytes done and bytes in all.

    Returns
    -------
    The files' paths, in the card's order; none where the images come with a library.

    Raises
    ------
    HwbenchError
        Where there is no such image set, no program can fetch it, a file cannot be had or is not
        the published one, or the disk is full. The message says the command that goes on.
    """
    card = image_card(name)
    place = images_folder() if folder is None else folder
    if copy is not None and mirror is not None:
        raise HwbenchError(f"images fetch {name}: give a copy or a mirror, not both")
    if copy is not None:
        return _from_copy(name, card, copy, place, progress)
    if card.where and mirror is None:
        names = [file.name for file in card.file]
        raise HwbenchError(
            f"{name}: its files cannot be fetched by a program; get the {len(names)} files "
            f"{names[0]} ... {names[-1]} from {card.where}; then run "
            f"'{fetch_command(name, place)} --from FOLDER'"
        )
    paths = fetch_all(
        card.file,
        folder=place,
        mirror=mirror,
        place=lambda file: file.name,
        otherwise=_otherwise(name, place),
        progress=progress,
    )
    return [_brought(path, place / file.name) for path, file in zip(paths, card.file, strict=True)]


def _otherwise(name: str, place: Path) -> str:
    return (
        "if you get the file in another way, run "
        f"'{fetch_command(name, place)} --from FILE_FOLDER_OR_URL'"
    )


def _from_copy(
    name: str, card: ImageCard, copy: str | Path, folder: Path, progress: Progress
) -> list[Path]:
    """Files from where a user has them."""
    text = str(copy)
    if "://" in text and not is_web_address(text) and not text.lower().startswith("file://"):
        raise HwbenchError(f"--from {text}: must be a path or begin with https, http or file")
    targets = []
    for file in card.file:
        target = folder / file.name
        try:
            if is_web_address(text):
                download(file, _address(text, file), target, progress)
            else:
                path = checked(_path(name, card, local_path(text), file), file)
                _brought(path, target)
        except DownloadError as error:
            raise HwbenchError(f"{error}; {_otherwise(name, folder)}") from error
        targets.append(target)
    return targets


def _address(text: str, file: SourceFile) -> str:
    """The address of a file: as given, or below it."""
    base = text.rstrip("/")
    return base if base.rpartition("/")[2] == file.name else f"{base}/{file.name}"


def _path(name: str, card: ImageCard, given: Path, file: SourceFile) -> Path:
    """The copy of a file: as given, or in that folder."""
    if given.is_dir():
        return given / file.name
    if not given.exists():
        raise HwbenchError(f"--from {given}: there is no such file or folder")
    if len(card.file) > 1:
        names = ", ".join(file.name for file in card.file)
        raise HwbenchError(f"--from {given}: {name} has several files; name the folder of {names}")
    return given


def _brought(path: Path, target: Path) -> Path:
    """Copy a file to where it is read from, unless it is there."""
    if target.exists() and path.samefile(target):
        return target
    with atomic_path(target) as temporary:
        shutil.copyfile(path, temporary)
    return target
