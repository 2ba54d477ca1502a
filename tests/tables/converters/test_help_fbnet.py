import re

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from hwbench.formats import load_torch
from hwbench.spaces import get_space
from hwbench.tables.converters.help_fbnet import convert_help_fbnet

SPACE = get_space("fbnet")
NETWORKS = SPACE.sample(3, 5).tolist()


@pytest.fixture
def folder(tmp_path):
    torch.save(NETWORKS, tmp_path / "arch.pt")
    (tmp_path / "latency").mkdir()
    torch.save([1.5, 3, 2.25], tmp_path / "latency" / "Some_Phone_1.pt")
    return tmp_path


def test_the_published_files_are_twelve_devices(raw, steps):
    # The folder holds another file, which is no device.
    assert raw("metainfo.pt").parent == raw("arch.pt").parent
    table = convert_help_fbnet([raw("arch.pt").parent], progress=steps)
    assert len(table) == 5000
    assert len(table.card.columns) == 12
    assert not table.metrics.isna().any().any()
    assert {column.unit for column in table.card.columns.values()} == {"ms"}
    for absent in ("1080ti_1.pt", "fpga.pt", "titanxp_32.pt"):
        assert absent in table.card.description
    assert "raspi4.pt" not in table.card.description
    steps.check()


def test_the_indices_name_the_operations_that_the_authors_name(raw):
    table = convert_help_fbnet([raw("arch.pt"), raw("raspi4.pt")])
    told = load_torch(raw("metainfo.pt"))
    assert told["num_classes"] == SPACE.default_skeleton.classes
    names = [[SPACE.choices[layer][op] for layer, op in enumerate(arch)] for arch in table.archs]
    assert names == [each["arch_str"] for each in told["arch"]]


def test_multiply_adds_rank_the_devices_for_nothing(raw):
    # Spearman's rho, as published for the accelerator; latencies in another order know of no work.
    table = convert_help_fbnet([raw("arch.pt").parent])
    work = SPACE.flops(table.archs)
    rho = {name: spearmanr(work, table.column(name)).statistic for name in table.card.columns}
    assert rho["eyeriss.latency"] > 0.9
    assert rho["raspi4.latency"] > 0.9
    assert min(rho.values()) > 0.1
    assert np.corrcoef(SPACE.parameters(table.archs), table.column("raspi4.latency"))[0, 1] > 0.3


def test_a_latency_is_that_of_its_network(folder):
    table = convert_help_fbnet([folder])
    assert table.archs.tolist() == NETWORKS
    assert table.column("some-phone-1.latency").tolist() == [1.5, 3.0, 2.25]
    assert table.card.columns["some-phone-1.latency"].device == "some-phone-1"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("arch.pt", {}, "expected a list of networks"),
        ("arch.pt", [], "expected a list of networks"),
        ("arch.pt", [NETWORKS[0], "0123"], "the network at place 1 is no list of whole numbers"),
        ("arch.pt", [NETWORKS[0], [True] * 22], "at place 1 is no list of whole numbers"),
        ("arch.pt", [NETWORKS[0], [1.0] * 22], "at place 1 is no list of whole numbers"),
        ("arch.pt", [NETWORKS[0], [1] * 21], "architectures must be an array"),
        ("arch.pt", [NETWORKS[0], [9] + [1] * 21], r"row 1, position 0 \(layer1\) holds 9"),
        ("arch.pt", [NETWORKS[0], [2**70] + [1] * 21], "arch.pt: "),
        ("arch.pt", [NETWORKS[0], NETWORKS[1], NETWORKS[0]], "the network at place 2 stands twice"),
        ("phone.pt", [1.0], "expected 3 latencies in a list, found 1 in a list"),
        ("phone.pt", [1.0, 2.0, 0.0], "at place 2 is no time"),
    ],
)
def test_broken_files_are_named(folder, refusal, name, content, message):
    torch.save(content, folder / name)
    found = refusal(convert_help_fbnet, folder)
    assert found.startswith(f"{folder / name}: ")
    assert re.search(message, found)


def test_files_that_lack_the_networks_or_the_devices(folder, refusal):
    phone = folder / "latency" / "Some_Phone_1.pt"
    assert "0 files of the name arch.pt and 1 others" in refusal(convert_help_fbnet, phone)
    found = refusal(convert_help_fbnet, folder / "arch.pt")
    assert "1 files of the name arch.pt and 0 others" in found
    assert "latency/samsung_a50.pt" in found
