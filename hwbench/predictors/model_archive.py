"""The archive that a model's file is: its card and the model itself, read within bounds."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from hwbench.errors import HwbenchError, one_line
from hwbench.files import atomic_path
from hwbench.predictors.model_card import FORMAT, ModelCard
from hwbench.regular_files import check_regular

SUFFIX = ".hwb"
CARD, MODEL = "card.json", "model.pickle"

MOST_CARD_BYTES = 2**26
MOST_MODEL_BYTES = 2**31
FREE_BYTES = 2**26
MOST_PACKED = 50
"""What is read of a member: so many bytes, and of more than `FREE_BYTES` no more than so many times
its packed bytes; models are packed to a tenth at best."""


def checked_model_path(path: Path | str) -> Path:
    """The path that a model may be written to.

    Raises
    ------
    HwbenchError
        Where its name does not end in ".hwb".
    """
    place = Path(path)
    if place.suffix != SUFFIX:
        raise HwbenchError(f"{place}: the name of a model's file must end in {SUFFIX}")
    return place


def write_archive(place: Path, card: ModelCard, content: bytes) -> None:
    """Write a card and a pickled model, atomically."""
    with (
        atomic_path(place, durable=True) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        # With a date of its own, the same model is always the same file.
        archive.writestr(_member(CARD), card.model_dump_json(indent=2))
        archive.writestr(_member(MODEL), content)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.compress_type = zipfile.ZIP_DEFLATED
    return member


@contextlib.contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A model's file as the archive it is."""
    try:
        check_regular(path)
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            yield archive
    except HwbenchError:
        raise
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (
        zipfile.BadZipFile, zlib.error, EOFError, MemoryError, NotImplementedError, RuntimeError,
        ValueError,
    ) as error:  # fmt: skip
        raise HwbenchError(f"{path}: is no model, or damaged ({one_line(error)})") from error


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    if sorted(archive.namelist()) != [CARD, MODEL]:
        raise HwbenchError(f"{path}: is no model that hwbench has saved")


def check_size(archive: zipfile.ZipFile, name: str, most_bytes: int) -> None:
    """See that a member is not much larger than its file; no more than it claims is unpacked."""
    member = archive.getinfo(name)
    most = min(most_bytes, max(FREE_BYTES, MOST_PACKED * member.compress_size))
    if member.file_size > most:
        raise HwbenchError(
            f"{archive.filename}: {name} of {member.file_size} bytes is more than the {most} that "
            "are read"
        )


def read_card(path: Path, archive: zipfile.ZipFile) -> ModelCard:
    """The card of a model's file.

    Raises
    ------
    HwbenchError
        Where it is damaged, too large, or of a newer format.
    """
    check_size(archive, CARD, MOST_CARD_BYTES)
    return _parse_card(path, archive.read(CARD))


def _parse_card(path: Path, text: bytes) -> ModelCard:
    try:
        card = ModelCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        reason = one_line(f"{key} {first['msg']}")
        raise HwbenchError(f"{path}: {CARD} is damaged ({reason})") from error
    if card.format > FORMAT:
        raise HwbenchError(
            f"{path}: was written by hwbench {card.hwbench[:40]} in a newer format; "
            "bring hwbench up to date to read it"
        )
    return card
