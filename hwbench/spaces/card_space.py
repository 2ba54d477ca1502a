"""Search spaces of one's own: cards in `HWBENCH_HOME`/spaces.

A card of layers and choices needs no code:

    title = "Filters of my keyword spotter"
    digits = true            # strings of indices, such as "021"; by default of names, "16-64-32"
    baseline = "000"

    [layers]
    first = ["16", "32", "64"]
    second = ["16", "32", "64"]
    third = ["16", "32", "64"]

Where all layers offer the same, `layers = 3` and `choices = ["16", "32", "64"]` say so. Any other
space is a class, and its card one line: `class = "my_module:MySpace"`.
"""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from hwbench.arrays import IntArray
from hwbench.errors import HwbenchError, unknown_name
from hwbench.imports import import_object
from hwbench.spaces.base import Skeleton, SkeletonValue, Space
from hwbench.spaces.encodings import ENCODINGS
from hwbench.spaces.strings import PieceStrings
from hwbench.toml import FrozenModel, read_toml

MOST_LAYERS = 1000
MOST_DIGITS = 10  # choices that one decimal digit tells apart

_LAYERS_FORM = "must be a number of layers, or a table of layers, each a list of choice names"


class SpaceCard(FrozenModel):
    """A search space of one's own.

    Attributes
    ----------
    title : what people call it.
    layers : for each layer the names of its choices; or a number of layers beside `choices`.
    choices : what every layer offers, where `layers` is a number.
    separator : one character, stands between the choices in a string.
    digits : whether strings hold the choices' indices, one digit each, instead of their names.
    baseline : the architecture from whose neighbours a lookup table is measured, as a string; by
        default the first choice everywhere.
    class_path : import path "module:Class" of a space in code; then nothing else is given.
    """

    title: str | None = None
    layers: dict[str, tuple[str, ...]] | int | None = None
    choices: tuple[str, ...] | None = None
    separator: str = Field(default="-", min_length=1, max_length=1)
    digits: bool = False
    baseline: str | None = None
    class_path: str | None = Field(default=None, alias="class", pattern=r"^[\w.]+:\w+$")

    @field_validator("layers", mode="before")
    @classmethod
    def _number_or_table(cls, layers: Any) -> Any:
        if isinstance(layers, int) and not isinstance(layers, bool):
            if not 1 <= layers <= MOST_LAYERS:
                raise ValueError(f"must be a number of layers from 1 to {MOST_LAYERS}")
            return layers
        if not isinstance(layers, dict) or not layers:
            raise ValueError(_LAYERS_FORM)
        for name, choices in layers.items():
            if not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
                raise ValueError(f"layer '{name}': {_LAYERS_FORM}")
            if not name.strip() or not name.isprintable() or "=" in name:
                raise ValueError(f"layer {name!r}: a name is printable text without '='")
        return layers

    @model_validator(mode="after")
    def _layers_or_class(self) -> Self:
        given = set(self.model_fields_set)
        if self.class_path is not None:
            others = given - {"class_path"}
            if others:
                raise ValueError(f"beside 'class' no other key is allowed, not '{min(others)}'")
            return self
        if self.layers is None:
            raise ValueError("the key 'layers' is missing (or 'class', for a space in code)")
        if self.title is None:
            raise ValueError("the key 'title' is missing")
        if isinstance(self.layers, int) and self.choices is None:
            raise ValueError("the key 'choices' is missing: what each of the layers offers")
        if not isinstance(self.layers, int) and self.choices is not None:
            raise ValueError("'choices' stand beside a number of layers; here each has its own")
        if self.digits and "separator" in given:
            raise ValueError("give either separator or digits = true")
        for layer, choices in self.named_layers.items():
            self._check_choices(layer, choices)
        return self

    def _check_choices(self, layer: str, choices: tuple[str, ...]) -> None:
        if not choices:
            raise ValueError(f"layer '{layer}' offers nothing")
        if self.digits and len(choices) > MOST_DIGITS:
            raise ValueError(
                f"layer '{layer}' has {len(choices)} choices, more than the {MOST_DIGITS} digits"
            )
        for place, choice in enumerate(choices):
            if choice in choices[:place]:
                raise ValueError(f"layer '{layer}' has the choice '{choice}' twice")
            if not choice or not choice.isprintable() or choice != choice.strip():
                raise ValueError(
                    f"layer '{layer}': the choice {choice!r} must be printable text without "
                    "white space around it"
                )
            if not self.digits and self.separator in choice:
                raise ValueError(
                    f"layer '{layer}': the choice '{choice}' holds the separator "
                    f"'{self.separator}'; give another separator, or digits = true"
                )

    @property
    def named_layers(self) -> dict[str, tuple[str, ...]]:
        """The choices of each layer by its name, "layer1" ... where the card gives a number."""
        if isinstance(self.layers, int):
            return {f"layer{layer}": self.choices or () for layer in range(1, self.layers + 1)}
        return self.layers or {}


class CardSpace(PieceStrings):
    """The space of a card of layers and choices; nothing is known of its networks.

    Parameters
    ----------
    name : the card's, under which `get_space` finds it.
    card : what the file says.
    """

    named_by_position: ClassVar[bool] = True

    def __init__(self, name: str, card: SpaceCard) -> None:
        self.name = name
        self.title = card.title or name
        self.positions = tuple(card.named_layers)
        self.choices = tuple(card.named_layers.values())
        self.card = card

    @property
    def definition(self) -> dict[str, Any]:
        # All that the card says but the title, which changes no number.
        return {**super().definition, **self.card.model_dump(mode="json", exclude={"title"})}

    @cached_property
    def _pieces(self) -> list[list[str]]:
        if self.card.digits:
            return [[str(index) for index in range(len(names))] for names in self.choices]
        first, *others = self.choices
        return [list(first), *([self.card.separator + name for name in names] for names in others)]

    def from_string(self, text: str) -> IntArray:
        if not isinstance(text, str):
            raise self._malformed(text)
        if self.card.digits:
            return self._from_digits(text)
        names = text.strip().split(self.card.separator)
        if len(names) != self.n_positions:
            raise self._malformed(text)
        where = f"architecture {text!r}"
        for position, name, offered in zip(self.positions, names, self.choices, strict=True):
            if name not in offered:
                raise unknown_name(f"choice of layer '{position}'", name, offered, where=where)
        pairs = zip(names, self.choices, strict=True)
        return np.array([offered.index(name) for name, offered in pairs], dtype=np.int64)

    def _from_digits(self, text: str) -> IntArray:
        digits = text.strip()
        if len(digits) != self.n_positions or not set(digits) <= set("0123456789"):
            raise self._malformed(text)
        arch = np.array([int(digit) for digit in digits], dtype=np.int64)
        wrong = np.flatnonzero(arch >= self.n_choices)
        if len(wrong):
            layer = wrong[0]
            raise HwbenchError(
                f"architecture {text!r}: layer '{self.positions[layer]}' has no choice "
                f"{arch[layer]}; valid are 0 .. {self.n_choices[layer] - 1}"
            )
        return arch

    def _malformed(self, text: object) -> HwbenchError:
        example = self.to_string(self.n_choices - 1)
        form = "digits" if self.card.digits else f"choices joined by '{self.card.separator}'"
        return HwbenchError(
            f"architecture {text!r} is no {self.title} string; "
            f"expected {self.n_positions} {form}, such as {example}"
        )

    @cached_property
    def baseline(self) -> IntArray:
        if self.card.baseline is None:
            return np.zeros(self.n_positions, dtype=np.int64)
        return self.from_string(self.card.baseline)

    def skeleton(self, **changes: SkeletonValue) -> NoReturn:  # noqa: ARG002
        raise self._without("networks")


def own_space(name: str, path: Path) -> Space:
    """The space of a card; the same object at every call until the file changes.

    Raises
    ------
    HwbenchError
        Where the card is broken, or the class it names is no working space.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise HwbenchError(f"{path}: cannot be read ({error.strerror})") from error
    return _read_space(name, path.resolve(), state.st_mtime_ns, state.st_size)


@cache
def _read_space(name: str, path: Path, _changed_at: int, _size: int) -> Space:
    card = read_toml(path, SpaceCard)
    if card.class_path is not None:
        return _space_in_code(name, path, card.class_path)
    space = CardSpace(name, card)
    try:
        _ = space.baseline
    except HwbenchError as error:
        raise HwbenchError(f"{path}: baseline: {error}") from error
    return space


def _space_in_code(name: str, path: Path, class_path: str) -> Space:
    found = import_object(class_path, owner=str(path))
    if not (isinstance(found, type) and issubclass(found, Space)):
        raise HwbenchError(f"{path}: {class_path} is no subclass of hwbench.spaces.Space")
    try:
        space = found()
        reason = what_is_wrong(space)
        if not reason and space.name != name:
            reason = f"has the name '{space.name}'; name its card {space.name}.toml"
    except Exception as error:  # whatever a stranger's code may raise
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise HwbenchError(f"{path}: {class_path} fails: {what}") from error
    if reason:
        raise HwbenchError(f"{path}: {class_path} {reason}")
    return space


def what_is_wrong(space: Space) -> str | None:
    """What keeps a space from use, in words; `hwbench.testing.check_space` looks closer."""
    missing = [key for key in ("name", "title", "choices", "positions") if not hasattr(space, key)]
    if missing:
        return f"has no attribute '{missing[0]}'"
    own_skeleton = type(space).skeleton is not Space.skeleton
    if not own_skeleton and not isinstance(getattr(space, "default_skeleton", None), Skeleton):
        return "has neither a default_skeleton (a hwbench.spaces.Skeleton) nor its own skeleton()"
    if len(space.positions) != len(space.choices) or not space.choices:
        return f"has {len(space.positions)} positions and {len(space.choices)} lists of choices"
    for encoding in space.encodings:
        if encoding not in ENCODINGS:
            return f"has the encoding '{encoding}', which is none of {', '.join(ENCODINGS)}"
    archs = space.sample(min(3, space.n_architectures))
    if not np.array_equal(space.from_strings(space.to_strings(archs)), archs):
        return "does not read its own strings: from_strings(to_strings(archs)) is not archs"
    return None
