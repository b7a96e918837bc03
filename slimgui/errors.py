"""Every error SlimGUI raises on purpose; imports nothing.

SlimError
├─ LoadError      the file could not be opened
│  ├─ UnsafeFileError      opening it would run code
│  │  └─ ConsentError         and the user may agree to that
│  ├─ UnnamedModelError    its weights need a model, and nobody said which
│  └─ MissingInputsError   the shape of the input is not known
├─ DataError      samples could not be read, or are none for this model
├─ TraceError     forward could not be followed
├─ PlanError      the plan does not fit this model
│  └─ TargetError          no plan leaves as little as that
├─ DeployError    this combination of cuts cannot be made
├─ MaskError      the model cannot run as if pruned without being cut
├─ SaveError      nothing was saved
└─ ExportError    another program's format could not be written
Cancelled         not an error: the user asked
"""


class SlimError(Exception):
    """One sentence each: what happened, why, and what to do about it.

    Args:
        what: the fact, in the user's words.
        why: the cause, or "" when `what` already says it.
        hint: what the user can do, or "".
    """

    def __init__(self, what: str, why: str = "", hint: str = "") -> None:
        super().__init__(what, why, hint)
        self.what, self.why, self._hint = what, why, hint

    @property
    def hint(self) -> str:
        """What the user can do, or ""."""
        return self._hint

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.hint) if line)


class LoadError(SlimError):
    """The file could not be opened."""


class UnsafeFileError(LoadError):
    """Opening the file would run code that nobody agreed to."""


class ConsentError(UnsafeFileError):
    """Opening the file runs code, and the user may agree to exactly that.

    Args:
        what: the fact.
        why: the cause.
        hint: how to agree on the command line.
        path: of the file whose code would run.
        sha256: of its bytes; this is what one agrees to.
        runs: what would run, a line each.
    """

    def __init__(self, what: str, why: str, hint: str, path: str, sha256: str, runs: tuple[str, ...]) -> None:
        super().__init__(what, why, hint)
        self.path, self.sha256, self.runs = path, sha256, runs


class UnnamedModelError(LoadError):
    """The file holds weights, and nobody said of which model.

    Args:
        what: the fact.
        why: the cause.
        hint: how to say it on the command line.
        candidates: architectures that they may be of, the likeliest first: the source to load instead, the
            factory, and how it matches in words. Empty when none is known.
    """

    def __init__(
        self, what: str, why: str, hint: str, candidates: tuple[tuple[str, str, str], ...] = ()
    ) -> None:
        super().__init__(what, why, hint)
        self.candidates = candidates


class MissingInputsError(LoadError):
    """The model is there, but nothing says what it takes as input."""


class InputShapeError(LoadError):
    """No input can be made of what was written as its shape."""


class DataError(SlimError):
    """Samples could not be read, or are none for this model."""


class TraceError(SlimError):
    """`forward` could not be followed.

    Attributes:
        module: dotted path of the module where it stopped.
        source: "file.py:123" of the line, "" when unknown.
    """

    module = ""
    source = ""


class PlanError(SlimError):
    """The plan does not fit this model."""


class TargetError(PlanError):
    """No plan within the limits leaves as little as was asked for.

    Args:
        what: the fact.
        why: what can be reached.
        hint: what to do.
        reach: by resource (macs, params, ...) its minimum, what it is now, and its maximum.
    """

    def __init__(self, what: str, why: str, hint: str, reach: dict[str, tuple[int, int, int]]) -> None:
        super().__init__(what, why, hint)
        self.reach = reach


class Advice:
    """What would work instead; finding it may take a while."""

    def find(self) -> tuple[str, dict[str, tuple[int, ...]]]:
        """A hint, and by group id the counts in it."""
        raise NotImplementedError


class DeployError(SlimError):
    """This combination of cuts cannot be made.

    Args:
        what: the fact.
        why: the cause, with op, module and line.
        advice: what would work; it is asked once, when the hint is first looked at.
    """

    def __init__(self, what: str, why: str, advice: Advice) -> None:
        super().__init__(what, why)
        self._advice = advice
        self._found: tuple[str, dict[str, tuple[int, ...]]] | None = None

    @property
    def hint(self) -> str:
        """Which counts would work."""
        return self._asked()[0]

    @property
    def counts(self) -> dict[str, tuple[int, ...]]:
        """By group id the counts that work while all other groups are cut as wanted.

        The whole size where no other was found; several groups have to change together.
        """
        return self._asked()[1]

    def _asked(self) -> tuple[str, dict[str, tuple[int, ...]]]:
        if self._found is None:
            self._found = self._advice.find()
        return self._found


class MaskError(SlimError):
    """The model cannot run as if pruned without being cut."""


class SaveError(SlimError):
    """Nothing was saved."""


class ExportError(SlimError):
    """Another program's format could not be written."""


class Cancelled(BaseException):
    """The user cancelled; not an Exception, so that no `except Exception` swallows it."""
