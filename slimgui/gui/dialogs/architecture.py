"""Asking the user which architecture weights are of, and opening them as that."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from slimgui.core import wire
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.session import Session


def ask(parent: QWidget, dialogs: Dialogs, session: Session, notice: Notice) -> None:
    """Ask about the weights that `notice` is about; open them again as what the user chose."""
    request = notice.request
    assert isinstance(request, wire.Open), "architectures are asked for when something was to be opened"
    source = dialogs.architecture(parent, request.source, notice.architectures)
    if source:
        session.open(source, request.shape, request.trusted)
