"""The order in which cross-validations are done, whatever the budget.

The order depends on what was found and on nothing else: neither on the clock, nor on the number of
processes, nor on the budget, which only says where it ends. More work does the same and goes on:

1. the first candidate, once: it calibrates the machine, too;
2. the others that are to be tried first, then all others that are cheap, a group for each order of
   cost, and then the dear ones;
3. after each group all repeats of the winner with its learning curve, before anything else;
4. before and after the dear ones the best that has hyper-parameters once more with these searched
   in every fit, and then the repeats of all that may be the best, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from hwbench.advise.candidates import Candidate
from hwbench.advise.ranking import choose, finalists_of, to_choose_from
from hwbench.advise.trials import CURVE_REPEATS, REPEATS, Data, Trial, Unit
from hwbench.advise.work import work_of

FEWEST_TO_TUNE = 20
DEAR = 4
"""The order of cost from which on candidates are tried after all others."""

TOGETHER = 4
"""So many of these are tried before it is asked again whether there is time for more."""


class Schedule:
    """What is to be done next, given what was found.

    Parameters
    ----------
    data : what is cross-validated.
    candidates : in the order in which they are tried.

    Attributes
    ----------
    trials : of every candidate.
    """

    def __init__(self, data: Data, candidates: Iterable[Candidate]) -> None:
        self.data = data
        self.trials = {candidate: Trial(candidate) for candidate in candidates}

    def batches(self) -> Iterator[list[Unit]]:
        """Units to be done together.

        The results of a batch are to be kept in the trials before the next is asked for.
        """
        candidates = list(self.trials)
        yield [Unit(candidates[0], 0)]
        groups = groupby(candidates, key=lambda each: min(each.group, DEAR))
        tried = [(place, list(each)) for place, each in groups]
        for number, (place, group) in enumerate(tried):
            units = [Unit(each, 0) for each in group if each is not candidates[0]]
            if place:
                units.sort(key=lambda each: self.work_of([each]))
            size = TOGETHER if place == DEAR else max(len(units), 1)
            for start in range(0, len(units), size):
                yield units[start : start + size]
            yield from self._to_confirm(others=False)
            if number + 1 == len(tried) or tried[number + 1][0] == DEAR:
                tuned = self._to_tune()
                if tuned is not None:
                    self.trials[tuned] = Trial(tuned)
                    yield [Unit(tuned, 0)]
                yield from self._to_confirm(others=True)

    def closing_batch(self) -> list[Unit]:
        """The learning curve of what is chosen, if it has none though all its repeats are done.

        It is done whatever the budget: seldom, if the last that was repeated is the best.
        """
        if not self._finalists:
            return []
        chosen = choose(to_choose_from(self._finalists), self.data.networks)[0]
        return self._curve(chosen) if chosen.confirmed else []

    def known_work(self) -> int:
        """Units of work of all there is to do, as far as that is known."""
        trials = list(self.trials.values())
        finalists = self._finalists
        winner = choose(finalists, self.data.networks)[0] if finalists else trials[0]
        units = {Unit(each.candidate, 0) for each in trials if not each.sums and not each.error}
        units.update(unit for trial in finalists or [winner] for unit in _repeats(trial))
        return self.work_of([*units, *self._curve(winner)])

    def work_of(self, units: Iterable[Unit]) -> int:
        """Units of work of cross-validations."""
        return sum(work_of(unit, len(self.data.values)) for unit in units)

    @property
    def _finalists(self) -> list[Trial]:
        return finalists_of(self.trials.values(), self.data.networks)

    def _to_tune(self) -> Candidate | None:
        """The best with hyper-parameters, if it has not been tuned."""
        if len(self.data.values) < FEWEST_TO_TUNE:
            return None
        for trial in self._finalists:
            if trial.candidate.card.search:
                tuned = replace(trial.candidate, tuned=True)
                return None if tuned in self.trials else tuned
        return None

    def _to_confirm(self, *, others: bool) -> Iterator[list[Unit]]:
        """What is lacking of the winner, and then of the others that may be the best."""
        while finalists := self._finalists:
            winner = choose(finalists, self.data.networks)[0]
            more = [*self._curve(winner), *_repeats(winner)]
            lacking = [each for each in finalists if others and _repeats(each)]
            if more:  # so that whatever is left out, there are both
                yield sorted(more, key=lambda unit: (unit.repeat, -unit.share))
            elif lacking:
                yield _repeats(lacking[0])
            else:
                return

    def _curve(self, trial: Trial) -> list[Unit]:
        """Units of a learning curve that is not there."""
        if trial.curve or trial.error:
            return []
        return [
            Unit(trial.candidate, repeat, share)
            for repeat in range(CURVE_REPEATS)
            for share in self.data.shares
        ]


def _repeats(trial: Trial) -> list[Unit]:
    """Repeats of a candidate that are not there."""
    if trial.error:
        return []
    return [Unit(trial.candidate, repeat) for repeat in range(len(trial.sums), REPEATS)]
