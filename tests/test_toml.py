import pickle
import tomllib
from typing import Self

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwbench as hb
from hwbench.errors import HwbenchError
from hwbench.toml import read_toml, to_toml


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")


class Inner(Strict):
    low: int = 0
    high: int = 1

    @pydantic.model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError("low lies above high")
        return self


class Outer(Strict):
    title: str
    inner: Inner | None = None
    ranges: dict[str, Inner] = {}
    parameters: dict[str, bool | int | str] = {}


def explain(folder, content):
    path = folder / "spec.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(HwbenchError) as caught:
        read_toml(path, Outer)
    message = str(caught.value)
    assert str(path) in message
    assert len(message.splitlines()) == 1
    return message.replace(str(path), "FILE")


def test_reads_into_the_model(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text('title = "ä"\n[inner]\nlow = 1\n[ranges.a]\nhigh = 3\n', encoding="utf-8")
    spec = read_toml(path, Outer)
    assert spec.title == "ä"
    assert spec.inner == Inner(low=1)
    assert spec.ranges["a"].high == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('title = "x"\ntitel = "x"', "FILE: unknown key 'titel'; did you mean 'title'?"),
        ("", "FILE: the key 'title' is missing"),
        (
            'title = "x"\nstr = 1',
            "FILE: unknown key 'str'; valid names: inner, parameters, ranges, title",
        ),
        (
            'title = "x"\n[inner]\nint = 1',
            "FILE, section [inner]: unknown key 'int'; valid names: high, low",
        ),
        ("title = 3", "FILE: title must be a text, not 3"),
        (
            'title = "x"\n[inner]\nhi = 3',
            "FILE, section [inner]: unknown key 'hi'; did you mean 'high'?",
        ),
        (
            'title = "x"\n[ranges.a]\nlo = 3',
            "FILE, section [ranges.a]: unknown key 'lo'; did you mean 'low'?",
        ),
        ('title = "x"\n[inner]\nlow = 3', "FILE: inner: low lies above high"),
    ],
)
def test_error_names_file_key_and_nearest(tmp_path, content, message):
    assert explain(tmp_path, content) == message


def test_value_of_no_allowed_type_names_the_key_alone(tmp_path):
    message = explain(tmp_path, 'title = "x"\n[parameters]\na = [1]')
    assert message == (
        "FILE: parameters.a must be true or false or a whole number or a text, not [1]"
    )


@pytest.mark.parametrize("content", ["title =", b"\xff\xfe", "a = 1\na = 2", "a = " + "[" * 5000])
def test_what_is_no_toml_is_said(tmp_path, content):
    assert explain(tmp_path, content).startswith("FILE: is no valid TOML")


@pytest.mark.parametrize("name", ["missing.toml", ""])
def test_missing_file_and_folder_are_said(tmp_path, name):
    with pytest.raises(HwbenchError, match=r"no such file|cannot be read") as caught:
        read_toml(tmp_path / name, Outer)
    assert str(tmp_path) in str(caught.value)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.toml"
    path.write_bytes(b'title = "x"\n' + content)
    message = "read"
    try:
        read_toml(path, Outer)
    except HwbenchError as error:
        message = str(error)
    assert len(message.splitlines()) == 1


def test_trees_in_lists_are_inline_tables():
    tree = {
        "values": [{"name": "a", "inner": {"x": [1, 2.5]}}, {"odd key": True, "gone": None}, []]
    }
    expected = [{"name": "a", "inner": {"x": [1, 2.5]}}, {"odd key": True}, []]
    assert tomllib.loads(to_toml(tree)) == {"values": expected}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"predictors": "ridge"}, "StudySpec: predictors must be a list, not 'ridge'"),
        (
            {"predictor": ["ridge"]},
            "StudySpec: unknown key 'predictor'; did you mean 'predictors'?",
        ),
        ({"tuning": {"trials": 0}}, "StudySpec: tuning.trials must be above 0, not 0"),
    ],
)
def test_what_is_made_in_python_is_refused_in_a_line_too(given, message):
    whole = {"targets": ["t:x"], "predictors": ["ridge"], "training_sizes": [9], "seeds": [0]}
    with pytest.raises(HwbenchError) as raised:
        hb.StudySpec(**whole | given)
    assert str(raised.value) == message
    spec = hb.StudySpec(**whole)
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301
