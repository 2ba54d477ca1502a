"""Parts are found by name, by package and by path; what cannot be had is one line."""

import pytest

from hwbench.errors import HwbenchError
from hwbench.registry import Registry

SHAPES = Registry(
    "shape", {"fraction": "fractions:Fraction"}, "hwbench.shapes", base="numbers:Number"
)
MODULE = "import numbers\nclass Round(numbers.Number): pass\nclass Flat: pass\n"


def refused(call):
    with pytest.raises(HwbenchError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_part_is_found_by_its_name_and_by_its_path():
    from decimal import Decimal
    from fractions import Fraction

    assert SHAPES.load("fraction") is Fraction
    assert SHAPES.load("decimal:Decimal") is Decimal
    assert dict(SHAPES) == {"fraction": "fractions:Fraction"}
    assert SHAPES.path_of("decimal:Decimal") == "decimal:Decimal"
    assert (SHAPES.origin("fraction"), SHAPES.origin("decimal:Decimal")) == ("hwbench", "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fractoin", "here: unknown shape 'fractoin'; did you mean 'fraction'?"),
        ("nowhere:Thing", "here: shape nowhere:Thing: nowhere cannot be imported"),
        ("fractions:Fractoin", "fractions has no 'Fractoin'"),
        ("pathlib:Path", "pathlib:Path is no subclass of numbers.Number"),
        ("fractions:gcd_", "fractions has no 'gcd_'"),
        (":Thing", "':Thing' is no import path; one is written module:Class"),
        ("module:", "'module:' is no import path"),
        (".module:Thing", "'.module:Thing' is no import path"),
    ],
)
def test_what_is_not_there_is_one_line(name, message):
    assert message in refused(lambda: SHAPES.load(name, where="here"))


def test_a_path_of_0_1_0_leads_to_where_the_class_is_now():
    from hwbench.predictors.models.mlp import MLP
    from hwbench.predictors.registry import MODELS

    assert MODELS.path_of("hwbench.predictors.mlp:MLP") == "hwbench.predictors.models.mlp:MLP"
    assert MODELS.load("hwbench.predictors.mlp:MLP") is MLP


def test_packages_add_parts(install):
    install("my-shapes", {"shapes": {"round": "my_shapes:Round"}}, {"my_shapes.py": MODULE})
    assert list(SHAPES) == ["fraction", "round"]
    assert SHAPES.load("round").__name__ == "Round"
    assert SHAPES.load("round") is SHAPES.load("my_shapes:Round")
    assert SHAPES.origin("round") == "my-shapes 1.0"
    assert SHAPES.hidden() == []
    assert "did you mean 'round'" in refused(lambda: SHAPES.load("rouund"))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "raises ModuleNotFoundError: No module named"),
        ("1 / 0", "raises ZeroDivisionError: division by zero"),
        ("raise ValueError('two\\nlines')", "raises ValueError: two lines"),
        ("import sys; sys.exit(3)", "raises SystemExit: 3"),
        ("def", "raises SyntaxError: invalid syntax"),
        ("Other = 1", "raises AttributeError: module 'broken_shapes' has no attribute 'Round'"),
    ],
)
def test_a_package_that_cannot_be_imported_is_named_and_the_rest_works(install, source, reason):
    install(
        "broken-shapes", {"shapes": {"bad": "broken_shapes:Round"}}, {"broken_shapes.py": source}
    )
    install("my-shapes", {"shapes": {"round": "my_shapes:Round"}}, {"my_shapes.py": MODULE})
    assert list(SHAPES) == ["bad", "fraction", "round"]
    for name in ("bad", "broken_shapes:Round"):
        message = refused(lambda name=name: SHAPES.load(name))
        assert f"shape {name}: the package broken-shapes 1.0 cannot be used" in message
        assert reason in message
        assert "mend it or uninstall it" in message
    assert SHAPES.load("round").__name__ == "Round"


def test_a_part_of_a_package_that_is_of_another_kind(install):
    install("my-shapes", {"shapes": {"flat": "my_shapes:Flat"}}, {"my_shapes.py": MODULE})
    message = refused(lambda: SHAPES.load("flat"))
    assert message == (
        "shape flat: my_shapes:Flat, of the package my-shapes 1.0, is no subclass of numbers.Number"
    )


def test_who_has_a_name_that_several_give(install):
    parts = {"shapes": {"fraction": "my_shapes:Round", "round": "my_shapes:Round"}}
    install("my-shapes", parts, {"my_shapes.py": MODULE})
    install("a-shapes", {"shapes": {"round": "a_shapes:Round"}}, {"a_shapes.py": MODULE})
    assert SHAPES["fraction"] == "fractions:Fraction"
    assert SHAPES.origin("round") == "a-shapes 1.0"
    assert SHAPES.hidden() == [
        "shape fraction of the package my-shapes 1.0 is left out: hwbench has one of that name",
        "shape round of the package my-shapes 1.0 is left out: a-shapes 1.0 has one of that name",
    ]


def test_one_s_own_module_may_raise_anything_too(tmp_path, monkeypatch):
    (tmp_path / "my_broken.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    message = refused(lambda: SHAPES.load("my_broken:Thing"))
    assert "my_broken cannot be imported, it raises ZeroDivisionError: division by zero" in message
