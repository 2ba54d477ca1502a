"""The mechanism that all kinds of checks share."""

import re
import subprocess
import sys

import pytest

from hwbench import testing
from hwbench.testing import Check
from hwbench.testing.suite import Subject, Suite

KINDS = ("space", "predictor", "search_strategy", "architecture_strategy")


class Number(Subject):
    kind = "number"

    def __init__(self, value, largest=10):
        self.name, self.value, self.largest = str(value), value, largest


SUITE = Suite(Number)


@SUITE.promise("its size")
def _size(number):
    number.require(number.value <= number.largest, "it is too large")


@SUITE.promise("division")
def _division(number):
    number.require(1 / number.value > 0, "it is negative")


def test_a_check_is_called_with_a_part_or_is_of_one():
    size, division = SUITE.checks()
    size(10)
    with pytest.raises(AssertionError, match=r"^number 11: it is too large$"):
        size(11)
    size(11, largest=12)
    of_eleven, _ = SUITE.checks(11, largest=12)
    of_eleven()
    of_eleven(12)
    with pytest.raises(AssertionError, match=r"^number 11: it is too large$"):
        of_eleven(largest=5)
    with pytest.raises(AssertionError, match=r"^number -1: it is negative$"):
        division(-1)


def test_what_a_check_does_not_expect_is_a_broken_promise():
    with pytest.raises(
        AssertionError, match=r"^number 0: checking division raises ZeroDivisionError: "
    ) as caught:
        SUITE.run_all(0)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_all_are_run_in_their_order():
    SUITE.run_all(3)
    with pytest.raises(AssertionError, match="too large"):
        SUITE.run_all(-11, largest=-20)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_named_checks(kind):
    checks = getattr(testing, f"{kind}_checks")()
    assert all(isinstance(check, Check) for check in checks)
    names = [check.__name__ for check in checks]
    assert len(set(names)) == len(names) >= 7
    assert all(name.isidentifier() for name in names)
    assert callable(getattr(testing, f"check_{kind}"))


TESTS = """
import pytest
from hwbench import testing

@pytest.mark.parametrize("check", testing.search_strategy_checks()[:2])
def test_random(check):
    check("random")

@pytest.mark.parametrize("check", testing.space_checks("nasbench_macro", samples=3)[:2])
def test_macro(check):
    check()
"""


def test_pytest_names_tests_after_them(tmp_path):
    (tmp_path / "test_own.py").write_text(TESTS)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "test_own.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert re.findall(r"::(\S+) PASSED", result.stdout) == [
        "test_random[what_is_asked_for]",
        "test_random[the_seed]",
        "test_macro[what_it_is_called_and_offers]",
        "test_macro[sampling]",
    ]
