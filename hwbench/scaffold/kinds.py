"""The kinds of parts that a package may add, and what is to be known of each to begin one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from hwbench.assets import BENCHMARKS, PREDICTORS, live_content
from hwbench.errors import unknown_name

Names = Callable[[], Collection[str]]


@dataclass(frozen=True)
class Kind:
    """A kind of part.

    Attributes
    ----------
    name : on the command line.
    noun : in words.
    templates : the folder of its files.
    module, suffix : of the part: the module that it is in, and what its class's name ends in; a
        converter is a function, without a suffix.
    groups : of entry points that the package needs; of each the path of its object, in which
        NAME, STEM and CLASS stand for the part's.
    taken : names that are given already.
    check : what `hwbench check` needs besides the kind and the path.
    use : what to type, once it is installed, to see it and to use it.
    card : the template of a card that needs no code; "" where there is none.
    card_folder : in `HWBENCH_HOME`, where such a card is found.
    """

    name: str
    noun: str
    templates: str
    module: str
    suffix: str
    groups: tuple[tuple[str, str], ...]
    taken: Names
    use: tuple[tuple[str, str], ...]
    check: str = ""
    card: str = ""
    card_folder: str = ""


_CONTENT = ("hwbench.content", "PACKAGE")


def _predictors() -> Collection[str]:
    return PREDICTORS.files()


def _encodings() -> Collection[str]:
    from hwbench.spaces.encodings import list_encodings

    return list_encodings()


def _spaces() -> Collection[str]:
    from hwbench.spaces import list_spaces

    return list_spaces()


def _strategies() -> Collection[str]:
    from hwbench.search.registry import STRATEGIES

    return [*STRATEGIES]


def _architecture_strategies() -> Collection[str]:
    from hwbench.live.strategies import STRATEGIES

    return {*STRATEGIES, *live_content("small").files()}


def _selections() -> Collection[str]:
    from hwbench.live.selections import SELECTIONS

    return {*SELECTIONS, *live_content("small").files()}


def _runtimes() -> Collection[str]:
    from hwbench.tables.made.runtimes import RUNTIMES

    return [*RUNTIMES]


def _converters() -> Collection[str]:
    from hwbench.tables.public.catalogue import CONVERTERS

    return {*CONVERTERS, *BENCHMARKS.files()}


_PREDICTOR = Kind(
    name="predictor",
    noun="predictor",
    templates="predictor",
    module="regressor",
    suffix="Regressor",
    groups=(_CONTENT,),
    taken=_predictors,
    use=(
        ("see it", "hwbench predictors show NAME"),
        ("compare it, on a page", "hwbench benchmark NAME"),
    ),
    check="hwbench_NAME/predictors/NAME.toml",
    card="predictor.toml",
    card_folder="predictors",
)
_LAYERS = Kind(
    name="space",
    noun="search space",
    templates="space-layers",
    module="space",
    suffix="Space",
    groups=(("hwbench.spaces", "PART"),),
    taken=_spaces,
    use=(
        ("see it", "hwbench spaces list"),
        ("see a network", "hwbench spaces show NAME conv3-skip-conv5-conv3-skip"),
        ("measure it", "hwbench tables measure NAME --name NAME-cpu --rounds 2"),
    ),
    card="space.toml",
    card_folder="spaces",
)
_GRAPH = Kind(
    name="space",
    noun="search space",
    templates="space-graph",
    module="space",
    suffix="Space",
    groups=(
        ("hwbench.spaces", "PART"),
        ("hwbench.supernets", "PACKAGE.supernet:STEMSupernet"),
    ),
    taken=_spaces,
    use=(
        ("see it", "hwbench spaces list"),
        (
            "see a network",
            "hwbench spaces show NAME 'conv3x3|skip|conv1x1|none|skip|conv3x3'",
        ),
        ("measure it", "hwbench tables measure NAME --name NAME-cpu --limit 50 --rounds 2"),
    ),
)
_STRATEGY = Kind(
    name="strategy",
    noun="search strategy",
    templates="strategy",
    module="strategy",
    suffix="Strategy",
    groups=(("hwbench.search_strategies", "PART"), _CONTENT),
    taken=_strategies,
    use=(
        ("see it", "hwbench search list"),
        ("compare it, on a page", "hwbench benchmark NAME"),
    ),
)
_ENCODING = Kind(
    name="encoding",
    noun="encoding",
    templates="encoding",
    module="encoding",
    suffix="Encoding",
    groups=(("hwbench.encodings", "PART"), _CONTENT),
    taken=_encodings,
    use=(
        ("see it", "hwbench spaces encodings"),
        ("compare it, on a page", "hwbench benchmark NAME"),
    ),
)
_ARCHITECTURE_STRATEGY = Kind(
    name="architecture-strategy",
    noun="architecture strategy",
    templates="architecture-strategy",
    module="strategy",
    suffix="Strategy",
    groups=(("hwbench.architecture_strategies", "PART"), _CONTENT),
    taken=_architecture_strategies,
    use=(
        ("see it", "hwbench live parts"),
        ("search with it", "hwbench live run NAME --recipe small -o runs/NAME"),
        ("see the page", "hwbench report write runs/NAME"),
    ),
)
_SELECTION = Kind(
    name="selection",
    noun="selection",
    templates="selection",
    module="selection",
    suffix="Selection",
    groups=(("hwbench.selections", "PART"), _CONTENT),
    taken=_selections,
    use=(
        ("see it", "hwbench live parts"),
        ("search with it", "hwbench live run NAME --recipe small -o runs/NAME"),
        ("see the page", "hwbench report write runs/NAME"),
    ),
)
_RUNTIME = Kind(
    name="runtime",
    noun="runtime",
    templates="runtime",
    module="runtime",
    suffix="Runtime",
    groups=(("hwbench.runtimes", "PART"),),
    taken=_runtimes,
    use=(
        ("see it", "hwbench tables runtimes"),
        (
            "measure with it",
            "hwbench tables measure nasbench201 --runtime NAME --name NAME-cpu --limit 20 "
            "--rounds 2",
        ),
    ),
)
_CONVERTER = Kind(
    name="converter",
    noun="converter",
    templates="converter",
    module="converter",
    suffix="",
    groups=(("hwbench.converters", "PART"), _CONTENT),
    taken=_converters,
    use=(
        ("see it", "hwbench tables benchmarks NAME"),
        ("make the table", "hwbench tables import NAME tests/measurements.csv"),
    ),
    check="PART --file tests/measurements.csv",
)

KINDS = {
    kind.name: kind
    for kind in (
        _PREDICTOR,
        _ENCODING,
        _LAYERS,
        _STRATEGY,
        _ARCHITECTURE_STRATEGY,
        _SELECTION,
        _RUNTIME,
        _CONVERTER,
    )
}
"""Every kind by its name on the command line; a space is one of layers."""


def find_kind(name: str, *, graph: bool = False) -> Kind:
    """The kind of a name.

    Parameters
    ----------
    name : one of `KINDS`.
    graph : whether a space is one of graphs.

    Raises
    ------
    HwbenchError
        Where there is none; the message says the nearest.
    """
    if name not in KINDS:
        raise unknown_name("kind of part", name, KINDS)
    return _GRAPH if graph and name == _GRAPH.name else KINDS[name]
