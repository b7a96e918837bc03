"""Why an action cannot be used now, in words, or ""; and whether one that can be on is on."""

from __future__ import annotations

from slimgui.gui.session import Session


def always(session: Session) -> str:
    """Nothing speaks against it."""
    del session
    return ""


def idle(session: Session) -> str:
    """The engine does one thing at a time."""
    return f"SlimGUI is still {session.task.doing}; wait or cancel it" if session.task else ""


def is_working(session: Session) -> str:
    """The engine must be doing something."""
    return "" if session.task else "Nothing is running"


def has_document(session: Session) -> str:
    """There must be a model."""
    return "" if session.document else "Open a model first"


def has_free(session: Session) -> str:
    """There must be something that can be cut."""
    if session.document is None:
        return has_document(session)
    if not session.document.groups:
        return "This model has no channels that could be cut"
    free = any(row.locked is None and row.size > 1 for row in session.document.groups)
    return "" if free else "Every group of this model must stay whole"


def can_search(session: Session) -> str:
    """There must be something that can be cut, and an engine with time to search."""
    return has_free(session) or idle(session)


def can_save(session: Session) -> str:
    """There must be something to save, and an engine with time for it."""
    if reason := has_free(session):
        return reason
    if (
        session.snapshot is not None
        and session.base is not None
        and session.snapshot.counts == session.base.counts
    ):
        return "Nothing has been removed yet: lower a count first"
    return idle(session)


def has_saved(session: Session) -> str:
    """A smaller model must have been saved."""
    return (
        has_document(session)
        or ("" if session.files.facts else "Save a smaller model first")
        or idle(session)
    )


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
    if row.locked:
        return f"It must stay whole: {row.locked.what}"
    return "It is a single channel, which must stay" if row.size == 1 else ""


def selection_by_hand(session: Session) -> str:
    """One of the selected groups must have a count of its own."""
    if reason := has_selection(session):
        return reason
    return "" if session.marks.by_hand else "Its count was not set by hand"


def has_edits(session: Session) -> str:
    """The plan must say something."""
    if session.document is None or session.base is None:
        return has_document(session)
    return "" if session.plans.plan != session.base.plan else "The plan says nothing yet"


def is_cut(session: Session) -> str:
    """Something must have been removed."""
    if session.document is None or session.snapshot is None or session.base is None:
        return has_document(session)
    return "" if session.snapshot.counts != session.base.counts else "Every group is whole"


def has_threads(session: Session) -> str:
    """Latency must be measured here, on the processor."""
    insight = session.insight
    if insight.table:
        return has_document(session) or "Times are those of another device: nothing is measured here"
    here = insight.device == "cpu"
    return has_document(session) or ("" if here else f"Latency is measured on {insight.device}")


def can_recalibrate(session: Session) -> str:
    """There must be a smaller model, and an engine with time for it."""
    return is_cut(session) or idle(session)


def can_recalibrate_all(session: Session) -> str:
    """There must be several plans that remove something, and an engine with time for them."""
    cutting = len(session.data.cutting)
    few = (
        "No plan removes anything yet"
        if cutting == 0
        else "Only one plan removes something: recalibrate that"
    )
    return has_document(session) or (few if cutting < 2 else "") or idle(session)


def has_statistics(session: Session) -> str:
    """The current plan must have statistics of its own."""
    own = session.plans.current in dict(session.plans.statistics)
    return has_document(session) or ("" if own else "The current plan has none of its own")


def has_several_plans(session: Session) -> str:
    """There must be another plan."""
    if session.document is None:
        return has_document(session)
    return "" if len(session.plans.plans) > 1 else "It is the only plan"


def can_ask(session: Session) -> str:
    """There must be a model, and an engine with time for it."""
    return has_document(session) or idle(session)


def can_lock(session: Session) -> str:
    """One of the selected groups must be one that is not locked anyway."""
    if session.marks.lockable:
        return ""
    return selection_is_free(session) or "It is locked by name: use Lock by Name"


def is_locked(session: Session) -> bool:
    """Whether the user locked the selected groups by hand."""
    return session.marks.are_locked


def recovers(session: Session) -> bool:
    """Whether saves recover accuracy."""
    return session.data.recovery is not None


def is_global(session: Session) -> bool:
    """Whether channels of all groups are compared."""
    return session.plans.plan.scope == "global"


def is_exact_only(session: Session) -> bool:
    """Whether approximate groups are left whole."""
    return session.plans.plan.only_exact


def can_edit_count(session: Session) -> str:
    """The selected group must not be locked, neither by the model nor by the user."""
    if (reason := selection_is_free(session)) or session.snapshot is None:
        return reason
    return "You locked it in this plan" if session.selected in session.snapshot.locked else ""


def has_table(session: Session) -> bool:
    """Whether times are those of another device."""
    return bool(session.insight.table)


def shows_ops(session: Session) -> bool:
    """Whether the graph is drawn op by op."""
    return session.ops.is_on


def has_scores(session: Session) -> str:
    """Somebody must have judged the channels by the criterion of the plan."""
    if session.document is None:
        return has_document(session)
    why = session.judging.why_not or "The channels are still being judged"
    return "" if session.judging.scores is not None else why


def has_front(session: Session) -> str:
    """The front of plans must have been searched."""
    return has_document(session) or ("" if session.insight.front else "Find the front of plans first")


def has_sensitivity(session: Session) -> str:
    """The sensitivity of groups must have been measured, or read."""
    return has_document(session) or ("" if session.data.sensed else "Measure the sensitivity first")
