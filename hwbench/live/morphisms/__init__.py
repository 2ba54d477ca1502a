"""Network morphisms: networks that grow and compute what they did before (LAUBE 4.2.3, YU 296-330).

One file a kind. Those of single layers (`layers`, `kernel`) take a layer and give a new one; those
of plain networks take a `torch.nn.Sequential` and the place of a layer in it, and give a new
`Sequential` that shares the layers which stay. None changes what it is given. All say where the
entries of new parameters come from, by which `hwbench.live.origins.carry_state` gives
an optimiser what another has learned of the old ones.

What each preserves, as measured (largest difference of outputs over the largest output, float32):

=============================================  ===================  ===================
morphism                                       in training mode     in evaluation mode
=============================================  ===================  ===================
`grow_kernel`, `widen`, `add_bias`,            0                    0
`add_scale`, `dilate` of kernels of 1
`net2wider`                                    1e-6                 1e-6
`net2deeper`, normalised                       1e-6 on its images   1e-6
`insert` between stages that begin with ReLU,  0                    0
not normalised
`insert` of an interpolated activation, not    0                    0
normalised
the same, normalised                           1e-3                 1e-5
`insert` of ReLU behind normalisation, as      not at all           not at all
published
`shrink_kernel`, `dilate` of larger kernels    not at all           not at all
=============================================  ===================  ===================
"""
