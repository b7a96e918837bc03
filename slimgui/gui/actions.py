"""Every action of the window as one row of a table: what it is called, where it sits, when it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QKeySequence

from slimgui.gui.session import Session

Keys = QKeySequence.StandardKey
WhyNot = Callable[[Session], str]


def always(session: Session) -> str:
    """Nothing speaks against it."""
    del session
    return ""


def idle(session: Session) -> str:
    """The engine does one thing at a time."""
    return f"SlimGUI is still {session.task.doing}; wait or cancel it" if session.task else ""


def has_document(session: Session) -> str:
    """There must be a model."""
    return "" if session.document else "Open a model first"


def can_save(session: Session) -> str:
    """There must be something to save, and an engine with time for it."""
    if session.document is None:
        return has_document(session)
    if (
        session.snapshot is not None
        and session.base is not None
        and session.snapshot.counts == session.base.counts
    ):
        return "Nothing has been removed yet: lower a count first"
    return idle(session)


def can_undo(session: Session) -> str:
    """There must be an edit before this point."""
    return "" if session.undo_stack.canUndo() else "There is nothing to undo"


def can_redo(session: Session) -> str:
    """There must be an undone edit."""
    return "" if session.undo_stack.canRedo() else "There is nothing to redo"


def has_selection(session: Session) -> str:
    """A group must be selected."""
    if session.document is None:
        return has_document(session)
    return "" if session.selected else "Select a group first"


def selection_is_free(session: Session) -> str:
    """The selected group must not be locked."""
    if (reason := has_selection(session)) or session.document is None:
        return reason
    row = next(row for row in session.document.groups if row.id == session.selected)
    return f"It must stay whole: {row.locked.what}" if row.locked else ""


def selection_by_hand(session: Session) -> str:
    """The selected group must have a count of its own."""
    if reason := has_selection(session):
        return reason
    own = session.snapshot is not None and session.selected in session.snapshot.by_hand
    return "" if own else "Its count was not set by hand"


def has_edits(session: Session) -> str:
    """Something must have been removed."""
    if session.document is None or session.snapshot is None or session.base is None:
        return has_document(session)
    return "" if session.snapshot.plan != session.base.plan else "Every group is whole"


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One action. `handler` is a method of the main window; `why_not` gives the reason it is disabled, or ""."""

    key: str
    title: str
    tip: str
    handler: str
    why_not: WhyNot = always
    shortcut: QKeySequence.StandardKey | str | None = None
    icon: str = ""


ACTIONS: Final = (
    ActionInfo("open", "&Open…", "Open a PyTorch model", "choose_file", idle, Keys.Open, "open"),
    ActionInfo("example", "Open the &Example", "Open the small trained network that comes with SlimGUI", "open_example", idle, icon="example"),
    ActionInfo("save", "&Save Smaller Model…", "Build the smaller model, prove it and save it", "choose_target", can_save, Keys.Save, "save"),
    ActionInfo("clear_recent", "&Clear Recent", "Forget the list of recent files", "clear_recent"),
    ActionInfo("quit", "&Quit", "Close SlimGUI", "close", always, Keys.Quit),
    ActionInfo("undo", "&Undo", "Take back the last change", "undo", can_undo, Keys.Undo, "undo"),
    ActionInfo("redo", "&Redo", "Make the change again", "redo", can_redo, Keys.Redo, "redo"),
    ActionInfo("edit_count", "Set &Count of Group", "Type how many channels of the selected group stay", "edit_selected", selection_is_free, "F2"),
    ActionInfo("reset_group", "&Reset Group", "Let the selected group follow the whole model again", "reset_group", selection_by_hand, "Ctrl+Backspace"),
    ActionInfo("reset_all", "Reset &All Groups", "Give every group all its channels back", "reset_all", has_edits, icon="reset"),
    ActionInfo("find", "&Find…", "Find a group or a layer", "find_group", has_document, Keys.Find),
    ActionInfo("fit", "&Fit to Window", "Show the whole graph", "fit", has_document, "Ctrl+0", "fit"),
    ActionInfo("zoom_in", "Zoom &In", "Show the graph larger", "zoom_in", has_document, Keys.ZoomIn),
    ActionInfo("zoom_out", "Zoom &Out", "Show the graph smaller", "zoom_out", has_document, Keys.ZoomOut),
    ActionInfo("dismiss", "&Dismiss Message", "Hide the message", "dismiss", always, "Esc"),
    ActionInfo("about", "&About SlimGUI", "Version and licence", "about"),
)  # fmt: skip

MENUS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("&File", ("open", "example", "recent", "", "save", "", "quit")),
    ("&Edit", ("undo", "redo", "", "edit_count", "reset_group", "reset_all", "", "find")),
    ("&View", ("fit", "zoom_in", "zoom_out", "", "theme", "panels", "", "dismiss")),
    ("&Help", ("about",)),
)
TOOLBAR: Final = ("open", "save", "", "undo", "redo", "", "fit")
