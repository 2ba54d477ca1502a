"""What the parts of a live search need of one another, checked when a config is read."""

from __future__ import annotations

from dataclasses import dataclass

from hwbench.errors import HwbenchError
from hwbench.live.supernets.structure import Structure


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a strategy, a trainer or a selection cannot do without.

    Attributes
    ----------
    strengths : a strategy that learns strengths.
    gradients : a strategy whose parameters are trained by the gradients of a loss.
    one_pass : a strategy whose parameters are trained by the passes of the weights.
    deterministic : a strategy that draws nothing.
    ranking : a section [ranking].
    policy : a strategy that learns which architectures to sample.
    several_operations : a supernet whose architectures may hold several operations at a position.
    equal_sizes : as many candidates at every position.
    without : operations that may not be among the candidates.
    training : what training has learned besides the supernet's weights, that is a checkpoint.
    """

    strengths: bool = False
    gradients: bool = False
    one_pass: bool = False
    deterministic: bool = False
    ranking: bool = False
    policy: bool = False
    several_operations: bool = False
    equal_sizes: bool = False
    without: tuple[str, ...] = ()
    training: bool = False

    def check_structure(self, structure: Structure, who: str) -> None:
        """Refuse a supernet's candidates.

        Parameters
        ----------
        structure : of the supernet.
        who : needs it, for messages.

        Raises
        ------
        HwbenchError
            Where the sizes or the operations are not as they have to be.
        """
        sizes = tuple(map(len, structure.operations))
        if self.equal_sizes and len(set(sizes)) > 1:
            raise HwbenchError(
                f"{who}: every position must have as many candidates as the others, not {sizes}"
            )
        for name in self.without:
            if any(name in names for names in structure.operations):
                raise HwbenchError(
                    f"{who}: learns nothing about '{name}', which may be no candidate; name the "
                    "others in [space] operations"
                )
