"""Published files come to where they are read, checked, from an address, a copy or a mirror."""

import hashlib

import numpy as np
import pytest

from hwbench.errors import HwbenchError
from hwbench.images import fetching
from hwbench.images.catalogue import ImageCard, describe_set, image_card, image_cards
from hwbench.images.fetching import fetch_images
from hwbench.images.files import CIFAR, SVHN
from hwbench.images.imagenet16 import TEST, TRAIN
from hwbench.images.sets import IMAGE_SETS, PUBLISHED

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(1000)


@pytest.fixture
def published(server, monkeypatch):
    """Serve stand-ins for the files of a set; gives their addresses' folder."""

    def serve(**contents):
        files = []
        for name, content in contents.items():
            server.files[f"images/{name}"] = content
            files.append(
                {
                    "url": f"{server.url}/images/{name}",
                    "sha256": hashlib.sha256(content).hexdigest(),
                    "bytes": len(content),
                }
            )
        card = ImageCard.model_validate({**image_card("svhn").model_dump(), "file": files})
        monkeypatch.setattr(fetching, "image_card", lambda _name: card)
        return f"{server.url}/images"

    return serve


def refusal(*given, **options):
    with pytest.raises(HwbenchError) as caught:
        fetch_images(*given, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_catalogue_agrees_with_what_is_read():
    cards = image_cards()
    assert set(cards) == {*PUBLISHED, "digits", "mnist-5k"} == set(IMAGE_SETS.built_in)
    md5 = {name: {file.name: file.md5 for file in card.file} for name, card in cards.items()}
    assert md5["svhn"] == SVHN
    assert md5["imagenet16-120"] == TRAIN | TEST
    for name in ("cifar10", "cifar100"):
        archive, digest, *_, classes = CIFAR[name]
        assert md5[name] == {archive: digest}
        assert cards[name].classes == len(cards[name].class_names) == classes
    for name in ("cifar10", "cifar100", "svhn"):
        assert all(file.sha256 for file in cards[name].file)


def test_files_come_to_where_they_are_read(published, server, hwbench_home):
    published(a=CONTENT, b=OTHER)
    calls = []
    paths = fetch_images("svhn", progress=lambda *call: calls.append(call))
    assert paths == [hwbench_home / "images" / name for name in "ab"]
    assert [path.read_bytes() for path in paths] == [CONTENT, OTHER]
    assert calls[-1] == (301_000, 301_000)
    fetch_images("svhn")
    assert len(server.answers) == 2
    assert sorted(path.name for path in paths[0].parent.iterdir()) == ["a", "b"]


def test_a_cut_download_goes_on(published, server, fault, tmp_path, hwbench_home):
    published(a=CONTENT)
    server.always = fault(cut=0)
    server.faults.append(fault(cut=100_000))
    message = refusal("svhn", folder=tmp_path)
    assert "the connection was cut after 100000 of 300000 bytes" in message
    assert (
        f"run 'hwbench images fetch svhn --folder {tmp_path} --from FILE_FOLDER_OR_URL'" in message
    )
    server.always = None
    [path] = fetch_images("svhn", folder=tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.answers[-1].headers["Range"] == "bytes=100000-"


def test_a_wrong_file_is_not_used(published, server, hwbench_home):
    published(a=CONTENT)
    server.files["images/a"] = CONTENT[::-1]
    message = refusal("svhn")
    assert f"expected {hashlib.sha256(CONTENT).hexdigest()}" in message
    assert "'hwbench images fetch svhn --from FILE_FOLDER_OR_URL'" in message
    assert not (hwbench_home / "images" / "a").exists()


@pytest.mark.parametrize(
    "form", ["file", "folder", "file address", "folder address", "web", "web file"]
)
def test_a_copy_that_one_has(published, server, hwbench_home, tmp_path, form):
    address = published(a=CONTENT)
    (tmp_path / "a").write_bytes(CONTENT)
    copy = {
        "file": tmp_path / "a",
        "folder": tmp_path,
        "file address": (tmp_path / "a").as_uri(),
        "folder address": tmp_path.as_uri(),
        "web": f"{address}/",
        "web file": f"{address}/a",
    }[form]
    [path] = fetch_images("svhn", copy=copy)
    assert path == hwbench_home / "images" / "a"
    assert path.read_bytes() == CONTENT
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert len(server.answers) == form.startswith("web")
    assert fetch_images("svhn", copy=path.parent) == [path]


def test_a_mirror_holds_copies_by_their_addresses(published, server, hwbench_home, tmp_path):
    published(a=CONTENT)
    place = tmp_path / "127.0.0.1" / "images"
    place.mkdir(parents=True)
    (place / "a").write_bytes(CONTENT)
    [path] = fetch_images("svhn", mirror=tmp_path)
    assert path == hwbench_home / "images" / "a"
    assert path.read_bytes() == CONTENT
    assert not server.answers


def test_what_is_no_copy_is_refused(published, hwbench_home, tmp_path):
    published(a=CONTENT)
    (tmp_path / "a").write_bytes(OTHER)
    for copy, message in (
        (tmp_path / "a", "a: the copy has 1000 bytes, expected 300000"),
        (tmp_path / "b", f"--from {tmp_path / 'b'}: there is no such file or folder"),
        ("ftp://host/a", "--from ftp://host/a: must be a path or begin with https, http or file"),
    ):
        assert message in refusal("svhn", copy=copy)
    assert "give a copy or a mirror, not both" in refusal("svhn", copy=tmp_path, mirror=tmp_path)
    published(a=CONTENT, b=OTHER)
    assert "svhn has several files; name the folder of a, b" in refusal("svhn", copy=tmp_path / "a")
    (tmp_path / "a").write_bytes(CONTENT)
    assert "b: the copy does not exist" in refusal("svhn", copy=tmp_path)


def test_what_no_program_can_fetch_says_where_it_is(hwbench_home, tmp_path):
    message = refusal("imagenet16-120")
    assert (
        "cannot be fetched by a program; get the 11 files train_data_batch_1 ... val_data"
        in message
    )
    assert "https://image-net.org/" in message
    assert "'hwbench images fetch imagenet16-120 --from FOLDER'" in message
    (tmp_path / "train_data_batch_1").write_bytes(CONTENT)
    assert "train_data_batch_1: the copy has md5" in refusal("imagenet16-120", copy=tmp_path)


def test_sets_that_are_not_fetched(hwbench_home):
    assert fetch_images("digits") == []
    assert "did you mean 'cifar10'" in refusal("cifar-10")


def test_a_set_is_described_without_its_files(hwbench_home):
    found = describe_set("svhn")
    assert (found["size"], found["there"], found["get"]) == (32, False, "hwbench images fetch svhn")
    (hwbench_home / "images").mkdir()
    for name in SVHN:
        (hwbench_home / "images" / name).touch()
    assert describe_set("svhn")["there"] is True
