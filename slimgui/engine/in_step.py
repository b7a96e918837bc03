"""A forward pass beside the traced one: the n-th call at a place in the code is the n-th traced there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode

from slimgui.engine.recording import Function
from slimgui.runtime import READS, can_open, opened, site_of


class InStep(TorchFunctionMode):
    """Says for every function call which of the traced ones it is.

    Counting per place, not over all, leaves out what is not computed any more: weights that follow from
    others are baked into the masked original and into the deployed model.

    Args:
        functions: of the traced pass.
    """

    def __init__(self, functions: Sequence[Function]) -> None:
        super().__init__()
        by_site: dict[str, list[Function]] = {}
        for call in functions:
            by_site.setdefault(call.site, []).append(call)
        self._calls = {site: iter(calls) for site, calls in by_site.items()}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", str(func))
        if name in READS:
            return func(*args, **kwargs)
        call = next(self._calls.get(site_of(sys._getframe(1)), iter(())), None)
        call = call if call is not None and call.name == name else None
        if not can_open(func):
            return self.compute(func, call, args, kwargs)
        self.see(call, args, kwargs)
        with self:
            return opened(func)(*args, **kwargs)

    def see(self, call: Function | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A call is made whose own calls follow."""

    def compute(
        self, func: Callable[..., Any], call: Function | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """The result of a call; `call` is None where the traced pass had none there."""
        return func(*args, **kwargs)
