"""The parts of a graph VAE: update and messages of a vertex, and passing them along edges.

Everything here works on a whole batch of graphs at once: the vertices at one place of all graphs
are one matrix.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional


class _GatedUpdate(torch.autograd.Function):
    """The part of a gated recurrent unit that multiplies no matrices, with its derivative.

    Written out it takes a third of the memory traffic that its operations one by one take.
    """

    @staticmethod
    def forward(ctx: Any, gates: torch.Tensor, own: torch.Tensor, state: torch.Tensor) -> Any:
        size = state.shape[1]
        both = gates[:, : 2 * size] + own[:, : 2 * size]
        reset, keep = both.sigmoid_().chunk(2, dim=1)
        own_news = own[:, 2 * size :]
        news = torch.addcmul(gates[:, 2 * size :], reset, own_news).tanh_()
        ctx.save_for_backward(both, own, news, state)
        return torch.lerp(news, state, keep)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        (gradient,) = gradients
        both, own, news, state = ctx.saved_tensors
        size = state.shape[1]
        reset, keep = both.chunk(2, dim=1)
        to_gates = torch.empty_like(own)
        to_own = torch.empty_like(own)
        to_news = torch.mul(gradient, 1 - keep, out=to_gates[:, 2 * size :])
        to_news.mul_(1 - news * news)
        to_both = to_gates[:, : 2 * size]
        torch.mul(to_news, own[:, 2 * size :], out=to_both[:, :size])
        torch.mul(gradient, state - news, out=to_both[:, size:])
        to_both.mul_(both).mul_(1 - both)
        to_own[:, : 2 * size] = to_both
        torch.mul(to_news, reset, out=to_own[:, 2 * size :])
        return to_gates, to_own, gradient * keep


def gated_update(gates: torch.Tensor, own: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    """New states of a gated recurrent unit (Cho et al. 2014), as `torch.nn.GRUCell` has them.

    Parameters
    ----------
    gates, own : what input and state say of reset, keep and news, (n, 3 * size) each.
    state : (n, size).
    """
    return _GatedUpdate.apply(gates, own, state)  # type: ignore[no-untyped-call]


class VertexUpdate(torch.nn.Module):
    """U of eq. 2.7: from a vertex's operation and what its predecessors send to its state.

    Parameters
    ----------
    n_inputs : of the operation's embedding, and what else stands beside it.
    hidden_size : of states.
    """

    def __init__(self, n_inputs: int, hidden_size: int) -> None:
        super().__init__()
        self.inputs = torch.nn.Linear(n_inputs, 3 * hidden_size)
        self.state = torch.nn.Linear(hidden_size, 3 * hidden_size)

    def forward(self, gates: torch.Tensor, received: torch.Tensor | None) -> torch.Tensor:
        """States (n, hidden_size).

        Parameters
        ----------
        gates : `inputs` of the inputs, (n, 3 * hidden_size).
        received : sum of the predecessors' messages (n, hidden_size); None where there are none.
        """
        if received is None:
            size = gates.shape[1] // 3
            received = gates.new_zeros(len(gates), size)
            return gated_update(gates, self.state.bias.expand(len(gates), -1), received)
        return gated_update(gates, self.state(received), received)


class Messages(torch.nn.Module):
    """What a vertex sends along its edges: its state, mapped and gated (eq. 2.6, gated sum).

    Parameters
    ----------
    hidden_size : of states and messages.
    n_vertices : of the largest graph, where the index of the sender joins its state; else 0.
    """

    def __init__(self, hidden_size: int, n_vertices: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(hidden_size, 2 * hidden_size)
        self.index = None
        if n_vertices:
            bound = (hidden_size + n_vertices) ** -0.5
            index = torch.empty(n_vertices, 2 * hidden_size).uniform_(-bound, bound)
            self.index = torch.nn.Parameter(index)

    def forward(self, states: torch.Tensor, vertex: int) -> torch.Tensor:
        """Messages (n, hidden_size) of the states (n, hidden_size) of one vertex of each graph."""
        both = self.linear(states)
        if self.index is not None:
            both = both + self.index[vertex]
        return functional.glu(both, dim=1)


class Propagation(torch.nn.Module):
    """Asynchronous message passing: vertex by vertex, each after all its predecessors.

    Parameters
    ----------
    n_inputs : of the update.
    hidden_size : of states.
    n_vertices : where senders tell their index, see `Messages`; else 0.
    """

    def __init__(self, n_inputs: int, hidden_size: int, n_vertices: int) -> None:
        super().__init__()
        self.update = VertexUpdate(n_inputs, hidden_size)
        self.messages = Messages(hidden_size, n_vertices)

    def forward(
        self,
        gates: torch.Tensor,
        adjacency: torch.Tensor,
        first: torch.Tensor | None = None,
        *,
        backwards: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """States and messages of all vertices, each (n_vertices, n_graphs, hidden_size).

        Parameters
        ----------
        gates : (n_graphs, n_vertices, 3 * hidden_size), what the update makes of the inputs.
        adjacency : (n_graphs, n_vertices, n_vertices); its vertices stand in topological order.
        first : (n_graphs, hidden_size), what the first vertex receives, in place of nothing.
        backwards : from the last vertex to the first, against the edges.
        """
        n_vertices = adjacency.shape[1]
        edges = adjacency.transpose(1, 2) if backwards else adjacency
        order = range(n_vertices - 1, -1, -1) if backwards else range(n_vertices)
        used, always = _what_edges_do(edges)
        gates_of = gates.unbind(
            dim=1
        )  # whose derivative, unlike that of slices, is put together once
        states: dict[int, torch.Tensor] = {}
        messages: dict[int, torch.Tensor] = {}
        received = first
        for vertex in order:
            for sender in messages:
                if always[sender][vertex]:
                    message = messages[sender]
                    received = message if received is None else received + message
                elif used[sender][vertex]:
                    message, edge = messages[sender], edges[:, sender, vertex, None]
                    received = (
                        message * edge
                        if received is None
                        else torch.addcmul(received, message, edge)
                    )
            states[vertex] = self.update(gates_of[vertex], received)
            messages[vertex] = self.messages(states[vertex], vertex)
            received = None
        every = range(n_vertices)
        return torch.stack([states[v] for v in every]), torch.stack([messages[v] for v in every])


def _what_edges_do(edges: torch.Tensor) -> tuple[list[list[bool]], list[list[bool]]]:
    """For each pair of vertices whether any graph has an edge, and whether all graphs have it."""
    if edges.requires_grad:  # then every edge has a weight, and a derivative even where it is 0
        size = edges.shape[1]
        return [[True] * size] * size, [[False] * size] * size
    return (edges > 0).any(dim=0).tolist(), (edges == 1).all(dim=0).tolist()
