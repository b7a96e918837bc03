"""What a file may name: torch's own data types and module classes of torch.nn and torchvision.

An allow list, never a deny list. Classes are looked up among the modules that torch and torchvision
have imported themselves; a name in a file never imports anything of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn
from torch._weights_only_unpickler import _get_allowed_globals

from slimgui.engine.load.vision import import_torchvision
from slimgui.errors import UnsafeFileError
from slimgui.scanner.report import Scan

_MODULE_HOMES: Final = (
    "torch.nn.modules.",
    "torchvision.models.",
    "torchvision.ops.",
    "torchvision.transforms.",
)
_PROGRAM_RUNNERS: Final = frozenset(
    {
        *("os", "posix", "nt", "subprocess", "pty", "runpy", "shutil", "socket", "ctypes", "signal", "code"),
        *("multiprocessing", "webbrowser", "commands", "importlib", "pickle", "_pickle", "marshal", "types"),
        *("urllib", "requests", "http", "asyncio", "pip"),
    }
)
_PROGRAM_BUILTINS: Final = frozenset({"eval", "exec", "compile", "__import__", "open", "input", "breakpoint"})
_LONGEST: Final = 120  # characters of a name that are shown
_ARGUMENT_CALLER: Final = "torch._tensor._rebuild_from_type_v2"  # calls whatever its first argument is


def module_class(name: str) -> type[nn.Module] | None:
    """The module class a file calls `name`, or None when it is not on the allow list."""
    if not name.startswith(_MODULE_HOMES):
        return None
    if name.startswith("torchvision."):
        import_torchvision()
    home, _, attribute = name.rpartition(".")
    found = getattr(sys.modules.get(home), attribute, None)
    if not isinstance(found, type) or not issubclass(found, nn.Module):
        return None
    if found.__module__ != home or issubclass(found, (torch.jit.ScriptModule, torch.fx.GraphModule)):
        return None
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is thought of one global that a file asks for.

    Attributes:
        name: as a programmer writes it, `os.system`.
        allowed: whether reading the file may use it.
        reason: in words, no full stop.
        hint: what the user can do when it is not allowed.
        hostile: it runs programs or hides; nobody is asked whether that may be.
    """

    name: str
    allowed: bool
    reason: str
    hint: str = ""
    hostile: bool = False

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"


def verdict(name: str) -> Verdict:
    """What is thought of the global `name`."""
    if name in _get_allowed_globals():
        return Verdict(_spoken(name), allowed=True, reason="plain data")
    if module_class(name):
        return Verdict(_spoken(name), allowed=True, reason="a module class that files may name")
    spoken = _spoken(name)
    reason, hint = _reason(spoken)
    return Verdict(spoken, False, reason, hint, hostile=_runs_programs(spoken) or _hides(spoken))


def verdicts(scan: Scan) -> tuple[Verdict, ...]:
    """One for each global the file asks for, the worst first."""
    return tuple(sorted(map(verdict, scan.names), key=_rank))


def allowed_classes(scan: Scan, shown: str) -> dict[str, type[nn.Module]]:
    """The module classes the file needs, by name; everything else it names is plain data.

    Args:
        scan: of all pickles in the file.
        shown: how to call the file in a sentence.

    Raises:
        UnsafeFileError: it asks for more than that, or uses a class in a way `torch.save` never writes.
    """
    wanted = [asked for asked in verdicts(scan) if not asked.allowed]
    if wanted:
        raise _refusal(wanted, shown)
    plain = _get_allowed_globals()
    classes = {name: cls for name in scan.names if name not in plain and (cls := module_class(name))}
    if classes:
        _check_calls(scan, classes, shown)
    return classes


def _check_calls(scan: Scan, classes: dict[str, type[nn.Module]], shown: str) -> None:
    for call in scan.calls:
        if call.name in classes and call.bare:
            continue
        indirect = not call.name or call.name == _ARGUMENT_CALLER
        if indirect or call.name in classes or call.touches & classes.keys():
            raise UnsafeFileError(
                f"{shown} was not opened.",
                f"It calls {call.name or 'an object'} while it is read; a saved model never does that.",
                "Save it again with torch.save(model, path), or save model.state_dict().",
            )


def _refusal(wanted: Sequence[Verdict], shown: str) -> UnsafeFileError:
    """The sentence for globals that are not on the allow list, worst first."""
    worst, others = wanted[0], [asked.name for asked in wanted[1:]]
    more = f" It also names {', '.join(others[:4])}{', ...' if len(others) > 4 else ''}." if others else ""
    what = f"{shown} was not opened, and nothing in it was run."
    return UnsafeFileError(what, f"{worst}.{more}", worst.hint)


def _spoken(name: str) -> str:
    """`posix.system` is what pickle writes for os.system; what cannot be printed is written as escapes."""
    home, _, rest = name.partition(".")
    spoken = f"os.{rest}" if home in ("posix", "nt") else name.removeprefix("builtins.") or name
    return spoken[:_LONGEST] if spoken.isprintable() else ascii(spoken)[:_LONGEST]


def _rank(asked: Verdict) -> int:
    if asked.allowed:
        return 3
    if asked.hostile:
        return 0
    return 1 if _is_class(asked.name) else 2


def _runs_programs(name: str) -> bool:
    return name.partition(".")[0] in _PROGRAM_RUNNERS or name in _PROGRAM_BUILTINS


def _hides(name: str) -> bool:
    return name.startswith(("copyreg.", "?", "'"))


def _is_class(name: str) -> bool:
    return name.rpartition(".")[2].lstrip("_")[:1].isupper()


def _reason(name: str) -> tuple[str, str]:
    """Why `name` is refused (no full stop), and what the user can do."""
    if _runs_programs(name):
        hint = "Do not open it in any other program either; ask who gave it to you."
        return "this file tries to run programs", hint
    if _hides(name):
        hint = "Do not trust this file; ask who gave it to you."
        return "this file hides what it asks for, which no saved model does", hint
    known = name.partition(".")[0] in ("torch", "torchvision", "functools", "builtins")
    if name.startswith(("torch.jit", "torch.fx")):
        return "this file holds compiled code", "Save the state dict of the original model instead."
    if _is_class(name) and not known and name.count(".") > 1:
        package = name.partition(".")[0]
        hint = (
            f"Where {package} is installed, load the file in Python and save its weights alone "
            "(torch.save(model.state_dict(), path)); then name the model: my_net.py:build."
        )
        return f"this file needs the library {package}", hint
    if _is_class(name) and not known:
        hint = (
            "Save its state dict (torch.save(model.state_dict(), path)) and name your model: my_net.py:build."
        )
        return "this file needs your class", hint
    return (
        "this file wants to call a function, and functions are not loaded from files",
        "Save the state dict instead (torch.save(model.state_dict(), path)) and name the model that made it.",
    )
