import gc

import pytest
import torch
from torch import nn

from slimgui import engine
from slimgui.errors import TraceError


class Watcher(nn.Module):
    """Says whether the collector runs while its forward does."""

    seen: bool | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        Watcher.seen = gc.isenabled()
        return x @ x


@pytest.fixture(autouse=True)
def collector_as_it_was():
    was = gc.isenabled()
    yield
    (gc.enable if was else gc.disable)()


@pytest.mark.parametrize("before", [True, False])
def test_the_collector_is_paused_during_a_trace_and_then_as_the_caller_had_it(before):
    (gc.enable if before else gc.disable)()
    engine.trace(Watcher(), torch.zeros(2, 2))
    assert Watcher.seen is False
    assert gc.isenabled() is before


def test_the_collector_is_back_on_after_a_trace_that_raised():
    gc.enable()
    with pytest.raises(TraceError):
        engine.trace(Watcher(), torch.zeros(2, 3))
    assert gc.isenabled()
