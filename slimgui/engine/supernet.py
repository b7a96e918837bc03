"""Named subnets of one model: the weights are shared, each has running statistics of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from slimgui.core.plan import Selection
from slimgui.engine.deploy import Deployed, deploy
from slimgui.engine.inputs import Inputs
from slimgui.engine.mask import Subnet
from slimgui.engine.recover import recalibrate, with_numbers
from slimgui.engine.running import running_buffers
from slimgui.engine.trace import Traced


class Supernet(Mapping[str, Subnet]):
    """A mapping from names to subnets of one model.

    A norm cannot serve all widths with the same running statistics. Here every subnet keeps its own
    ("switchable" norms): they start as slices of the model's, move while that subnet is trained, and can be
    taken anew with `recalibrate`. The model's own statistics move only when the model itself is called.

    Attributes:
        model: the whole model.
        traced: what `trace` found.
    """

    def __init__(self, model: nn.Module, traced: Traced) -> None:
        self.model, self.traced = model, traced
        self._subnets: dict[str, Subnet] = {}
        self._selections: dict[str, Selection] = {}

    def __getitem__(self, name: str) -> Subnet:
        return self._subnets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._subnets)

    def __len__(self) -> int:
        return len(self._subnets)

    def add(self, name: str, selection: Selection, statistics: Mapping[str, Tensor] | None = None) -> Subnet:
        """The subnet of that name from now on.

        Args:
            name: any; a subnet that has it is replaced.
            selection: which channels of each group stay.
            statistics: to start from, by name of the buffer; None for slices of the model's.

        Raises:
            PlanError: the selection or the statistics do not fit.
            DeployError: the model cannot follow this cut.
        """
        deployed = deploy(self.model, self.traced, selection)
        buffers = dict(deployed.model.named_buffers())
        start = buffers | dict(statistics or {})
        own = {key: start[key].detach().clone() for key in running_buffers(self.traced, buffers)}
        self._subnets[name] = Subnet(self.model, deployed, own)
        self._selections[name] = selection
        return self._subnets[name]

    def recalibrate(self, name: str, batches: Iterable[Inputs]) -> None:
        """Take the running statistics of that subnet anew, see `recover.recalibrate`; no other moves."""
        fresh = dict(recalibrate(self.deploy(name), batches).model.named_buffers())
        for key, tensor in self[name].statistics.items():
            tensor.copy_(fresh[key])

    def deploy(self, name: str) -> Deployed:
        """That subnet as a smaller module with its own statistics; a proof is of the cut without them."""
        deployed = deploy(self.model, self.traced, self._selections[name])
        return with_numbers(deployed, "own statistics", 0, self[name].statistics)

    def state_dict(self) -> dict[str, Any]:
        """Selections and statistics by name, for torch.save; the weights are in the model's state dict."""
        return {
            name: {
                "keep": {key: torch.from_numpy(kept) for key, kept in self._selections[name].keep.items()},
                "statistics": dict(subnet.statistics),
            }
            for name, subnet in self.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Make the subnets that `state_dict` described; those of other names stay.

        Raises:
            PlanError, DeployError: they are not subnets of this model.
        """
        for name, saved in state.items():
            keep = {key: kept.numpy() for key, kept in saved["keep"].items()}
            self.add(name, Selection(keep), saved["statistics"])
