"""The version of the code that computes a number: a digest of all modules that it may run.

Given modules to begin with, all count that these import, and those that they import, wherever in a
file the import stands. What is imported by a name that is put together at run time, such as the
estimator of a card, is not found: whoever names it gives it as another module to begin with.

Of a module its syntax tree counts: comments, docstrings, line breaks and what only a type checker
imports change nothing. The package's version is no part: a release leaves the code of most
numbers as it is.

What counts is source of hwbench, of a package that is named to begin with, and of whatever is
imported from outside the folders of installed packages: code of one's own. The libraries that
hwbench depends on do not count, nor does what else is installed.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, requires
from importlib.util import find_spec
from itertools import accumulate
from pathlib import Path

WITHOUT_NUMBERS = frozenset(
    (
        "hwbench",  # names of the public interface, each imported when it is used
        "hwbench.code_version",  # names of results
        "hwbench.errors",  # messages
        "hwbench.extras",  # messages
        "hwbench.files",  # how files are written, not what is in them
        "hwbench.locks",  # who may write them
        "hwbench.progress",  # how far work is
        "hwbench.regular_files",  # which files are opened at all
        "hwbench.threads",  # a thread a process, everywhere
        "hwbench.version",  # another with every release
        # In which process units of work run.
        "hwbench.workers",
        "hwbench.workers.pool",
        "hwbench.workers.process",
        "hwbench.workers.worker",
        # What finds parts by their names: whoever does names their modules to begin with.
        "hwbench.imports",
        "hwbench.live.selections",
        "hwbench.live.strategies",
        "hwbench.live.supernets",
        "hwbench.live.trainers",
        "hwbench.plug_ins",
        "hwbench.predictors.registry",
        "hwbench.registry",
        "hwbench.spaces.encodings",
        "hwbench.spaces.registry",
        "hwbench.tables.made.energy",
        "hwbench.tables.made.runtimes",
    )
)
"""Modules that can change no number, and are left out."""

READERS = (
    "hwbench.assets",
    "hwbench.formats",
    "hwbench.notebook",
    "hwbench.tables",
    "hwbench.target_text",
    "hwbench.toml",
)
"""Modules and packages that read tables and cards. They are left out where the values that were
read, and not their file, are a part of what is versioned."""

DIGITS = 16
"""Hexadecimal digits kept of a digest."""

_INSTALLED = frozenset(("site-packages", "dist-packages"))
_IMPORTED_AS = {"scikit-learn": "sklearn"}  # names of modules that are not their distribution's


def code_version(*modules: str, without: Iterable[str] = ()) -> str:
    """Digest of the source of some modules and of all that they import.

    Parameters
    ----------
    modules : their names. A library's, and one that cannot be found, adds nothing.
    without : modules, and packages with all that is in them, that are left out besides
        `WITHOUT_NUMBERS`.

    Returns
    -------
    16 hexadecimal digits, the same on every machine for the same source.
    """
    digest = hashlib.sha256()
    for name, source in sorted(_closure(modules, frozenset(without)).items()):
        digest.update(f"{name} {source.digest}\n".encode())
    return digest.hexdigest()[:DIGITS]


def counted_modules(*modules: str, without: Iterable[str] = ()) -> list[str]:
    """The modules whose source `code_version` of the same arguments is a digest of, sorted."""
    return sorted(_closure(modules, frozenset(without)))


def module_of(path: str) -> str:
    """The module of an import path "module:Class"."""
    return path.partition(":")[0]


@dataclass(frozen=True)
class _Source:
    """What a file says.

    Attributes
    ----------
    digest : of what runs.
    imports : names of modules, and of what may be one inside a package.
    homes : of a package that imports its names when they are used, the module of each.
    """

    digest: str
    imports: tuple[str, ...] = ()
    homes: Mapping[str, str] = field(default_factory=dict)


def _closure(modules: Iterable[str], without: frozenset[str]) -> dict[str, _Source]:
    """The counted modules by name."""
    begun = {name.partition(".")[0] for name in modules}
    found: dict[str, _Source] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        top, *parts = name.split(".")
        if name in found or name in WITHOUT_NUMBERS or not _counts(top, named=top in begun):
            continue
        if without and not without.isdisjoint(accumulate(name.split("."), "{}.{}".format)):
            continue
        path = _path_of(name)
        if path is None:
            waiting += _home_of(name)
            continue
        found[name] = _source_of(name, path)
        # To import a module is to run the packages that it is in.
        waiting += [".".join((top, *parts[:depth])) for depth in range(len(parts))]
        waiting += found[name].imports
    return found


def _home_of(name: str) -> list[str]:
    """The module from which a package takes the name it is asked for, where it says so."""
    package, _, attribute = name.rpartition(".")
    path = _path_of(package) if package else None
    homes = _source_of(package, path).homes if path is not None else {}
    return [homes[attribute]] if attribute in homes else []


# ---------------------------------------------------------------------- where modules are


@cache
def _counts(top: str, *, named: bool) -> bool:
    """Whether modules of a top-level package count.

    Parameters
    ----------
    top : its name.
    named : whether it is the package of a module that was given to begin with.
    """
    if top == "hwbench":
        return True
    if top in sys.stdlib_module_names or top in _dependencies():
        return False
    return named or not _INSTALLED & {part for each in _places(top) for part in each.parts}


@cache
def _dependencies() -> frozenset[str]:
    """Names under which the libraries that hwbench depends on are imported."""
    try:
        wanted = requires("hwbench") or []
    except PackageNotFoundError:  # run from a clone that is not installed
        wanted = []
    names = {re.split(r"[^\w.-]", each, maxsplit=1)[0].lower() for each in wanted} | {*_IMPORTED_AS}
    return frozenset(_IMPORTED_AS.get(name, name.replace("-", "_")) for name in names)


def _places(top: str) -> list[Path]:
    """The folders of a top-level package, the file of a module, nothing where it is not there."""
    spec = _spec_of(top)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(each) for each in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.has_location and spec.origin else []


def _spec_of(top: str) -> ModuleSpec | None:
    try:
        return find_spec(top)
    except (ImportError, ValueError):  # of a module that was made without a file
        return None


def _path_of(name: str) -> Path | None:
    """The file of a module, None where there is none, as for names that are no module's."""
    top, *parts = name.split(".")
    if top == "hwbench":
        return _files_of_hwbench().get(name)
    for place in _places(top):
        if place.is_file():
            return None if parts else place
        below = place.joinpath(*parts)
        for path in (below / "__init__.py", below.with_name(f"{below.name}.py")):
            if path.is_file():
                return path
    return None


@cache
def _files_of_hwbench() -> dict[str, Path]:
    """The file of every module of hwbench; none comes or goes while a process runs."""
    folder = Path(__file__).parent
    files = {}
    for path in folder.rglob("*.py"):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


# ---------------------------------------------------------------------- what modules say

_loaded: dict[str, tuple[ModuleSpec, _Source]] = {}


def _source_of(name: str, path: Path) -> _Source:
    """What a module's file says.

    Of a module that is loaded it is what the file said when this was first asked: an edit of the
    file does not change what runs here, until the module is loaded again.
    """
    spec: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if spec is not None and name in _loaded and _loaded[name][0] is spec:
        return _loaded[name][1]
    state = path.stat()
    found = _read(name, path, state.st_mtime_ns, state.st_size)
    if spec is not None:
        _loaded[name] = (spec, found)
    return found


@cache
def _read(name: str, path: Path, _changed_at: int, _size: int) -> _Source:
    content = path.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # compiled code, or a file that no Python can run as it is
        return _Source(hashlib.sha256(content).hexdigest())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    lines: list[str] = []
    _write(tree, lines)
    digest = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
    return _Source(digest, tuple(dict.fromkeys(_imports(tree, package))), _homes(tree))


def _write(node: ast.AST, lines: list[str]) -> None:
    """A syntax tree as lines that are the same in every version of Python.

    `ast.dump` also writes what is empty, and so what a newer Python adds to a node.
    """
    lines.append(type(node).__name__)
    for name in node._fields:
        value = getattr(node, name, None)
        if value is None or value == [] or name in ("ctx", "kind", "type_comment"):
            continue
        lines.append(f".{name}")
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.stmt):
                for statement in _that_run(each):
                    _write(statement, lines)
            elif isinstance(each, ast.AST):
                _write(each, lines)
            else:
                lines.append(repr(each))
    lines.append("/")


def _that_run(statement: ast.stmt) -> list[ast.stmt]:
    """A statement, nothing in place of a docstring, and of what is for type checkers the rest."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return []
    if isinstance(statement, ast.If) and _name_in(statement.test) == "TYPE_CHECKING":
        return statement.orelse
    return [statement]


def _name_in(node: ast.expr) -> str:
    """The last name of "name" or "module.name"."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Names that a module imports: of modules, and of what may be one inside a package."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt) and _that_run(node) != [node]:
            waiting += _that_run(node)
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
            for each in node.names:
                if each.name == "hwbench":
                    yield from _attributes(tree, each.asname or each.name)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, package)
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)
        # Only statements hold statements: their expressions, most of the tree, are passed over.
        for name in _STATEMENTS:
            waiting += getattr(node, name, ())


_STATEMENTS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of a statement, a handler or a case in which statements stand."""


def _attributes(tree: ast.Module, alias: str) -> Iterator[str]:
    """What a module takes of hwbench, which it imports under an alias."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _name_in(node.value) == alias:
            yield f"hwbench.{node.attr}"


def _homes(tree: ast.Module) -> dict[str, str]:
    """The table `_HOME_OF` of a package that imports its names when they are used."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and _name_in(node.targets[0]) == "_HOME_OF"
            and isinstance(node.value, ast.Dict)
        ):
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {
                str(key.value): str(value.value)
                for key, value in pairs
                if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
            }
    return {}


def _absolute(node: ast.ImportFrom, package: str) -> str:
    """The module that names are imported from, of a relative import too."""
    module = [node.module] if node.module else []
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join([*above, *module])
