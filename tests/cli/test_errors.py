"""Every bad input ends with exit code 2 and one line that names the place and the way out."""

import pytest

SCENARIO = """
title = "t"
[simulation]
accuracy = "small:test_accuracy"
metrics = ["small:latency"]
n_candidates = [50]
deviations = [0.1]
repeats = 2
"""
STUDY = """
title = "t"
[study]
targets = ["small:latency"]
predictors = ["ridge"]
training_sizes = [20]
seeds = [0]
test_size = 50
"""
CARD = """
title = "Mine"
family = "linear"
paper = "none"
estimator = "sklearn.linear_model:Lasso"
"""


@pytest.fixture
def file(tmp_path):
    """Write a file and give its path."""

    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


NOT_OF_THE_FILE = ("unknown table", "unknown column", "unknown predictor")
SELECT = ["simulate", "select", "--candidates", "50"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tables", "show", "smal"], "unknown table 'smal'; did you mean 'small'?"),
        (["tables", "show", "gone.parquet"], "gone.parquet: no such file"),
        (["tables", "merge", "small", "smal", "--name", "b"], "did you mean 'small'?"),
        (["tables", "export", "smal", "-o", "t.csv"], "did you mean 'small'?"),
        (["tables", "export", "small", "-o", "t.xlsx"], "t.xlsx: the name must end in .csv or"),
        (["tables", "merge", "small", "--name", "small"], "small.parquet: exists already"),
        (["tables", "merge", "small", "--name", "My Table"], "table name 'My Table': use lower"),
        (["tables", "merge", "small", "--name", "../x"], "table name '../x': use lower"),
        (
            ["tables", "merge", "small", "--name", "x" * 300],
            "300 characters are too many, take 200 at most",
        ),
        (
            ["tables", "merge", "small", "--name", "x", "-o", f"{'y' * 300}.parquet"],
            "cannot be written (File name too long)",
        ),
        (
            ["tables", "merge", "small", "--name", "x", "-o", "t.csv"],
            "t.csv: the name must end in .parquet",
        ),
        (
            ["tables", "merge", "small", "--name", "x", "--prefix", "fast"],
            "--prefix 'fast' must have the form TABLE=PREFIX",
        ),
        (
            ["tables", "merge", "small", "--name", "x", "--prefix", "smal=fast_"],
            "did you mean 'small'?",
        ),
        (["tables", "measure", "nasbench201", "--name", "x", "--dtype", "int8"], "unknown dtype"),
        (["tables", "measure", "nasbench20", "--name", "x"], "did you mean 'nasbench201'?"),
        (["tables", "train", "nasbench20", "--name", "x"], "did you mean 'nasbench201'?"),
        (
            ["tables", "measure", "nasbench201", "--name", "x", "--runtime", "torch"],
            "unknown runtime 'torch'; did you mean 'torch-eager'?",
        ),
        (["tables", "measure", "nasbench201", "--name", "x", "--threads", "999"], "999 threads on"),
        (
            ["tables", "measure", "nasbench201", "--name", "x", "--channels", "0"],
            "channels must be",
        ),
        (["tables", "train", "nasbench201", "--name", "x", "--channels", "0"], "channels must be"),
        (["tables", "train", "nasbench201", "--name", "x", "--images", "digit"], "'digits'?"),
        (["predictors", "show", "ridg"], "unknown predictor 'ridg'; did you mean 'ridge'?"),
        (["predictors", "show", "gone.toml"], "gone.toml: no such file"),
        (["study", "run", "quik"], "unknown scenario 'quik'; did you mean 'quick'?"),
        (["simulate", "run", "gone.toml"], "gone.toml: no such file"),
        (["benchmark", "quik"], "did you mean 'quick'?"),
        (
            [*SELECT, "--accuracy", "small:test_acuracy", "--metric", "small:latency"],
            "unknown column of table small 'test_acuracy'; did you mean 'test_accuracy'?",
        ),
        (
            [*SELECT, "--accuracy", "small:test_accuracy", "--metric", "latency"],
            "target 'latency' must have the form table:column",
        ),
        (
            [*SELECT, "--accuracy", "smal:test_accuracy", "--metric", "small:latency"],
            "did you mean 'small'?",
        ),
        (
            [*SELECT[:-1], "201", "--accuracy", "small:test_accuracy", "--metric", "small:latency"],
            "200",
        ),
        (["report", "write", "no-such-folder"], "no-such-folder"),
        (["report", "write", ".", "no-such-folder"], "nothing to report"),
        (["report", "compare", "no-such-folder", "."], "no-such-folder: no such run folder"),
    ],
)
def test_wrong_name_or_value(refused, own_table, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(*arguments)
    assert list(own_table.parent.iterdir()) == [own_table]  # no journal that hinders the next try


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("estimator =", "estimater =", "unknown key 'estimater'; did you mean 'estimator'?"),
        ('paper = "none"', "", "the key 'paper' is missing"),
        ('"Mine"', "3", "title must be a text, not 3"),
        ('"linear"', "''", "family must"),
        ("sklearn.linear_model:Lasso", "mpl", "unknown estimator 'mpl'; did you mean 'mlp'?"),
        ("title =", "cost = 9\ntitle =", "cost must be at most 7, not 9"),
        ("title =", "title", "is no valid TOML"),
        ("title", 'encoding = "one-hot"\ntitle', "did you mean 'onehot'?"),
        ("estimator =", "\nsearch.alpha = {lo = 1}\nestimator =", "did you mean 'low'?"),
    ],
)
def test_broken_predictor_card(hwbench, refused, hwbench_home, file, old, new, message):
    assert old in CARD
    content = CARD.replace(old, new, 1)
    path = file("card.toml", content)
    found = refused("predictors", "show", path)
    assert found.startswith(str(path))
    assert message in found
    (hwbench_home / "predictors").mkdir()
    own = hwbench_home / "predictors" / "mine.toml"
    own.write_text(content)
    assert message in refused("predictors", "show", "mine")
    listed = hwbench("predictors", "list")
    assert listed.code == 0
    assert "ridge" in listed.out
    assert listed.err.startswith(f"hwbench: warning: {own}")
    assert message in listed.err
    assert len(listed.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (SCENARIO, "repeats", "repeets", "section [simulation]: unknown key 'repeets'; did you"),
        (SCENARIO, "[simulation]", "[simulations]", "unknown key 'simulations'; did you mean 'sim"),
        (SCENARIO, "[50]", "50", "simulation.n_candidates must be"),
        (SCENARIO, 'metrics = ["small:latency"]', "", "the key 'simulation.metrics' is missing"),
        (SCENARIO, "[0.1]", "[0.1", "is no valid TOML"),
        (
            SCENARIO,
            "small:latency",
            "small:latensy",
            "unknown column of table small 'latensy'; did",
        ),
        (SCENARIO, "small:latency", "smal:latency", "unknown table 'smal'; did you mean 'small'?"),
        (STUDY, '"ridge"', '"ridg"', "unknown predictor 'ridg'; did you mean 'ridge'?"),
        (STUDY, "seeds = [0]", "seeds = [0, 0]", "study: seeds holds a value twice"),
        (STUDY, "seeds = [0]", 'seeds = ["a"]', "study.seeds.0 must be a whole number"),
        (STUDY, "test_size = 50", "test_siz = 50", "did you mean 'test_size'?"),
        (STUDY, STUDY, 'title = "t"', "a scenario needs a section"),
    ],
)
def test_broken_scenario(refused, own_table, file, tmp_path, text, old, new, message):
    assert old in text
    path = file("mine.toml", text.replace(old, new, 1))
    command = "simulate" if text is SCENARIO else "study"
    found = refused(command, "run", path, "-o", tmp_path / "run", "-w", 1)
    assert message in found
    if not message.startswith(NOT_OF_THE_FILE):
        assert found.startswith(str(path))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["show", "export"])
@pytest.mark.parametrize("damage", ["truncated", "foreign", "text", "empty"])
def test_broken_parquet(refused, own_table, small_table, tmp_path, command, damage):
    path = tmp_path / "t.parquet"
    whole = own_table.read_bytes()
    content = {"truncated": whole[: len(whole) // 3], "text": b"a,b\n1,2\n", "empty": b""}
    if damage == "foreign":
        small_table.frame.to_parquet(path)
    else:
        path.write_bytes(content[damage])
    options = ["-o", tmp_path / "out.csv"] if command == "export" else []
    assert refused("tables", command, path, *options).startswith(f"{path}: ")


def test_broken_table_of_ones_own_is_named_by_the_listing(hwbench, own_table):
    own_table.write_bytes(b"PAR1")
    listed = hwbench("tables", "list")
    assert listed.code == 0
    assert "nb201-digits" in listed.out
    assert listed.err.startswith(f"hwbench: warning: {own_table}: ")
    assert len(listed.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["tables", "export", "small", "-o", "{below}/t.csv"],
        ["tables", "export", "small", "-o", "{below}/t.parquet"],
        ["tables", "merge", "small", "--name", "x", "-o", "{below}/t.parquet"],
        ["tables", "measure", "nasbench201", "--name", "x", "-o", "{below}/t.parquet"],
        ["tables", "train", "nasbench201", "--name", "x", "-w", "1", "-o", "{below}/t.parquet"],
        ["simulate", "run", "{scenario}", "-w", "1", "-o", "{below}/run"],
        ["study", "run", "{study}", "-w", "1", "-o", "{below}/run"],
        ["benchmark", "{study}", "-w", "1", "-o", "{below}"],
    ],
)
def test_output_that_cannot_be_written(refused, own_table, file, arguments):
    below = file("file", "")
    names = {
        "below": below,
        "scenario": file("sim.toml", SCENARIO),
        "study": file("stu.toml", STUDY),
    }
    assert str(below) in refused(*[argument.format(**names) for argument in arguments])
