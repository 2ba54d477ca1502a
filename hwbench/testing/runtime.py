"""What every runtime promises, to hold runtimes of one's own against."""

from __future__ import annotations

import copy
import json
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from hwbench.errors import HwbenchError
from hwbench.spaces import Space
from hwbench.tables.made.devices import DEVICES, DTYPES
from hwbench.tables.made.runtimes import RUNTIMES
from hwbench.tables.made.runtimes.base import Run, Runtime, Work
from hwbench.tables.made.visit import timed
from hwbench.testing.space_subject import space_of
from hwbench.testing.suite import Check, Subject, Suite, described, made, no_such_part

WARMUP, REPEATS = 1, 3
SMALL = {"channels": 8, "depth": 1, "input_size": 16}
"""Of the networks, where the space's official one is larger."""

FORMS = 'a name, "module:Class", a subclass of Runtime, a function that makes one, or a runtime'


class RuntimeSubject(Subject):
    """A runtime to check, and networks to run.

    Attributes
    ----------
    make : makes a new one.
    space : of the networks.
    """

    kind = "runtime"

    def __init__(
        self,
        part: Any,
        space: Any = "nasbench201",
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.name = described(part)
        self.make = _maker(part, options)
        self.space = space_of(space)
        one = made(self.kind, self.make, self.name)
        if not isinstance(one, Runtime):
            raise no_such_part(self.kind, one, FORMS)
        one.check(self.name, one.dtypes[0], "cpu")  # what is missing here is no broken promise

    def network(self, seed: int = 0) -> nn.Module:
        """A network of the space in evaluation mode, of the runtime's first dtype."""
        official = vars(self.space.skeleton())
        small = {name: min(value, official[name]) for name, value in SMALL.items()}
        arch = self.space.sample(1, seed)[0]
        return self.space.network(arch, seed=seed, **small).eval().to(dtype=self.dtype)

    @property
    def dtype(self) -> torch.dtype:
        """Of weights and images."""
        found: torch.dtype = getattr(torch, self.make().dtypes[0])
        return found

    @contextmanager
    def work(self, network: nn.Module, batch_size: int = 2) -> Iterator[Work]:
        """What a visit gives a runtime, with folders that are removed."""
        skeleton = self.space.skeleton()
        size = min(SMALL["input_size"], skeleton.input_size)
        generator = torch.Generator().manual_seed(0)
        images = torch.rand(
            batch_size, skeleton.input_channels, size, size, generator=generator
        ).to(self.dtype)
        with tempfile.TemporaryDirectory(prefix="hwbench-check-") as name, torch.inference_mode():
            for folder in ("work", "kept"):
                (Path(name) / folder).mkdir()
            yield Work(
                network=network,
                images=images,
                name="the network",
                threads=1,
                warmup=WARMUP,
                repeats=REPEATS,
                seed=0,
                folder=Path(name) / "work",
                kept=Path(name) / "kept" / "0",
                timeout=60.0,
            )

    def prepared(self, runtime: Runtime, work: Work) -> Run:
        """What `prepare` gives, checked to be something that can be called."""
        run = self.call("prepare(work)", runtime.prepare, work)
        self.require(callable(run), f"prepare(work) gives {type(run).__name__}, nothing to call")
        found: Run = run
        return found


def _maker(part: Any, options: Mapping[str, Any]) -> Callable[[], Any]:
    if isinstance(part, Runtime):
        return partial(copy.deepcopy, part)
    if isinstance(part, str):
        return partial(RUNTIMES.load(part), **options)
    if callable(part) and not (isinstance(part, type) and not issubclass(part, Runtime)):
        return partial(part, **options)
    raise no_such_part(RuntimeSubject.kind, part, FORMS)


def _subject(runtime: Any, *, space: Space | str = "nasbench201", **options: Any) -> RuntimeSubject:
    return RuntimeSubject(runtime, space, options)


SUITE: Suite[RuntimeSubject] = Suite(_subject)


def runtime_checks(*runtime: Any, **options: Any) -> list[Check]:
    """The checks of runtimes, for `pytest.mark.parametrize`: `check("torch-eager")`.

    Parameters
    ----------
    *runtime, **options : as for `check_runtime`; with a runtime, the checks are called without one.
    """
    return SUITE.checks(*runtime, **options)


def check_runtime(runtime: Any, *, space: Space | str = "nasbench201", **options: Any) -> None:
    """Check that a runtime keeps every promise that a measurement relies on.

    It says in plain data what it is, which devices and types of numbers it measures, and refuses
    others in one line; it makes of a network something that runs again and again, for other numbers
    of images too; a runtime that measures elsewhere gives positive milliseconds; it leaves network
    and images as they are; a network that cannot run is an error and no time; and it tells each of
    its `outcomes`, a finite number. Whether the times are right is not checked.

    Parameters
    ----------
    runtime : a name, "module:Class", a subclass of `Runtime`, a function that makes one, or a
        runtime, of which copies are checked.
    space : a search space that has networks.
    **options : of its constructor.

    Raises
    ------
    AssertionError
        Where a promise is broken; the message says which.
    HwbenchError
        Where there is no such runtime or space, it cannot be made, or its library is missing here.
    """
    SUITE.run_all(runtime, space=space, **options)


@SUITE.promise("what it says of itself")
def _check_words(subject: RuntimeSubject) -> None:
    runtime = subject.make()
    for what, known in (("dtypes", DTYPES), ("devices", DEVICES)):
        values = getattr(runtime, what)
        fits = isinstance(values, tuple) and bool(values) and set(values) <= set(known)
        subject.require(fits, f"{what} is {values!r}; it must name some of {', '.join(known)}")
    subject.require(
        isinstance(runtime.in_process, bool), f"in_process is {runtime.in_process!r}, no bool"
    )
    for what, found in {
        "device_name('cpu')": subject.call("device_name", runtime.device_name, "cpu"),
        "words()": subject.call("words()", runtime.words) or "nothing",
    }.items():
        line = isinstance(found, str) and bool(found) and len(found.splitlines()) == 1
        subject.require(line, f"{what} is {found!r}, no line of text")
    versions = subject.call("versions()", runtime.versions)
    texts = all(isinstance(each, str) for pair in versions.items() for each in pair)
    subject.require(texts, f"versions() is {versions!r}; it must give texts by text")
    about = subject.call("about()", runtime.about)
    subject.call("writing about() as JSON", partial(json.dumps, about, allow_nan=False))
    cores = subject.call("cores(2)", runtime.cores, 2)
    subject.require(isinstance(cores, int) and cores >= 0, f"cores(2) is {cores!r}, no number")
    calls = subject.call("calls(1, 3)", runtime.calls, WARMUP, REPEATS)
    counts = len(calls) == 2 and all(isinstance(each, int) and each >= 0 for each in calls)
    subject.require(
        counts and calls[1] >= 1, f"calls(1, 3) is {calls!r}; it must run once at least"
    )


@SUITE.promise("what it refuses")
def _check_refusals(subject: RuntimeSubject) -> None:
    runtime = subject.make()
    for dtype in (each for each in DTYPES if each not in runtime.dtypes):
        subject.require_refusal(
            f"{dtype}, which it does not name,", runtime.check, subject.name, dtype, "cpu"
        )


@SUITE.promise("runs")
def _check_runs(subject: RuntimeSubject) -> None:
    runtime = subject.make()
    for seed, batch_size in ((0, 2), (1, 1), (0, 2)):
        with subject.work(subject.network(seed), batch_size) as work:
            run = subject.prepared(runtime, work)
            found = subject.call("running a network", timed, runtime, run, WARMUP, REPEATS)
        numbers = all(isinstance(each, float) and math.isfinite(each) for each in found)
        subject.require(numbers and bool(found), f"its runs give {found!r}, no milliseconds")
        subject.require(min(found) > 0, f"a run takes {min(found)} ms")


@SUITE.promise("the network and the images")
def _check_inputs(subject: RuntimeSubject) -> None:
    network = subject.network()
    before = copy.deepcopy(network.state_dict())
    runtime = subject.make()
    with subject.work(network) as work:
        images = work.images.clone()
        run = subject.prepared(runtime, work)
        run()
        after = network.state_dict()
        same = after.keys() == before.keys() and all(
            torch.equal(value, after[name]) for name, value in before.items()
        )
        subject.require(same, "it changes the network's weights or statistics")
        subject.require(torch.equal(images, work.images), "it changes the images")
        subject.require(not network.training, "it leaves the network in training mode")


class _Broken(nn.Module):
    """A network that cannot run."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layer(images) @ torch.zeros(7, 7)


@SUITE.promise("a network that cannot run")
def _check_failure(subject: RuntimeSubject) -> None:
    runtime = subject.make()
    if not runtime.in_process:
        return  # what measures elsewhere, by a formula maybe, need not run it
    with subject.work(_Broken().eval().to(subject.dtype)) as work:
        try:
            runtime.prepare(work)()
        except HwbenchError as error:
            one_line = len(str(error).splitlines()) == 1
            subject.require(one_line, f"it refuses a network in more than one line: {error}")
        except Exception:  # noqa: BLE001  any is a failure of that architecture
            return
        else:
            subject.require(False, "a network that raises an error is run as if it had not")


@SUITE.promise("outcomes")
def _check_outcomes(subject: RuntimeSubject) -> None:
    runtime = subject.make()
    with subject.work(subject.network()) as work:
        run = subject.prepared(runtime, work)
        run()
        found = subject.call("outcomes_of(work, run)", runtime.outcomes_of, work, run)
    subject.require(
        set(found) == set(runtime.outcomes),
        f"outcomes_of gives {sorted(found)}; outcomes names {sorted(runtime.outcomes)}",
    )
    finite = all(isinstance(each, float) and math.isfinite(each) for each in found.values())
    subject.require(finite, f"an outcome is no finite number: {found!r}")
