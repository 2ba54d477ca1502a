"""Where cards, scenarios and tables lie: those of hwbench, of its user, and of packages."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.plug_ins import plug_ins

CONTENT_GROUP = "hwbench.content"
"""Entry points of packages that bring content: each names a Python package, whose folder holds
`predictors`, `simulations`, `spaces` and `data` as hwbench's own does."""

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Source:
    """A place that content comes from.

    Attributes
    ----------
    owner : "hwbench", "HWBENCH_HOME", or a package with its version.
    folder : of one kind of content; it may be missing.
    """

    owner: str
    folder: Path

    def files(self, suffix: str) -> dict[str, Path]:
        """The files by name without suffix, sorted by name, without those of `unnameable`."""
        paths = sorted(self.folder.glob(f"*{suffix}"))
        return {path.stem: path for path in paths if path.stem.isprintable()}

    def unnameable(self, suffix: str) -> list[Path]:
        """Files in whose names are line breaks, or bytes that are no text."""
        return [
            path for path in sorted(self.folder.glob(f"*{suffix}")) if not path.stem.isprintable()
        ]


def assets_folder(kind: str) -> Path:
    """The folder of content of one kind: "predictors", "simulations" or "data".

    An installed wheel carries them inside the package; in a clone they stand beside it.
    """
    installed = _PACKAGE / "_assets" / kind
    return installed if installed.is_dir() else _PACKAGE.parent / kind


def asset_files(kind: str, suffix: str) -> dict[str, Path]:
    """The files of hwbench of one kind by name without suffix, sorted by name."""
    return Source("hwbench", assets_folder(kind)).files(suffix)


def home() -> Path:
    """The folder of the user's own content: `HWBENCH_HOME`, else the platform's data folder."""
    given = os.environ.get("HWBENCH_HOME")
    if given:
        return Path(given).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("hwbench", appauthor=False))


@dataclass(frozen=True)
class Content:
    """Files of one kind: of hwbench, the user's own, and those of packages.

    Where two have one name, hwbench's own is taken, else the user's, else that of the package whose
    name comes first in the alphabet.

    Attributes
    ----------
    noun : what a file is, for messages: "predictor".
    folder : inside the folders of hwbench and of packages.
    suffix : of the files, with its dot.
    own_folder : the folder under `home` that holds the user's.
    """

    noun: str
    folder: str
    suffix: str
    own_folder: str

    def files(self) -> dict[str, Path]:
        """The files by name without suffix, sorted."""
        found: dict[str, Path] = {}
        for source in self._sources():
            found = {**source.files(self.suffix), **found}
        return dict(sorted(found.items()))

    def find(self, name: str, *, besides: Iterable[str] = ()) -> Path:
        """The file that goes by a name, or the path itself where the name is one.

        Parameters
        ----------
        name : of the file.
        besides : what else may be meant by a name that is unknown.

        Raises
        ------
        HwbenchError
            Where there is neither; the message says the nearest name, and which packages, that
            might have it, are left out.
        """
        files = self.files()
        if name in files:
            return files[name]
        if name.endswith(self.suffix):
            return Path(name)
        unknown, faults = unknown_name(self.noun, name, [*files, *besides]), _packages()[1]
        raise HwbenchError("; ".join([str(unknown), *faults])) if faults else unknown

    def hidden(self) -> list[str]:
        """What `files` leaves out, a line each: files whose name another has, lost packages."""
        lines = list(_packages()[1])
        owners: dict[str, str] = {}
        for source in self._sources():
            lines += [
                f"{str(path)!a} is left out: its name cannot be printed; rename it"
                for path in source.unnameable(self.suffix)
            ]
            for name, path in source.files(self.suffix).items():
                owner = owners.setdefault(name, source.owner)
                if owner != source.owner:
                    lines.append(f"{path} is left out: {owner} has a {self.noun} of that name")
        return lines

    def _sources(self) -> list[Source]:
        """Where the files come from; the first of a name counts."""
        return [
            Source("hwbench", assets_folder(self.folder)),
            Source("HWBENCH_HOME", home() / self.own_folder),
            *(Source(package, place / self.folder) for package, place in _packages()[0]),
        ]


PREDICTORS = Content("predictor", "predictors", ".toml", "predictors")
SCENARIOS = Content("scenario", "simulations", ".toml", "simulations")
SPACES = Content("search space", "spaces", ".toml", "spaces")
TABLES = Content("table", "data", ".parquet", "tables")
BENCHMARKS = Content("benchmark", "data/sources", ".toml", "sources")


def live_content(recipe: str) -> Content:
    """The live searches of a recipe, or the "sweeps"."""
    noun = "sweep" if recipe == "sweeps" else f"search of the recipe {recipe}"
    folder = f"simulations/live/{recipe}"
    return Content(noun, folder, ".toml", folder)


@cache
def _packages() -> tuple[tuple[tuple[str, Path], ...], tuple[str, ...]]:
    """Packages of content with their folders, and what is wrong with others; none is imported."""
    folders: list[tuple[str, Path]] = []
    faults: list[str] = []
    for each in plug_ins(CONTENT_GROUP):
        if each.refusal:
            faults.append(f"content is left out: {each.refusal}")
            continue
        try:
            spec = find_spec(each.path)
        except Exception as error:  # noqa: BLE001  a parent package may raise anything
            faults.append(
                f"content of the package {each.package} cannot be found, importing {each.path} "
                f"raises {type(error).__name__}: {one_line(error)}; mend it or uninstall it"
            )
            continue
        if spec is None or not spec.submodule_search_locations:
            faults.append(
                f"content of the package {each.package}: {each.path} is no Python package that can "
                "be found; mend it or uninstall it"
            )
            continue
        folders += [(each.package, Path(place)) for place in spec.submodule_search_locations]
    return tuple(folders), tuple(faults)
