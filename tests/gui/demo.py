"""A realistic document made by hand: a small residual net with a locked output, without any engine."""

from slimgui.core import wire
from slimgui.core.cost import CostModel
from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.groups import Refusal
from slimgui.core.hierarchy import every_module, first_opened
from slimgui.core.sizes import Product, Size
from slimgui.engine.arrange import arrange


def count_of(group: str) -> Size:
    return Size(0, ((1, (group,)),))


class Builder:
    """Adds layers one after the other and keeps the books."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.edges: list[tuple[int, int]] = []
        self.members: dict[str, list[wire.MemberRow]] = {}
        self.sizes: dict[str, int] = {}
        self.params: list[Product] = []
        self.macs: list[Product] = []

    def add(self, name: str, kind: str, group: str, *sources: int, locked: str = "", fixed: int = 0) -> int:
        channels = count_of(group) if group else Size(fixed)
        self.layers.append(Layer(name, kind, channels, (1, 0, 28, 28), group, locked))
        here = len(self.layers) - 1
        self.edges += [(source, here) for source in sources]
        return here

    def group(self, name: str, size: int) -> str:
        self.sizes[name] = size
        self.members[name] = []
        return name

    def conv(self, name: str, read: str, write: str, source: int, pixels: int, kernel: int = 9) -> int:
        here = self.add(name, "Conv2d", write, source)
        factors = (count_of(write), count_of(read) if read else Size(1))
        self.params.append(Product(name, kernel, factors))
        self.macs.append(Product(name, kernel * pixels, factors))
        self.members[write].append(wire.MemberRow(f"{name}.weight", 0, 1))
        if read:
            self.members[read].append(wire.MemberRow(f"{name}.weight", 1, 1))
        norm = name.replace("conv", "norm")
        self.params.append(Product(norm, 4, (count_of(write),)))
        self.members[write] += [wire.MemberRow(f"{norm}.{part}", 0, 1) for part in ("weight", "bias")]
        return self.add(norm, "BatchNorm2d", write, here)


def demo(blocks: int = 3, name: str = "demo.pt", source: str = "") -> wire.Document:
    """A stem, residual stages of two blocks each, and a classifier whose outputs are locked."""
    b = Builder()
    last = b.add("input", "input", "", fixed=1)
    stage = b.group("stem.conv", 32)
    last = b.conv("stem.conv", "", stage, last, 784)
    width, pixels = 32, 784
    for number in range(blocks):
        for part in range(2):
            inner = b.group(f"stages.{number}.{part}.conv1", width)
            path = f"stages.{number}.{part}"
            here = b.conv(f"{path}.conv1", stage, inner, last, pixels)
            here = b.conv(f"{path}.conv2", inner, stage, here, pixels)
            last = b.add(f"{path}/add", "add", stage, here, last)
        if number + 1 < blocks:
            width, pixels = 2 * width, pixels // 4
            before, stage = stage, b.group(f"down.{number}.conv", width)
            last = b.conv(f"down.{number}.conv", before, stage, last, pixels)
    b.group("classifier", 10)
    pool = b.add("pool", "AdaptiveAvgPool2d", stage, last)
    why = "These channels are the output of the model."
    end = b.add("classifier", "Linear", "classifier", pool, locked=why)
    b.members["classifier"].append(wire.MemberRow("classifier.weight", 0, 1))
    b.members[stage].append(wire.MemberRow("classifier.weight", 1, 1))
    b.params.append(Product("classifier", 1, (count_of("classifier"), count_of(stage))))
    b.macs.append(Product("classifier", 1, (count_of("classifier"), count_of(stage))))
    b.add("output", "output", "classifier", end, locked=why)
    return _document(b, why, name, source or f"/models/{name}")


def _document(b: Builder, why: str, name: str, source: str) -> wire.Document:
    rows = tuple(
        wire.GroupRow(
            group,
            size,
            "channels",
            group != "stem.conv",
            Refusal(why, "aten.linear", "classifier", "net.py:41") if group == "classifier" else None,
            Refusal("A LayerNorm runs over these channels.") if group == "stem.conv" else None,
            tuple(dict.fromkeys(member.layer for member in b.members[group])),
            tuple(b.members[group]),
        )
        for group, size in b.sizes.items()
    )
    names = [layer.name for layer in b.layers]
    modules = tuple((path, "Sequential") for path in sorted(every_module(names)))
    graph = LayerGraph(tuple(b.layers), tuple(b.edges), modules)
    view = arrange(names, b.edges, first_opened(names))
    sizes = tuple(Product(item.layer, 4 * item.scale, item.factors) for item in b.params)
    acts = tuple(Product(layer.name, 4 * 784, (layer.channels,)) for layer in b.layers)
    cost = CostModel(tuple(b.params), tuple(b.macs), sizes, acts)
    return wire.Document(name, source, ((1, 1, 28, 28),), rows, graph, cost, view)
