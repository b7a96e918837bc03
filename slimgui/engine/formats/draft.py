"""What every format is given, and what it answers with: drafts of a file, the best first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from torch import nn

from slimgui.engine.deploy import Deployed
from slimgui.engine.inputs import Inputs
from slimgui.engine.load import own
from slimgui.engine.memory import size_of
from slimgui.engine.origin import Origin
from slimgui.engine.pending import Numbers, numbers_of
from slimgui.engine.structural import named_tensors

SAME_WEIGHTS: Final = 1e-6  # the same weights at another place in memory may round differently


@dataclass(frozen=True, eq=False)
class Content:
    """What is to be written.

    Attributes:
        deployed: left as it is.
        origin: where its model comes from.
        provenance: what the file has to say of that.
        shard_bytes: tensors of more bytes than this go into several files, where the format has such.
    """

    deployed: Deployed
    origin: Origin
    provenance: own.Provenance
    shard_bytes: int

    @property
    def model(self) -> nn.Module:
        """The smaller model."""
        return self.deployed.model

    @cached_property
    def numbers(self) -> Numbers:
        """What gives the numbers of the model's tensors, some of which may be cut only now."""
        return numbers_of(self.model, self.deployed.pending)

    @property
    def inputs(self) -> Inputs:
        """The example inputs it was checked with."""
        return self.deployed.inputs

    @property
    def bytes(self) -> int:
        """Of all its tensors."""
        return sum(map(size_of, named_tensors(self.model).values()))

    @property
    def original(self) -> str:
        """How to call the whole model: its factory or its file."""
        return self.origin.factory or self.deployed.source or "the original model"


@dataclass(frozen=True, eq=False)
class Draft:
    """One way to write the file.

    Attributes:
        target: the file that is to be, also when it stands for several.
        write: writes the file of this name, which is renamed to `target` later; what it puts beside it for
            good it adds to the list, before.
        reader: what reads it back, a key of `reader.READERS`.
        needs: a sentence: what loads it.
        model: factory or file of the model that it needs beside it, "" when it needs none.
        notes: further sentences for the user.
        calls: inputs that the file is run on. Weights that need their model are run in a copy of that.
        tolerance: largest difference of the outputs, over the largest output.
        unless: errors after which the next draft is tried.
    """

    target: Path
    write: Callable[[Path, list[Path]], None]
    reader: str
    needs: str
    model: str = ""
    notes: tuple[str, ...] = ()
    calls: tuple[Inputs, ...] = ()
    tolerance: float = SAME_WEIGHTS
    unless: tuple[type[Exception], ...] = ()
