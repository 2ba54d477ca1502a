"""Which targets of a run folder's study are of one measurement."""

import pandas as pd

from hwbench.analysis.measurements import measurements_of, measurements_of_run
from hwbench.results.run import read_run

LATENCY, ENERGY = "nb201-digits:latency", "nb201-digits:energy"


def test_an_energy_that_is_a_multiple_of_the_latency_is_not_another_measurement(run_folder):
    targets = set(pd.read_parquet(run_folder / "study.parquet")["target"])
    assert measurements_of(run_folder) == {target: target for target in targets}
    path = run_folder / "predictions.parquet"
    rows = pd.read_parquet(path)
    latency = rows[rows["target"] == LATENCY].drop_duplicates("hwbench_index")
    seven = 7.0 * latency.set_index("hwbench_index")["truth"]
    own = rows["target"] == ENERGY
    rows.loc[own, "truth"] = rows.loc[own, "hwbench_index"].map(seven)
    rows.to_parquet(path)
    found = measurements_of(run_folder)
    assert found[LATENCY] == found[ENERGY]
    assert measurements_of_run(read_run(run_folder)) == found


def test_without_predictions_cards_alone_tell(run_folder):
    (run_folder / "predictions.parquet").unlink()
    assert len(set(measurements_of(run_folder).values())) > 1
    (run_folder / "run.json").unlink()
    assert len(set(measurements_of(run_folder).values())) > 1
