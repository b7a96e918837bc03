"""The selected group in words; without one, the open model."""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from typing import Final

from PySide6.QtCore import QUrl, Signal
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from slimgui.core.plan_set import PlanSet
from slimgui.core.recovery import Recovery
from slimgui.core.wire import Document, GroupRow
from slimgui.core.words import describe
from slimgui.gui.facts import text
from slimgui.gui.facts.losses import Losses
from slimgui.gui.facts.snapshot import Snapshot
from slimgui.gui.theme import colours

_KINDS = {
    "channels": "channels",
    "heads": "attention heads",
    "head_dim": "channels inside each attention head",
    "conv_groups": "convolution groups",
}
_SHOWN: Final = 8  # layers that are named before somebody asks for all
_MORE: Final = "more"  # where the link to all of them leads; the others, to the number of a layer
_STEPS: Final = (
    "Make it smaller: drag the slider in the tool bar, or double-click a count in the tree.",
    "Verify: proves that the smaller model computes the same as this one with those channels at zero.",
    "Save: proves it, too, and writes the smaller model.",
)


class Inspector(QTextBrowser):
    """Read-only text about one group or the whole model; a layer that is clicked leaves by its name."""

    layer_clicked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Details of the selected group")
        self.setOpenLinks(False)
        self.document().setDocumentMargin(10)
        self.anchorClicked.connect(self._on_clicked)
        self._shown: tuple[GroupRow, Snapshot, Losses | None, Collection[str]] | None = None
        self._unfolded = ""  # id of the group whose layers are all named

    def show_model(self, document: Document, plans: PlanSet, recovery: Recovery | None) -> None:
        """Say what is open, what the current plan does with it, and what a save does for accuracy."""
        inputs = ", ".join(text.shape(shape) for shape in document.input_shapes) or "unknown"
        free = sum(1 for row in document.groups if row.locked is None)
        held = len(document.groups) - free
        locked = f", {held} must stay whole" if held else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in document.notes)
        is_new = describe(plans.plan).startswith("Removes nothing")
        self._shown = None
        self._show(
            document.name,
            f"<p>Input: {escape(inputs)}<br>{text.plural(free, 'group')} can be made smaller{locked}.</p>"
            f"<p><b>{escape(plans.current)}.</b> {escape(describe(plans.plan))}</p>"
            f"{_statistics(plans)}{_recovery(recovery)}"
            f"{notes}<p>{self._muted('Click a box or a row to see what moves together, and why.')}</p>"
            f"{_steps() if is_new else ''}",
        )

    def show_group(
        self, row: GroupRow, snapshot: Snapshot, losses: Losses | None, boxes: Collection[str]
    ) -> None:
        """Say what a group is, what happens to it, and why.

        Args:
            row: the group.
            snapshot: what the plan makes of it.
            losses: what was measured of it; None when nothing is known.
            boxes: names of the layers that the graph can show.
        """
        self._shown = row, snapshot, losses, boxes
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
            body += self._losses(losses)
        self._show(row.id or "Input of the model", body + self._layers(row, boxes))

    def _losses(self, losses: Losses) -> str:
        """A small table: channels that stay, and below what that costs."""
        kept = "".join(f"<td align=right>{count}</td>" for count, _ in losses.rows)
        lost = "".join(f"<td align=right><b>{escape(loss)}</b></td>" for _, loss in losses.rows)
        rows = ((self._muted("Stay"), kept), (self._muted("Lost"), lost))
        table = "".join(f"<tr><td>{title}</td>{cells}</tr>" for title, cells in rows)
        return (
            f"<p><b>Cut alone</b>, it loses {escape(losses.of)}:</p>"
            f"<table cellspacing=0 cellpadding=3>{table}</table>"
        )

    def _layers(self, row: GroupRow, boxes: Collection[str]) -> str:
        """What moves with the group: how much, why, and the names as links into the graph."""
        layers = row.layers
        shown = len(layers) if self._unfolded == row.id or len(layers) <= _SHOWN + 1 else _SHOWN
        names = [
            self._link(str(number), layer) if layer in boxes else self._muted(escape(layer))
            for number, layer in enumerate(layers[:shown])
        ]
        if shown < len(layers):
            names.append(self._link(_MORE, f"{len(layers) - shown} more"))
        why = ": they read or write the same channels" if len(layers) > 1 else ""
        title = "1 layer" if len(layers) == 1 else f"{len(layers)} layers move together"
        return f"<p><b>{title}</b>{why}.</p><p>{', '.join(names)}</p>"

    def _link(self, target: str, said: str) -> str:
        colour = colours(self.palette()).accent
        return f'<a href="#{target}" style="color:{colour}; text-decoration:none">{escape(said)}</a>'

    def _on_clicked(self, url: QUrl) -> None:
        """Unfold the list of layers, or say which of them was clicked."""
        if self._shown is None:
            return
        row, target = self._shown[0], url.fragment()
        if target != _MORE:
            self.layer_clicked.emit(row.layers[int(target)])
            return
        self._unfolded = row.id
        self.show_group(*self._shown)

    def _place(self, row: GroupRow) -> str:
        assert row.locked, "only locks have a place"
        parts = [part for part in (row.locked.op, row.locked.module, row.locked.source) if part]
        path = f"<p>Through: {escape(' → '.join(row.locked.path))}</p>" if row.locked.path else ""
        return path + (f"<p>{self._muted(escape(' · '.join(parts)))}</p>" if parts else "")

    def _muted(self, content: str) -> str:
        return f'<span style="color:{colours(self.palette()).muted}">{content}</span>'

    def _show(self, title: str, body: str) -> None:
        self.setHtml(f'<p style="font-size:large"><b>{escape(title)}</b></p>{body}')


def _steps() -> str:
    """What to do with a model that was opened just now."""
    steps = "".join(f"<li>{escape(step)}</li>" for step in _STEPS)
    return f"<p><b>What to do</b></p><ol style='-qt-list-indent:0; margin-left:16px'>{steps}</ol>"


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
