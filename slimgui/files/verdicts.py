"""What a file may name: torch's own data types and module classes of torch.nn and torchvision.

An allow list, never a deny list, and known without torch: the names of plain data are written down here, and
classes are looked up in the sources of the installed library, which are read and never run. Loading asks
torch itself once more (engine/load/allow.py).
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from slimgui.errors import UnsafeFileError
from slimgui.scanner.report import Scan

_STORED: Final = ("BFloat16", "Bool", "Byte", "Char", "Double", "Float", "Half", "Int", "Long", "Short")
_BITS: Final = ("bits16", "bits1x8", "bits2x4", "bits4x2", "bits8")
_SCHEMES: Final = ("affine", "affine_float_qparams", "symmetric")
_REBUILDS: Final = (
    *("device_tensor_from_cpu_tensor", "device_tensor_from_numpy", "meta_tensor_no_storage"),
    *("nested_tensor", "parameter", "parameter_with_state", "qtensor", "sparse_tensor"),
    *("tensor", "tensor_v2", "tensor_v3", "wrapper_subclass"),
)
PLAIN: Final = frozenset(
    {
        *("_codecs.encode", "builtins.bytearray", "builtins.complex", "builtins.set"),
        *("collections.Counter", "collections.OrderedDict"),
        *("torch.Size", "torch.Tensor", "torch.device", "torch.bool", "torch.nn.parameter.Parameter"),
        *("torch._tensor._rebuild_from_type_v2", "torch.serialization._get_layout"),
        *("torch.storage.TypedStorage", "torch.storage.UntypedStorage"),
        *(f"torch._utils._rebuild_{what}" for what in _REBUILDS),
        *(f"torch.{home}{name}Storage" for home in ("", "cuda.") for name in _STORED),
        *(f"torch.{home}{name}Tensor" for home in ("", "cuda.") for name in _STORED),
        *(f"torch.{home}sparse.{name}Tensor" for home in ("", "cuda.") for name in _STORED if name != "Bool"),
        *(f"torch.{home}Complex{name}Storage" for home in ("", "cuda.") for name in ("Double", "Float")),
        *(f"torch.{name}Storage" for name in ("QInt32", "QInt8", "QUInt2x4", "QUInt4x2", "QUInt8")),
        *(f"torch.{name}" for name in ("qint32", "qint8", "quint2x4", "quint4x2", "quint8", *_BITS)),
        *(f"torch.{sign}int{bits}" for sign in ("", "u") for bits in (1, 2, 3, 4, 5, 6, 7, 8, 16, 32, 64)),
        *("torch.float16", "torch.float32", "torch.float64", "torch.bfloat16", "torch.float4_e2m1fn_x2"),
        *(f"torch.float8_{kind}" for kind in ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz", "e8m0fnu")),
        *("torch.complex32", "torch.complex64", "torch.complex128"),
        *(f"torch.per_channel_{scheme}" for scheme in _SCHEMES),
        *(f"torch.per_tensor_{scheme}" for scheme in _SCHEMES if scheme != "affine_float_qparams"),
    }
)
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


def names_module_class(name: str) -> bool:
    """Whether `name` is that of a class in a place whose module classes files may name."""
    home, _, attribute = name.rpartition(".")
    return name.startswith(_MODULE_HOMES) and attribute in _classes_of(home)


@cache
def _classes_of(home: str) -> frozenset[str]:
    """The classes that an installed module of that name defines, by its source; none where it is not there.

    A file says the name: it may be anything, and nothing is imported for it.
    """
    library, *rest = home.split(".")
    found = importlib.util.find_spec(library)  # without a dot in the name this imports nothing
    places = found.submodule_search_locations if found is not None else None
    if not places or not all(part.isidentifier() for part in rest):
        return frozenset()
    path = Path(places[0], *rest)
    source = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    try:
        body = ast.parse(source.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    return frozenset(node.name for node in body if isinstance(node, ast.ClassDef))


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
    if name in PLAIN:
        return Verdict(_spoken(name), allowed=True, reason="plain data")
    if names_module_class(name):
        return Verdict(_spoken(name), allowed=True, reason="a module class that files may name")
    spoken = _spoken(name)
    reason, hint = _reason(spoken)
    return Verdict(spoken, False, reason, hint, hostile=_runs_programs(spoken) or _hides(spoken))


def verdicts(scan: Scan) -> tuple[Verdict, ...]:
    """One for each global the file asks for, the worst first."""
    return tuple(sorted(map(verdict, scan.names), key=_rank))


def check_allowed(scan: Scan, shown: str) -> frozenset[str]:
    """The names of the module classes that the file needs; everything else it names is plain data.

    Args:
        scan: of all pickles in the file.
        shown: how to call the file in a sentence.

    Raises:
        UnsafeFileError: it asks for more than that, or uses a class in a way `torch.save` never writes.
    """
    wanted = [asked for asked in verdicts(scan) if not asked.allowed]
    if wanted:
        raise refusal(wanted, shown)
    classes = frozenset(name for name in scan.names if name not in PLAIN)
    if classes:
        _check_calls(scan, classes, shown)
    return classes


def _check_calls(scan: Scan, classes: frozenset[str], shown: str) -> None:
    for call in scan.calls:
        if call.name in classes and call.bare:
            continue
        indirect = not call.name or call.name == _ARGUMENT_CALLER
        if indirect or call.name in classes or call.touches & classes:
            raise UnsafeFileError(
                f"{shown} was not opened.",
                f"It calls {call.name or 'an object'} while it is read; a saved model never does that.",
                "Save it again with torch.save(model, path), or save model.state_dict().",
            )


def refusal(wanted: Sequence[Verdict], shown: str) -> UnsafeFileError:
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
