"""A pickle's bytes -> what it asks for. Reads opcodes with pickletools; nothing is imported or called.

A symbolic stack follows the pickle far enough to tell which globals it names and what it does with
them: `torch.save` makes a module by NEWOBJ without arguments and fills it by BUILD, and nothing else.
"""

from __future__ import annotations

import pickletools
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING  # what pickle itself uses
from dataclasses import dataclass, field
from typing import BinaryIO

from slimgui.errors import LoadError
from slimgui.scanner.report import Call, Scan


@dataclass(frozen=True, slots=True)
class Ref:
    """A global on the symbolic stack, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """An object made from the class of that name."""

    name: str


class UnreadableError(LoadError):
    """The bytes are not a whole pickle."""


_OPAQUE = object()
_MOST = 10_000  # different names or calls; a model has a few dozen
_DEEPEST = 10_000  # marks that are open at once; a model has a few
_LONGEST = 200  # characters of a message that may quote the file
_CALLS = {"REDUCE", "NEWOBJ", "NEWOBJ_EX", "INST", "OBJ"}
_GETS = {"GET", "BINGET", "LONG_BINGET"}
_PUTS = {"PUT", "BINPUT", "LONG_BINPUT"}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "TUPLE": None}
_FILLS = {"BUILD", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS"}
_UNKNOWN = {"EXT1", "EXT2", "EXT4"}


@dataclass(slots=True)
class _Machine:
    """Stacks and memo of an unpickler. A mark starts a new stack, and nothing reaches below it."""

    stack: list[object] = field(default_factory=list)
    below: list[list[object]] = field(default_factory=list)
    memo: dict[int, object] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    calls: dict[Call, None] = field(default_factory=dict)

    def step(self, op: pickletools.OpcodeInfo, arg: object) -> None:
        name = op.name
        if name == "MARK":
            self.below.append(self.stack)
            self.stack = []
        elif name in ("GLOBAL", "STACK_GLOBAL", "INST") or name in _UNKNOWN:
            self._name(name, arg)
        elif name in _CALLS:
            self._call(name)
        elif name in _GETS:
            self.stack.append(self.memo[int(str(arg))])
        elif name in _PUTS:
            self.memo[int(str(arg))] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name == "DUP":
            self.stack.append(self.stack[-1])
        elif name in _TUPLES:
            self._tuple(name)
        elif name in _FILLS:
            self._fill(name)
        elif name == "BINPERSID":
            self.stack.append(_persistent(self.stack.pop()))
        else:
            self._other(op, arg)

    def check_size(self) -> None:
        if len(self.names) + len(self.calls) > _MOST:
            raise ValueError(f"it asks for more than {_MOST:,} different things")
        if len(self.below) > _DEEPEST:
            raise ValueError(f"it nests deeper than {_DEEPEST:,} levels")

    def _tuple(self, op: str) -> None:
        length = _TUPLES[op]
        items = self._to_mark() if length is None else [self.stack.pop() for _ in range(length)][::-1]
        self.stack.append(tuple(items))

    def _name(self, op: str, arg: object) -> None:
        module: object
        attribute: object
        if op == "STACK_GLOBAL":
            attribute, module = self.stack.pop(), self.stack.pop()
        elif op in _UNKNOWN:
            module, attribute = "copyreg", f"extension {arg}"
        else:
            module, _, attribute = str(arg).partition(" ")
        if not isinstance(module, str) or not isinstance(attribute, str):
            module, attribute = "?", "a name it computes"
        name = dotted(module, attribute)
        if op == "INST":
            touches = _touched(tuple(self._to_mark()))
            self.calls.setdefault(Call(name, bare=False, touches=touches))
            self.stack.append(Made(name))
        else:
            self.stack.append(Ref(name))
        self.names.setdefault(name)

    def _call(self, op: str) -> None:
        arguments: object
        if op == "OBJ":
            target, *rest = self._to_mark()
            arguments = tuple(rest)
        elif op == "NEWOBJ_EX":
            keywords, positional, target = self.stack.pop(), self.stack.pop(), self.stack.pop()
            arguments = (keywords, positional)
        else:
            arguments, target = self.stack.pop(), self.stack.pop()
        name = target.name if isinstance(target, Ref) else ""
        self.calls.setdefault(Call(name, op == "NEWOBJ" and arguments == (), _touched(arguments)))
        self.stack.append(Made(name))

    def _fill(self, op: str) -> None:
        if op in ("APPENDS", "SETITEMS", "ADDITEMS"):
            self._to_mark()
        else:
            for _ in range(2 if op == "SETITEM" else 1):
                self.stack.pop()
        self.stack[-1]  # what is filled stays; an empty stack is a broken pickle

    def _other(self, op: pickletools.OpcodeInfo, arg: object) -> None:
        """Any other opcode only moves data: follow its documented effect on the stack."""
        before = op.stack_before
        if op.name == "POP" and not self.stack:  # pickle's own oddity: it takes back a mark
            self._to_mark()
            return
        if pickletools.markobject in before:
            self._to_mark()
            before = before[: before.index(pickletools.markobject)]
        for _ in before:
            self.stack.pop()
        for _ in op.stack_after:
            self.stack.append(arg if isinstance(arg, str) else _OPAQUE)

    def _to_mark(self) -> list[object]:
        items, self.stack = self.stack, self.below.pop()
        return items


def dotted(module: str, attribute: str) -> str:
    """The name as unpicklers read it: names of python 2 become those of python 3."""
    if (module, attribute) in NAME_MAPPING:
        module, attribute = NAME_MAPPING[(module, attribute)]
    elif module in IMPORT_MAPPING:
        module = IMPORT_MAPPING[module]
    return f"{module}.{attribute}"


def scan(stream: BinaryIO) -> Scan:
    """What the pickle that starts at the stream's position asks for; the stream ends behind it.

    Raises:
        UnreadableError: it is cut off or no pickle at all.
    """
    machine = _Machine()
    try:
        for op, arg, _ in pickletools.genops(stream):
            if op.name == "STOP":
                machine.stack.pop()
                break
            machine.step(op, arg)
            machine.check_size()
    except Exception as error:  # noqa: BLE001 - any bytes can come here: what cannot be followed is no pickle
        why = f"Its pickle cannot be read: {str(error)[:_LONGEST] or type(error).__name__}."
        raise UnreadableError("The file is damaged or cut off.", why) from None
    return Scan(tuple(machine.names), tuple(machine.calls))


def _persistent(key: object) -> object:
    """Before torch 1.6 a class was kept outside the pickle: ("module", class, file, source)."""
    if isinstance(key, tuple) and len(key) > 1 and key[0] == "module" and isinstance(key[1], Ref):
        return key[1]
    return _OPAQUE


def _touched(value: object) -> frozenset[str]:
    """Names of classes and objects in nested tuples, each tuple looked into once: they may share parts."""
    found: set[str] = set()
    seen: set[int] = set()
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, (Ref, Made)):
            found.add(item.name)
        elif isinstance(item, tuple) and id(item) not in seen:
            seen.add(id(item))
            pending.extend(item)
    return frozenset(found)
