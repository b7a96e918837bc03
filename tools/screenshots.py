# ruff: noqa: INP001 - a script, not a package
"""Make the pictures in docs/screens/: every state of the window, light and dark, with the real engine.

Usage: python tools/screenshots.py [FOLDER]. Needs no display: it draws offscreen.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QPoint, QSettings, Qt  # noqa: E402 - the path must be set first
from PySide6.QtGui import QPainter  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QMenu  # noqa: E402

from slimgui.core.recovery import RECOVERY, Recovery  # noqa: E402
from slimgui.core.sampling import SampleSource  # noqa: E402
from slimgui.gui.data_actions import SENSITIVITY  # noqa: E402
from slimgui.gui.delegates import CountEditor  # noqa: E402
from slimgui.gui.dialogs import Dialogs, consent_box  # noqa: E402
from slimgui.gui.main_window import MainWindow  # noqa: E402
from slimgui.gui.recovery import RecoveryDialog  # noqa: E402
from slimgui.gui.samples import SamplesDialog  # noqa: E402
from slimgui.gui.session import Session  # noqa: E402
from slimgui.gui.settings import Settings  # noqa: E402
from slimgui.gui.theme import Choice, Theme  # noqa: E402
from slimgui.gui.views.architectures import Architectures  # noqa: E402
from slimgui.gui.worker import Worker  # noqa: E402

PATIENCE_S: Final = 120


class Answers(Dialogs):
    """Saves where it is told, and never asks."""

    def __init__(self, target: Path) -> None:
        self.target = str(target)

    def save_path(self, parent: object, suggestion: str, title: str = "", kinds: str = "") -> str:
        """The one place."""
        del parent, suggestion, title, kinds
        return self.target


class Photographer:
    """Walks one window through its states."""

    def __init__(self, app: QApplication, folder: Path, theme: Choice, scratch: Path) -> None:
        self.folder, self.theme, self.scratch = folder, theme, scratch
        self.worker = Worker()
        self.session = Session(self.worker)
        store = QSettings(str(scratch / f"{theme}.ini"), QSettings.Format.IniFormat)
        settings = Settings(store)
        self.window = MainWindow(
            self.session, settings, Theme(app, theme), Answers(scratch / "fashion_cnn-slim.pt")
        )
        self.window.first_painted.connect(self.worker.start)

    def shoot(self, name: str) -> None:
        """Save one picture."""
        QTest.qWait(150)
        self.window.grab().save(str(self.folder / f"{name}-{self.theme}.png"))

    def wait(self, done: Callable[[], bool]) -> None:
        """Let the window live until `done`."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the engine did not answer")
            QTest.qWait(20)

    def idle(self) -> bool:
        """Whether no task is running."""
        return self.session.task is None

    def run(self) -> None:
        """All states, in the order in which a user meets them."""
        window, session = self.window, self.session
        window.show()
        self.shoot("1-empty")
        window.document_actions.open_example()
        self.wait(window.strip.isVisible)
        self.shoot("2-opening")
        self.wait(self.idle)
        self.shoot("3-loaded")
        assert session.document, "the example opens"
        groups = [row for row in session.document.groups if row.locked is None]
        session.set_count(groups[-2].id, groups[-2].size // 3)
        session.set_count(groups[1].id, groups[1].size // 2)
        session.select(groups[0].id)
        window.menus.actions["edit_count"].trigger()
        editor = window.groups.tree.findChild(CountEditor)
        assert isinstance(editor, CountEditor), "the editor is open"
        editor.setValue(editor.maximum() // 2)
        self.shoot("4-editing")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        window.groups.tree.expand(window.groups.tree.currentIndex().siblingAtColumn(0))
        self.shoot("5-edited")
        session.set_ratio(0.3)
        window.document_actions.choose_target()
        self.wait(self.idle)
        self.shoot("6-saved")
        self.plans()
        self.fail()
        self.ask()
        self.unnamed()
        self.large()

    def plans(self) -> None:
        """A second plan that compares all groups, one of them locked, with the menu that made it."""
        window, session = self.window, self.session
        window.card.dismiss()
        session.edit_plans("Add plan", session.plans.added("All together", session.plans.plan))
        window.menus.actions["plan_global"].trigger()
        self.wait(self.idle)
        window.menus.actions["plan_lock"].trigger()
        menu = window.menus.menus["&Plan"]
        bar = window.menuBar()
        place = bar.mapTo(window, bar.actionGeometry(menu.menuAction()).bottomLeft())
        self.popped(menu, "9-plans", place)
        session.select("")
        self.statistics(menu)

    def statistics(self, menu: QMenu) -> None:
        """Both plans with statistics of their own, one of them out of date; and what asks for samples."""
        window, session = self.window, self.session
        samples = str(ROOT / "resources" / "example" / "heldout.npz")
        recover = RecoveryDialog(window, None, SampleSource(samples))
        sense = SamplesDialog(window, SENSITIVITY, SampleSource(samples))
        for dialog, name in ((recover, "14-recover-dialog"), (sense, "14-sensitivity-dialog")):
            dialog.show()
            QTest.qWait(150)
            dialog.grab().save(str(self.folder / f"{name}-{self.theme}.png"))
            dialog.close()
            dialog.deleteLater()
        for name in session.plans.names:
            window.plan_actions.switch(name)
            session.data.recalibrate(SampleSource(samples, 500))
            self.wait(self.idle)
        self.shoot("15-recalibrated")
        session.data.recover(Recovery(tuple(RECOVERY), SampleSource(samples, 500)))
        self.wait(self.idle)
        self.shoot("15-recovered")
        session.data.measure(SampleSource(samples, 200))
        self.wait(self.idle)
        session.select(next(row.id for row in session.document.groups if row.locked is None))
        self.shoot("15-sensitivity")
        session.set_ratio(0.4)
        entries = next(action.menu() for action in menu.actions() if action.menu())
        assert isinstance(entries, QMenu), "a menu of plans is in the menu"
        self.popped(entries, "16-statistics", QPoint(80, 120))

    def popped(self, menu: QMenu, name: str, place: QPoint) -> None:
        """A picture with an open menu, which is a window of its own."""
        menu.popup(self.window.mapToGlobal(place))
        QTest.qWait(150)
        picture = self.window.grab()
        painter = QPainter(picture)
        painter.drawPixmap(self.window.mapFromGlobal(menu.pos()), menu.grab())
        painter.end()
        picture.save(str(self.folder / f"{name}-{self.theme}.png"))
        menu.close()

    def fail(self) -> None:
        """A file that is no model."""
        self.session.undo_stack.setClean()
        notes = self.scratch / "notes.pt"
        notes.write_text("Not a model, just a shopping list.\n")
        self.window.document_actions.open_source(str(notes))
        self.wait(self.idle)
        self.shoot("7-refused")

    def ask(self) -> None:
        """A Python file that would have to be run: the card, and the dialog over the window."""
        net = self.scratch / "my_net.py"
        net.write_text("from torch import nn\n\n\ndef build():\n    return nn.Linear(2, 3)\n")
        self.window.document_actions.open_source(str(net))
        self.wait(self.idle)
        self.shoot("10-consent")
        notice = self.window.card.notice
        assert notice, "the engine asks for consent"
        assert notice.code, "the engine says what would run"
        box, _, _ = consent_box(self.window, notice.code)
        box.show()
        QTest.qWait(150)
        box.grab().save(str(self.folder / f"11-consent-dialog-{self.theme}.png"))
        box.deleteLater()

    def unnamed(self) -> None:
        """Weights alone: the question which architecture they are of."""
        import torch
        from torchvision.models import efficientnet_b0

        weights = self.scratch / "weights.pth"
        torch.save(efficientnet_b0(num_classes=12).state_dict(), weights)
        self.window.document_actions.open_source(str(weights))
        self.wait(self.idle)
        self.shoot("12-unnamed")
        notice = self.window.card.notice
        assert notice, "the engine asks which architecture it is"
        dialog = Architectures(self.window, str(weights), notice.architectures)
        dialog.show()
        QTest.qWait(150)
        dialog.grab().save(str(self.folder / f"13-architecture-{self.theme}.png"))
        dialog.deleteLater()

    def large(self) -> None:
        """A net of a hundred boxes, where torchvision is there; the model of the last picture."""
        self.window.document_actions.open_source("torchvision.models:resnet50")
        self.wait(self.idle)
        self.session.set_ratio(0.5)
        self.session.select(self.session.document.groups[4].id if self.session.document else "")
        self.shoot("8-resnet50")

    def close(self) -> None:
        """End window and engine."""
        self.session.undo_stack.setClean()
        self.window.close()
        self.worker.close()


def main() -> None:
    """Both themes into one folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    app = QApplication([])
    themes: tuple[Choice, ...] = ("light", "dark")
    with tempfile.TemporaryDirectory() as scratch:
        for theme in themes:
            photographer = Photographer(app, folder, theme, Path(scratch))
            try:
                photographer.run()
            finally:
                photographer.close()


if __name__ == "__main__":
    main()
