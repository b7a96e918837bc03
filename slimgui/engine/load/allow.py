"""The names a file may use -> the module classes themselves, as torch and torchvision have imported them.

What may be named is decided by `files/verdicts.py`; a name in a file never imports anything of its own.
"""

from __future__ import annotations

import sys

import torch
from torch import nn
from torch._weights_only_unpickler import _get_allowed_globals

from slimgui.engine.load.vision import import_torchvision
from slimgui.files.verdicts import PLAIN, Verdict, check_allowed, names_module_class, refusal
from slimgui.scanner.report import Scan


def module_class(name: str) -> type[nn.Module] | None:
    """The module class a file calls `name`, or None when it is not on the allow list."""
    if not names_module_class(name):
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


def allowed_classes(scan: Scan, shown: str) -> dict[str, type[nn.Module]]:
    """The module classes the file needs, by name; everything else it names is plain data.

    Args:
        scan: of all pickles in the file.
        shown: how to call the file in a sentence.

    Raises:
        UnsafeFileError: as `check_allowed`, or this torch does not know what it names.
    """
    classes = {name: module_class(name) for name in check_allowed(scan, shown)}
    strange = [name for name, cls in classes.items() if cls is None]
    strange += [name for name in scan.names if name in PLAIN - _get_allowed_globals().keys()]
    if strange:
        why = "it is not what this version of torch calls plain data or a module class"
        raise refusal([Verdict(strange[0], allowed=False, reason=why, hint="Update torch.")], shown)
    return {name: cls for name, cls in classes.items() if cls is not None}
