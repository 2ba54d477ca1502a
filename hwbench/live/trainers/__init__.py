"""Trainers: how weights and architecture parameters take turns."""
