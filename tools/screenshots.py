# ruff: noqa: INP001 - a script, not a package
"""Make the pictures in docs/screens/: every state of the window, light and dark, with the real engine.

Usage: python tools/screenshots.py [FOLDER] [--scale 1.5] [--only comfort,large]. Needs no display: it draws
offscreen. Without --scale, every state is drawn at both scales, the larger one as NAME-THEME@1.5x.png.
"""

from __future__ import annotations

import argparse
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PySide6.QtCore import QPoint, QRect, QSettings, Qt  # noqa: E402 - the path must be set first
from PySide6.QtGui import QPainter, QPalette, QPixmap  # noqa: E402
from PySide6.QtTest import QTest  # noqa: E402
from PySide6.QtWidgets import QApplication, QMenu, QWidget  # noqa: E402

from slimgui.core import wire  # noqa: E402
from slimgui.core.plan import Plan  # noqa: E402
from slimgui.core.plan_set import PlanSet  # noqa: E402
from slimgui.core.recovery import RECOVERY, Recovery  # noqa: E402
from slimgui.core.sampling import SampleSource  # noqa: E402
from slimgui.gui.dialogs.asking import Dialogs, consent_box  # noqa: E402
from slimgui.gui.dialogs.recovery import RecoveryDialog  # noqa: E402
from slimgui.gui.dialogs.sensitivity import SensitivityDialog  # noqa: E402
from slimgui.gui.dialogs.sources import OpenWithDialog, ProveDialog  # noqa: E402
from slimgui.gui.facts.losses import losses  # noqa: E402
from slimgui.gui.facts.notice import stopped  # noqa: E402
from slimgui.gui.journal.record import Entry  # noqa: E402
from slimgui.gui.journal.writer import LAST, read  # noqa: E402
from slimgui.gui.main_window import MainWindow  # noqa: E402
from slimgui.gui.session import Session  # noqa: E402
from slimgui.gui.settings import Settings  # noqa: E402
from slimgui.gui.theme import Choice, Theme  # noqa: E402
from slimgui.gui.views.allowed import AllowedCode  # noqa: E402
from slimgui.gui.views.architectures import Architectures  # noqa: E402
from slimgui.gui.views.delegates import CountEditor  # noqa: E402
from slimgui.gui.views.file_window import FileWindow  # noqa: E402
from slimgui.gui.views.palette import Palette  # noqa: E402
from slimgui.gui.views.preferences import Preferences  # noqa: E402
from slimgui.gui.views.shortcuts import Shortcuts  # noqa: E402
from slimgui.gui.work.worker import Worker  # noqa: E402

EXAMPLE: Final = ROOT / "resources" / "example" / "fashion_cnn.pt"
PATIENCE_S: Final = 120


class Hostile:
    """A pickle of it would start a program; it is looked into and never loaded."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("echo this file ran a program",)


SCALES: Final = ("1", "1.5")


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
        scale = app.devicePixelRatio()
        self.ending = f"{theme}.png" if scale == 1 else f"{theme}@{scale:g}x.png"
        self.worker = Worker()
        self.session = Session(self.worker)
        store = QSettings(str(scratch / f"{theme}.ini"), QSettings.Format.IniFormat)
        settings = Settings(store)
        self.window = MainWindow(
            self.session, settings, Theme(app, theme), Answers(scratch / "fashion_cnn-slim.pt")
        )
        self.window.first_painted.connect(self.worker.start)

    def shoot(self, name: str) -> None:
        """Save one picture, of what a user sees half a second later: with all that comes by itself."""
        self.wait(self.settled)
        QTest.qWait(150)
        self.save(self.window.grab(), name)

    def save(self, picture: QPixmap, name: str) -> None:
        """Save a picture under the name of its state."""
        picture.save(str(self.folder / f"{name}-{self.ending}"))

    def shoot_dialog(self, dialog: QWidget, name: str) -> None:
        """A picture of the window with a dialog over it, which is then closed."""
        QTest.qWait(150)
        picture = self.window.grab()
        painter = QPainter(picture)
        room = self.window.size() - dialog.size()  # where it opens depends on a screen that is not there
        corner = QPoint(room.width() // 2, room.height() // 3)
        painter.drawPixmap(corner, dialog.grab())
        painter.setPen(self.window.palette().color(QPalette.ColorRole.PlaceholderText))
        painter.drawRect(QRect(corner, dialog.size()))  # in place of what a window manager draws
        painter.end()
        self.save(picture, name)
        dialog.close()

    def wait(self, done: Callable[[], bool]) -> None:
        """Let the window live until `done`."""
        end = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the engine did not answer")
            QTest.qWait(20)

    def settled(self) -> bool:
        """Whether what is asked for beside the tasks is there, and the graph is ready."""
        session, judging = self.session, self.session.judging
        if session.document is None or session.task is not None:
            return True
        is_judged = judging.scores is not None or bool(judging.why_not)
        is_placed = not session.selected or judging.places(session.selected) is not None
        return is_judged and is_placed and not self.window.panels.graph.is_warming

    def idle(self) -> bool:
        """Whether no task is running."""
        return self.session.task is None

    def run(self, only: Sequence[str]) -> None:
        """All states, in the order in which a user meets them; the start is that of every other one."""
        self.start()
        for name, states in self.chapters().items():
            if not only or name in only:
                states()

    def panels(self) -> None:
        """A plan by target and its time; the tree of plans with two compared; charts with the front."""
        window, session = self.window, self.session
        window.card.dismiss()
        session.edit_plans("Add plan", session.plans.branched("Half the compute"))
        session.meet("macs=50%")
        self.wait(self.idle)
        window.menus.actions["data_latency"].trigger()
        self.wait(self.idle)
        window.panels.docks["plan"].raise_()
        self.shoot("22-plan")
        window.card.dismiss()
        window.panels.docks["plans"].raise_()
        self.shoot("23-plans")
        window.panels.docks["charts"].raise_()
        self.wait(lambda: window.panels.charts.front is not None)
        session.insight.search_front("macs")
        self.wait(self.idle)
        self.shoot("24-charts")
        window.panels.docks["details"].raise_()
        session.select(next(row.id for row in session.document.groups if row.locked is None))
        self.wait(lambda: session.judging.places(session.selected) is not None)
        self.shoot("25-details")
        session.select("")

    def chapters(self) -> dict[str, Callable[[], None]]:
        """What follows the start, by the names that --only takes."""
        return {
            "plans": self.plans,
            "panels": self.panels,
            "comfort": self.comfort,
            "files": self.files,
            "fail": self.fail,
            "ask": self.ask,
            "unnamed": self.unnamed,
            "large": self.large,
        }

    def start(self) -> None:
        """From the empty window to the saved model."""
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
        editor = window.panels.groups.tree.findChild(CountEditor)
        assert isinstance(editor, CountEditor), "the editor is open"
        editor.setValue(editor.maximum() // 2)
        self.shoot("4-editing")
        QTest.keyClick(editor, Qt.Key.Key_Return)
        window.panels.groups.tree.expand(window.panels.groups.tree.currentIndex().siblingAtColumn(0))
        self.shoot("5-edited")
        session.set_ratio(0.3)
        window.document_actions.choose_target()
        self.wait(self.idle)
        self.shoot("6-saved")

    def comfort(self) -> None:
        """Proof without a save, palette, keys, preferences, history and past tasks; what a crash leaves."""
        window = self.window
        window.menus.actions["verify"].trigger()
        self.wait(self.idle)
        self.shoot("17-verified")
        window.card.dismiss()
        window.menus.actions["palette"].trigger()
        palette = window.findChild(Palette)
        palette.box.setText("co")
        self.shoot_dialog(palette, "18-palette")
        for number, name in enumerate(("model.py", "finetuned.pt", "dataset.py")):
            window.settings.add_trusted(f"{number:064}", f"/home/me/models/{name}")
        kinds = (("shortcuts", Shortcuts), ("preferences", Preferences), ("allowed_code", AllowedCode))
        for key, kind in kinds:
            window.menus.actions[key].trigger()
            self.shoot_dialog(window.findChild(kind), f"18-{key.replace('_', '-')}")
        for name in ("history", "tasks"):
            window.panels.docks[name].toggleViewAction().trigger()
        window.panels.past_tasks.tree.expandAll()
        self.shoot("19-history-and-tasks")
        window.panels.reset()
        self.session.noticed.emit(stopped("saving small.pt", True, "It did not answer.", frozen=True))
        self.shoot("20-frozen")
        self.crash()

    def files(self) -> None:
        """A file that is looked into, page by page, and a hostile one; a proof again; accuracy; a name."""
        window, session = self.window, self.session
        bad = self.scratch / "found.pt"
        bad.write_bytes(pickle.dumps(Hostile(), protocol=2))
        example = ROOT / "resources" / "example" / "fashion_cnn.pt"
        for path, pages in ((example, ("tensors", "facts", "asks")), (bad, ("hostile",))):
            session.others.look(str(path))
            self.wait(self.idle)
            shown = window.findChildren(FileWindow)[-1]
            for number, page in enumerate(pages):
                if path == example:
                    shown.tabs.setCurrentIndex(number)
                QTest.qWait(150)
                self.save(shown.grab(), f"26-look-{page}")
            shown.close()
        small = str(self.scratch / "fashion_cnn-slim.pt")
        prove, help_ = ProveDialog(window, str(example)), OpenWithDialog(window, str(example), "1x1x28x28")
        prove.small.line.setText(small)
        for dialog, name in ((prove, "27-prove-dialog"), (help_, "27-open-with")):
            dialog.show()
            QTest.qWait(150)
            self.save(dialog.grab(), name)
            dialog.close()
            dialog.deleteLater()
        session.others.prove(wire.Prove(0, small))
        self.wait(self.idle)
        self.shoot("28-proven-again")
        session.set_ratio(0.5)
        session.data.evaluate(SampleSource(str(example.parent / "heldout.npz"), 500))
        self.wait(self.idle)
        self.shoot("29-accuracy")
        window.card.dismiss()
        window.panels.docks["plans"].raise_()
        tree = window.panels.plan_tree.tree
        self.wait(lambda: tree.currentItem() is not None)
        QTest.qWait(150)  # it is filled when it is first seen
        tree.setFocus()
        tree.editItem(tree.currentItem(), 0)
        self.shoot("30-rename-plan")
        tree.setFocus()
        window.panels.docks["details"].raise_()

    def crash(self) -> None:
        """The start page after a crash, with what was open last."""
        folder = self.window.settings.data_folder / "journal"
        lost = PlanSet().with_plan(Plan(ratio=0.4))
        then = time.time() - 600
        for name in ("1-lost.json", LAST):
            entry = Entry(EXAMPLE.name, str(EXAMPLE), "", then, lost)
            (folder / name).write_text(entry.to_json(), encoding="utf-8")
        self.session.undo_stack.setClean()
        self.session.close()
        self.window.welcome.set_last(read(folder / LAST))
        self.window.restore.offer()
        self.shoot("21-restore")
        self.window.restore.discard(str(folder / "1-lost.json"))
        self.window.document_actions.open_example()
        self.wait(self.idle)

    def plans(self) -> None:
        """A second plan that compares all groups, one of them locked, with the menu that made it."""
        window, session = self.window, self.session
        window.card.dismiss()
        session.edit_plans("Add plan", session.plans.added("All together", session.plans.plan))
        window.menus.actions["plan_global"].trigger()
        self.wait(self.idle)
        window.menus.actions["plan_lock"].trigger()
        for title in ("&File", "&Plan"):
            menu = window.menus.menus[title]
            self.popped(menu, f"9-menu-{title[1:].lower()}", self.below(menu))
        session.select("")
        self.statistics(menu)

    def statistics(self, menu: QMenu) -> None:
        """Both plans with statistics of their own, one of them out of date; and what asks for samples."""
        window, session = self.window, self.session
        samples = str(ROOT / "resources" / "example" / "heldout.npz")
        recover = RecoveryDialog(window, None, SampleSource(samples))
        sense = SensitivityDialog(window, SampleSource(samples))
        for dialog, name in ((recover, "14-recover-dialog"), (sense, "14-sensitivity-dialog")):
            dialog.show()
            QTest.qWait(150)
            self.save(dialog.grab(), name)
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
        session.select(next(row.id for row in session.document.groups if losses(session.data.sensed, row)))
        self.shoot("15-sensitivity")
        session.set_ratio(0.4)
        self.popped(menu, "16-statistics", self.below(menu), inner=0)

    def below(self, menu: QMenu) -> QPoint:
        """Where a menu of the bar opens."""
        bar = self.window.menuBar()
        return bar.mapTo(self.window, bar.actionGeometry(menu.menuAction()).bottomLeft())

    def popped(self, menu: QMenu, name: str, place: QPoint, inner: int | None = None) -> None:
        """A picture with an open menu, a window of its own; `inner`: the menu in it that is open as well."""
        menu.popup(self.window.mapToGlobal(place))
        shown = [menu]
        if inner is not None:
            entry = [action for action in menu.actions() if action.menu()][inner]
            menu.setActiveAction(entry)
            QTest.keyClick(menu, Qt.Key.Key_Right)
            within = entry.menu()
            assert isinstance(within, QMenu), "chosen as one"
            shown.append(within)
        QTest.qWait(150)
        picture = self.window.grab()
        painter = QPainter(picture)
        for each in shown:
            painter.drawPixmap(self.window.mapFromGlobal(each.pos()), each.grab())
        painter.end()
        self.save(picture, name)
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
        self.save(box.grab(), "11-consent-dialog")
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
        self.save(dialog.grab(), "13-architecture")
        dialog.deleteLater()

    def large(self) -> None:
        """A net of a hundred boxes, where torchvision is there; the model of the last picture."""
        self.session.undo_stack.setClean()  # nobody is there to be asked about edits
        self.window.document_actions.open_source("torchvision.models:resnet50")
        self.wait(self.idle)
        self.session.set_ratio(0.5)
        self.session.select(self.session.document.groups[4].id if self.session.document else "")
        self.shoot("8-resnet50")
        before = self.window.size()
        self.window.resize(800, 600)
        self.shoot("33-small-screen")
        self.window.resize(before)

    def close(self) -> None:
        """End window and engine."""
        self.session.undo_stack.setClean()
        self.window.close()
        self.worker.close()


def main() -> None:
    """Both scales, each by a program of its own, as Qt asks for the scale once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "screens")
    parser.add_argument("--scale", help="of the screen: 1 or 1.5; both when none is named")
    parser.add_argument(
        "--only", default="", help="plans, panels, comfort, fail, ask, unnamed or large, with commas"
    )
    options = parser.parse_args()
    if options.scale is None:
        for scale in SCALES:
            subprocess.run([sys.executable, *sys.argv, "--scale", scale], check=True)
        return
    os.environ["QT_SCALE_FACTOR"] = options.scale
    options.folder.mkdir(parents=True, exist_ok=True)
    photograph(options.folder, [name for name in options.only.split(",") if name])


def photograph(folder: Path, only: Sequence[str]) -> None:
    """Both themes into one folder."""
    app = QApplication([])
    themes: tuple[Choice, ...] = ("light", "dark")
    with tempfile.TemporaryDirectory() as scratch:
        for theme in themes:
            own = Path(scratch, theme)
            own.mkdir()
            photographer = Photographer(app, folder, theme, own)
            try:
                photographer.run(only)
            finally:
                photographer.close()


if __name__ == "__main__":
    main()
