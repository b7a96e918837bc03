"""Which samples of the user are meant: plain data, that window and engine speak of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

USUAL: Final = 1000  # field studies take 100 to 1,000


@dataclass(frozen=True, slots=True)
class SampleSource:
    """Where samples are and how they are read; the arguments of `engine.samples`.

    Attributes:
        path: of a folder of images, an .npz or a .py; "" for none.
        limit: use this many at most.
        mean: of pixels, per channel or one for all; () for what the model says.
        std: likewise.
        size: height and width of an image, None for those of the model's input.
        trusted: SHA-256 of the files whose code the user agreed to run.
    """

    path: str = ""
    limit: int = USUAL
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    size: tuple[int, int] | None = None
    trusted: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of the path."""
        return Path(self.path).name

    def trusting(self, hashes: tuple[str, ...]) -> Self:
        """The same, where these hashes may run too."""
        return replace(self, trusted=tuple(dict.fromkeys((*self.trusted, *hashes))))

    def is_like(self, other: SampleSource | None) -> bool:
        """Whether both give the same numbers, whatever may run."""
        return other is not None and replace(self, trusted=()) == replace(other, trusted=())
