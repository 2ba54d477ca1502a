"""Small files that ask for much are refused with little memory, in little time."""

import pytest

from hwbench.spaces import get_space
from hwbench.tables import ColumnCard, TableCard

MOST_GROWTH = 2_000_000_000
SECONDS = 20  # of a processor, of which a busy machine may take twice as many for the same

COLUMN = ColumnCard(title="latency", unit="ms", direction="minimize", source="made")
CARD = TableCard(
    name="t", title="t", space="nasbench201", created="2026-01-01", columns={"latency": COLUMN}
)
ARCH = get_space("nasbench201").to_strings(get_space("nasbench201").sample(1, 0))[0]
ROW = {"arch": ARCH, "latency": 1.0}
TRIAL = {"trial": "x", "target": "a:b", "predictor": "p", "exception": "e", "latency": 1.0}
IMAGES = [f"{part}_{what}" for part in ("train", "test") for what in ("images", "labels")]

# What makes the bombs, the name that their file gets, and the readers that read them.
GROUPS = {
    "pickles": (
        lambda bombs: bombs.pickles(),
        "it.pkl",
        ("pickle", "pickle with stand-ins", "pickle by entries", "pickled frame"),
    ),
    "torch": (lambda bombs: bombs.torches(), "it.pth", ("torch", "torch by entries", "weights")),
    "images": (lambda bombs: bombs.archives(IMAGES), "it.npz", ("images",)),
    "pictures": (lambda bombs: bombs.pictures(), "it.png", ("picture",)),
    "idx": (lambda bombs: bombs.idx(), "it.gz", ("idx",)),
    "pictures in parquet": (
        lambda bombs: bombs.tables({"image": b"x", "label": 1.0, "split": "test"}),
        "it.parquet",
        ("pictures in parquet",),
    ),
    "vae": (lambda bombs: bombs.archives(["about", "weight/a"]), "it.npz", ("vae",)),
    "tables": (
        lambda bombs: bombs.tables(
            {**ROW, "hwbench_index": 1}, {"hwbench.table": CARD.model_dump_json()}
        ),
        "it.parquet",
        ("table",),
    ),
    "own tables": (lambda bombs: bombs.tables(ROW), "it.parquet", ("own table", "architectures")),
    "results": (lambda bombs: bombs.tables(TRIAL), "it.parquet", ("results", "trials", "run")),
    "toml": (lambda bombs: bombs.tomls(), "it.toml", ("tree", "scenario", "space", "predictor")),
    "json": (lambda bombs: bombs.jsons(), "it.json", ("json", "object", "record", "journal")),
    "csv": (lambda bombs: bombs.csvs(list(ROW)), "it.csv", ("own table", "architectures")),
    "published csv": (
        lambda bombs: bombs.csvs(["net", "latency"]),
        "it.csv",
        ("published csv",),
    ),
    "text": (lambda bombs: bombs.csvs(["arch"]), "it.txt", ("architectures",)),
}
# What is large, and yet what it says it is.
HARMLESS = {
    "one key", "many keys", "blank lines", "many headers", "many tables of a list",
    "claimed elements", "a list", "long texts", "as many rows as may be",
    "empty lists", "empty objects", "numbers", "one text",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_a_bomb_is_refused(group, bombs, bounded, tmp_path):
    make, name, readers = GROUPS[group]
    wrong = []
    for number, (title, content) in enumerate(make(bombs)):
        path = tmp_path / str(number) / name
        path.parent.mkdir()
        path.write_bytes(content)
        for reader in readers:
            found = bounded(reader, path, SECONDS)
            one_line = found.get("refused", "").isprintable()
            refused = "refused" in found or ("read" in found and title in HARMLESS)
            if not (refused and one_line and found["growth"] < MOST_GROWTH):
                wrong.append((title, reader, found))
        path.unlink()
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "title"),
    [
        ("pickles", "nones"),
        ("pickles", "memo"),
        ("images", "zeros"),
        ("tables", "60 million rows"),
        ("tables", "one long text, denied"),
        ("csv", "columns"),
        ("json", "packed lists"),
        ("toml", "digits"),
    ],
)
def test_no_more_memory_is_there_to_be_had(group, title, bombs, bounded, tmp_path):
    make, name, readers = GROUPS[group]
    path = tmp_path / name
    path.write_bytes(next(content for each, content in make(bombs) if each == title))
    for reader in readers:
        found = bounded(reader, path, SECONDS, MOST_GROWTH)
        assert "refused" in found, (reader, found)
