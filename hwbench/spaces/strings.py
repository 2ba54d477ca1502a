"""Printing and parsing whole batches of architecture strings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError
from hwbench.spaces.base import Space

MOST_KEPT = 10**5  # strings of a space that are kept to look others up in


def join_pieces(pieces: Sequence[Sequence[str]], codes: IntArray) -> list[str]:
    """Put strings together, a piece for each column.

    Parameters
    ----------
    pieces : for each column the texts that its codes stand for.
    codes : int64 of shape (n_texts, n_columns).
    """
    columns = [
        np.array(texts, dtype=object)[column].tolist()
        for texts, column in zip(pieces, codes.T, strict=True)
    ]
    return ["".join(row) for row in zip(*columns, strict=True)]


def parse_rows(
    parse: Callable[[str], IntArray], texts: Iterable[str], n_positions: int
) -> IntArray:
    """Parse strings one after the other.

    Parameters
    ----------
    parse : from a string to int64 of shape (n_positions,).
    texts : the strings.
    n_positions : of every architecture.

    Returns
    -------
    int64 array of shape (n_texts, n_positions).

    Raises
    ------
    HwbenchError
        What `parse` says of the first malformed string, behind its row.
    """
    given = list(texts)
    archs = np.empty((len(given), n_positions), dtype=np.int64)
    for row, text in enumerate(given):
        try:
            archs[row] = parse(text)
        except HwbenchError as error:
            raise HwbenchError(f"row {row}: {error}") from error
    return archs


class PieceStrings(Space):
    """A space whose strings are pieces of text one after the other, a piece for each position."""

    @cached_property
    @abstractmethod
    def _pieces(self) -> list[list[str]]:
        """For each position what each of its operations adds to the string."""

    def to_string(self, arch: ArrayLike) -> str:
        return self.to_strings(np.asarray(arch)[None, :])[0]

    def to_strings(self, archs: ArrayLike) -> list[str]:
        return join_pieces(self._pieces, self.check(archs))

    def from_strings(self, texts: Iterable[str]) -> IntArray:
        """Parse official strings into an int64 array of shape (n_archs, n_positions).

        Raises
        ------
        HwbenchError
            What `from_string` says of the first malformed string, behind its row.
        """
        given = list(texts)
        if self.n_architectures <= MOST_KEPT:
            try:
                places = [self._place_of_string[text.strip()] for text in given]
            except (AttributeError, KeyError):
                pass  # one of them is malformed: which, and how, is found below
            else:
                return self.architectures_at(places)
        return parse_rows(self.from_string, given, self.n_positions)

    @cached_property
    def _place_of_string(self) -> dict[str, int]:
        texts = self.to_strings(self.all_architectures())
        return {text: place for place, text in enumerate(texts)}
