"""What the tests need of the extras, and what is left out where none is installed.

`make test-core` sets HWBENCH_TEST_CORE and runs in an environment without extras. A test that comes
to a library of one is left out there, and counted by extra at the end; so is one that says so by
`@pytest.mark.needs("torch")`, for it does not come to the library itself but to a process or a
record that did. In the folders and files of `CORE` nothing may be left out. Elsewhere, where all
extras are installed, this changes nothing: what cannot be imported is an error.
"""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from hwbench.errors import HwbenchError
from hwbench.extras import EXTRAS, is_complete, missing_extra
from hwbench.predictors.left_out import LeftOutWarning

ACTIVE = "HWBENCH_TEST_CORE"
TESTS = Path(__file__).resolve().parent

CORE = ("analysis", "fronts", "pages", "simulation", "test_extras.py", "test_plug_ins.py")
"""Under `tests`: what the core must be able to do, all of it."""

NEEDS = "needs hwbench["
_SAID = re.compile(r" needs? hwbench\[([a-z-]+)\]")


def pytest_configure(config):
    if not active():
        return
    there = [extra for extra in EXTRAS if is_complete(extra)]
    if there:
        raise pytest.UsageError(
            f"{ACTIVE} is set, but libraries of {', '.join(there)} are installed: nothing of them "
            "would be tested"
        )


def active():
    return bool(os.environ.get(ACTIVE))


def lacks(error):
    """The extra for want of which something was raised; "" where it was for anything else."""
    while error is not None:
        found = missing_extra(error, "the test")
        if found is not None:
            return found.extra
        said = (
            _SAID.search(str(error)) if isinstance(error, HwbenchError | LeftOutWarning) else None
        )
        if said is not None:  # of several predictors together
            return said[1]
        error = error.__cause__
    return ""


def must_run(path):
    place = Path(path).resolve().relative_to(TESTS).as_posix()
    return any(place == each or place.startswith(f"{each}/") for each in CORE)


def leave_out(report, path, extra):
    report.outcome = "skipped"
    report.longrepr = (str(path), 0, f"{NEEDS}{extra}]")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    call = getattr(report, "call", None)
    error = call.excinfo.value if call is not None and call.excinfo is not None else None
    extra = lacks(error) if active() and report.failed else ""
    if extra and not must_run(collector.path):
        leave_out(report, collector.path, extra)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    extra = lacks(call.excinfo.value) if active() and call.excinfo is not None else ""
    if extra and not must_run(item.path):
        leave_out(report, item.path, extra)
    return report


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        for extra in mark.args:
            if extra not in EXTRAS:
                raise pytest.UsageError(f"{item.nodeid}: there is no extra {extra!r}")
            if active() and not is_complete(extra):
                pytest.skip(f"{NEEDS}{extra}]")


def pytest_terminal_summary(terminalreporter):
    if not active():
        return
    reasons = [report.longrepr[2] for report in terminalreporter.stats.get("skipped", ())]
    left_out = Counter(reason.removeprefix("Skipped: ") for reason in reasons if NEEDS in reason)
    for reason, count in sorted(left_out.items()):
        terminalreporter.write_line(f"left out: {count} tests or files of tests, each {reason}")
