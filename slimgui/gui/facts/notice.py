"""What the window has to tell: one card. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from slimgui.core import wire
from slimgui.core.cost import Cost
from slimgui.core.paths import exists
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.sensitivity import Measure
from slimgui.gui.facts import text

Kind = Literal["error", "success", "note"]
Offer = Literal["", "inputs", "accept", "folder", "consent", "architecture", "restore", "forget", "look"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One card: what happened, why, what to do. `offer`: what its extra button does, about `subject`.

    `request`: what was refused, where it can be asked for again. `code`: what the user may agree to run.
    `architectures`: that the weights may be of.
    """

    kind: Kind
    what: str
    why: str = ""
    hint: str = ""
    details: str = ""
    offer: Offer = ""
    subject: str = ""
    request: wire.Open | wire.Prove | wire.SampleRequest | None = None
    code: wire.Code | None = None
    architectures: tuple[wire.Architecture, ...] = ()


def failed(answer: wire.Failed, request: wire.Request | None) -> Notice:
    """The card of a task that the engine refused."""
    again = request if isinstance(request, wire.Open | wire.Prove | wire.SampleRequest) else None
    subject = request.source if isinstance(request, wire.Open) else ""
    offer: Offer = "consent" if answer.code else answer.needs if subject else ""
    if subject and not offer and exists(subject):
        offer = "look"
    told = (answer.what, answer.why, answer.hint, answer.details)
    return Notice("error", *told, offer, subject, again, answer.code, answer.architectures)


def not_read_again(name: str, answer: wire.Failed) -> Notice:
    """The card when a fresh engine cannot read the open model, which something was asked about."""
    hint = "Put the file back where it was, then try again. File › Save Plans keeps your plans meanwhile."
    return Notice("error", f"{name} cannot be read again.", answer.what, hint, answer.details)


def stopped(doing: str, has_document: bool, log: str, *, frozen: bool = False) -> Notice:
    """The card after the engine's process died, or was frozen, in the middle of a task."""
    what = "did not answer any more" if frozen else "stopped"
    kept = "The open document is unchanged." if has_document else "Nothing was opened."
    return Notice(
        "error",
        f"The engine {what} while {doing}.",
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


def saved(answer: wire.Saved, before: Cost, statistics: str = "") -> Notice:
    """The card of a save: how large, how it was proven, and a sentence about the plan's own statistics."""
    share = text.percent(answer.bytes, before.bytes)
    what = f"Saved {text.file_size(answer.bytes)} ({share} of the original)."
    beside = f"\n{answer.needs}" if answer.needs else ""
    hint = f"{answer.path}{beside}"
    recovery = answer.recovered
    parts = (proof(answer.proof), statistics, nearer(recovery) if recovery else "")
    details = "\n".join((*recovery.steps, *recovery.left)) if recovery else ""
    why = " ".join(filter(None, parts))
    return Notice("success", what, why, hint, details, offer="folder", subject=answer.path)


def nearer(answer: wire.Recovered) -> str:
    """How far recovery brought the outputs, in a sentence."""
    if answer.distance is None:
        return "Recovery ran without samples, so how far it helps was not measured."
    before, after = (text.percent(apart, 1) for apart in answer.distance)
    if before == after:
        return f"Recovery could not bring the outputs nearer to the whole model's: they differ by {after}."
    nearer = "Recovery brings the outputs nearer to the whole model's"
    return f"{nearer}: they differ by {after}, before by {before}."


def recovered(name: str, answer: wire.Recovered) -> Notice:
    """The card of a recovery that was tried on the plan of that name."""
    why = " ".join(filter(None, (f"Tried on “{name}”.", answer.about, "The proof stays that of the cut.")))
    hint = (
        "It is done whenever a smaller model of this document is saved. Data › Recover Accuracy changes it."
    )
    details = "\n".join((*answer.steps, *answer.left))
    return Notice("success", nearer(answer), why, hint, details)


def needs_samples(criterion: str) -> Notice:
    """The card of a criterion that looks at data, when nobody has said which."""
    what = f"{criterion} judges channels by what they do on your samples."
    return Notice("note", what, "None were chosen yet.", "Choose them first: Data › Samples. Then try again.")


def sensed(answer: wire.Sensed, rows: Sequence[wire.GroupRow]) -> Notice:
    """The card of a sensitivity that was measured."""
    curves = {row.id: answer.sensitivity.curve(row.id, row.size)[:-1] for row in rows}
    worst = sorted((name for name, curve in curves.items() if curve), key=lambda name: -curves[name][0][1])
    what = f"The sensitivity of {text.plural(len(worst), 'group')} was measured."
    why = f"Most is lost by cutting {', '.join(worst[:3])}. {answer.about}".strip() if worst else answer.about
    return Notice("success", what, why, "Select a group to see its own; Plan › Target can go by it.")


def evaluated(name: str, answer: wire.Evaluated) -> Notice:
    """The card of an accuracy that was measured."""
    before, after = (measured(value, answer.measure) for value in (answer.before, answer.after))
    what = f"The smaller model scores {after}, the whole one {before}."
    if answer.measure == "accuracy":
        what = f"The smaller model is right in {after}, the whole one in {before}."
    hint = "Data › Recover Accuracy may win some back without training. A report says this, too."
    return Notice("note", what, f"Measured with “{name}”. {answer.about}".strip(), hint)


def measured(value: float, measure: Measure) -> str:
    """An accuracy as "91.9 %", a measure of the user's own as it is."""
    return f"{100 * value:.1f} %" if measure == "accuracy" else f"{value:.4g}"


def recalibrated(names: Sequence[str], plans: PlanSet, own: Statistics, about: str) -> Notice:
    """The card of statistics that were taken of `names`; `plans` as they are now, `own` those of the last."""
    fresh = [name for name in names if name in plans.fresh]
    if not fresh and names[0] in plans.names:
        return Notice("note", f"“{names[0]}” was changed meanwhile.", "Its new statistics are out of date.")
    if not fresh:
        what = f"The plan “{names[0]}” is gone, and so are its statistics."
        return Notice("note", what, "It was renamed or deleted meanwhile.")
    late = f"The others of {len(names)} were changed meanwhile." if len(fresh) < len(names) else ""
    whose = f"{len(fresh)} plans have norm statistics of their own"
    if len(fresh) == 1:
        whose = f"{f'“{names[0]}”' if len(names) == 1 else '1 plan'} has norm statistics of its own"
    hint = "They are saved with the smaller model, and with the plans."
    return Notice("success", f"{whose}, of {own.samples}.", " ".join(filter(None, (about, late))), hint)


def statistics_changed(before: PlanSet, after: PlanSet) -> Notice | None:
    """The card when an edit puts statistics out of date, or back in force."""
    for name in after.stale:
        if name in before.fresh:
            what = f"The norm statistics of “{name}” are out of date."
            hint = "Undo the change, or recalibrate the plan again: Data › Recalibrate Statistics."
            return Notice("note", what, "They were taken of the smaller model before this change.", hint)
    for name, own in after.fresh.items():
        if before.stale.get(name) == own:
            return Notice("note", f"The norm statistics of “{name}” fit again.")
    return None


def with_statistics(plans: PlanSet) -> str:
    """What became of the current plan's own statistics in a save, in a sentence."""
    if own := plans.fresh.get(plans.current):
        return f"Its norm statistics are those of {own.samples}; the proof is of the cut before them."
    if plans.current in plans.stale:
        return "The statistics of its plan are out of date and were left out."
    return ""


def plans_left(names: Sequence[str]) -> str:
    """Which plans a saved model leaves in no file, in a sentence."""
    if not names:
        return ""
    quoted = ", ".join(f"“{name}”" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"Not saved yet: {quoted}{more}; File › Save Plans writes all plans."


def edits_kept(name: str, other: str) -> Notice:
    """The card when a model was edited while another one was opened."""
    why = f"They were made while {other} was being opened."
    return Notice("note", f"Your last edits of {name} are kept.", why, f"Open {name} again to get them back.")


def written(path: str) -> Notice:
    """The card of a small file that was written."""
    return Notice("success", f"Wrote {Path(path).name}.", "", path, offer="folder", subject=path)


def keeps_one(group_id: str) -> Notice:
    """The user took the last channel away."""
    return Notice("note", "Every group keeps at least one channel.", "", f"Leave one of {group_id}.")


def timed(answer: wire.Timed) -> Notice:
    """How long the model takes, whole and under the plan; what to do where that is not worth it."""
    before, after = text.seconds(answer.before), text.seconds(answer.after)
    how = "measured in turns" if answer.spread else "by its table"
    what = f"{after} of {before} for one forward pass, {how}."
    layers = [
        f"{name or '(model)'}: {text.seconds(new)} of {text.seconds(old)}"
        for name, old, new in answer.slowest
    ]
    details = "\n".join(["The slowest layers, by their ops alone:", *layers]) if layers else ""
    return Notice("note", what, answer.warning, answer.advice or f"On {answer.device}.", details)


def kept_front(number: int, above: str) -> Notice:
    """Plans of a front were put below the plan of that name."""
    if not number:
        return Notice("note", "All plans of the front are among your plans already.")
    what = f"Added {text.plural(number, 'plan')} of the front below “{above}”."
    return Notice(
        "success", what, "", "The panel Plans shows them: click one to switch to it, or compare two."
    )


def uses_table(name: str) -> Notice:
    """Times are those of another device from now on."""
    return Notice("note", f"Times are those of {name} from now on.", "", "Nothing is measured here.")


def locked_by_user(group_id: str) -> Notice:
    """The card of an edit of a group that the plan leaves whole."""
    return Notice("note", f"{group_id} is locked.", "You locked it in this plan.", "Unlock it first.")


def unproven(answer: wire.Unproven, request: wire.Save) -> Notice:
    """The card of a save that waits for the user's explicit word, which `request` asked for."""
    hint = "Keep more channels in the groups changed last, or save it anyway if you can check it yourself."
    why = proof(answer.proof)
    return Notice(
        "error", "Nothing was saved yet.", why, hint, offer="accept", subject=answer.path, request=request
    )


def verified(name: str, row: wire.ProofRow, is_current: bool) -> Notice:
    """The card of a proof without a save, of the plan of that name; `is_current`: as it still is."""
    if not is_current:
        what = f"“{name}” was changed while it was proven."
        return Notice("note", what, f"Before the change: {proof(row)}", "Verify it again as it is now.")
    if row.passed and row.level != "structural":
        hint = "Nothing was written. File › Save Smaller Model writes it."
        return Notice("success", f"The cut of “{name}” is proven.", proof(row), hint)
    hint = "Keep more channels in the groups changed last, then verify again."
    return Notice("error", f"The cut of “{name}” is not proven.", proof(row), hint)


def proven_again(answer: wire.Verified) -> Notice:
    """The card of a file that was saved earlier and proven again."""
    name, of = Path(answer.small).name, f"Against {answer.original}."
    if answer.timed is not None:
        time = timed(answer.timed)
        of = " ".join(filter(None, (of, time.what, time.why, time.hint)))
    if answer.proof.passed and answer.proof.level != "structural":
        return Notice("success", f"{name} is proven.", f"{proof(answer.proof)} {of}", answer.small)
    hint = "Use it only if you can check it yourself, or save it again from the original."
    return Notice("error", f"{name} is not proven.", f"{proof(answer.proof)} {of}", hint)


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


def met_already(title: str) -> Notice:
    """The plan as it is meets a target."""
    return Notice("note", "The plan meets this as it is.", f"{title}.", "Nothing was changed: leave less.")


def met(title: str, kept: float) -> Notice:
    """A plan that meets a target was found."""
    return Notice(
        "note", f"{title}.", f"{text.percent(kept, 1)} of the importance stays.", "Undo takes it back."
    )
