"""Trains a graph VAE and a stack of perceptrons on the emulated device and on the CPU.

Prints JSON: by name whether both come to the same numbers, bit for bit, as they do where the device
is the CPU in disguise.
"""

import json
import sys

import numpy as np
import torch
from device import NAME, Emulation, install

from hwbench.predictors.models import batched_mlp
from hwbench.spaces import get_space
from hwbench.vae.training import train_vae

SPACE = get_space("nasbench201")
ARCHS = SPACE.sample(100, seed=1)
VAE = {
    "n_graphs": 60,
    "hidden_size": 8,
    "latent_size": 4,
    "epochs": 1,
    "batch_size": 32,
    "tallied": True,
    "metrics": ("nb201-digits:latency_min",),
    "n_labelled": 20,
    "prior_share": 0.25,
}


def perceptrons(device):
    features = SPACE.encode(ARCHS, "onehot").astype(np.float32)
    targets = features @ np.linspace(-1, 1, features.shape[1], dtype=np.float32)
    networks = [
        batched_mlp.Network(2, 16, 1e-3, name, True, 16, 6, np.arange(100), (seed,))
        for seed, name in enumerate(batched_mlp.ACTIVATIONS)
    ]
    found = batched_mlp.train(networks, features, targets, device=device)
    return [part for weights in found for layer in weights for part in layer]


def vae(device):
    made = train_vae(SPACE, device=str(device), **VAE)
    assert {each.device.type for each in made.model.state_dict().values()} == {device.type}
    latents = made.encode(ARCHS[:8])
    return [latents, made.decode(latents, 0)[0], made.predict(latents)]


if __name__ == "__main__":
    install()
    torch.inference_mode = torch.no_grad  # whose tensors cannot be of a device in Python
    with Emulation():
        same = {
            each.__name__: all(
                map(np.array_equal, each(torch.device("cpu")), each(torch.device(NAME, 0)))
            )
            for each in (perceptrons, vae)
        }
    sys.stdout.write(json.dumps(same) + "\n")
