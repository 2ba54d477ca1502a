"""Linear regression on the five study tables gives the published scores."""

import pandas as pd
import pytest

import hwbench as hb
from hwbench.tables import ColumnCard, Table, TableCard

SIZES = (55, 124, 276, 614, 1366, 3036, 6748, 15000)
# LAUBE Table A.2: Kendall's tau of linear regression at SIZES.
PUBLISHED = {
    "ImageNet16-120_raspi4_latency": (0.606, 0.676, 0.705, 0.716, 0.715, 0.723, 0.728, 0.729),
    "cifar100_pixel3_latency": (0.732, 0.780, 0.797, 0.803, 0.806, 0.809, 0.812, 0.812),
    "cifar10_edgegpu_latency": (0.724, 0.790, 0.806, 0.819, 0.820, 0.822, 0.830, 0.829),
    "cifar100_edgegpu_energy": (0.732, 0.793, 0.812, 0.821, 0.821, 0.823, 0.831, 0.831),
    "ImageNet16-120_eyeriss_arithmetic_intensity": (
        0.748,
        0.805,
        0.817,
        0.827,
        0.825,
        0.832,
        0.843,
        0.846,
    ),
}


@pytest.fixture(scope="module")
def taus(shared_data):
    """Mean tau by target and training size."""
    frame = pd.read_parquet(shared_data / "hwnas_nb201.parquet")
    space = hb.get_space("nasbench201")
    columns = {
        column: ColumnCard(title=column, unit="1", direction="minimize", source="HW-NAS-Bench")
        for column in PUBLISHED
    }
    card = TableCard(
        name="hw", title="hw", space="nasbench201", created="2026-01-01", columns=columns
    )
    indices = space.indices_of(space.from_strings(frame["arch_str"]))
    table = Table.from_indices(indices, frame[list(PUBLISHED)], card)
    targets = {f"hw:{column}": (table, table.column(column)) for column in PUBLISHED}
    spec = hb.StudySpec(
        targets=tuple(targets),
        predictors=("linear",),
        training_sizes=SIZES,
        seeds=tuple(range(20)),
        test_size=625,
    )
    trials = hb.run_study(spec, targets=targets).trials
    assert trials["error"].isna().all()
    return trials.groupby(["target", "training_size"])["kendall_tau"].mean()


@pytest.mark.parametrize("column", PUBLISHED)
@pytest.mark.parametrize("size", SIZES)
def test_linear_regression_as_published(taus, column, size):
    published = PUBLISHED[column][SIZES.index(size)]
    assert taus[f"hw:{column}", size] == pytest.approx(published, abs=0.02)
