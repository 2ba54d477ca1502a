from hwbench.environment import available_cores
from hwbench.threads import torch_threads


def test_cores_are_no_more_than_this_process_may_use(monkeypatch):
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # read where a container's quota is
    assert available_cores() == 1


def test_threads_of_torch_are_put_back():
    import torch

    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
