"""Every net of every file here; they register as they are imported."""

from engine.patterns import (  # noqa: F401
    attention,
    control,
    families,
    joins,
    layout,
    literals,
    norms,
    recurrent,
    reductions,
    weights,
)
from engine.patterns.registry import ALL, Pattern

__all__ = ["ALL", "Pattern"]
