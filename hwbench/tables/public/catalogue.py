"""The catalogue of public benchmarks: which files hold their numbers, and where those stand.

Each benchmark is a TOML card. It names one or more variants, and each variant lists all files that
the benchmark's table can be made from: those of the authors, or a smaller copy that somebody else
has published.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from hwbench.assets import BENCHMARKS
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import unknown_name
from hwbench.registry import Registry
from hwbench.toml import FrozenModel, read_toml

CONVERTERS = Registry(
    "converter",
    {
        "help-fbnet": "hwbench.tables.converters.help_fbnet:convert_help_fbnet",
        "help-nasbench201": "hwbench.tables.converters.help_nasbench201:convert_help_nasbench201",
        "hw-nas-bench": "hwbench.tables.converters.hw_nas_bench:convert_hw_nas_bench",
        "hw-nas-bench-fbnet": "hwbench.tables.converters.hw_nas_bench_fbnet:"
        "convert_hw_nas_bench_fbnet",
        "latbench": "hwbench.tables.converters.latbench:convert_latbench",
        "nasbench-macro": "hwbench.tables.converters.nasbench_macro:convert_nasbench_macro",
        "nasbench101": "hwbench.tables.converters.nasbench101:convert_nasbench101",
        "nasbench201": "hwbench.tables.converters.nasbench201:convert_nasbench201",
        "transnas-bench-101-macro": "hwbench.tables.converters.transnas_bench_101:"
        "convert_transnas_bench_101_macro",
        "transnas-bench-101-micro": "hwbench.tables.converters.transnas_bench_101:"
        "convert_transnas_bench_101_micro",
    },
    "hwbench.converters",
)
"""Functions from paths of files (and `progress`, to be called with steps done and in all) to the
`Table` that they make; the name is what a benchmark's card calls its converter."""


class Variant(FrozenModel):
    """A complete set of files from which a benchmark's table can be made.

    Attributes
    ----------
    name : "original", or what the copy is called.
    note : what it lacks beside the original, and what a user should know of it.
    fetch : whether a program can fetch the files.
    where : where a user gets them where it cannot.
    file : the files, all of them needed but the optional ones.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    note: str = ""
    fetch: bool = True
    where: str = ""
    file: tuple[SourceFile, ...] = ()

    @model_validator(mode="after")
    def _can_be_had(self) -> Self:
        if not self.fetch and not self.where:
            raise ValueError("a variant that is not fetched must say where its files are")
        if self.fetch and not self.file:
            raise ValueError("a variant that is fetched needs files")
        for file in self.file:
            if self.fetch and not file.url:
                raise ValueError(f"{file.path} needs repository and commit, or url, to be fetched")
        places = [file.relative_path for file in self.file]
        if len(set(places)) < len(places):
            raise ValueError("two files have the same place")
        return self

    @property
    def bytes(self) -> int | None:
        """Length of all files together that are fetched, None where one is unknown."""
        fetched = [file for file in self.file if file.checksum or not file.optional]
        lengths = [file.bytes for file in fetched if file.bytes is not None]
        return sum(lengths) if lengths and len(lengths) == len(fetched) else None


class BenchmarkCard(FrozenModel):
    """A public benchmark and the files that hold its numbers.

    Attributes
    ----------
    name : by which `load_benchmark` finds it; the name of the card's file.
    title : what people call it.
    space : name of the search space.
    description : what the numbers are.
    paper : where it was published.
    licence : under which its authors published the numbers; "unstated" where they name none.
    converter : what makes the table from the files: one of `CONVERTERS`, or the import path
        "module:function" of one's own; read as the import path.
    comes_as : the table with its numbers that comes with hwbench, "" where none does.
    variant : the ways to have it; the first that can be fetched is the default.
    """

    title: str
    space: str = Field(pattern=r"^\w+$")
    description: str
    paper: str
    licence: str
    converter: str = Field(pattern=r"^[\w.-]+(:\w+)?$")
    comes_as: str = ""
    variant: tuple[Variant, ...] = Field(min_length=1)
    _name: str = PrivateAttr(default="")

    @field_validator("converter")
    @classmethod
    def _path_of_converter(cls, converter: str) -> str:
        return CONVERTERS.path_of(converter)

    @model_validator(mode="after")
    def _distinct_variants(self) -> Self:
        names = [variant.name for variant in self.variant]
        if len(set(names)) < len(names):
            raise ValueError("two variants have the same name")
        return self

    @property
    def name(self) -> str:
        return self._name

    def published(self, sha256: str) -> SourceFile | None:
        """The published file of some content, None where the card knows of none."""
        files = (file for variant in self.variant for file in variant.file)
        return next((file for file in files if file.sha256 == sha256), None)

    def absent(self, names: Collection[str]) -> list[SourceFile]:
        """The optional files, published by the authors or by others, that are not among names."""
        files = {file.name: file for variant in self.variant for file in variant.file}
        return [file for name, file in files.items() if file.optional and name not in names]

    def get_variant(self, name: str | None = None) -> Variant:
        """A variant by name; without a name the default one.

        The default is the first that can be fetched, or simply the first where none can.

        Raises
        ------
        HwbenchError
            Where there is no variant of that name; the message says the nearest.
        """
        if name is None:
            fetched = [variant for variant in self.variant if variant.fetch]
            return (fetched or self.variant)[0]
        for variant in self.variant:
            if variant.name == name:
                return variant
        names = [variant.name for variant in self.variant]
        raise unknown_name(f"variant of {self.name}", name, names)


def benchmark_files() -> dict[str, Path]:
    """Every card's file by name: of hwbench, under `HWBENCH_HOME`/sources, and of packages."""
    return BENCHMARKS.files()


def benchmark_cards() -> dict[str, BenchmarkCard]:
    """Every benchmark's card by name, sorted.

    Raises
    ------
    HwbenchError
        Where a card is broken; the message names file and key.
    """
    return {name: _read(path) for name, path in sorted(benchmark_files().items())}


def load_benchmark(name: str) -> BenchmarkCard:
    """The card of a benchmark: a name, or the path of a `.toml` card.

    Raises
    ------
    HwbenchError
        Where there is no such benchmark, or its card is broken.
    """
    return _read(BENCHMARKS.find(name))


def _read(path: Path) -> BenchmarkCard:
    card = read_toml(path, BenchmarkCard)
    card._name = path.stem
    return card
