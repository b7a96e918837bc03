"""The boxes that a person sees of a trace."""

import torch
from torch import Tensor, nn

from slimgui import engine


class ChannelsLast(nn.Module):
    """Two linear layers over the last of four dimensions, in a module that is called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 10), nn.ReLU(), nn.Linear(10, 6))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.body(x))


def test_a_box_shows_the_dimension_that_weights_count() -> None:
    graph = engine.trace(ChannelsLast(), (torch.randn(2, 4, 5, 6),)).layer_graph

    counts = {layer.name: layer.channels.at({"body.0": 10}) for layer in graph.layers}
    assert counts["body.0"] == 10  # not 4, the second dimension
    assert {layer.name: layer.group for layer in graph.layers}["body.0"] == "body.0"


def test_modules_with_others_inside_are_named_with_their_class() -> None:
    graph = engine.trace(ChannelsLast(), (torch.randn(2, 4, 5, 6),)).layer_graph

    assert graph.modules == (("body", "Sequential"),)
