"""The decoder of a graph VAE: how likely a graph is, and drawing graphs (CHOE 2.2.4, steps 1-4)."""

from __future__ import annotations

import torch
from torch.nn import functional

from hwbench.vae.graphs import GraphBatch, GraphFormat
from hwbench.vae.layers import Propagation, gated_update
from hwbench.vae.settings import GraphVAESettings


class Tally(torch.nn.Module):
    """What a graph that is being built amounts to, as an input of its decisions.

    A decision is told how many edges there are and how many vertices lead nowhere yet; that of an
    edge is told too whether its source is one of them.

    Parameters
    ----------
    size : of the layer that is told.
    n_vertices : of the largest graph.
    """

    def __init__(self, size: int, n_vertices: int) -> None:
        super().__init__()
        most = n_vertices * (n_vertices - 1) // 2
        self.of_vertex = torch.nn.Embedding(most + 1, size)
        self.of_edge = torch.nn.Embedding(most + 1, size)
        self.loose_of_vertex = torch.nn.Embedding(n_vertices + 1, size)
        self.loose_of_edge = torch.nn.Embedding(n_vertices + 1, size)
        self.loose_source = torch.nn.Parameter(torch.zeros(size))
        for value in self.parameters():
            torch.nn.init.zeros_(value)

    def vertices(self, n_edges: torch.Tensor, n_loose: torch.Tensor) -> torch.Tensor:
        """What the decisions of vertices are told (..., size), from counts (...)."""
        told: torch.Tensor = self.of_vertex(n_edges) + self.loose_of_vertex(n_loose)
        return told

    def edges(
        self, n_edges: torch.Tensor, n_loose: torch.Tensor, loose: torch.Tensor
    ) -> torch.Tensor:
        """What the decisions of edges are told (..., size).

        Parameters
        ----------
        n_edges, n_loose : counts (...), of edges and of earlier vertices that lead nowhere.
        loose : whether the source does, bool (...).
        """
        told: torch.Tensor = self.of_edge(n_edges) + self.loose_of_edge(n_loose)
        return told + self.loose_source * loose[..., None]


class Decoder(torch.nn.Module):
    """Builds graphs vertex by vertex: its operation, then each edge into it in order of index.

    Parameters
    ----------
    settings : of the VAE.
    graphs : how graphs look.
    n_inputs : size of embedded operations.
    """

    def __init__(self, settings: GraphVAESettings, graphs: GraphFormat, n_inputs: int) -> None:
        super().__init__()
        hidden = settings.hidden_size
        self.hidden = hidden
        self.n_vertices = graphs.n_vertices
        self.n_operations = len(graphs.operation_names)
        self.start, self.end = graphs.start, graphs.end
        indexed = graphs.n_vertices if settings.indexed_messages else 0
        self.first = torch.nn.Linear(settings.latent_size, hidden)
        self.propagation = Propagation(n_inputs, hidden, indexed)
        self.index = None
        if settings.indexed_update:
            index = torch.empty(graphs.n_vertices, 3 * hidden)
            self.index = torch.nn.Parameter(index.uniform_(-(hidden**-0.5), hidden**-0.5))
        self.observer = None
        if settings.observed:
            self.observer = torch.nn.Parameter(torch.zeros(1, 3 * hidden))
        self.vertex = torch.nn.Sequential(
            torch.nn.Linear(hidden, 2 * hidden),
            torch.nn.ReLU(),
            torch.nn.Linear(2 * hidden, self.n_operations),
        )
        # The first layer of what decides an edge, for each of the states that are its input.
        self.edge_target = torch.nn.Linear(hidden, 2 * hidden)
        self.edge_source = torch.nn.Linear(hidden, 2 * hidden, bias=False)
        self.edge_graph = (
            torch.nn.Linear(hidden, 2 * hidden, bias=False) if settings.observed else None
        )
        self.edge = torch.nn.Linear(2 * hidden, 1)
        self.tally = Tally(2 * hidden, graphs.n_vertices) if settings.tallied else None

    # ------------------------------------------------------------------ likelihood

    def log_likelihood(
        self, latents: torch.Tensor, batch: GraphBatch, embedding: torch.nn.Module
    ) -> torch.Tensor:
        """Log-likelihood (n_graphs,) of graphs given their latents, in nats.

        Every decision is judged as if all before it had been right. What a vertex's state becomes
        does then not depend on decisions, so that states are passed on vertex by vertex and all
        decisions of all graphs are judged together.

        Parameters
        ----------
        latents : (n_graphs, latent_size).
        batch : the graphs.
        embedding : of one-hot operations.
        """
        first = torch.tanh(self.first(latents))
        table = self._gates_of_operations(embedding)
        gates = self._gates(embedding(batch.operations))
        states, messages = self.propagation(gates, batch.adjacency, first)
        graph = self._graph_states(first, states, messages)
        present = batch.operations[:, 1:].sum(dim=2).T
        scores = functional.log_softmax(
            self._vertex_scores(graph, *_before(batch.adjacency)), dim=2
        )
        chosen = (scores * batch.operations[:, 1:].transpose(0, 1)).sum(dim=2)
        of_vertices = chosen.sum(dim=0)  # padding is all zeros and adds nothing
        lone, partial, which = self._states_between(table, gates, messages, batch)
        target = self.edge_target(torch.cat([lone, partial]))
        return of_vertices + self._edge_likelihood(
            states, graph, target, which, batch.adjacency, present
        )

    def _gates(self, inputs: torch.Tensor) -> torch.Tensor:
        """What operations (n_graphs, n_vertices, n_inputs), and indices, say to the update."""
        gates: torch.Tensor = self.propagation.update.inputs(inputs)
        return gates if self.index is None else gates + self.index

    def _graph_states(
        self, first: torch.Tensor, states: torch.Tensor, messages: torch.Tensor
    ) -> torch.Tensor:
        """The state of the graph before each vertex but the first (n_vertices - 1, n_graphs, h)."""
        if self.observer is None:
            return states[:-1]
        heard = (first + messages[:-1].cumsum(dim=0)).flatten(0, 1)
        seen = self.propagation.update(self.observer.expand(len(heard), -1), heard)
        return seen.view(len(messages) - 1, -1, self.hidden)

    def _vertex_scores(
        self, graph: torch.Tensor, n_edges: torch.Tensor, n_loose: torch.Tensor
    ) -> torch.Tensor:
        """Scores of operations (..., n_operations), from states of the graph (..., hidden)."""
        hidden = self.vertex[0](graph)
        if self.tally is not None:
            hidden = hidden + self.tally.vertices(n_edges, n_loose)
        scores: torch.Tensor = self.vertex[2](functional.relu(hidden))
        return scores

    def _edge_likelihood(
        self,
        states: torch.Tensor,
        graph: torch.Tensor,
        target: torch.Tensor,
        which: list[torch.Tensor],
        adjacency: torch.Tensor,
        present: torch.Tensor,
    ) -> torch.Tensor:
        """Log-likelihood (n_graphs,) of all edges that are there and are not.

        Parameters
        ----------
        states, graph : of all vertices, and of the graph before each but the first.
        target, which : what `edge_target` makes of the states of `_states_between`, and their rows.
        adjacency, present : the edges, and which vertices but the first are there, (n, n_graphs).
        """
        # Taken apart, because the derivative of every slice is as large as all of them together.
        source = self.edge_source(states[:-1]).unbind(dim=0)
        about_graph = None if self.edge_graph is None else self.edge_graph(graph).unbind(dim=0)
        total = adjacency.new_zeros(len(adjacency))
        for vertex in range(1, self.n_vertices):
            # (n_sources, n_graphs, 2 h): every earlier vertex beside the state at its turn
            hidden = target[which[vertex - 1]] + torch.stack(source[:vertex])
            if about_graph is not None:
                hidden = hidden + about_graph[vertex - 1]
            if self.tally is not None:
                hidden = hidden + self.tally.edges(*_between(adjacency, vertex))
            scores = self.edge(functional.relu(hidden))[:, :, 0]
            truth = adjacency[:, :vertex, vertex].T
            losses = functional.binary_cross_entropy_with_logits(scores, truth, reduction="none")
            total = total - losses.sum(dim=0) * present[vertex - 1]
        return total

    def _states_between(
        self,
        table: torch.Tensor,
        gates: torch.Tensor,
        messages: torch.Tensor,
        batch: GraphBatch,
    ) -> tuple[torch.Tensor, torch.Tensor, list[torch.Tensor]]:
        """The states that vertices go through while they get their edges.

        Returns
        -------
        States without any edge, one for each place and operation; states after each edge but those
        into a vertex from the one before it, which no decision follows; and for each vertex but the
        first which row of both, one below the other, a decision meets: (n_sources, n_graphs).
        """
        update = self.propagation.update
        lone = update(table.flatten(0, 1), None)
        offset = len(lone)
        received, gates_of, which = [], [], []
        sent, gates_at = messages.unbind(dim=0), gates.unbind(dim=1)
        operations = batch.operations.argmax(dim=2).T
        for vertex in range(1, self.n_vertices):
            edges = batch.adjacency[:, : vertex - 1, vertex].T > 0
            n_edges = int(edges.sum())
            rows = torch.zeros((vertex, len(batch)), dtype=torch.int64, device=edges.device)
            rows[0] = operations[vertex] + vertex * self.n_operations
            if n_edges:
                sums = torch.stack(sent[: vertex - 1]) * edges[:, :, None]
                received.append(sums.cumsum(dim=0)[edges])
                gates_of.append(gates_at[vertex][edges.nonzero()[:, 1]])
                rows[1:][edges] = torch.arange(offset, offset + n_edges, device=edges.device)
                offset += n_edges
            which.append(rows.cummax(dim=0).values)
        if not received:
            return lone, lone[:0], which
        heard, given = torch.cat(received), torch.cat(gates_of)
        return lone, gated_update(given, update.state(heard), heard), which

    # ------------------------------------------------------------------ drawing

    def draw(
        self, latents: torch.Tensor, embedding: torch.nn.Module, chances: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Build a graph from each latent.

        Parameters
        ----------
        latents : (n_graphs, latent_size).
        embedding : of one-hot operations.
        chances : uniform numbers in [0, 1), (n_graphs, n_decisions), by which decisions are drawn;
            None to take the likeliest of each.

        Returns
        -------
        Adjacency bool (n_graphs, n_vertices, n_vertices) and operations int64 (n_graphs,
        n_vertices), -1 behind the last vertex.
        """
        n_graphs, device = len(latents), latents.device
        adjacency = torch.zeros(
            n_graphs, self.n_vertices, self.n_vertices, dtype=torch.bool, device=device
        )
        operations = torch.full((n_graphs, self.n_vertices), -1, device=device)
        operations[:, 0] = self.start
        first = torch.tanh(self.first(latents))
        table = self._gates_of_operations(embedding)
        update, send = self.propagation.update, self.propagation.messages
        state = update(table[0, operations[:, 0]], first)
        states, messages = [state], [send(state, 0)]
        heard, sources = first + messages[0], [self.edge_source(state)]
        growing = torch.ones(n_graphs, dtype=torch.bool, device=device)
        n_edges = torch.zeros(n_graphs, dtype=torch.int64, device=device)
        loose = torch.zeros(n_graphs, self.n_vertices, dtype=torch.bool, device=device)
        decision = 0
        for vertex in range(1, self.n_vertices):
            graph = state
            if self.observer is not None:
                graph = update(self.observer.expand(n_graphs, -1), heard)
            loose[:, vertex - 1] = True
            scores = self._vertex_scores(graph, n_edges, loose.sum(dim=1))
            drawn = _choose(scores, _column(chances, decision))
            decision += 1
            if vertex == self.n_vertices - 1:
                drawn = torch.full_like(drawn, self.end)
            operations[:, vertex] = torch.where(growing, drawn, -1)
            gates = table[vertex, drawn]
            state = update(gates, None)
            received = torch.zeros_like(state)
            about_graph = None if self.edge_graph is None else self.edge_graph(graph)
            for sender in range(vertex):
                hidden = self.edge_target(state) + sources[sender]
                if about_graph is not None:
                    hidden = hidden + about_graph
                if self.tally is not None:
                    counts = n_edges, loose.sum(dim=1), loose[:, sender]
                    hidden = hidden + self.tally.edges(*counts)
                score = self.edge(functional.relu(hidden))[:, 0]
                chance = _column(chances, decision)
                decision += 1
                edge = score > 0 if chance is None else chance < score.sigmoid()
                adjacency[:, sender, vertex] = edge & growing
                n_edges += edge
                loose[:, sender] &= ~edge
                received = received + messages[sender] * edge[:, None]
                state = torch.where(edge[:, None], update(gates, received), state)
            states.append(state)
            messages.append(send(state, vertex))
            sources.append(self.edge_source(state))
            heard = heard + messages[-1]
            growing = growing & (drawn != self.end)
        return adjacency, operations

    @property
    def n_decisions(self) -> int:
        """Decisions that a graph of `n_vertices` vertices takes."""
        return self.n_vertices - 1 + self.n_vertices * (self.n_vertices - 1) // 2

    def _gates_of_operations(self, embedding: torch.nn.Module) -> torch.Tensor:
        """What each operation says to the update at each place, (n_vertices, n_operations, 3 h)."""
        one_hot = torch.eye(self.n_operations, device=self.edge.weight.device)
        gates = self.propagation.update.inputs(embedding(one_hot))
        gates = gates.expand(self.n_vertices, -1, -1)
        return gates if self.index is None else gates + self.index[:, None]


def _before(adjacency: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Edges, and vertices that lead nowhere, before each vertex but the first (n - 1, n_graphs)."""
    n_edges = adjacency.sum(dim=1).cumsum(dim=1)[:, :-1]
    heard = adjacency.cumsum(dim=2)[:, :, :-1] > 0  # whether row leads anywhere up to column
    known = torch.arange(1, adjacency.shape[1], device=adjacency.device)
    return n_edges.T.long(), (known - heard.sum(dim=1)).T


def _between(adjacency: torch.Tensor, vertex: int) -> tuple[torch.Tensor, ...]:
    """What `Tally.edges` takes at the decisions of a vertex's edges, (n_sources, n_graphs) each."""
    own = adjacency[:, :vertex, vertex]
    loose = ~(adjacency[:, :vertex, :vertex] > 0).any(dim=2)
    earlier = own.cumsum(dim=1) - own
    n_edges = adjacency[:, :, :vertex].sum(dim=(1, 2))[:, None] + earlier
    joined = own * loose
    n_loose = loose.sum(dim=1)[:, None] - (joined.cumsum(dim=1) - joined)
    return n_edges.T.long(), n_loose.T.long(), loose.T


def _column(chances: torch.Tensor | None, decision: int) -> torch.Tensor | None:
    return None if chances is None else chances[:, decision]


def _choose(scores: torch.Tensor, chance: torch.Tensor | None) -> torch.Tensor:
    """An index of each row of scores (n, n_choices), by its chance (n,) or the likeliest."""
    if chance is None:
        return scores.argmax(dim=1)
    below = functional.softmax(scores, dim=1).cumsum(dim=1) <= chance[:, None]
    return below.sum(dim=1).clamp(max=scores.shape[1] - 1)
