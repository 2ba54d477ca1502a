"""The supernet of ladders: all candidates on every edge."""

from torch import nn

from hwbench.live.supernets.cell import SearchCell
from hwbench.live.supernets.mixed_operation import Zero
from hwbench.live.supernets.supernet import Position, Supernet
from hwbench_ladder.network import make_operation
from hwbench_ladder.space import EDGES, N_NODES, OPERATIONS


class LadderSupernet(Supernet):
    """Stem, `depth` cells with mixed operations on their seven edges, classifier."""

    subsets = {"all": OPERATIONS, "no-zero": OPERATIONS[1:]}  # noqa: RUF012

    @classmethod
    def all_positions(cls, space):
        return tuple(
            Position(name, space.choices[i], str(target))
            for i, (name, (_, target)) in enumerate(zip(space.positions, EDGES, strict=True))
        )

    @classmethod
    def make_operation(cls, name, channels, stride):
        return Zero() if name == "none" else make_operation(name, channels)

    def _build(self):
        channels = self.skeleton.channels
        self.stem = nn.Sequential(
            nn.Conv2d(self.skeleton.input_channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.cells = nn.ModuleList(self._cell(channels) for _ in range(self.skeleton.depth))
        self.last = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, self.skeleton.classes)

    def _cell(self, channels):
        operations = [self._mixed_operation(i, channels) for i in range(len(EDGES))]
        return SearchCell(EDGES, operations, [self._node(channels) for _ in range(N_NODES - 1)])

    def dead_positions(self, archs):
        return ~self.space.live_edges(archs)

    def forward(self, images, mixture=None):
        mixture = self._mixture(mixture)
        features = self._first_features(images)
        for cell in self.cells:
            features = cell([features], mixture)[-1]
        return self.classifier(self.last(features).mean(dim=(2, 3)))
