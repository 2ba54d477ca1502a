"""What every selection promises, to hold selections of one's own against."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import torch

from hwbench.arrays import IntArray
from hwbench.devices import seeded
from hwbench.images.augmentation import Augmentation
from hwbench.images.parts import Part, SearchData
from hwbench.live.config import LiveConfig, config_of
from hwbench.live.search import Search
from hwbench.live.selections import SELECTIONS
from hwbench.live.selections.base import Selection
from hwbench.live.strategies import STRATEGIES
from hwbench.live.strategies.base import ArchitectureStrategy
from hwbench.live.supernets.supernet import make_supernet, resolve_operations, supernet_class
from hwbench.live.trainers.base import SingleLevel, Trainer
from hwbench.live.trainers.bilevel import Bilevel
from hwbench.progress import silent_stage
from hwbench.spaces import get_space
from hwbench.testing.random_states import global_states, seed_global_states
from hwbench.testing.suite import Check, Subject, Suite, described, made, no_such_part

CLASSES, SIZE = 3, 8
N_RANKED = 6

FORMS = (
    'a name, "module:Class", a subclass of Selection, a function that makes one, or an object that '
    "has selected nothing"
)


class SelectionSubject(Subject):
    """A selection to check, and small trained supernets to select from.

    Attributes
    ----------
    make : makes a new one.
    """

    kind = "selection"

    def __init__(
        self,
        part: Any,
        arguments: Mapping[str, Any] = MappingProxyType({}),
        space: str = "nasbench201",
        trained_by: str | None = None,
    ) -> None:
        self.name = described(part)
        self.make = _maker(part, arguments)
        self.space = space
        one = made(self.kind, self.make, self.name)
        if not isinstance(one, Selection):
            raise no_such_part(self.kind, one, FORMS)
        self.trained_by = _strategy_for(one) if trained_by is None else trained_by
        STRATEGIES.load(self.trained_by)

    def search(self) -> Search:
        """A search of one epoch, a new one at every call, and always the same."""
        return copy.deepcopy(self._trained)

    @cached_property
    def _trained(self) -> Search:
        with seeded(0, torch.device("cpu"), threads=1):
            torch.manual_seed(0)
            images = torch.randn(40, 1, SIZE, SIZE)
            labels = torch.arange(len(images)) % CLASSES
            parts = (slice(0, 16), slice(16, 32), slice(32, 40))
            data = SearchData(*(Part(images[each], labels[each]) for each in parts))
            strategy: ArchitectureStrategy = STRATEGIES.load(self.trained_by)()
            space = get_space(self.space)
            names = resolve_operations(supernet_class(space), space, None)
            wanted = [
                [name for name in own if name not in strategy.requires.without] for own in names
            ]
            supernet = make_supernet(
                space,
                operations=wanted,
                options=strategy.network_options(),
                channels=4,
                depth=1,
                input_channels=1,
                input_size=SIZE,
                classes=CLASSES,
            )
            strategy.attach(supernet).before_epoch(0, 1)
            kind: type[Trainer] = Bilevel if strategy.learns_by_gradient else SingleLevel
            trainer = kind(epochs=1, batch_size=8)
            trainer.start(supernet, strategy)
            found = Search(
                _config(self.space, self.trained_by, strategy, wanted),
                supernet,
                strategy,
                trainer,
                data,
                Augmentation(),
                {},
            )
            found.train_epoch(0)
            found.ranking = self._ranking(found)
        return found

    def _ranking(self, search: Search) -> pd.DataFrame:
        archs = search.supernet.space.sample(N_RANKED, seed=5)
        found = search.judge().evaluate(archs)
        found.insert(0, "architecture", search.supernet.space.to_strings(archs))
        found = found.sort_values("accuracy", ascending=False, ignore_index=True)
        return found.assign(score=found["accuracy"])

    def selected(self, search: Search, selection: Selection | None = None) -> IntArray:
        """What it selects, checked for its shape, with torch's generator as training leaves it."""
        one = self.make() if selection is None else selection
        with seeded(0, torch.device("cpu"), threads=1):
            torch.manual_seed(0)
            chosen = self.call("select(search, stage)", one.select, search, silent_stage)
        array = isinstance(chosen, np.ndarray) and chosen.dtype == np.int64
        self.require(array, "select gives no int64 array")
        n_positions = search.supernet.space.n_positions
        fits = chosen.shape == (n_positions,) or (
            chosen.ndim == 2 and chosen.shape[1] == n_positions and len(chosen) > 0
        )
        self.require(
            fits,
            f"select gives shape {chosen.shape}, neither ({n_positions},) nor (n, {n_positions})",
        )
        return np.atleast_2d(chosen)


def _strategy_for(selection: Selection) -> str:
    requires = selection.requires
    if requires.policy:
        return "enas"
    return "darts" if requires.strengths or requires.gradients else "spos"


def _config(
    space: str, name: str, strategy: ArchitectureStrategy, operations: list[list[str]]
) -> LiveConfig:
    trainer = "bilevel" if strategy.learns_by_gradient else "single_level"
    tree = {
        "title": "a selection is checked",
        "data": {"validation_share": 0.5},
        "space": {"name": space, "operations": operations, "channels": 4, "depth": 1},
        "strategy": {"name": name},
        "trainer": {"name": trainer, "epochs": 1, "batch_size": 8},
        "selection": {"name": "ranking"},
        "ranking": {
            "architectures": N_RANKED,
            "calibration": {"passes": 1, "batch_size": 8},
        },
    }
    return config_of(tree, where="check")


def _maker(part: Any, arguments: Mapping[str, Any]) -> Callable[[], Any]:
    if isinstance(part, Selection):
        return partial(copy.deepcopy, part)
    if isinstance(part, str):
        return partial(SELECTIONS.load(part), **arguments)
    if callable(part) and not (isinstance(part, type) and not issubclass(part, Selection)):
        return partial(part, **arguments)
    raise no_such_part(SelectionSubject.kind, part, FORMS)


def _subject(
    selection: Any, *, space: str = "nasbench201", trained_by: str | None = None, **arguments: Any
) -> SelectionSubject:
    get_space(space)
    return SelectionSubject(selection, arguments, space, trained_by)


SUITE: Suite[SelectionSubject] = Suite(_subject)


def selection_checks(*selection: Any, **options: Any) -> list[Check]:
    """The checks of selections, for `pytest.mark.parametrize`: `check("strength")`.

    Parameters
    ----------
    *selection, **options : as for `check_selection`; with a selection, the checks are called
        without one.
    """
    return SUITE.checks(*selection, **options)


def check_selection(
    selection: Any, *, space: str = "nasbench201", trained_by: str | None = None, **arguments: Any
) -> None:
    """Check that a selection keeps every promise that a live search relies on.

    Of a small supernet trained for an epoch it gives architectures of the space, int64, no two
    alike; the same of the same supernet, whatever the global random states; it leaves the weights
    of the supernet and of the strategy as they were unless it says `changes_supernet`, and what it
    `found` on its way has a row an architecture; it says in a line what it is. Whether it selects
    good architectures is not checked.

    Parameters
    ----------
    selection : a name, "module:Class", a subclass of `Selection`, a function that makes one, or an
        object that has selected nothing, of which copies are checked.
    space : the name of a space that has a supernet.
    trained_by : the architecture strategy that trains it; by default one that has what the
        selection `requires`.
    **arguments : of its constructor, such as fewer evaluations.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where there is no such selection or space, or it cannot be made.
    """
    SUITE.run_all(selection, space=space, trained_by=trained_by, **arguments)


@SUITE.promise("what it says of itself")
def _check_words(subject: SelectionSubject) -> None:
    selection = subject.make()
    title = subject.call("title()", selection.title)
    line = isinstance(title, str) and bool(title.strip()) and len(title.splitlines()) == 1
    subject.require(line, f"title() is {title!r}, no line of text")
    for attribute in ("changes_supernet", "optimises_metric"):
        value = getattr(selection, attribute)
        subject.require(isinstance(value, bool), f"{attribute} is {value!r}, no bool")
    search = subject.search()
    structure, space = search.supernet.structure, search.supernet.space
    answer = subject.call("check(space, structure)", selection.check, space, structure)
    subject.require(answer is None, "check(space, structure) returns something: it raises or not")


@SUITE.promise("what it selects")
def _check_selected(subject: SelectionSubject) -> None:
    search = subject.search()
    chosen = subject.selected(search)
    space = search.supernet.space
    subject.call("checking that what it selects is of the space", space.check, chosen)
    subject.require(
        len(np.unique(chosen, axis=0)) == len(chosen), "it selects an architecture twice"
    )


@SUITE.promise("the seed")
def _check_seed(subject: SelectionSubject) -> None:
    found = []
    for state in (11, 12):
        search = subject.search()
        seed_global_states(state)
        found.append(subject.selected(search))
    same = np.array_equal(found[0], found[1])
    subject.require(same, "of the same supernet it selects something else")


@SUITE.promise("the global random states")
def _check_random(subject: SelectionSubject) -> None:
    search = subject.search()
    before = global_states()
    subject.selected(search)
    subject.require(
        before == global_states(), "it draws from another generator than torch's default one"
    )


@SUITE.promise("the supernet and the strategy")
def _check_weights(subject: SelectionSubject) -> None:
    search = subject.search()
    parts = {"supernet": search.supernet, "strategy": search.strategy}
    before = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}
    selection = subject.make()
    subject.selected(search, selection)
    for name, part in parts.items():
        after = part.state_dict()
        same = after.keys() == before[name].keys() and all(
            torch.equal(value, after[key]) if isinstance(value, torch.Tensor) else True
            for key, value in before[name].items()
        )
        subject.require(
            same or selection.changes_supernet,
            f"it changes the {name}, and does not say so: changes_supernet is False",
        )


@SUITE.promise("what it found on its way")
def _check_found(subject: SelectionSubject) -> None:
    search, selection = subject.search(), subject.make()
    subject.require(selection.found is None, "found is something before anything was selected")
    chosen = subject.selected(search, selection)
    found = selection.found
    if found is None:
        return
    subject.require(isinstance(found, pd.DataFrame), "found is no frame")
    missing = [each for each in ("architecture", "accuracy", "loss") if each not in found]
    subject.require(not missing, f"found lacks the columns {', '.join(missing)}")
    archs = subject.call(
        "reading found", search.supernet.space.from_strings, found["architecture"].tolist()
    )
    subject.require(len(archs) > 0 and len(chosen) > 0, "found holds no row")
    finite = bool(np.isfinite(found["accuracy"].to_numpy(dtype=float)).all())
    subject.require(finite, "an accuracy of found is not finite")
