"""A pickle's bytes -> what lies in it, as plain dicts and lists, with every tensor as its shape and type.

The opcodes are followed without importing or calling anything; numbers of tensors lie outside the
pickle and are not read. What is no plain data is a `Made`, by the name of its class.
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from slimgui.scanner.opcodes import Ref, UnreadableError, dotted


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a tensor that was not read. `dtype` as torch calls it: "float32"."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of its numbers; a type without a width in its name has one byte."""
        bits = re.search(r"\d+", self.dtype)
        return self.elements * int(bits.group()) // 8 if bits else self.elements


@dataclass(eq=False, slots=True)
class Made:
    """An object of the class, or a result of the function, of that name."""

    name: str
    arguments: tuple[object, ...] = ()
    state: object = None
    inside: list[object] = field(default_factory=list)


_MAPPINGS: Final = ("collections.OrderedDict", "collections.defaultdict", "collections.Counter")
_DTYPES: Final = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "qint8",
    "QUInt8": "quint8",
    "QInt32": "qint32",
}
_MOST_DIMS, _TOO_LARGE = 64, 2**63  # of torch
_SCALARS: Final = (str, int, float, bool, bytes, type(None))
_LENGTHS: Final = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class _Machine:
    """Stacks and memo of an unpickler. A mark starts a new stack."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, op: str, arg: Any, *, pushes: bool) -> None:
        if op in _CONSTANTS:
            self.stack.append(_CONSTANTS[op])
        elif op in _LENGTHS:
            self.stack.append(tuple([self.stack.pop() for _ in range(_LENGTHS[op])][::-1]))
        elif act := _ACTS.get(op):
            act(self, arg)
        elif pushes:
            self.stack.append(arg)

    def push(self, value: object) -> None:
        self.stack.append(value)

    def to_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: object) -> None:
        self.below.append(self.stack)
        self.stack = []

    def pop(self, _: object) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self.to_mark()

    def put(self, arg: Any) -> None:
        self.memo[int(arg) if arg is not None else len(self.memo)] = self.stack[-1]

    def name(self, arg: Any) -> None:
        if arg is None:
            attribute, module = self.stack.pop(), self.stack.pop()
        else:
            module, _, attribute = str(arg).partition(" ")
        self.stack.append(Ref(dotted(str(module), str(attribute))))

    def call(self, _: object) -> None:
        arguments, target = self.stack.pop(), self.stack.pop()
        self.stack.append(_made(target, arguments))

    def call_named(self, _: object) -> None:
        keywords, arguments, target = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(_made(target, (*arguments, keywords)))

    def old_call(self, arg: Any) -> None:
        items = self.to_mark()
        target = items.pop(0) if arg is None else Ref(dotted(*str(arg).split(" ", 1)))
        self.stack.append(_made(target, tuple(items)))

    def build(self, _: object) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Made):
            self.stack[-1].state = state

    def extend(self, items: list[Any]) -> None:
        holder = self.stack[-1]
        (holder.inside if isinstance(holder, Made) else holder).extend(items)

    def fill(self, items: list[Any]) -> None:
        holder = self.stack[-1]
        pairs = list(zip(items[::2], items[1::2], strict=True))
        if isinstance(holder, Made):
            holder.inside.extend(pairs)
            return
        for key, value in pairs:  # hashing a nested tuple can take forever
            holder[key if isinstance(key, _SCALARS) else f"({type(key).__name__})"] = value

    def new_dict(self, _: object) -> None:
        items = self.to_mark()
        self.stack.append({})
        self.fill(items)


_ACTS: Final[dict[str, Any]] = {
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": lambda m, _: m.to_mark(),
    "DUP": lambda m, _: m.push(m.stack[-1]),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), lambda m, arg: m.push(m.memo[int(arg)])),
    "TUPLE": lambda m, _: m.push(tuple(m.to_mark())),
    **dict.fromkeys(("LIST", "FROZENSET"), lambda m, _: m.push(m.to_mark())),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_SET"), lambda m, _: m.push([])),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "DICT": _Machine.new_dict,
    **dict.fromkeys(("GLOBAL", "STACK_GLOBAL"), _Machine.name),
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), lambda m, arg: m.push(Ref(f"copyreg.extension {arg}"))),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _Machine.call),
    "NEWOBJ_EX": _Machine.call_named,
    **dict.fromkeys(("INST", "OBJ"), _Machine.old_call),
    "BUILD": _Machine.build,
    "APPEND": lambda m, _: m.extend([m.stack.pop()]),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda m, _: m.extend(m.to_mark())),
    "SETITEM": lambda m, _: m.fill([m.stack.pop(), m.stack.pop()][::-1]),
    "SETITEMS": lambda m, _: m.fill(m.to_mark()),
    "BINPERSID": lambda m, _: m.push(_persistent(m.stack.pop())),
}


def outline(stream: BinaryIO) -> object:
    """What the pickle that starts at the stream's position holds; the stream ends behind it.

    Raises:
        UnreadableError: it is cut off or no pickle at all.
    """
    machine = _Machine()
    try:
        for op, arg, _ in pickletools.genops(stream):
            if op.name == "STOP":
                return machine.stack.pop()
            machine.step(op.name, arg, pushes=bool(op.stack_after))
    except Exception as error:  # noqa: BLE001 - any bytes can come here: what cannot be followed is no pickle
        raise UnreadableError(
            "The file is damaged or cut off.", f"Its pickle cannot be read: {error}."
        ) from None
    raise UnreadableError("The file is damaged or cut off.", "Its pickle has no end.")


def _persistent(key: object) -> object:
    """The key of a storage stands for it; before torch 1.6 classes had keys: ("module", class, ...)."""
    is_class = isinstance(key, tuple) and len(key) > 1 and key[0] == "module"
    return key[1] if is_class else key  # type: ignore[index]  # it is a tuple then


def _made(target: object, arguments: object) -> object:
    """The result of a call: a dict, a tensor's entry, or something known by its name only."""
    given = arguments if isinstance(arguments, tuple) else (arguments,)
    name = target.name if isinstance(target, Ref) else "?"
    if name in _MAPPINGS:
        return {}
    return _tensor(name, given) or Made(name, given)


def _tensor(name: str, given: tuple[Any, ...]) -> Entry | None:
    """The tensor that torch's functions of these names rebuild; a Parameter is the tensor in it."""
    if not name.startswith(("torch._utils._rebuild", "torch._tensor._rebuild")) or not given:
        return None
    if isinstance(given[0], Entry):
        return given[0]
    if isinstance(given[0], Ref) and len(given) > 2 and isinstance(given[2], tuple):
        return _tensor(given[0].name, given[2])
    stored = len(given) > 2 and isinstance(given[0], tuple) and given[0][:1] == ("storage",)
    if not stored or not _is_shape(given[2]):
        return None
    kinds = [item.name for item in (*given[3:], *given[0]) if isinstance(item, Ref)]
    storage = kinds[0].removeprefix("torch.") if kinds else "?"
    return Entry(given[2], _DTYPES.get(storage.removesuffix("Storage"), storage))


def _is_shape(value: object) -> bool:
    """A hostile file may say anything where a shape belongs."""
    if not isinstance(value, tuple) or len(value) > _MOST_DIMS:
        return False
    return all(type(size) is int and 0 <= size < _TOO_LARGE for size in value)


def module_state(found: object) -> dict[str, Entry]:
    """The state dict of a module that was followed, by the names it has in there."""
    state: dict[str, Entry] = {}
    pending, seen = [("", found)], {id(found)}
    while pending:
        prefix, module = pending.pop()
        held = module.state if isinstance(module, Made) and isinstance(module.state, Mapping) else {}
        for table in ("_parameters", "_buffers", "_modules"):
            rows = held.get(table)
            for key, value in rows.items() if isinstance(rows, Mapping) else ():
                if isinstance(value, Entry):
                    state[f"{prefix}{key}"] = value
                elif isinstance(value, Made) and id(value) not in seen:
                    seen.add(id(value))
                    pending.append((f"{prefix}{key}.", value))
    return state
