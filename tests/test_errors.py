from hypothesis import given
from hypothesis import strategies as st

from hwbench.errors import HwbenchError, nearest, unknown_name, unknown_number


def test_nearest_ignores_case_and_takes_only_what_is_close():
    assert nearest("RIDGE", ["lasso", "ridge"]) == "ridge"
    assert nearest("bayesian", ["Bayesian_Ridge", "svm"]) == "Bayesian_Ridge"
    assert nearest("qqq", ["lasso", "ridge"]) is None
    assert nearest("x", []) is None


def test_a_part_of_one_name_alone_is_close():
    assert nearest("tau", ["kendall_tau", "precision_at_10", "mae"]) == "kendall_tau"
    assert nearest("at_", ["kendall_tau", "precision_at_10", "precision_at_50"]) is None
    assert nearest("ta", ["kendall_tau", "precision_at_10"]) is None


def test_the_nearest_of_numbers_is_near_as_a_number():
    error = unknown_number("training size", 100, [11, 124, 15000])
    assert str(error) == "unknown training size '100'; did you mean '124'?"
    assert str(unknown_number("training size", 100, [])).endswith("'100'; there is none")


def test_unknown_name_says_kind_name_place_and_nearest():
    error = unknown_name("predictor", "ridg", ["svm", "ridge"], where="a.toml")
    assert isinstance(error, HwbenchError)
    assert str(error) == "a.toml: unknown predictor 'ridg'; did you mean 'ridge'?"


def test_unknown_name_lists_what_is_valid_where_nothing_is_close():
    assert str(unknown_name("table", "qqq", ["b", "a"])).endswith("valid names: a, b")
    many = str(unknown_name("table", "qqq", [f"t{i:02}" for i in range(20)]))
    assert many.endswith("t11, ...")
    assert str(unknown_name("table", "qqq", [])).endswith("there is none")


@given(st.text(), st.lists(st.text("abcdef", min_size=1)))
def test_unknown_name_is_always_one_line(name, valid):
    assert len(str(unknown_name("table", name, valid)).splitlines()) == 1


def test_a_message_holds_nothing_that_a_terminal_acts_on():
    assert str(HwbenchError("a\nb\x1b[31m\udcff")) == "a\\nb\\x1b[31m\\udcff"
    assert str(HwbenchError("µ äé")) == "µ äé"


def test_of_a_long_message_the_middle_is_left_out():
    message = str(HwbenchError("a" * 10_000 + ": the reason"))
    assert len(message) < 4100
    assert message.startswith("aaa")
    assert message.endswith("a: the reason")
