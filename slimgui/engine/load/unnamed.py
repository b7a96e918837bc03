"""Weights that nobody named a model for -> the error that lists the architectures they may be of."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from torch import Tensor

from slimgui.core.recognise import Candidate, recognise, sentence
from slimgui.engine.load.source import Source
from slimgui.errors import UnnamedModelError


def unnamed(sets: Mapping[str, Mapping[str, Tensor]], parsed: Source) -> UnnamedModelError:
    """What to tell the user, who has to choose; even one candidate may be the wrong one.

    Args:
        sets: the weights in the file, by where they lie.
        parsed: the file, and which of its weights the user named.
    """
    assert parsed.path is not None, "weights lie in a file"
    candidates = recognise({parsed.entry: sets[parsed.entry]} if parsed.entry in sets else sets)
    number = len(max(sets.values(), key=len))
    what = f"{parsed.path.name} holds weights without a model."
    if not candidates:
        why = f"Its {number} tensors are of no architecture that SlimGUI knows."
        hint = "Choose a factory, a function that makes the model: --model my_net.py:build."
        return UnnamedModelError(what, why, hint)
    first = candidates[0]
    why = f"Its {number} tensors may be of {sentence(candidates)}: {first.how}."
    others = "Say which of them" if candidates[1:] else "If it is that one, say so"
    hint = f"{others}: {_typed(first, parsed)}, or my_net.py:build. Names and shapes do not tell all."
    rows = tuple((one.source(str(parsed.path)), one.named, one.how) for one in candidates)
    return UnnamedModelError(what, why, hint, rows)


def _typed(first: Candidate, parsed: Source) -> str:
    """What the user types to take the first one."""
    beside = f"{parsed.path}#{first.entry} " if first.entry else ""
    return f"{beside}--model {shlex.quote(first.factory)}"
