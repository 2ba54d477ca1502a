"""Options of networks that commands take."""

import pytest

from hwbench.cli.fit_options import skeleton_of
from hwbench.errors import HwbenchError


def test_options_have_the_types_of_their_values():
    given = ["time_steps=4", "tau=2.5", "detach_reset=false", "loss=cross_entropy"]
    expected = {"time_steps": 4, "tau": 2.5, "detach_reset": False, "loss": "cross_entropy"}
    assert skeleton_of(given) == expected
    assert skeleton_of(None) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("time_steps", "--skeleton time_steps: must be KEY=VALUE"),
        ("channels=4", "--skeleton: channels is no further option of a network"),
    ],
)
def test_others_are_refused(given, message):
    with pytest.raises(HwbenchError, match=message):
        skeleton_of([given])
