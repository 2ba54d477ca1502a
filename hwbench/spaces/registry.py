"""Search spaces by name: those of hwbench, cards of one's own, and those of packages."""

from __future__ import annotations

from functools import cache

from hwbench.assets import SPACES as CARDS
from hwbench.assets import home
from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.imports import require_imported
from hwbench.registry import Registry
from hwbench.spaces.base import Space
from hwbench.spaces.card_space import own_space, what_is_wrong

SPACES = Registry(
    "search space",
    {
        "autosnn": "hwbench.spaces.autosnn.space:AutoSNN",
        "autosnn_8": "hwbench.spaces.autosnn.space:AutoSNNEnlarged",
        "autosnn_avgpool": "hwbench.spaces.autosnn.space:AutoSNNAveragePooling",
        "autosnn_downsampling": "hwbench.spaces.autosnn.space:AutoSNNDownsampling",
        "autosnn_gap": "hwbench.spaces.autosnn.space:AutoSNNAveraged",
        "autosnn_sib": "hwbench.spaces.autosnn.space:AutoSNNBottlenecks",
        "darts": "hwbench.spaces.darts.space:DARTS",
        "enas_macro": "hwbench.spaces.enas_macro.space:ENASMacro",
        "ext_cell": "hwbench.spaces.ext_cell.space:ExtCell",
        "fbnet": "hwbench.spaces.fbnet.space:FBNet",
        "nasbench101": "hwbench.spaces.nasbench101.space:NASBench101",
        "nasbench1shot1_1": "hwbench.spaces.nasbench1shot1.space:NASBench1Shot1First",
        "nasbench1shot1_2": "hwbench.spaces.nasbench1shot1.space:NASBench1Shot1Second",
        "nasbench1shot1_3": "hwbench.spaces.nasbench1shot1.space:NASBench1Shot1Third",
        "nasbench201": "hwbench.spaces.nasbench201.space:NASBench201",
        "nasbench_macro": "hwbench.spaces.nasbench_macro.space:NASBenchMacro",
        "pr_darts": "hwbench.spaces.darts.prune_and_replace:PRDARTS",
        "published_networks": "hwbench.spaces.published.space:PublishedNetworks",
        "shufflenasnet": "hwbench.spaces.shufflenasnet.space:ShuffleNASNet",
        "spiking_rivals": "hwbench.spaces.autosnn.rival_space:SpikingRivals",
        "transnas_macro": "hwbench.spaces.transnas.macro:TransNASMacro",
        "transnas_micro": "hwbench.spaces.transnas.micro:TransNASMicro",
        "tree_cell": "hwbench.spaces.tree_cell.space:TreeCell",
        "tree_cell_6": "hwbench.spaces.tree_cell.space:SmallTreeCell",
    },
    "hwbench.spaces",
    base="hwbench.spaces.base:Space",
)
"""Subclasses of `Space` by the name that they give themselves."""


def list_spaces() -> list[str]:
    """Names of all search spaces, those of cards and of packages included, sorted.

    Nothing is imported or read: some may turn out to be broken when they are asked for.
    """
    return sorted({*SPACES, *CARDS.files()})


def load_space(name: str) -> Space:
    """The search space of that name; the same object at every call.

    A space of a card is read again after the card has changed.

    Parameters
    ----------
    name : one of `list_spaces()`, or the import path "module:Class" of one's own. A space that
        nothing but its path makes known is called by it.

    Raises
    ------
    HwbenchError
        Where there is no such space (the message names the nearest one), it cannot be imported or
        read, or a card in `HWBENCH_HOME`/spaces has the name of a space of hwbench.
    """
    return get_space(name)


def get_space(name: str) -> Space:
    """The same as `load_space`, under the name that it has in model files and older programs."""
    own_card = home() / "spaces" / f"{name}.toml"
    if name in SPACES.built_in:
        if own_card.exists():
            raise HwbenchError(
                f"{own_card}: hwbench has a space '{name}' of its own; give the card another name"
            )
        return _in_code(name)
    if ":" in name:
        return _by_path(name)
    cards = CARDS.files()
    if name in cards:
        return own_space(name, cards[name])
    if name in SPACES:
        return _in_code(name)
    raise unknown_name("search space", name, list_spaces())


def named_space(name: str) -> Space:
    """The search space that a file of results or of measurements names.

    Such files may be anybody's: an import path in them is followed only where the module has been
    imported already.

    Raises
    ------
    HwbenchError
        As `get_space`, and where the module has not been imported.
    """
    require_imported(name, owner="search space")
    return get_space(name)


def _by_path(path: str) -> Space:
    """The space of an import path; where that is one of a package's entries, the entry's."""
    names = [name for name, known in SPACES.items() if known == path]
    return _in_code(names[0] if names else path)


@cache
def _in_code(name: str) -> Space:
    """The space of a class: of hwbench, of a package, or of an import path."""
    kind = SPACES.load(name)
    if name in SPACES.built_in:
        built_in: Space = kind()
        return built_in
    whose = SPACES.origin(name)
    place = f"search space {name}{f' of the package {whose}' if whose else ''}"
    try:
        space: Space = kind()
        if ":" in name:
            space.name = name
        fault = what_is_wrong(space)
        if not fault and space.name != name:
            fault = f"has the name '{space.name}'; call its entry point so"
    except (Exception, SystemExit) as error:  # whatever a stranger's code may raise
        raise HwbenchError(
            f"{place}: {SPACES.path_of(name)} fails: {type(error).__name__}: {one_line(error)}"
        ) from error
    if fault:
        raise HwbenchError(f"{place}: {SPACES.path_of(name)} {fault}")
    return space


Space.lookup = staticmethod(get_space)
