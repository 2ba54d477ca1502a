"""Encodings by name: those that spaces have themselves, and those of packages and of one's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from hwbench.arrays import FloatArray, IntArray
from hwbench.errors import HwbenchError, one_line, unknown_name
from hwbench.registry import Registry

if TYPE_CHECKING:
    from hwbench.spaces.base import Space

ENCODING_TITLES = {
    "onehot": "a column for each position and operation",
    "counts": "how many positions hold each operation",
    "integers": "the operation indices as they are",
    "live": "one-hot after dead branches are removed",
    "path": "a column for each sequence of operations from input to output",
    "paths": "how many paths there are, and what lies on the longest, the shortest and all of them",
    "structure": "groups of features of what the structure says of the cost",
    "graph": "the arrays of the op-on-node graphs side by side",
}
"""What each encoding that spaces may have themselves is made of."""

ENCODINGS = tuple(ENCODING_TITLES)


class Encoding(ABC):
    """An encoding beside those that spaces have themselves: features of whole batches.

    Wherever an encoding is named, in cards, studies and calls, the entry's name or "module:Class"
    names it. It is made once in a process, without arguments, and used for every space that it
    suits; so nothing of it may change once it is made.

    Attributes
    ----------
    title : what its columns are, in words.
    """

    title: ClassVar[str] = ""

    def suits(self, space: Space) -> bool:  # noqa: ARG002
        """Whether architectures of a space can be encoded; by default of every one.

        Called whenever an encoding is looked for; where it says no, studies leave the space out.
        """
        return True

    @abstractmethod
    def encode(self, space: Space, archs: IntArray) -> FloatArray:
        """Features of architectures, a row of which depends on that architecture alone.

        Called for training and for all that is predicted, so with any number of rows, none too.

        Parameters
        ----------
        space : that it suits.
        archs : int64 of shape (n_archs, n_positions), checked; not to be written to.

        Returns
        -------
        float32 of shape (n_archs, n_features), finite.
        """

    @abstractmethod
    def names(self, space: Space) -> list[str]:
        """Names of the n_features columns, no two alike."""


OWN_ENCODINGS = Registry(
    "encoding", {}, "hwbench.encodings", base="hwbench.spaces.encodings:Encoding"
)
"""Subclasses of `Encoding`, those of packages; hwbench's own are methods of spaces."""


def list_encodings() -> list[str]:
    """Names of all encodings: those that spaces have themselves, then those of packages."""
    return [*ENCODINGS, *(name for name in OWN_ENCODINGS if name not in ENCODINGS)]


def check_encoding_name(name: str) -> str:
    """The name of an encoding, as it was given; nothing is imported.

    Raises
    ------
    HwbenchError
        Where it is neither a name of `list_encodings` nor an import path "module:Class".
    """
    if ":" not in name and name not in list_encodings():
        raise unknown_name("encoding", name, list_encodings())
    return name


def is_own(name: str) -> bool:
    """Whether an encoding is one of packages or of one's own, if it is any."""
    return name not in ENCODINGS and (":" in name or name in OWN_ENCODINGS)


@cache
def own_encoding(name: str) -> Encoding:
    """The encoding of a name of a package's, or of an import path "module:Class".

    Raises
    ------
    HwbenchError
        Where there is none, or it cannot be imported or made without arguments.
    """
    kind = OWN_ENCODINGS.load(name)
    try:
        made: Encoding = kind()
    except Exception as error:  # the code of others may raise anything
        raise HwbenchError(
            f"encoding {name}: cannot be made without arguments "
            f"({type(error).__name__}: {one_line(error)})"
        ) from error
    return made


def encoding_modules(name: str) -> list[str]:
    """The modules that an encoding's numbers come from, besides those of the space."""
    return [OWN_ENCODINGS.path_of(name).partition(":")[0]] if is_own(name) else []
