"""Writing the files of a new part: of a package, or of a card alone."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hwbench.assets import home
from hwbench.errors import HwbenchError
from hwbench.files import write_text
from hwbench.scaffold.kinds import Kind
from hwbench.version import __version__

_TEMPLATES = Path(__file__).parent / "templates"
_ENDING = ".jinja"

LONGEST_NAME = 40


@dataclass(frozen=True)
class Scaffold:
    """What was written.

    Attributes
    ----------
    kind, name : of the part.
    folder : that holds everything.
    files : in it, sorted, relative to it.
    part : the one to be changed.
    steps : what to type next in the folder: what each is for, and the command.
    """

    kind: Kind
    name: str
    folder: Path
    files: tuple[Path, ...]
    part: Path
    steps: tuple[tuple[str, str], ...]


def write_package(kind: Kind, name: str, folder: Path) -> Scaffold:
    """Write a package of one part: a working example, its tests, and the entry points.

    Parameters
    ----------
    kind : of the part.
    name : of the part; the package is called after it.
    folder : to be made.

    Raises
    ------
    HwbenchError
        Where the name is none, or is taken, or the folder is there and not empty.
    """
    check_name(kind, name)
    package = f"hwbench_{name}"
    if _is_installed(package):
        raise HwbenchError(
            f"new {kind.name}: the module {package} is installed already; give another name"
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise HwbenchError(
            f"new {kind.name}: {folder} is there already; name another folder with -o"
        )
    values = _values(kind, name)
    written = package_files(kind, name)
    for path, text in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write_text(folder / path, text)
    return Scaffold(
        kind=kind,
        name=name,
        folder=folder,
        files=tuple(sorted(written)),
        part=Path(values["part"]),
        steps=tuple(values["steps"]),
    )


def package_files(kind: Kind, name: str) -> dict[Path, str]:
    """What each file of a package of one part says, by its path in the package."""
    values = _values(kind, name)
    return {path: _rendered(template, values) for path, template in _templates(kind, name).items()}


def write_card(kind: Kind, name: str, folder: Path | None = None) -> Path:
    """Write a card that needs no code; returns its path.

    Parameters
    ----------
    kind : of the part.
    name : of the part and of the file.
    folder : the folder of `HWBENCH_HOME` in which such cards are found, by default.

    Raises
    ------
    HwbenchError
        Where the kind has no such cards, the name is none or taken, or the file is there.
    """
    if not kind.card:
        raise HwbenchError(
            f"new {kind.name}: needs code, a card alone says too little; leave out --card-only"
        )
    check_name(kind, name)
    path = (home() / kind.card_folder if folder is None else folder) / f"{name}.toml"
    if path.exists():
        raise HwbenchError(f"new {kind.name}: {path} is there already")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, _rendered(_TEMPLATES / "card" / (kind.card + _ENDING), _values(kind, name)))
    return path


def check_name(kind: Kind, name: str) -> None:
    """Refuse a name that no part can have, or that another has.

    Raises
    ------
    HwbenchError
        The message says a name that could be had, if there is one.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
        near = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
        near = near.strip("_0123456789")[:LONGEST_NAME].strip("_")
        such = f", such as '{near}'" if near and not keyword.iskeyword(near) else ""
        raise HwbenchError(
            f"new {kind.name}: {name!r} is no name of a part; a name is small letters, digits and "
            f"underscores, {LONGEST_NAME} at most{such}"
        )
    if keyword.iskeyword(name):
        raise HwbenchError(
            f"new {kind.name}: {name!r} is a word of Python, and no name; free is 'my_{name}'"
        )
    if name in kind.taken():
        raise HwbenchError(
            f"new {kind.name}: '{name}' is the name of another {kind.noun}; free is 'my_{name}'"
        )


def requirement() -> str:
    """What a package that is written for this hwbench requires of it."""
    major, minor = map(int, re.match(r"(\d+)\.(\d+)", __version__).groups())  # type: ignore[union-attr]
    following = f"0.{minor + 1}" if major == 0 else f"{major + 1}"
    return f"hwbench>={major}.{minor},<{following}"


def _values(kind: Kind, name: str) -> dict[str, Any]:
    """What stands in templates."""
    stem = "".join(word.capitalize() for word in name.split("_"))
    package = f"hwbench_{name}"
    doubled = stem != kind.suffix and stem.endswith(kind.suffix)
    cls = f"{stem}{'' if doubled else kind.suffix}" if kind.suffix else f"convert_{name}"
    path = f"{package}.{kind.module}:{cls}"

    def filled(text: str) -> str:
        for word, value in (
            ("PACKAGE", package),
            ("PART", path),
            ("NAME", name),
            ("STEM", stem),
        ):
            text = text.replace(word, value)
        return text

    checked = filled(kind.check) if kind.check else path
    steps = [
        ("check it", f"hwbench check {kind.name} {checked}"),
        ("install it", "python -m pip install --editable '.[test]'"),
        ("run its tests", "python -m pytest"),
        *((what, filled(command)) for what, command in kind.use),
    ]
    return {
        "name": name,
        "noun": kind.noun,
        "title": name.replace("_", " ").capitalize(),
        "stem": stem,
        "cls": cls,
        "package": package,
        "distribution": package.replace("_", "-"),
        "requirement": requirement(),
        "entries": [(group, name, filled(of)) for group, of in kind.groups],
        "part": f"{package}/{kind.module}.py",
        "part_path": path,
        "steps": steps,
    }


def _templates(kind: Kind, name: str) -> dict[Path, Path]:
    """The template of each file of a package, by the file's path in it."""
    root = _TEMPLATES / kind.templates
    found = {
        Path(_named(path.relative_to(root), name)): path
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    common = _TEMPLATES / "common"
    return {
        Path("pyproject.toml"): common / "pyproject.toml.jinja",
        Path("README.md"): common / "README.md.jinja",
        Path(f"hwbench_{name}") / "__init__.py": common / "init.jinja",
        **found,
    }


def _named(path: Path, name: str) -> str:
    return str(path).replace("NAME", name).removesuffix(_ENDING)


def _rendered(template: Path, values: Mapping[str, Any]) -> str:
    text = template.read_text(encoding="utf-8")
    if template.suffix != _ENDING:
        return text
    from jinja2 import Environment, StrictUndefined

    environment = Environment(  # noqa: S701  what is written is no HTML
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    return environment.from_string(text).render(values)


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False
