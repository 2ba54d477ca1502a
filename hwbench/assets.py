"""Where the cards, scenarios and embedded tables lie: in the installed package or in the clone."""

from __future__ import annotations

from pathlib import Path

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
