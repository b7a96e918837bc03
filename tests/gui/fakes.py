"""What stands in for the engine and for the user."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from slimgui.core import wire
from slimgui.core.recovery import Recovery
from slimgui.core.sampling import SampleSource
from slimgui.gui.dialogs.asking import Consent, Dialogs, Unsaved
from slimgui.gui.dialogs.samples import Purpose
from slimgui.gui.turns import Turns
from slimgui.gui.work.worker import Stopped


class FakeTransport(QObject):
    """The worker's interface without a process: requests pile up, the test answers."""

    answered = Signal(object)
    stopped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[wire.Asked] = []
        self.cancelled = 0

    def submit(self, request: wire.Asked) -> None:
        self.requests.append(request)

    def cancel(self) -> None:
        self.cancelled += 1
        self.stop()

    def renew(self) -> None:
        self.cancel()

    def stop(self, ready: bool = True, log: str = "killed") -> None:
        """The child ends."""
        self.stopped.emit(Stopped(ready, log))

    def open(self, document: wire.Document) -> None:
        """Answer the last request with a model, and let windows show it at once."""
        self.answered.emit(wire.Opened(self.requests[-1].task, document))
        for window in QApplication.topLevelWidgets():
            for turns in window.findChildren(Turns):
                turns.finish()

    def fail(self, what: str, **more: str | wire.Code) -> None:
        """Refuse the last request."""
        self.answered.emit(wire.Failed(self.requests[-1].task, what, **more))

    def save(self, size: int = 1_000, level: str = "numeric") -> None:
        """Answer the last request as saved."""
        request = self.requests[-1]
        assert isinstance(request, wire.Save)
        self.answered.emit(wire.Saved(request.task, request.path, size, wire.ProofRow(True, 3e-7, level)))

    def answer(self, kind: type[wire.Answer], **content: object) -> None:
        """Answer the last request."""
        self.answered.emit(kind(self.requests[-1].task, **content))


class FakeDialogs(Dialogs):
    """A user who answers at once, and remembers what was asked."""

    def __init__(self, path: str = "", answer: Unsaved = "cancel", shape: str = "") -> None:
        self.path, self.answer, self.shape = path, answer, shape
        self.typed: str | int | None = None
        self.consents: Consent = "cancel"
        self.chosen = ""
        self.stops = True
        self.source: SampleSource | None = None
        self.by_distance = False
        self.wanted: Recovery | None = None
        self.asked: list[str] = []
        self.labels: list[str] = []
        self.named: wire.Prove | tuple[str, str] | None = None

    def open_path(self, parent: QWidget, folder: str, title: str = "", kinds: str = "") -> str:
        self.asked.append("open")
        return self.path

    def save_path(self, parent: QWidget, suggestion: str, title: str = "", kinds: str = "") -> str:
        self.asked.append(suggestion)
        return self.path

    def text(self, parent: QWidget, title: str, label: str, value: str) -> str | None:
        self.asked.append(value)
        self.labels.append(label)
        return self.typed if isinstance(self.typed, str) else None

    def number(self, parent: QWidget, title: str, label: str, value: int, low: int, high: int) -> int | None:
        self.asked.append(str(value))
        assert not isinstance(self.typed, int) or low <= self.typed <= high
        return self.typed if isinstance(self.typed, int) else None

    def choice(
        self, parent: QWidget, title: str, label: str, options: Sequence[str], value: str
    ) -> str | None:
        self.asked.append(value)
        return self.typed if self.typed in options else None

    def stop(self, parent: QWidget, doing: str) -> bool:
        self.asked.append(doing)
        return self.stops

    def unsaved(self, parent: QWidget, name: str, is_cut: bool) -> Unsaved:
        self.asked.append("unsaved")
        return self.answer

    def consent(self, parent: QWidget, code: wire.Code) -> Consent:
        self.asked.append(code.sha256)
        return self.consents

    def architecture(self, parent: QWidget, path: str, rows: Sequence[wire.Architecture]) -> str:
        self.asked.append(path)
        return self.chosen

    def samples(self, parent: QWidget, purpose: Purpose, start: SampleSource) -> SampleSource | None:
        self.asked.append(start.path)
        self.labels.append(purpose.title)
        return self.source

    def sensitivity(self, parent: QWidget, start: SampleSource) -> tuple[SampleSource, bool] | None:
        self.asked.append(start.path)
        return None if self.source is None else (self.source, self.by_distance)

    def recovery(self, parent: QWidget, start: Recovery | None, samples: SampleSource) -> Recovery | None:
        self.asked.append(samples.path)
        return self.wanted

    def input_shape(self, parent: QWidget, name: str, value: str) -> str:
        self.asked.append(value)
        return self.shape

    def about(self, parent: QWidget, versions: Sequence[tuple[str, str]]) -> None:
        self.asked += [name for name, _ in versions]

    def folder_path(self, parent: QWidget, folder: str, title: str) -> str:
        self.asked.append(folder)
        return self.path

    def proof(self, parent: QWidget, original: str) -> wire.Prove | None:
        self.asked.append(original)
        return self.named if isinstance(self.named, wire.Prove) else None

    def model_source(self, parent: QWidget, source: str, shape: str) -> tuple[str, str] | None:
        self.asked += [source, shape]
        return self.named if isinstance(self.named, tuple) else None
