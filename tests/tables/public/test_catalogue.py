"""The catalogue names every public benchmark, its files, and how to check them."""

import tomllib

import pytest

from hwbench.assets import assets_folder
from hwbench.downloads.checksum import Digest, file_fault
from hwbench.downloads.source_file import SourceFile
from hwbench.errors import HwbenchError
from hwbench.tables.public.catalogue import (
    BenchmarkCard,
    benchmark_cards,
    benchmark_files,
    load_benchmark,
)

BENCHMARKS = {
    "help-fbnet",
    "help-nasbench201",
    "hw-nas-bench",
    "hw-nas-bench-fbnet",
    "latbench",
    "nasbench-macro",
    "nasbench101",
    "nasbench201",
    "transnas-bench-101-macro",
    "transnas-bench-101-micro",
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACE = {"repository": "owner/name", "commit": COMMIT, "path": "data/table.csv"}
CARD = f"""
title = "Mine"
space = "nasbench201"
description = "Numbers"
paper = "none"
licence = "CC0-1.0"
converter = "package.module:function"

[[variant]]
name = "copy"

[[variant.file]]
repository = "owner/name"
commit = "{COMMIT}"
path = "data/table.csv"
"""


@pytest.fixture
def own_card(hwbench_home):
    """Write a card among the user's own; gives its path."""

    def write(text=CARD, name="mine"):
        path = hwbench_home / "sources" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_every_benchmark_has_a_card():
    cards = benchmark_cards()
    assert set(cards) == BENCHMARKS
    assert list(cards) == sorted(cards)
    for name, card in cards.items():
        assert card.name == name
        assert load_benchmark(name) == card
        assert card.converter.startswith("hwbench.tables.converters.")
        assert card.converter.endswith(":convert_" + name.replace("-", "_"))


def test_a_converter_is_named_by_its_short_name_or_by_its_path(own_card):
    for given in ("latbench", "hwbench.tables.converters.latbench:convert_latbench"):
        own_card(CARD.replace("package.module:function", given))
        converter = load_benchmark("mine").converter
        assert converter == "hwbench.tables.converters.latbench:convert_latbench"
    path = own_card(CARD.replace("package.module:function", "latbnech"))
    with pytest.raises(HwbenchError, match="unknown converter 'latbnech'; did you mean 'latbench'"):
        load_benchmark("mine")
    path.unlink()


def test_cards_travel_with_the_tables():
    # The wheel carries the folder "data" with all that is in it.
    assert {path.parent for path in benchmark_files().values()} == {
        assets_folder("data") / "sources"
    }


def test_every_file_that_is_fetched_can_be_checked():
    for card in benchmark_cards().values():
        assert card.get_variant().fetch, card.name
        for variant in card.variant:
            for file in variant.file:
                assert not variant.fetch or file.checksum or file.optional, file.url
                assert not variant.fetch or file.url.startswith("https://"), file.url


def test_what_cannot_be_fetched_says_where_it_is():
    variants = [
        variant
        for card in benchmark_cards().values()
        for variant in card.variant
        if not variant.fetch
    ]
    assert len(variants) == 5
    assert all("https://drive.google.com/" in variant.where for variant in variants)


def test_the_default_variant_has_a_known_size_except_for_one_original():
    sizes = {name: card.get_variant().bytes for name, card in benchmark_cards().items()}
    assert sizes["hw-nas-bench"] == 14_695_970
    assert [name for name, size in sizes.items() if size is None] == ["hw-nas-bench-fbnet"]


def test_catalogue_agrees_with_the_published_files(shared_data):
    folder = shared_data / "raw"
    seen = set()
    for card in benchmark_cards().values():
        for variant in card.variant:
            for file in variant.file:
                path = folder / file.relative_path
                if path.exists():
                    seen.add(file.relative_path)
                    assert file_fault(path, file) is None
                    content = path.read_bytes()
                    git = Digest("git_blob_sha1", len(content))
                    git.update(content)
                    assert git.hexdigest() == file.git_blob_sha1
    assert len(seen) == 41


def test_catalogue_agrees_with_the_list_of_public_copies(shared_data):
    listed = tomllib.loads((shared_data / "SOURCES.toml").read_text())["file"]
    known = {(entry["repository"], entry["path"]): entry for entry in listed}
    used = set()
    for card in benchmark_cards().values():
        for variant in card.variant:
            for file in variant.file:
                if file.repository is not None and file.checksum:
                    used.add((file.repository, file.path))
                    entry = known[file.repository, file.path]
                    assert entry == {
                        key: value
                        for key, value in file.model_dump(exclude_none=True).items()
                        if key not in ("url", "licence", "optional")
                    }
    repositories = {repository for repository, _ in used}
    # Files of further repositories are no benchmarks of ours.
    unused = {path for repository, path in set(known) - used if repository in repositories}
    # It says of networks what the file of the networks says too.
    assert unused <= {"data/fbnet/metainfo.pt"}


def test_a_file_of_a_repository_has_its_raw_address():
    file = SourceFile(**PLACE | {"path": "data/a table.csv"})
    assert file.url == f"https://raw.githubusercontent.com/owner/name/{COMMIT}/data/a%20table.csv"
    assert file.relative_path == f"owner/name/{COMMIT}/data/a table.csv"
    assert file.name == "a table.csv"
    assert SourceFile(**file.model_dump()) == file


def test_a_file_elsewhere_lies_under_its_host():
    file = SourceFile(url="https://storage.example.org:8443/bucket/a%20file.tfrecord?x=1")
    assert file.relative_path == "storage.example.org/bucket/a file.tfrecord"
    assert SourceFile(url="file:///data/table.csv").relative_path == "local/data/table.csv"


def test_sha256_is_preferred_to_git():
    both = SourceFile(**PLACE, sha256="a" * 64, git_blob_sha1="b" * 40)
    assert (both.checksum_kind, both.checksum) == ("sha256", "a" * 64)
    git = SourceFile(**PLACE, git_blob_sha1="b" * 40)
    assert (git.checksum_kind, git.checksum) == ("git_blob_sha1", "b" * 40)
    neither = SourceFile(**PLACE)
    assert (neither.checksum_kind, neither.checksum) == ("sha256", None)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"repository": "owner/name"}, "needs repository, commit and path"),
        ({"repository": "owner/name", "commit": COMMIT}, "needs repository, commit and path"),
        ({}, "give repository, commit and path, or url"),
        ({"url": "ftp://host/file", "sha256": "a" * 64}, "https, http or file"),
        ({"url": "http://host/file"}, "needs an https address"),
        ({"url": "https://host"}, "no path inside a folder"),
        ({"url": "https://host/a/../b"}, "no path inside a folder"),
        ({"url": "https://host/a/%2e%2e/b"}, "no path inside a folder"),
        ({"url": "https://[host/a"}, "Invalid IPv6"),
        (PLACE | {"path": "../up.csv"}, "no path inside a folder"),
        (PLACE | {"path": "/etc/passwd"}, "no path inside a folder"),
        (PLACE | {"path": "a\\b"}, "no path on every system"),
        (PLACE | {"path": "C:x"}, "no path on every system"),
        (PLACE | {"path": "a\nb"}, "no path inside a folder"),
        (PLACE | {"repository": "owner/.."}, "no path inside a folder"),
        (PLACE | {"commit": "main"}, "pattern"),
        (PLACE | {"sha256": "abc"}, "pattern"),
        (PLACE | {"bytes": 0}, "must be above 0, not 0"),
        (PLACE | {"path": 3}, "must be a text, not 3"),
    ],
)
def test_a_file_that_is_not_pinned_or_leaves_its_folder_is_refused(keys, message):
    with pytest.raises(ValueError, match=message):
        SourceFile(**keys)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title =", "titel ="), "unknown key 'titel'; did you mean 'title'"),
        (("paper = ", "# "), "the key 'paper' is missing"),
        (("repository =", "repo ="), "section .variant.0.file.0.: unknown key 'repo'; did you"),
        (('name = "copy"', 'name = "copy"\nfetch = false'), "must say where its files are"),
        ((f'commit = "{COMMIT}"', ""), "needs repository, commit and path"),
        (("package.module:function", "package.module"), "converter"),
        (('[[variant]]\nname = "copy"', '[[variant]]\nname = "a"\n[[variant]]\nname = "copy"'),
         "needs files"),
        (('repository = "owner/name"\n' f'commit = "{COMMIT}"\n', ""), "to be fetched"),
        (("[[variant.file]]", "[[variant.file]]\nurl = 'https://a/b'\n[[variant.file]]\n"
          "url = 'https://a/b'\n[[variant.file]]"), "same place"),
        (("[[variant]]", "[[variant]]\nname = 'copy'\nfetch = false\nwhere = 'x'\n[[variant]]"),
         "two variants have the same name"),
    ],
)  # fmt: skip
def test_a_broken_card_is_one_line(own_card, change, message):
    path = own_card(CARD.replace(*change))
    with pytest.raises(HwbenchError, match=message) as caught:
        load_benchmark("mine")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_users_add_their_own_but_cannot_replace_ours(own_card, tmp_path):
    path = own_card()
    own_card(CARD, name="latbench")
    cards = benchmark_cards()
    assert cards["mine"].title == "Mine"
    assert set(cards) == BENCHMARKS | {"mine"}
    assert cards["latbench"].title == "LatBench"
    assert load_benchmark(str(path)) == cards["mine"]


def test_unknown_names_say_the_nearest():
    with pytest.raises(HwbenchError, match="unknown benchmark 'nasbench-201'; did you mean 'nasb"):
        load_benchmark("nasbench-201")
    with pytest.raises(HwbenchError, match=r"variant of nasbench101.*did you mean 'original'"):
        load_benchmark("nasbench101").get_variant("orginal")


def test_the_default_is_the_first_that_can_be_fetched():
    places = {"name": "far", "fetch": False, "where": "elsewhere"}
    keys = {
        "title": "x", "space": "x", "description": "x", "paper": "x", "licence": "x",
        "converter": "a:b",
    }  # fmt: skip
    near = {"name": "near", "file": [PLACE]}
    assert BenchmarkCard(**keys, variant=[places, near]).get_variant().name == "near"
    assert BenchmarkCard(**keys, variant=[places]).get_variant().name == "far"
    assert BenchmarkCard(**keys, variant=[places, near]).get_variant("far").bytes is None
