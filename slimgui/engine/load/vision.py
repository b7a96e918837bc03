"""Import torchvision when a source asks for it, and say it in words when it does not fit torch."""

from __future__ import annotations

import importlib
from types import ModuleType

import torch

from slimgui.errors import LoadError


def import_torchvision() -> ModuleType:
    """The torchvision package.

    Raises:
        LoadError: it is not installed, or was built for another torch.
    """
    try:
        return importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        if error.name != "torchvision":
            hint = f"Install {error.name} (pip install {error.name})."
            raise LoadError(f"torchvision needs {error.name}, which is not installed.", "", hint) from None
        hint = "Install the torchvision that belongs to your torch (pip install torchvision)."
        raise LoadError("This model needs torchvision, which is not installed.", "", hint) from None
    except Exception as error:  # a broken pair fails with RuntimeError, AttributeError, OSError, ...
        raise mismatch(error) from error


def is_mismatch(error: BaseException) -> bool:
    """Whether `error`, or what caused it, is a broken pair of torch and torchvision."""
    seen: BaseException | None = error
    while seen is not None:
        text = str(seen)
        if "torchvision::" in text or ("partially initialized module 'torchvision'" in text):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def mismatch(error: BaseException) -> LoadError:
    """The sentence for a broken pair."""
    return LoadError(
        "torchvision and torch do not fit together.",
        f"Importing torchvision beside torch {torch.__version__} fails: {error}.",
        "Install the two that belong together, both for CPU or both for the same CUDA version.",
    )
