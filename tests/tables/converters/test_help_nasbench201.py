import re

import numpy as np
import pytest
import torch

from hwbench.spaces import get_space
from hwbench.tables.converters.help_nasbench201 import convert_help_nasbench201

CELLS = [
    "|none~0|+|none~0|skip_connect~1|+|none~0|none~1|nor_conv_3x3~2|",
    "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
]


@pytest.fixture
def folder(tmp_path):
    torch.save({CELLS[0]: 1, CELLS[1]: 0}, tmp_path / "str_arch2idx.pt")
    torch.save([1.5, 3.0], tmp_path / "Some_Phone_1.pt")
    return tmp_path


def test_the_published_files_are_ten_devices(raw, steps):
    table = convert_help_nasbench201([raw("str_arch2idx.pt").parent], progress=steps)
    assert len(table) == 15_625
    assert len(table.card.columns) == 10
    assert not table.metrics.isna().any().any()
    flops = get_space("nasbench201").flops(table.archs)
    # Latencies stand at the places that the file of places gives: else they know nothing of work.
    assert np.corrcoef(flops, table.column("samsung-a50.latency"))[0, 1] > 0.7
    assert table.card.columns["gold-6226.latency"].noise.tau_ceiling > 0.85
    steps.check()


def test_what_is_no_device_in_the_published_folder_is_passed_over(folder):
    for name in ("hardware_embedding_index.pt", "help_max_corr.pt"):
        torch.save({"a": 1}, folder / name)
    table = convert_help_nasbench201([folder])
    assert list(table.card.columns) == ["some-phone-1.latency"]
    assert "lack 1080ti_1.pt" in table.card.description


def test_a_latency_is_that_of_its_cell(folder):
    table = convert_help_nasbench201([folder])
    space = get_space("nasbench201")
    found = dict(
        zip(space.to_strings(table.archs), table.column("some-phone-1.latency"), strict=True)
    )
    assert found == {
        space.to_string(space.from_string(CELLS[0])): 3.0,
        space.to_string(space.from_string(CELLS[1])): 1.5,
    }


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("str_arch2idx.pt", [1], "expected a dictionary"),
        ("str_arch2idx.pt", {CELLS[0]: 0, CELLS[1]: 0}, "are not 0 to their number"),
        ("str_arch2idx.pt", {CELLS[0]: 0, CELLS[1]: 2**70}, "are not 0 to their number"),
        ("str_arch2idx.pt", {CELLS[0]: 0, CELLS[1]: "1"}, "no string with a place"),
        ("str_arch2idx.pt", {CELLS[0]: 0, "|conv~0|": 1}, "str_arch2idx.pt: "),
        ("phone.pt", [1.0], "expected 2 latencies in a list, found 1 in a list"),
        ("phone.pt", {"a": 1.0}, "found dict"),
        ("phone.pt", [1.0, "fast"], "at place 1 is no time: 'fast'"),
        ("phone.pt", [1.0, True], "at place 1 is no time: 'True'"),
        ("phone.pt", [float("nan"), 1.0], "at place 0 is no time: 'nan'"),
        ("phone.pt", [1.0, -1.0], "at place 1 is no time"),
    ],
)
def test_broken_files_are_named(folder, refusal, name, content, message):
    torch.save(content, folder / name)
    found = refusal(convert_help_nasbench201, folder)
    assert found.startswith(f"{folder / name}: ")
    assert re.search(message, found)


def test_files_that_lack_the_places_or_the_devices(folder, refusal):
    (folder / "notes.txt").touch()
    found = refusal(convert_help_nasbench201, folder / "Some_Phone_1.pt")
    assert "0 files of the name str_arch2idx.pt and 1 others" in found
    found = refusal(convert_help_nasbench201, folder / "str_arch2idx.pt")
    assert "1 files of the name str_arch2idx.pt and 0 others" in found
    torch.save([1.0, 2.0], folder / "some-phone-1.pt")
    assert "second file for the device some-phone-1" in refusal(convert_help_nasbench201, folder)
