"""A source as the user writes it -> a path, a factory, or both; and factories -> models.

"torchvision.models:resnet50"         an importable factory
"torchvision.models:resnet50(num_classes=10)"   the same, with arguments that are plain values
"my_net.py:build"                     a function in a file
"weights.pt"                          a checkpoint
"weights.pt#ema"                      one of several sets of weights in a checkpoint
"weights.pt@torchvision.models:vgg11" a checkpoint and the factory of the model it belongs to
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import torch
from torch import nn

from slimgui.core.paths import exists
from slimgui.engine import memory
from slimgui.engine.inputs import tensors_in
from slimgui.engine.load.arguments import are_sizes, arguments, call, is_known
from slimgui.engine.load.consent import NONE, Consent, agreed_source
from slimgui.engine.load.hollow import can_be_filled, making_hollow
from slimgui.engine.load.vision import import_torchvision, is_mismatch, mismatch
from slimgui.errors import LoadError, SlimError, UnsafeFileError

_CALLED: Final = r":(?P<name>[A-Za-z_]\w*)(?P<given>\([^@]*\))?"
_IMPORTABLE: Final = re.compile(rf"(?P<home>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*){_CALLED}")
_IN_FILE: Final = re.compile(rf"(?P<home>.+\.py){_CALLED}")
_OWN_FACTORIES: Final = frozenset({"slimgui.example:build"})
_SEED: Final = 0
_LARGEST_PY: Final = 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """What the user named. `path` of a checkpoint, `factory` of a model; one of them may be missing.

    `entry` is the set of weights in the checkpoint, "" for the only one that fits.
    """

    path: Path | None
    factory: str
    entry: str = ""

    def __str__(self) -> str:
        """As the user writes it."""
        entry = f"#{self.entry}" if self.entry else ""
        return f"{self.path}{entry}@{self.factory}" if self.factory else f"{self.path}{entry}"


def parse(text: str) -> Source:
    """Tell path and factory apart; a file of exactly that name wins over everything else.

    Raises:
        LoadError: a .py without the name of the function in it, and several may be meant.
    """
    if not exists(text):
        path, at, factory = text.rpartition("@")
        file, entry = _entry(path)
        if at and factory.endswith(".py") and exists(file):
            return Source(Path(file), f"{factory}:{_only_factory(Path(factory))}", entry)
        if at and is_factory(factory) and (exists(file) or (path and not is_factory(text))):
            return Source(Path(file), factory, entry)
        if is_factory(text):  # "weights.pt@net.py:build" is written like one, too
            return Source(None, text)
    if text.endswith(".py"):
        return Source(None, f"{text}:{_only_factory(Path(text))}")
    file, entry = _entry(text)
    return Source(Path(file), "", entry)


def _entry(text: str) -> tuple[str, str]:
    """The file and the set of weights in it; a # may also be part of a file's name."""
    file, _, entry = text.rpartition("#")
    return (file, entry) if file and exists(file) and not exists(text) else (text, "")


def is_factory(text: str) -> bool:
    """Whether `text` is written like a factory."""
    return bool(_IN_FILE.fullmatch(text) or _IMPORTABLE.fullmatch(text))


def is_trusted(factory: str) -> bool:
    """Whether a file may name this factory by itself: the example's, a model builder of torchvision, or one
    of the index of known architectures. Its arguments may say no more than sizes.

    Raises:
        LoadError: it is torchvision's, and torchvision cannot be imported; or its arguments cannot be read.
    """
    match = _IMPORTABLE.fullmatch(factory)
    if match is None or factory in _OWN_FACTORIES:
        return match is not None
    if not (match["home"] + ".").startswith("torchvision.models."):
        return is_known(factory)
    if not are_sizes(arguments(factory)):
        return False
    models = import_torchvision().models
    builders = {models.get_model_builder(name) for name in models.list_models()}
    found = getattr(sys.modules.get(match["home"]), match["name"], None)
    return inspect.isfunction(found) and found in builders


def build_for(found: object, factory: str, consent: Consent = NONE) -> nn.Module:
    """The model that the factory makes, to be filled with `found`.

    When that is big its parameters hold no numbers, where the factory can do without them.

    Args:
        found: what a checkpoint holds.
        factory: as for `build`.
        consent: as for `build`.

    Raises:
        UnsafeFileError, LoadError: as `build`.
    """
    if sum(map(memory.size_of, tensors_in(found))) > memory.BIG:
        with suppress(LoadError), making_hollow():  # what is wrong with the factory is said below
            model = build(factory, consent)
            if can_be_filled(model):
                return model
    return build(factory, consent)


def build(factory: str, consent: Consent = NONE) -> nn.Module:
    """Call the factory and return its model, in eval mode. Random weights are the same every time.

    Args:
        factory: "package.module:name" or "file.py:name", with arguments in brackets where it takes some.
        consent: of the user, to run code that is not on the list of trusted factories.

    Raises:
        UnsafeFileError: it is not trusted, and nobody agreed to run it.
        LoadError: it is not there, fails, or makes something else than a module.
    """
    if not consent.named and not _IN_FILE.fullmatch(factory) and not is_trusted(factory):
        raise _without_consent(factory)
    given = arguments(factory)
    function = _find(factory, consent)
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(_SEED)
            model = call(function, given)
    except Exception as error:  # user code can raise anything; it becomes a sentence
        raise mismatch(error) if is_mismatch(error) else _failed(factory, error) from error
    if not isinstance(model, nn.Module):
        kind = type(model).__name__
        raise LoadError(
            f"{factory} makes a {kind}, not a model.", "", "Name a function that returns a torch.nn.Module."
        )
    return model.eval()


def _without_consent(factory: str) -> LoadError:
    """The sentence for an installed package: what would run is no one file that could be agreed to."""
    match = _IMPORTABLE.fullmatch(factory)
    module = sys.modules.get(match["home"]) if match else None
    if match and module and not hasattr(module, match["name"]):  # torchvision's, mistyped
        return _without(match, module)
    return UnsafeFileError(
        f"{factory} was not run.",
        "It would run the code of a package, and consent is given to single files.",
        f"Write a .py file whose function returns that model, and open it; or run slimgui slim {factory} ...",
    )


def _only_factory(path: Path) -> str:
    """The function in a .py that makes the model: build, or the only one without arguments. Runs nothing."""
    try:
        parsed = ast.parse(path.read_bytes()[:_LARGEST_PY])
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return "build"  # what is wrong with the file is said when it is run
    found = [node for node in parsed.body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"]
    names = [node.name for node in found if len(node.args.defaults) == len(node.args.args)]
    if "build" in names or len(names) == 1:
        return "build" if "build" in names else names[0]
    why = f"It has {', '.join(names[:6])}." if names else "No function in it can be called without arguments."
    hint = f"Name the function in it that makes the model: {path}:build."
    raise LoadError(f"{path} is a Python file.", why, hint)


def _find(factory: str, consent: Consent) -> Callable[..., Any]:
    in_file = _IN_FILE.fullmatch(factory)
    match = in_file or _IMPORTABLE.fullmatch(factory)
    if match is None:
        raise LoadError(f"{factory!r} is not a factory.", "", "Write it like torchvision.models:resnet50.")
    try:
        module = import_file(Path(match["home"]), consent) if in_file else _import(match["home"])
    except SlimError:
        raise
    except Exception as error:  # importing user code can raise anything; it becomes a sentence
        raise mismatch(error) if is_mismatch(error) else _failed(factory, error) from error
    found = getattr(module, match["name"], None)
    if not callable(found):
        raise _without(match, module)
    return found  # type: ignore[no-any-return]  # callable() says no more than that


def _without(match: re.Match[str], module: ModuleType) -> LoadError:
    """The sentence for a module that is there, without a function of that name."""
    there = sorted(name for name, value in vars(module).items() if inspect.isfunction(value))
    named = difflib.get_close_matches(match["name"], there, n=3) or there[:6]
    hint = f"It has {', '.join(named)}." if named else "Check its spelling."
    return LoadError(f"{match['home']} has no function {match['name']!r}.", "", hint)


def _import(home: str) -> Any:
    if home.partition(".")[0] == "torchvision":
        import_torchvision()
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as error:
        if error.name is None or not (home + ".").startswith(error.name + "."):
            raise
        raise LoadError(
            f"There is no module {error.name}.", "", f"Install it, or check the spelling of {home}."
        ) from None


def import_file(path: Path, consent: Consent) -> Any:
    """Run a .py as a module of its own name, so that it can import its neighbours."""
    if not path.is_file():
        raise LoadError(f"There is no file {path}.", "", "Check the name.")
    full, source = path.resolve(), agreed_source(path, consent)
    known = sys.modules.get(full.stem)
    name = full.stem if known is None else f"_slimgui_{full.stem}"
    spec = importlib.util.spec_from_file_location(name, full)
    assert spec is not None, "a .py always has a spec"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(full.parent))
    try:
        exec(compile(source, str(full), "exec"), module.__dict__)  # noqa: S102 - the bytes agreed to, no others
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(full.parent))
    return module


def _failed(factory: str, error: BaseException) -> LoadError:
    text = str(error).partition("\n")[0]
    return LoadError(
        f"{factory} failed.",
        f"{type(error).__name__}: {text}" if text else type(error).__name__,
        "It is called without other arguments than those written behind it; give the rest a default.",
    )
