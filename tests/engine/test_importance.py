import numpy as np
import pytest
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.engine.importance import weights


class TwoLayers(nn.Module):
    """Three hidden channels: they own a row of `into`, a bias, and a column of `out`."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(2, 3), nn.Linear(3, 2)
        with torch.no_grad():
            self.into.weight.copy_(torch.tensor([[1.0, -2.0], [0.5, 0.0], [-3.0, 1.0]]))
            self.into.bias.copy_(torch.tensor([0.0, -1.0, 2.0]))
            self.out.weight.copy_(torch.tensor([[1.0, 0.0, -1.0], [-2.0, 4.0, 0.0]]))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.into(x)))


def hidden(traced: engine.Traced) -> engine.Group:
    """The one group that may be cut; inputs and outputs are locked."""
    (group,) = (group for group in traced.groups if not group.locked)
    return group


@pytest.mark.parametrize("block", [1, 4, 2**18])
@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        # row of into, bias, column of out: 1+2 + 0 + 1+2 = 6; 0.5 + 1 + 4 = 5.5; 3+1 + 2 + 1 = 7
        ("l1", [6.0, 5.5, 7.0]),
        # the same squared: 1+4 + 0 + 1+4 = 10; 0.25 + 1 + 16 = 17.25; 9+1 + 4 + 1 = 15
        ("l2", [10.0, 17.25, 15.0]),
    ],
)
def test_a_channel_scores_all_it_owns_whatever_the_size_of_a_block(monkeypatch, block, criterion, expected):
    monkeypatch.setattr(weights, "BLOCK", block)
    model = TwoLayers()
    group = hidden(engine.trace(model, torch.zeros(1, 2)))
    scores = engine.importance(model, [group], criterion)
    np.testing.assert_allclose(scores[group.id], expected)


def test_half_precision_weights_are_summed_in_single_precision():
    # A channel owns 4,096 weights twice, each 0.0999755859375 (0.1 in float16): 819; float16 steps by 0.5.
    model = nn.Sequential(nn.Linear(4096, 2, bias=False), nn.Linear(2, 4096, bias=False)).half()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.1)
    group = hidden(engine.trace(model, torch.zeros(1, 4096, dtype=torch.float16)))
    scores = engine.importance(model, [group])[group.id]
    np.testing.assert_allclose(scores, [2 * 4096 * 0.0999755859375] * 2, rtol=1e-6)


def test_a_model_without_numbers_keeps_the_lowest_indices():
    model = TwoLayers().to("meta")
    traced = engine.trace(model, torch.zeros(1, 2))
    selection = engine.resolve(traced, engine.Plan.uniform(traced, ratio=0.5), model)
    # 3 channels, half removed and never more: int(1.5) = 1 goes, 2 stay
    assert selection.keep[hidden(traced).id].tolist() == [0, 1]
