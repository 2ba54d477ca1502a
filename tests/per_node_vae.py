"""The loss of a graph VAE graph by graph, vertex by vertex, edge by edge, with a VAE's weights.

It says what the fast code must come to, and is what the benchmark runs beside it. Test modules
cannot import each other under pytest's importlib mode; the fixture `per_node_vae` gives this one.
"""

import torch


def gated_sum(part, states, senders):
    """Eq. 2.6: the gated sum of what senders have to say; zeros where there are none."""
    total = torch.zeros(1, part.update.state.in_features)
    for sender in senders:
        value = part.messages.linear(states[sender])
        if part.messages.index is not None:
            value = value + part.messages.index[sender]
        mapped, gate = value.chunk(2, dim=1)
        total = total + torch.sigmoid(gate) * mapped
    return total


def gru(update, gates, state):
    """A gated recurrent unit (Cho et al. 2014), gate by gate."""
    own = update.state(state)
    (r, z, n), (own_r, own_z, own_n) = gates.chunk(3, dim=1), own.chunk(3, dim=1)
    reset, keep = torch.sigmoid(r + own_r), torch.sigmoid(z + own_z)
    return (1 - keep) * torch.tanh(n + reset * own_n) + keep * state


def encode(model, adjacency, inputs):
    """Mean and log-variance (1, latent_size) of one graph's latents.

    `adjacency` is (n_vertices, n_vertices) and `inputs` (n_vertices, n_inputs), without padding.
    """
    encoder, part = model.encoder, model.encoder.onward
    size = len(inputs)
    states = {}
    for v in range(size):
        before = [u for u in range(v) if adjacency[u, v]]
        states[v] = gru(
            part.update, part.update.inputs(inputs[v : v + 1]), gated_sum(part, states, before)
        )
    summary = states[size - 1]
    if encoder.back is not None:
        part, onward, states = encoder.back, states, {}
        for v in reversed(range(size)):
            after = [w for w in range(v + 1, size) if adjacency[v, w]]
            gates = part.update.inputs(torch.cat([inputs[v : v + 1], onward[v]], dim=1))
            states[v] = gru(part.update, gates, gated_sum(part, states, after))
        summary = torch.cat([summary, states[0]], dim=1)
    if encoder.observer is not None:
        summary = gru(part.update, encoder.observer, gated_sum(part, states, range(size)))
    return encoder.moments(summary).chunk(2, dim=1)


def counts(adjacency, k, u):
    """Edges there are, and vertices that lead nowhere, when u -> k is decided."""
    edges = [(s, t) for t in range(k + 1) for s in range(t) if adjacency[s, t]]
    edges = [(s, t) for s, t in edges if t < k or s < u]
    return len(edges), [v for v in range(k) if v not in {s for s, _ in edges}]


def told(tally, kind, n_edges, loose):
    """What a decision is told of both counts."""
    parts = {
        "vertices": (tally.of_vertex, tally.loose_of_vertex),
        "edges": (tally.of_edge, tally.loose_of_edge),
    }[kind]
    return parts[0].weight[n_edges] + parts[1].weight[len(loose)]


def log_likelihood(model, latent, adjacency, operations, inputs):
    """Log-likelihood of one graph given its latent (1, latent_size): steps 1 to 4 of CHOE 2.2.4."""
    decoder = model.decoder
    part = decoder.propagation
    first = torch.tanh(decoder.first(latent))
    gates = part.update.inputs(inputs)
    if decoder.index is not None:
        gates = gates + decoder.index[: len(inputs)]
    states = {0: gru(part.update, gates[:1], first)}
    total = torch.zeros(())
    for k in range(1, len(inputs)):
        graph = states[k - 1]
        if decoder.observer is not None:
            graph = gru(part.update, decoder.observer, first + gated_sum(part, states, range(k)))
        hidden = decoder.vertex[0](graph)
        if decoder.tally is not None:
            hidden = hidden + told(decoder.tally, "vertices", *counts(adjacency, k, 0))
        total = (
            total
            + torch.log_softmax(decoder.vertex[2](torch.relu(hidden)), dim=1)[0, operations[k]]
        )
        connected = []
        states[k] = gru(part.update, gates[k : k + 1], gated_sum(part, states, connected))
        for u in range(k):
            hidden = decoder.edge_target(states[k]) + decoder.edge_source(states[u])
            if decoder.edge_graph is not None:
                hidden = hidden + decoder.edge_graph(graph)
            if decoder.tally is not None:
                n_edges, loose = counts(adjacency, k, u)
                extra = decoder.tally.loose_source if u in loose else 0
                hidden = hidden + told(decoder.tally, "edges", n_edges, loose) + extra
            chance = torch.sigmoid(decoder.edge(torch.relu(hidden)))[0, 0]
            total = total + torch.log(chance if adjacency[u, k] else 1 - chance)
            if adjacency[u, k]:
                connected.append(u)
                states[k] = gru(part.update, gates[k : k + 1], gated_sum(part, states, connected))
    return total


def loss(model, graphs, noise, kl_weight):
    """Mean loss of graphs (`hwbench.spaces.graphs.Graphs`), one after the other."""
    names = len(graphs.operation_names)
    total = torch.zeros(())
    for row, size in enumerate(graphs.n_vertices.tolist()):
        adjacency = graphs.adjacency[row, :size, :size]
        operations = graphs.operations[row, :size].tolist()
        inputs = model.embedding(torch.eye(names)[operations])
        mean, log_variance = encode(model, adjacency, inputs)
        latent = mean + noise[row : row + 1] * (0.5 * log_variance).exp()
        divergence = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
        likelihood = log_likelihood(model, latent, adjacency, operations, inputs)
        total = total - likelihood + kl_weight * divergence
    return total / len(graphs.operations)
