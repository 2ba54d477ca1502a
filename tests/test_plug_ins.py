"""A package says by its dependency which hwbench it is for; of another major one it is refused."""

import pytest
from packaging.specifiers import SpecifierSet

from hwbench import plug_ins
from hwbench.assets import PREDICTORS
from hwbench.errors import HwbenchError
from hwbench.predictors.registry import MODELS
from hwbench.version import __version__

CARD = 'title = "T"\nfamily = "f"\npaper = "p"\nestimator = "sklearn.linear_model:Ridge"\n'
NEXT = f"{int(__version__.partition('.')[0]) + 1}.0"


@pytest.mark.parametrize(
    ("wanted", "version", "good"),
    [
        ("", "1.0", True),
        (">=0.2", "0.9.1", True),
        (">=0.2", "0.1", False),
        (">=0.2", "1.0", False),
        (">=0.2,!=1.1", "1.0", False),
        (">=0.2,<2", "1.4", True),
        (">=0.2,<1", "1.0", False),
        (">=0.2,<1", "0.3.dev1", True),
        ("<1", "0.3", True),
        ("~=0.2", "0.7", True),
        ("~=0.2", "1.0", False),
        ("==0.2.*", "0.3", False),
        (">=1", "0.2.0", False),
        (">1.2", "1.3", True),
    ],
)
def test_a_lower_bound_alone_promises_its_own_major_version(wanted, version, good):
    assert plug_ins._is_for(SpecifierSet(wanted), version) is good


@pytest.fixture
def of_another_version(install):
    install(
        "my-parts",
        {"models": {"mine": "my_parts:Mine"}, "content": {"mine": "my_parts"}},
        {"my_parts/__init__.py": "1 / 0", "my_parts/predictors/mine.toml": CARD},
        requires=["numpy", "nonsense at all", f"hwbench>={NEXT}", "hwbench>=0; extra == 'x'"],
    )
    return f"the package my-parts 1.0 is for hwbench >={NEXT}, this is hwbench {__version__}; "


def test_a_part_of_another_version_is_refused_with_both_and_not_imported(of_another_version):
    with pytest.raises(HwbenchError) as caught:
        MODELS.load("mine")
    assert str(caught.value).startswith(f"estimator mine: {of_another_version}")
    assert str(caught.value).endswith("pip install --upgrade my-parts")
    assert "mine" in MODELS


def test_its_content_is_left_out_and_said(of_another_version):
    assert "mine" not in PREDICTORS.files()
    assert any(of_another_version in line for line in PREDICTORS.hidden())
    with pytest.raises(HwbenchError, match="unknown predictor 'mine'") as caught:
        PREDICTORS.find("mine")
    assert of_another_version in str(caught.value)


def test_it_takes_no_name_from_a_package_that_can_be_used(of_another_version, install):
    install(
        "other-parts",
        {"models": {"mine": "fractions:Fraction"}},
        {},
        requires=["HwBench >= 0.1"],
    )
    assert MODELS.origin("mine") == "other-parts 1.0"
    assert MODELS.load("mine").__name__ == "Fraction"
    assert MODELS.hidden() == []
