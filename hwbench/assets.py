"""Where cards, scenarios and tables lie: those that come with hwbench and those a user adds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hwbench.errors import unknown_name

_PACKAGE = Path(__file__).resolve().parent


def assets_folder(kind: str) -> Path:
    """The folder of content of one kind: "predictors", "simulations" or "data".

    An installed wheel carries them inside the package; in a clone they stand beside it.
    """
    installed = _PACKAGE / "_assets" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind


def asset_files(kind: str, suffix: str) -> dict[str, Path]:
    """The files of one kind by name without suffix, sorted by name."""
    return {path.stem: path for path in sorted(assets_folder(kind).glob(f"*{suffix}"))}


def home() -> Path:
    """The folder of the user's own content: `HWBENCH_HOME`, else the platform's data folder."""
    given = os.environ.get("HWBENCH_HOME")
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("hwbench", appauthor=False))


def content_files(kind: str, suffix: str, *, own_folder: str) -> dict[str, Path]:
    """Files of one kind by name: the user's own, and those of hwbench, which win a name's dispute.

    Parameters
    ----------
    kind : as in `assets_folder`.
    suffix : of the files, with its dot.
    own_folder : the folder under `home` that holds the user's.
    """
    own = {path.stem: path for path in sorted((home() / own_folder).glob(f"*{suffix}"))}
    return {**own, **asset_files(kind, suffix)}


def find_content(noun: str, name: str, files: Mapping[str, Path], suffix: str) -> Path:
    """The file that goes by a name, or the path itself where the name is one.

    Raises
    ------
    HwbenchError
        Where there is neither; the message says the nearest name.
    """
    if name in files:
        return files[name]
    if name.endswith(suffix):
        return Path(name)
    raise unknown_name(noun, name, files)
