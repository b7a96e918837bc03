"""What a recorded forward pass is made of: values, ATen calls, and the function calls of the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch._ops import OpOverload

from slimgui.core.graph import ValueKind
from slimgui.engine.crossings import Crossing
from slimgui.engine.inputs import Inputs


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands in a call's arguments for a tensor: an index into Capture.values."""

    index: int


@dataclass(slots=True, eq=False)
class Recorded:
    """A tensor of the forward pass; it is kept alive so that its id stays its own."""

    tensor: Tensor
    kind: ValueKind
    shape: tuple[int, ...]  # when it was recorded: some ops change it in place
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One ATen call; tensors in `args` and `kwargs` are Refs.

    Attributes:
        outputs: one index into Capture.values per result, None for a result that is no tensor.
        stack: dotted paths of the modules it ran in, outermost first, with the number of each call.
        shares: other values that see the memory this call writes to.
        function: number of the Function that makes the call, -1 for none.
        operands: indices of every tensor among the arguments, in order.
    """

    func: OpOverload
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[int | None, ...]
    module: str
    source: str
    shares: tuple[int, ...] = ()
    function: int = -1
    operands: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "operands", (*_refs(self.args), *_refs(tuple(self.kwargs.values()))))

    @property
    def name(self) -> str:
        return str(self.func)


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """One call as the code makes it (torch.split, x.view, x[...]), which may run several ATen ops.

    Attributes:
        number: position in the order in which the calls begin.
        name: "view", "__getitem__", "scaled_dot_product_attention".
        site: place of the call in the code, see `slimgui.runtime.site_of`.
        time: how often the module's forward has come by there before.
        module: dotted path of the module whose forward makes it.
        args: as given; tensors are Refs.
        outputs: indices of the resulting values.
        is_open: its inner calls are recorded too.
        func: what is called.
    """

    number: int
    name: str
    site: str
    time: int
    module: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: tuple[int, ...]
    is_open: bool
    func: Callable[..., Any]


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """How a forward pass is run.

    Attributes:
        inputs: example inputs; they are read, never written.
        training: what runs in train mode instead of eval mode.
        real: on a real copy, for models whose forward branches on what they compute.
    """

    inputs: Inputs
    training: bool = False
    real: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """The recorded forward pass.

    Attributes:
        values: every tensor.
        calls: every ATen call, in order.
        functions: every function call of the code, in the order in which they end.
        inputs: indices of the model's inputs.
        outputs: indices of its outputs.
        modules: class of the module at every dotted path.
        crossings: indices of the tensors that entered and left every module; -1 for one that no op made.
        setting: how it was run.
    """

    values: list[Recorded]
    calls: list[Call]
    functions: list[Function]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    modules: dict[str, type[nn.Module]]
    crossings: dict[Crossing, tuple[int, ...]]
    setting: Setting


def _refs(values: tuple[Any, ...]) -> Iterator[int]:
    for value in values:
        if isinstance(value, Ref):
            yield value.index
        elif isinstance(value, tuple):
            yield from _refs(value)
