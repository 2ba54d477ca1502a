"""Graph variational autoencoders: architectures as points of a continuous space, and back."""
