"""An append-only file of results, so that hours of measuring survive a kill.

The first line holds the recipe, every further line one result, as JSON. A line torn by a crash is
dropped when the file is opened again. A journal is continued only by the same recipe.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from hwbench.errors import HwbenchError
from hwbench.files import lock
from hwbench.regular_files import check_regular

SYNC_SECONDS = 5.0
MOST_BYTES = 1 << 26


class Journal:
    """Results of one recipe, on disk as they come.

    Parameters
    ----------
    path : the file; made if missing, continued if there.
    recipe : what determines the results; JSON-serialisable.

    Raises
    ------
    HwbenchError
        Where the file holds another recipe, is no journal, or cannot be written.
    """

    def __init__(self, path: Path, recipe: Mapping[str, Any]) -> None:
        self.path = path
        recipe = json.loads(json.dumps(recipe))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():  # to open a pipe waits for a reader
                check_regular(path, most_bytes=MOST_BYTES)
            self._file = path.open("a", encoding="utf-8", buffering=1)
        except OSError as error:
            raise HwbenchError(f"{path}: cannot be opened ({error.strerror})") from error
        try:
            lock(self._file, path)
            self.records = self._read(recipe) if path.stat().st_size else []
            if path.stat().st_size == 0:
                self._write(_header(recipe).decode())
        except BaseException:
            with contextlib.suppress(OSError):  # a full disk was told of
                self._file.close()
            raise
        self._synced = time.monotonic()

    def _read(self, recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
        content = self.path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        try:
            if not whole and _header(recipe).startswith(content):
                lines = [{"recipe": recipe}]  # torn while it was begun
            else:
                lines = [json.loads(line) for line in whole.splitlines()]
            found = dict(lines[0]["recipe"])
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise HwbenchError(
                f"{self.path}: no journal of measurements; choose another name or remove it"
            ) from error
        if "code" in recipe and "code" not in found:
            raise HwbenchError(
                f"{self.path}: was begun by hwbench 0.1.0, whose code differs; finish it with that "
                "version, choose another name, or remove the file"
            )
        if found != recipe:
            keys = sorted(key for key in {*found, *recipe} if found.get(key) != recipe.get(key))
            if "code" in keys:  # what that code did not know yet is no other recipe
                keys = [key for key in keys if key in found]
            changes = "; ".join(
                f"{key}: {found.get(key)} there, {recipe.get(key)} now" for key in keys
            )
            raise HwbenchError(
                f"{self.path}: was begun with another recipe ({changes}); "
                "finish it with that recipe, choose another name, or remove the file"
            )
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        return lines[1:]

    def append(self, record: Mapping[str, Any]) -> None:
        """Add one result: it survives this process at once, and the machine some seconds later.

        Raises
        ------
        HwbenchError
            Where the disk is full or gone; what was added before is kept.
        """
        self._write(json.dumps(record) + "\n")
        self.records.append(dict(record))
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()

    def _write(self, line: str) -> None:
        try:
            self._file.write(line)
        except OSError as error:
            raise HwbenchError(f"{self.path}: cannot be written ({error.strerror})") from error

    def _sync(self) -> None:
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise HwbenchError(f"{self.path}: cannot be written ({error.strerror})") from error
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._sync()
        finally:
            with contextlib.suppress(OSError):
                self._file.close()


def _header(recipe: Mapping[str, Any]) -> bytes:
    return json.dumps({"recipe": recipe}).encode() + b"\n"


def digest_of(indices: np.ndarray) -> str:
    """A short fingerprint of a list of architectures, for a recipe."""
    return hashlib.sha256(np.ascontiguousarray(indices, dtype="<i8").tobytes()).hexdigest()[:16]
