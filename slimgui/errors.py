"""Every error SlimGUI raises on purpose; imports nothing.

SlimError
├─ LoadError      the file could not be opened
│  ├─ UnsafeFileError      opening it would run code
│  └─ MissingInputsError   the shape of the input is not known
├─ TraceError     forward could not be followed
├─ PlanError      the plan does not fit this model
├─ DeployError    this combination of cuts cannot be made
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
        self.what, self.why, self.hint = what, why, hint

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.hint) if line)


class LoadError(SlimError):
    """The file could not be opened."""


class UnsafeFileError(LoadError):
    """Opening the file would run code that nobody agreed to."""


class MissingInputsError(LoadError):
    """The model is there, but nothing says what it takes as input."""


class TraceError(SlimError):
    """`forward` could not be followed."""


class PlanError(SlimError):
    """The plan does not fit this model."""


class DeployError(SlimError):
    """This combination of cuts cannot be made."""


class SaveError(SlimError):
    """Nothing was saved."""


class ExportError(SlimError):
    """Another program's format could not be written."""


class Cancelled(BaseException):
    """The user cancelled; not an Exception, so that no `except Exception` swallows it."""
