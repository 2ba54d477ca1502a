"""Writing the networks of architectures into a folder, with the manifest of what was written."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import Field, NonNegativeInt, PositiveInt

from hwbench.arguments import checks_arguments
from hwbench.arrays import IntArray
from hwbench.environment import describe_versions
from hwbench.errors import HwbenchError, unknown_name
from hwbench.export.formats import FORMATS
from hwbench.export.manifest import COLUMNS, MANIFEST, is_measured, read_manifest, write_manifest
from hwbench.export.network_file import network_file
from hwbench.files import atomic_path, file_digest, write_text
from hwbench.locks import only_writer
from hwbench.progress import Progress, silent
from hwbench.results.texts import read_object
from hwbench.spaces import Space, SpaceLacksError, get_space, list_spaces
from hwbench.spaces.base import Skeleton, SkeletonValue
from hwbench.tables.made.onnx_opsets import OPSET, OPSETS

SETTINGS = "export.json"
"""What the files of a folder were written with, and by which versions."""

SECONDS_BETWEEN = 5.0
"""After so long the manifest is written, so that a killed export has little to do again."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LETTERS = 12  # of a digest: two of a million architectures share them once in a thousand times

Opset = Annotated[int, Field(ge=OPSETS[0], le=OPSETS[-1])]


@dataclass(frozen=True, eq=False)
class Exported:
    """What an export came to.

    Attributes
    ----------
    folder : that holds the files.
    manifest : its rows, of all that the folder holds, see `hwbench.export.manifest.COLUMNS`.
    written : the files that were written now.
    kept : how many were there already.
    unchecked : how many of all were not held against torch.
    """

    folder: Path
    manifest: pd.DataFrame
    written: tuple[str, ...] = ()
    kept: int = 0
    unchecked: int = 0

    @property
    def path(self) -> Path:
        """The manifest's file."""
        return self.folder / MANIFEST


@checks_arguments("export")
def export_networks(
    space: Space | str,
    archs: ArrayLike,
    folder: Path | str,
    *,
    to: str = "onnx",
    batch_size: PositiveInt = 1,
    opset: Opset = OPSET,
    seed: NonNegativeInt = 0,
    skeleton: Mapping[str, SkeletonValue] | None = None,
    progress: Progress = silent,
) -> Exported:
    """Write the networks of architectures as files that other programs run.

    Each file is run where its library is installed, and gives torch's outputs. A folder that holds
    files of the same settings is continued: what is there is kept, measurements in the manifest
    too, and rows are added behind. Interrupted at any moment, the same call goes on.

    Parameters
    ----------
    space : the search space, or its name.
    archs : integers of shape (n_archs, n_positions); one that stands twice is written once.
    folder : gets the files, `manifest.csv` and `export.json`.
    to : "onnx", "torchscript" or "torch-export".
    batch_size : images that a file takes at once.
    opset : version of ONNX's operators, 11 .. 20.
    seed : of the weights, which are untrained; the same seed gives the same files.
    skeleton : changes to the space's official network, such as `input_size` and `classes`.
    progress : called with (networks done, networks in all).

    Raises
    ------
    HwbenchError
        Where the space has no networks, a library is missing, the folder holds an export of other
        settings, or a network cannot be written in the format.
    """
    if to not in FORMATS:
        raise unknown_name("format to export to", to, FORMATS)
    found = get_space(space) if isinstance(space, str) else space
    chosen = FORMATS[to]
    changes = dict(skeleton or {})
    known = _network_options(found, changes)
    chosen.require(f"export: --to {to}")
    rows = _each_once(found, found.check(archs))
    shape = (batch_size, known.input_channels, known.input_size, known.input_size)
    settings = {
        "space": found.name,
        "format": chosen.described(opset),
        "batch_size": batch_size,
        "seed": seed,
        **vars(known),
    }
    place = Path(folder)
    with only_writer(place) as claim:
        export = _Folder(place, read_manifest(place), settings, can_check=chosen.can_run())
        progress(0, len(rows))
        try:
            for done, (text, arch) in enumerate(rows.items(), start=1):
                name = f"{_stem(found.name, text)}{chosen.suffix}"
                if not export.keeps(name):
                    network = found.network(arch, seed=seed, **changes).eval()
                    made = network_file(
                        network, shape, to, opset=opset, owner=f"export: {found.name} {text}"
                    )
                    export.add(
                        {
                            "arch": text,
                            "file": name,
                            "input_shape": "x".join(map(str, shape)),
                            "format": chosen.described(opset),
                            "checked_by": made.checked_by,
                            "space": found.name,
                        },
                        made.content,
                    )
                progress(done, len(rows))
        finally:
            claim.check()
            export.close()
    return export.result()


def _each_once(space: Space, archs: IntArray) -> dict[str, IntArray]:
    """Architectures by their strings."""
    if not len(archs):
        raise HwbenchError("export: no architecture is given")
    return dict(zip(space.to_strings(archs), np.asarray(archs), strict=True))


def _stem(space: str, text: str) -> str:
    """The name of an architecture's file: its string where a file may be called so."""
    if _PLAIN.fullmatch(text):
        return f"{space}-{text}"
    return f"{space}-{hashlib.sha256(text.encode()).hexdigest()[:_LETTERS]}"


def _network_options(space: Space, changes: Mapping[str, SkeletonValue]) -> Skeleton:
    """The network around the choices.

    Raises
    ------
    HwbenchError
        Where the space has none (the message says which have), or an option is wrong.
    """
    try:
        return space.skeleton(**changes)
    except SpaceLacksError as error:
        having = []
        for name in list_spaces():
            with suppress(HwbenchError):
                having.append(get_space(name).skeleton() and name)
        raise HwbenchError(
            f"export: {error}; spaces that have networks: {', '.join(map(str, having))}"
        ) from error


def _check_settings(folder: Path, settings: Mapping[str, Any]) -> bool:
    """Whether a folder has been begun, with these settings.

    Raises
    ------
    HwbenchError
        Where it has been with others, or holds somebody else's manifest.
    """
    path = folder / SETTINGS
    if path.exists():
        there = read_object(path).get("settings")
        if there != settings:
            raise HwbenchError(
                f"{folder}: holds an export of other settings ({_difference(there, settings)}); "
                "choose another folder with -o"
            )
        return True
    if (folder / MANIFEST).exists():
        raise HwbenchError(
            f"{folder}: holds a {MANIFEST} that is of no export, or has lost its {SETTINGS}; "
            "choose another folder with -o"
        )
    return False


def _difference(there: object, settings: Mapping[str, Any]) -> str:
    known = there if isinstance(there, dict) else {}
    return ", ".join(
        f"{key} {known.get(key)}, not {settings.get(key)}"
        for key in dict.fromkeys((*settings, *known))
        if known.get(key) != settings.get(key)
    )


class _Folder:
    """The files of a folder and its manifest while they are written."""

    def __init__(
        self,
        folder: Path,
        manifest: pd.DataFrame,
        settings: Mapping[str, Any],
        *,
        can_check: bool,
    ) -> None:
        self.folder = folder
        self.can_check = can_check
        self.settings = settings
        self.begun = _check_settings(folder, settings)
        self.rows: list[dict[str, str]] = manifest.to_dict("records")
        self.columns = list(manifest.columns)
        # By file, as a spreadsheet may have taken zeros from the front of an architecture.
        self.by_file = {row["file"]: row for row in self.rows}
        self.written: list[str] = []
        self.kept = 0
        self.saved = time.monotonic()

    def keeps(self, name: str) -> bool:
        """Whether an architecture's file is there as it was written, and was checked if it can."""
        row, path = self.by_file.get(name), self.folder / name
        there = (
            row is not None
            and path.is_file()
            and file_digest(path) == row["sha256"]
            and bool(row.get("checked_by", "there") or not self.can_check)
        )
        self.kept += there
        return there

    def add(self, row: dict[str, str], content: bytes) -> None:
        """Write a file, and its row."""
        digest = hashlib.sha256(content).hexdigest()
        before = self.by_file.get(row["file"])
        if before is not None and before["sha256"] != digest and is_measured(before):
            raise HwbenchError(
                f"{self.folder / row['file']}: the file that was measured is gone, and other code "
                "or libraries write another; choose another folder with -o"
            )
        self._begin()
        with atomic_path(self.folder / row["file"]) as temporary:
            temporary.write_bytes(content)
        self.written.append(row["file"])
        if before is None:
            before = dict.fromkeys((*self.columns, *COLUMNS), "")
            self.rows.append(before)
            self.by_file[row["file"]] = before
        before.update({**row, "sha256": digest})
        if time.monotonic() - self.saved > SECONDS_BETWEEN:
            self.save()

    def _begin(self) -> None:
        """Say what the files are written with, before there is any."""
        if not self.begun:
            about = {"settings": self.settings, "versions": describe_versions()}
            write_text(self.folder / SETTINGS, json.dumps(about, indent=2) + "\n", durable=True)
            self.begun = True

    def save(self) -> None:
        """Write the manifest."""
        write_manifest(self.folder, self._frame())
        self.saved = time.monotonic()

    def close(self) -> None:
        """Write the manifest where a row is new."""
        if self.written:
            self.save()

    def _frame(self) -> pd.DataFrame:
        columns = dict.fromkeys((*self.columns, *COLUMNS))
        return pd.DataFrame(self.rows, columns=list(columns)).fillna("")

    def result(self) -> Exported:
        """What the export came to."""
        frame = self._frame()
        return Exported(
            self.folder,
            frame,
            tuple(self.written),
            self.kept,
            int((frame["checked_by"] == "").sum()),
        )
