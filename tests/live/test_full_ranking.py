"""A supernet of a minute ranks all NAS-Bench-201 cells about as their own trainings do."""

import pytest

from hwbench.live.config import RankingNode, load_config
from hwbench.live.run import rank_run, run_live
from hwbench.results.ranking_measures import measures_of


@pytest.mark.slow
def test_spos_ranks_all_cells_of_nasbench201(tmp_path):
    config = load_config("spos", "small")
    run_live(config, tmp_path)
    given = config.ranking.model_dump()
    ranking = rank_run(tmp_path, RankingNode(**{**given, "architectures": None}))
    assert len(ranking) == 15_625
    # Two trainings of the cells themselves agree with a tau of 0.39.
    assert measures_of(ranking)["kendall_tau"] >= 0.4
