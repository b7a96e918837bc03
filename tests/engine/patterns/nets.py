"""Every net of every file here."""

from engine.patterns import attention, layout, literals, norms, weights  # noqa: F401  (they register)
from engine.patterns.registry import ALL, Pattern

__all__ = ["ALL", "Pattern"]
