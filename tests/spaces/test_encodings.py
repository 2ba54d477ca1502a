"""An encoding of one's own is taken wherever one is named."""

import sys

import numpy as np
import pytest

import hwbench as hb
from hwbench import HwbenchError
from hwbench.imports import require_imported
from hwbench.predictors import PredictorCard
from hwbench.predictors.identity import predictor_modules
from hwbench.spaces.encodings import ENCODINGS, check_encoding_name, own_encoding
from hwbench.study.plan import make_plan
from hwbench.study.spec import StudySpec

MODULE = """
import numpy as np
from hwbench.spaces.encodings import Encoding


class FirstTwo(Encoding):
    title = "the first two positions"

    def suits(self, space):
        return space.name != "fbnet"

    def encode(self, space, archs):
        return archs[:, :2].astype(np.float32)

    def names(self, space):
        return list(space.positions[:2])


class NeedsArguments(FirstTwo):
    def __init__(self, size):
        self.size = size
"""
PATH = "my_encodings:FirstTwo"


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "my_encodings.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "my_encodings.py"
    sys.modules.pop("my_encodings", None)
    own_encoding.cache_clear()


def test_spaces_that_it_suits_take_it():
    space = hb.get_space("nasbench201")
    archs = space.sample(5)
    features = space.encode(archs, PATH)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, archs[:, :2])
    assert space.feature_names(PATH) == ["0->1", "0->2"]
    assert space.offers(PATH)
    assert not space.offers("no such encoding")
    other = hb.get_space("fbnet")
    assert not other.offers(PATH)
    with pytest.raises(HwbenchError, match="fbnet has no encoding 'my_encodings:FirstTwo'"):
        other.encode(other.sample(2), PATH)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("onehott", "did you mean 'onehot'"),
        ("no_such_module:Encoding", "no_such_module cannot be imported"),
        ("my_encodings:NoSuch", "has no 'NoSuch'"),
        ("my_encodings:np", "is no subclass of hwbench.spaces.encodings.Encoding"),
        ("my_encodings:NeedsArguments", "cannot be made without arguments"),
    ],
)
def test_what_is_none_is_refused_in_a_line(name, message):
    space = hb.get_space("nasbench201")
    with pytest.raises(HwbenchError, match=message) as caught:
        space.encode(space.sample(1), name)
    assert len(str(caught.value).splitlines()) == 1


def test_cards_and_studies_name_it_and_know_its_code(module):
    assert check_encoding_name(PATH) == PATH
    card = PredictorCard(title="t", family="f", paper="p", estimator="a:B", encoding=PATH)
    assert predictor_modules(card) == ["a", "my_encodings"]

    def identities():
        spec = StudySpec(
            targets=("nb201-digits:latency_min",),
            predictors=("ridge",),
            training_sizes=(20,),
            seeds=(0,),
            encodings=(PATH, "onehot"),
        )
        return {trial.encoding: trial.identity for trial in make_plan(spec).trials}

    before = identities()
    del sys.modules["my_encodings"]  # code that is loaded is what runs, whatever its file says
    own_encoding.cache_clear()
    module.write_text(MODULE.replace("archs[:, :2]", "2 * archs[:, :2]"))
    after = identities()
    assert set(before) == {PATH, "onehot"}
    assert before["onehot"] == after["onehot"]
    assert before[PATH] != after[PATH]


def test_a_predictor_learns_on_it_and_its_file_imports_nothing(tmp_path):
    table = hb.load_table("nb201-digits")
    latency = table.column("latency_min")
    model = hb.make_predictor("ridge", space=table.space, encoding=PATH)
    model.fit(table.archs[::100], latency[::100])
    assert model.predict(table.archs[:3]).shape == (3,)
    with pytest.raises(HwbenchError, match="import paths in files are not followed"):
        require_imported("another_module:Encoding", owner="encoding")


def test_every_encoding_of_spaces_has_a_title_and_a_space():
    offered = {each for name in hb.list_spaces() for each in hb.get_space(name).encodings}
    assert offered == set(ENCODINGS)
