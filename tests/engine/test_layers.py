"""The boxes that a person sees of a trace."""

import pytest
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.engine.layers import _channel_dim, layer_graph


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


def test_unfolded_every_op_is_a_box_in_the_module_it_runs_in() -> None:
    traced = engine.trace(ChannelsLast(), (torch.randn(2, 4, 5, 6),))

    found = [layer.name for layer in layer_graph(traced, folded=False).layers]

    assert found[0] == "input"
    assert found[-1] == "output"
    products = [name for name in found if "mm" in name]
    assert {name.partition("/")[0] for name in products} == {"body.0", "body.2"}
    assert len(products) == 4  # two layers, called twice each
    assert len(found) > len(traced.layer_graph.layers)


@pytest.mark.parametrize(
    ("groups", "dim"),
    [
        ({}, 1),  # nobody counts anything: NCHW
        ({1: ("a", "")}, 1),
        ({3: ("a", "")}, 3),  # NHWC
        ({1: ("table", "positions stay"), 2: ("table", "positions stay"), 3: ("a", "")}, 3),
        ({1: ("a", "an output"), 2: ("a", "an output")}, 1),
        ({0: ("a", "")}, 1),  # never the batch
    ],
)
def test_channels_are_what_may_be_cut_before_what_usually_is(
    groups: dict[int, tuple[str, str]], dim: int
) -> None:
    assert _channel_dim(4, groups) == dim
