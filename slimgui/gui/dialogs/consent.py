"""Asking the user whether the code of a file may run, and doing what the answer says."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings


def ask(parent: QWidget, dialogs: Dialogs, settings: Settings, session: Session, notice: Notice) -> None:
    """Ask about the code that `notice` names; try again what needed it when the user agrees to run it.

    The engine compares the hash with the bytes it then runs: what was agreed to here is what runs there.
    """
    request, code = notice.request, notice.code
    assert request, "consent is asked for when something was to be opened or sampled"
    assert code, "consent is asked for when there is code"
    answer = dialogs.consent(parent, code)
    if answer == "remember":
        settings.add_trusted(code.sha256, code.path)
    if answer != "cancel":
        session.ask_again(request, code.sha256)
