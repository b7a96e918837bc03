"""What the window has to tell: one card. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slimgui.core import wire
from slimgui.core.cost import Cost
from slimgui.gui import text

Kind = Literal["error", "success", "note"]
Offer = Literal["", "inputs", "accept", "folder", "consent", "architecture"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One card: what happened, why, what to do. `offer`: what its extra button does, about `subject`.

    `request`: the Open that was refused. `code`: what the user may agree to run.
    `architectures`: that the weights may be of.
    """

    kind: Kind
    what: str
    why: str = ""
    hint: str = ""
    details: str = ""
    offer: Offer = ""
    subject: str = ""
    request: wire.Open | None = None
    code: wire.Code | None = None
    architectures: tuple[wire.Architecture, ...] = ()


def failed(answer: wire.Failed, request: wire.Request | None) -> Notice:
    """The card of a task that the engine refused."""
    opening = request if isinstance(request, wire.Open) else None
    offer: Offer = "consent" if answer.code else answer.needs
    subject = opening.source if opening else ""
    told = (answer.what, answer.why, answer.hint, answer.details)
    return Notice("error", *told, offer, subject, opening, answer.code, answer.architectures)


def stopped(doing: str, has_document: bool, log: str) -> Notice:
    """The card after the engine's process died in the middle of a task."""
    kept = "The open document is unchanged." if has_document else "Nothing was opened."
    return Notice(
        "error",
        f"The engine stopped while {doing}.",
        kept,
        "A fresh engine is starting: try again. If it stops again, there may be too little memory.",
        log,
    )


def not_started(doing: str, log: str) -> Notice:
    """The card when the engine's process never came up."""
    what = (
        f"The engine could not start, so {doing} was not possible."
        if doing
        else "The engine could not start."
    )
    hint = "Check that PyTorch is installed for this Python; the details say what is missing. Then try again."
    return Notice("error", what, "", hint, log)


def saved(answer: wire.Saved, before: Cost) -> Notice:
    """The card of a save: how large, and how it was proven."""
    share = text.percent(answer.bytes, before.bytes)
    what = f"Saved {text.file_size(answer.bytes)} ({share} of the original)."
    beside = f"\n{answer.needs}" if answer.needs else ""
    hint = f"{answer.path}{beside}"
    return Notice("success", what, proof(answer.proof), hint, offer="folder", subject=answer.path)


def written(path: str) -> Notice:
    """The card of a small file that was written."""
    return Notice("success", f"Wrote {Path(path).name}.", "", path, offer="folder", subject=path)


def locked_by_user(group_id: str) -> Notice:
    """The card of an edit of a group that the plan leaves whole."""
    return Notice("note", f"{group_id} is locked.", "You locked it in this plan.", "Unlock it first.")


def unproven(answer: wire.Unproven) -> Notice:
    """The card of a save that waits for the user's explicit word."""
    hint = "Keep more channels in the groups changed last, or save it anyway if you can check it yourself."
    return Notice(
        "error", "Nothing was saved yet.", proof(answer.proof), hint, offer="accept", subject=answer.path
    )


def proof(row: wire.ProofRow) -> str:
    """A proof in words."""
    note = f" {row.note}" if row.note else ""
    if row.level == "structural":
        return f"Only the shapes were checked, the numbers were not compared.{note}"
    if row.max_error is None:
        return f"The smaller model could not be compared with the original.{note}"
    where = "block by block" if row.level == "blocks" else "on the whole model"
    largest = f"largest difference {text.tiny(row.max_error)} of the output's scale, {where}"
    if row.passed:
        return f"Proven: {largest}.{note}"
    return f"The smaller model does not compute the same: {largest}.{note}"


def met(title: str, kept: float) -> Notice:
    """A plan that meets a target was found."""
    return Notice(
        "note", f"{title}.", f"{text.percent(kept, 1)} of the importance stays.", "Undo takes it back."
    )
