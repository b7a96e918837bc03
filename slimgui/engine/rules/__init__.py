"""Rules: what each ATen op says about its operands' labels. Importing the package registers them all."""

from slimgui.engine.rules import (  # noqa: F401  (imported for their registrations)
    contraction,
    creation,
    indexing,
    joining,
    movement,
    normalization,
    picking,
    pointwise,
    reduction,
    regrouping,
    spatial,
)
from slimgui.engine.rules.registry import RULES, Step, find_rule, refuse, rule

__all__ = ["RULES", "Step", "find_rule", "refuse", "rule"]
