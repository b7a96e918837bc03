"""The steps that win accuracy back without training, when to take which, and what they did in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from slimgui.core.sampling import SampleSource


@dataclass(frozen=True, slots=True)
class RecoveryStep:
    """One step: a title, when to take it, whether it looks at data, and whether data make it needless."""

    title: str
    when: str
    needs_samples: bool = False
    without_samples: bool = False


RECOVERY: Final = {
    "merge": RecoveryStep(
        "Merge removed channels into kept ones",
        "Where there are no samples: a removed channel counts as a multiple of the kept one that is made "
        "most alike. Wins much back in nets without norms, little behind them. With samples, fold.",
        without_samples=True,
    ),
    "absorb": RecoveryStep(
        "Absorb removed channels into biases",
        "With samples after every cut: what removed channels give on average goes into biases, and the scale "
        "of what is left is mended. Without samples it is taken from batch norms, and a deep cut may lose "
        "more.",
    ),
    "recalibrate": RecoveryStep(
        "Recalibrate norm statistics",
        "For models with batch norm: their statistics are taken anew. After absorbing there is seldom "
        "anything left to win by it.",
        needs_samples=True,
    ),
    "fold": RecoveryStep(
        "Fold by least squares",
        "Wins most, and takes longest: kept channels take over what removed ones could tell, layer by layer.",
        needs_samples=True,
    ),
}  # in the order in which they are best taken


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is to be done for the accuracy of a smaller model: keys of RECOVERY, in order, and with what."""

    steps: tuple[str, ...]
    samples: SampleSource | None = None


def sentence(method: str, changed: int, distance: tuple[float, float] | None, left: Sequence[str]) -> str:
    """What one step did.

    Args:
        method: a key of RECOVERY.
        changed: how many weights and buffers have other numbers since.
        distance: of the outputs from the whole model's, relative to these: before and after the step.
        left: what was left alone, and why.
    """
    parts = [f"{method}: {changed} weight{'' if changed == 1 else 's'} changed"]
    if distance is not None:
        before, after = (f"{100 * apart:.3g} %" for apart in distance)
        parts.append(f"outputs differ from the whole model's by {after}, {before} before")
    if left:
        parts.append(f"{len(left)} left alone, the first because: {left[0].rstrip('.')}")
    return "; ".join(parts) + "."
