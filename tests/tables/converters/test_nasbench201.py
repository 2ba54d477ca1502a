import bz2
import pickle
import re

import numpy as np
import pytest

from hwbench.spaces import get_space
from hwbench.tables.converters.nasbench201 import convert_nasbench201

SPACE = get_space("nasbench201")
REEXPORTS = {
    "cifar10": "nb201_cifar10-valid_val_test_v1_0.pickle",
    "cifar100": "nb201_cifar100_val_test_v1_0.pickle",
    "ImageNet16-120": "nb201_ImageNet16-120_val_test_v1_0.pickle",
}
SETS = {  # which sets of images the authors evaluated after training on each dataset
    "cifar10-valid": ("x-valid", "ori-test"),
    "cifar10": ("ori-test",),
    "cifar100": ("x-valid", "x-test", "ori-test"),
    "ImageNet16-120": ("x-valid", "x-test", "ori-test"),
}
STRINGS = [SPACE.to_string(SPACE.architectures_at([place])[0]) for place in (900, 7, 15_624)]


class Authors:
    """Trainings of architectures in the authors' form, with accuracies that are all different."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)

    def training(self, dataset, epochs, seed):
        accuracies = {
            f"{name}@{epoch}": float(self.rng.uniform(10, 95))
            for name in SETS[dataset]
            for epoch in range(epochs)
        }
        return {
            "name": f"infer.{dataset}",
            "seed": seed,
            "epochs": epochs,
            "net_state_dict": None,
            "train_acc1es": {epoch: float(self.rng.uniform(10, 95)) for epoch in range(epochs)},
            "eval_names": list(SETS[dataset]),
            "eval_acc1es": accuracies,
            "arch_config": {"channel": 16, "num_cells": 5},
            "flop": 1.5,
            "latency": None,
        }

    def results(self, index, text, epochs, seeds):
        return {
            "arch_index": index,
            "arch_str": text,
            "all_results": {
                (dataset, seed): self.training(dataset, epochs, seed)
                for dataset, known in seeds.items()
                for seed in known
            },
            "dataset_seed": {dataset: sorted(known) for dataset, known in seeds.items()},
            "clear_net_done": True,
        }

    def infos(self, full, less):
        """The trainings of the three architectures, by epochs."""
        return {
            index: {
                200: self.results(index, text, 200, full[index]),
                12: self.results(index, text, 12, less),
            }
            for index, text in enumerate(STRINGS)
        }


ALL = (777, 888, 999)
FULL = [  # seeds in an order of their own, one architecture with fewer of them
    dict.fromkeys(SETS, (999, 777, 888)),
    dict.fromkeys(SETS, (777,)),
    dict.fromkeys(SETS, ALL),
]
LESS = {
    "cifar10-valid": (111, 777),
    "cifar10": (777,),
    "cifar100": (777,),
    "ImageNet16-120": (777,),
}


@pytest.fixture
def infos():
    return Authors().infos(FULL, LESS)


def archive(infos):
    return {
        "meta_archs": STRINGS,
        "arch2infos": {
            index: {"full": by_epochs[200], "less": by_epochs[12]}
            for index, by_epochs in infos.items()
        },
        "evaluated_indexes": set(infos),
    }


@pytest.fixture(params=["legacy .pth", "zip .pth", "NATS-Bench"])
def authors_files(request, writers, tmp_path):
    """Write trainings in one of the authors' formats; gives what to convert."""

    def write(infos):
        if request.param == "NATS-Bench":
            folder = tmp_path / "NATS-tss-v1_0-3ffb9-simple"
            folder.mkdir()
            meta = {"meta_archs": STRINGS, "total_archs": 3, "evaluated_indexes": set(infos)}
            contents = {"meta": meta}
            for index, by_epochs in infos.items():
                contents[f"{index:06d}"] = {str(n): result for n, result in by_epochs.items()}
            for name, content in contents.items():
                packed = bz2.compress(writers.pickled(content))
                (folder / f"{name}.pickle.pbz2").write_bytes(packed)
            return folder
        write_torch = writers.zip_torch if request.param == "zip .pth" else writers.legacy_torch
        path = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
        path.write_bytes(write_torch(archive(infos)))
        return path

    return write


def accuracies(result, trained_on, image_set):
    """Accuracy after the last epoch by seed, ascending."""
    return {
        seed: training["eval_acc1es"][f"{image_set}@{training['epochs'] - 1}"]
        for (dataset, seed), training in sorted(result["all_results"].items())
        if dataset == trained_on
    }


PLACES = {
    "cifar10.valid_accuracy": ("cifar10-valid", "x-valid"),
    "cifar10.test_accuracy": ("cifar10", "ori-test"),
    "cifar100.valid_accuracy": ("cifar100", "x-valid"),
    "cifar100.test_accuracy": ("cifar100", "x-test"),
    "ImageNet16-120.valid_accuracy": ("ImageNet16-120", "x-valid"),
    "ImageNet16-120.test_accuracy": ("ImageNet16-120", "x-test"),
}


# ---------------------------------------------------------------------- the re-export


def test_reexport_is_the_published_table(raw, published, same, steps):
    files = [raw(name) for name in REEXPORTS.values()]
    table = convert_nasbench201(files, progress=steps)
    expected = published("nb201_accuracy", table, key="arch_str")
    assert table.frame["hwbench_index"].tolist() == list(range(15_625))
    assert len(table.card.columns) == 6
    for dataset in REEXPORTS:
        for split, name in (("valid", "val"), ("test", "test")):
            column = f"{dataset}.{split}_accuracy"
            assert same(table.column(column), expected[f"{dataset}_{name}_200ep_mean_v1_0"])
            card = table.card.columns[column]
            assert (card.unit, card.direction, card.dataset) == ("%", "maximize", dataset)
            assert card.split == split
            assert card.noise is not None
    steps.check()


def test_one_dataset_alone_is_a_table(raw):
    table = convert_nasbench201([raw(REEXPORTS["cifar100"])])
    assert list(table.card.columns) == ["cifar100.valid_accuracy", "cifar100.test_accuracy"]
    assert table.column("cifar100.test_accuracy").max() == pytest.approx(73.51, abs=0.005)


def test_reexports_with_different_cells_have_gaps(tmp_path):
    for dataset, places in (("cifar100", [0, 1]), ("ImageNet16-120", [1, 2])):
        content = {STRINGS[i]: {dataset: {"eval_acc1es": [10.0 + i, 20.0 + i]}} for i in places}
        (tmp_path / REEXPORTS[dataset]).write_bytes(pickle.dumps(content))
    table = convert_nasbench201([tmp_path])
    assert table.frame["hwbench_index"].tolist() == [7, 900, 15_624]
    np.testing.assert_array_equal(table.column("cifar100.test_accuracy"), [21, 20, np.nan])
    np.testing.assert_array_equal(table.column("ImageNet16-120.valid_accuracy"), [11, np.nan, 12])
    assert "3 of its 15625" in table.card.description


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], "expected a dictionary by architecture"),
        ({}, "expected a dictionary by architecture"),
        ({STRINGS[0]: {"cifar10": {"eval_acc1es": [1, 2]}}}, "entry of .*'cifar100'"),
        ({STRINGS[0]: {"cifar100": {"eval_acc1es": [1, 2, 3]}}}, "must hold two accuracies"),
        ({STRINGS[0]: {"cifar100": {"eval_acc1es": [1, "high"]}}}, "must hold two accuracies"),
        ({"|conv~0|": {"cifar100": {"eval_acc1es": [1, 2]}}}, "row 0: architecture"),
        (
            {
                text: {"cifar100": {"eval_acc1es": [1, 2]}}
                for text in (STRINGS[0], STRINGS[0] + " ")
            },
            "row 1: .*stands twice",
        ),
    ],
)
def test_broken_reexports_are_named(tmp_path, refusal, content, message):
    path = tmp_path / REEXPORTS["cifar100"]
    path.write_bytes(pickle.dumps(content))
    found = refusal(convert_nasbench201, path)
    assert found.startswith(f"{path}: ")
    assert re.search(message, found)


# ---------------------------------------------------------------------- the authors' formats


def test_authors_files_give_the_last_epochs(authors_files, infos, steps):
    table = convert_nasbench201([authors_files(infos)], progress=steps)
    assert table.frame["arch"].tolist() == [STRINGS[1], STRINGS[0], STRINGS[2]]
    for row, index in enumerate((1, 0, 2)):
        values = table.frame.iloc[row]
        for name, (trained_on, image_set) in PLACES.items():
            known = accuracies(infos[index][200], trained_on, image_set)
            assert values[name] == np.mean(list(known.values()))
            for seed in ALL:
                expected = known.get(seed, np.nan)
                np.testing.assert_array_equal(values[f"{name}_seed{seed}"], expected)
            known = accuracies(infos[index][12], trained_on, image_set)
            assert values[f"{name}_12epochs"] == np.mean(list(known.values()))
    assert len(table.card.columns) == 6 * 5
    steps.check()


def test_objects_of_other_libraries_do_not_matter(authors_files, infos, writers):
    plain = Authors().infos(FULL, LESS)
    for by_epochs in infos.values():
        for result in by_epochs.values():
            for training in result["all_results"].values():
                training["arch_config"] = writers.Call("models.genotypes", "Structure", [(1, 2)])
    table = convert_nasbench201([authors_files(infos)])
    for row, index in enumerate((1, 0, 2)):
        known = accuracies(plain[index][200], "cifar10", "ori-test")
        assert table.column("cifar10.test_accuracy")[row] == np.mean(list(known.values()))


def test_accuracies_must_be_numbers(authors_files, infos, writers, refusal):
    training = infos[1][200]["all_results"]["cifar10", 777]
    training["eval_acc1es"]["ori-test@199"] = writers.Call("torch", "tensor", 1.0)
    assert "lacks eval_acc1es or epochs" in refusal(convert_nasbench201, authors_files(infos))


def test_cards_name_the_seeds_that_the_files_hold(authors_files, infos):
    columns = convert_nasbench201([authors_files(infos)]).card.columns
    assert columns["cifar10.test_accuracy"].seeds == ALL
    assert columns["cifar10.test_accuracy_seed888"].seeds == (888,)
    assert columns["cifar10.valid_accuracy_12epochs"].seeds == (111, 777)
    assert columns["cifar10.test_accuracy_12epochs"].seeds == (777,)
    assert "12 epochs on cifar10-valid" in columns["cifar10.valid_accuracy_12epochs"].source
    assert "200 epochs on cifar10," in columns["cifar10.test_accuracy"].source


def test_release_1_0_has_short_trainings_of_one_dataset_only(authors_files):
    infos = Authors().infos(FULL, {"cifar10-valid": (777,)})
    columns = convert_nasbench201([authors_files(infos)]).card.columns
    short = [name for name in columns if name.endswith("_12epochs")]
    assert short == ["cifar10.valid_accuracy_12epochs"]


def test_authors_and_reexport_agree_on_their_columns(authors_files, infos, raw):
    authors = convert_nasbench201([authors_files(infos)]).card.columns
    reexport = convert_nasbench201([raw(REEXPORTS["cifar100"])]).card.columns
    for name, card in reexport.items():
        other = authors[name]
        assert (card.title, card.unit, card.split) == (other.title, other.unit, other.split)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda info: info[200].pop("all_results"), "must hold all_results, arch_str"),
        (lambda info: [info[n].update(arch_str="|x~0|") for n in (12, 200)], "row 1: .*'.x~0.'"),
        (lambda info: info[200].update(all_results=[]), "all_results must be a dictionary"),
        (lambda info: info[200].update(all_results={"cifar10": {}}), "key 'cifar10' must be"),
        (lambda info: info[200]["all_results"][("cifar10", 777)].pop("epochs"), "lacks"),
        (lambda info: info[200]["all_results"][("cifar10", 777)].pop("eval_acc1es"), "lacks"),
        (
            lambda info: [info[n].update(arch_str=STRINGS[0]) for n in (12, 200)],
            "stands twice",
        ),
        (lambda info: info[12].update(arch_str=STRINGS[0]), "holds two cells"),
    ],
)
def test_broken_trainings_are_named(authors_files, infos, refusal, change, message):
    change(infos[1])
    path = authors_files(infos)
    found = refusal(convert_nasbench201, path)
    assert str(path) in found
    assert re.search(message, found)


def test_file_of_another_kind_is_refused(writers, tmp_path, refusal):
    path = tmp_path / "network.pth"
    path.write_bytes(writers.zip_torch({"state_dict": {}}))
    assert "arch2infos" in refusal(convert_nasbench201, path)
    path.write_bytes(writers.zip_torch({"arch2infos": {}}))
    assert f"{path}: holds no architecture" in refusal(convert_nasbench201, path)
    other = tmp_path / "table.csv"
    other.write_text("a\n1\n")
    assert "NAS-Bench-201-v1_x" in refusal(convert_nasbench201, other)


def test_formats_are_not_mixed(writers, infos, tmp_path, raw, refusal):
    path = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
    path.write_bytes(writers.zip_torch(archive(infos)))
    found = refusal(convert_nasbench201, path, raw(REEXPORTS["cifar10"]))
    assert "files of one format" in found


def test_folder_without_its_architectures_is_refused(tmp_path, refusal):
    meta = tmp_path / "meta.pickle.pbz2"
    meta.write_bytes(bz2.compress(pickle.dumps({"meta_archs": STRINGS})))
    assert "files of one format" in refusal(convert_nasbench201, tmp_path)


def test_folder_may_hold_other_things(authors_files, infos, tmp_path):
    path = authors_files(infos)
    (path.parent / "README.md").write_text("about")
    assert len(convert_nasbench201([path.parent])) == 3
