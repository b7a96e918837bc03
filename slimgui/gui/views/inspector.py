"""The selected group in words; without one, the open model."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from slimgui.core.plan_set import PlanSet
from slimgui.core.recovery import Recovery
from slimgui.core.wire import Document, GroupRow
from slimgui.core.words import describe
from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.theme import colours

_KINDS = {
    "channels": "channels",
    "heads": "attention heads",
    "head_dim": "channels inside each attention head",
    "conv_groups": "convolution groups",
}
_SHOWN = 12


class Inspector(QTextBrowser):
    """Read-only text about one group or the whole model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Details of the selected group")
        self.setOpenLinks(False)
        self.document().setDocumentMargin(10)

    def show_model(self, document: Document, plans: PlanSet, recovery: Recovery | None) -> None:
        """Say what is open, what the current plan does with it, and what a save does for accuracy."""
        inputs = ", ".join(text.shape(shape) for shape in document.input_shapes) or "unknown"
        free = sum(1 for row in document.groups if row.locked is None)
        held = len(document.groups) - free
        locked = f", {held} must stay whole" if held else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in document.notes)
        self._show(
            document.name,
            f"<p>Input: {escape(inputs)}<br>{text.plural(free, 'group')} can be made smaller{locked}.</p>"
            f"<p><b>{escape(plans.current)}.</b> {escape(describe(plans.plan))}</p>"
            f"{_statistics(plans)}{_recovery(recovery)}"
            f"{notes}<p>{self._muted('Click a box or a row to see what moves together, and why.')}</p>",
        )

    def show_group(self, row: GroupRow, snapshot: Snapshot, losses: Sequence[str]) -> None:
        """Say what a group is, what happens to it, and why; `losses`: what was measured, in sentences."""
        kept = snapshot.counts[row.id]
        body = f"<p><b>{kept}</b> of {row.size} {_KINDS[row.kind]} stay.</p>"
        if row.locked:
            body = f"<p><b>Must stay whole.</b> {escape(row.locked.what)}</p>{self._place(row)}"
        elif row.exact:
            body += "<p>Exact: the result is that of this model with the removed channels at zero.</p>"
        else:
            reason = escape(row.inexact.what) if row.inexact else "A normalisation runs over these channels."
            body += f"<p>Approximate: {reason}</p>"
        if row.id in snapshot.locked:
            body += "<p><b>You locked it</b> in this plan.</p>"
        if losses:
            body += f"<p>{'<br>'.join(map(escape, losses))}</p>"
        layers = [escape(layer) for layer in row.layers]
        more = f"<br>and {len(layers) - _SHOWN} more" if len(layers) > _SHOWN else ""
        names = "<br>".join(layers[:_SHOWN])
        title = "Layer" if len(layers) == 1 else f"{len(layers)} layers that move together"
        body += f"<p>{title}:<br>{names}{more}</p>"
        self._show(row.id or "Input of the model", body)

    def _place(self, row: GroupRow) -> str:
        assert row.locked, "only locks have a place"
        parts = [part for part in (row.locked.op, row.locked.module, row.locked.source) if part]
        path = f"<p>Through: {escape(' → '.join(row.locked.path))}</p>" if row.locked.path else ""
        return path + (f"<p>{self._muted(escape(' · '.join(parts)))}</p>" if parts else "")

    def _muted(self, content: str) -> str:
        return f'<span style="color:{colours(self.palette()).muted}">{content}</span>'

    def _show(self, title: str, body: str) -> None:
        self.setHtml(f'<p style="font-size:large"><b>{escape(title)}</b></p>{body}')


def _recovery(recovery: Recovery | None) -> str:
    """A paragraph about what a save does for accuracy, "" for nothing."""
    if recovery is None:
        return ""
    titles = ", then ".join(recovery.steps)
    of = f", with samples of {recovery.samples.name}" if recovery.samples else ""
    return f"<p><b>Every save recovers accuracy</b>: {escape(titles + of)}.</p>"


def _statistics(plans: PlanSet) -> str:
    """A paragraph about the current plan's own statistics, "" when it has none."""
    if own := plans.fresh.get(plans.current):
        return f"<p><b>Norm statistics of its own</b>, of {escape(own.samples)}.</p>"
    if own := plans.stale.get(plans.current):
        return (
            f"<p><b>Its norm statistics are out of date</b>: those of {escape(own.samples)} were taken "
            "before the plan was changed. Undo the change, or recalibrate it again.</p>"
        )
    return ""
