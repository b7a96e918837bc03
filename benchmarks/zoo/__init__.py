"""Whole libraries of models, a row each: `make zoo ARGS=torchvision`."""
