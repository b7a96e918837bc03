"""The handlers of the Plan menu that need samples: ask which, and what is to be done with them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QWidget

from slimgui import resources
from slimgui.core.sampling import SampleSource
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.dialogs.samples import Purpose
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings

CURVES: Final = "Sensitivity (*.jsonl);;All files (*)"
PLANS: Final = "Plans (*.json)"
TABLES: Final = "Times of ops (*.json);;All files (*)"
MOST_THREADS: Final = 1024
DEVICES: Final = ("cpu", "cuda", "mps")
_SHOWN: Final = 5  # names of plans in a sentence
_LIKE: Final = "Take data like that the model was trained on."
_ANY: Final = Purpose(
    "Samples",
    f"What criteria that look at data, recovery, norm statistics and sensitivity are taken of. {_LIKE}",
    "Use",
)
ACCURACY: Final = Purpose(
    "Measure accuracy",
    "How often the whole model is right, and the smaller one as a save would write it now, with statistics "
    "and recovery. Take samples with labels that the model was not trained on: a folder per class, an .npz "
    "with labels, or a .py with evaluate(model).",
    "Measure",
)


class DataActions:
    """One method per action.

    Args:
        parent: the window that questions belong to.
        session: is told every change.
        dialogs: ask the user.
        settings: remember the samples used last.
    """

    def __init__(self, parent: QWidget, session: Session, dialogs: Dialogs, settings: Settings) -> None:
        self._parent, self._session, self._dialogs, self._settings = parent, session, dialogs, settings

    def choose_samples(self) -> None:
        """Say which samples to use from now on."""
        if source := self._ask(_ANY):
            self._session.data.choose(source)

    def have_samples(self, criterion: str) -> bool:
        """Whether there are samples for a criterion; asks when nobody has said yet which."""
        if self._session.data.samples is None:
            aside = f"{criterion} judges channels by what they do on your samples. {_LIKE}"
            if source := self._ask(Purpose(f"Samples for {criterion}", aside, "Use")):
                self._session.data.choose(source)
        return self._session.data.samples is not None

    def measure_accuracy(self) -> None:
        """Measure how often both models are right."""
        if source := self._ask(ACCURACY):
            self._session.data.evaluate(source)

    def export_times(self) -> None:
        """Measure every op on this device, and write the times."""
        if path := self._ask_target("-times.json", "Export the times of this device", TABLES):
            self._session.files.export_times(path)

    def measure_latency(self) -> None:
        """Measure how long the model takes, whole and under the plan."""
        self._session.insight.measure()

    def search_front(self) -> None:
        """Find the plans of which none costs less than another and keeps more."""
        self._session.insight.search_front(self._session.insight.resource)

    def keep_front(self) -> None:
        """Put the plans of the front into the tree of plans."""
        self._session.insight.keep_front()

    def export_front(self) -> None:
        """Write the plans of the front to a file."""
        if path := self._ask_target("-front.json", "Export the front of plans", PLANS):
            self._session.files.export_front(path)

    def cancel(self) -> None:
        """Stop what the engine is doing."""
        self._session.cancel()

    def choose_device(self) -> None:
        """Say what latency is measured on."""
        label = "Latency is measured on (cuda and mps need a graphics card and a PyTorch for it):"
        now = self._session.insight.device
        if picked := self._dialogs.choice(self._parent, "Measure on", label, DEVICES, now):
            self._session.insight.use_device(picked)

    def choose_threads(self) -> None:
        """Say how many threads of the processor latency is measured with."""
        label = (
            "Threads of the processor that latency is measured with (0: as many as PyTorch chooses).\n"
            "Take as many as the model will have where it runs: 1 where several copies share a machine."
        )
        insight = self._session.insight
        number = self._dialogs.number(
            self._parent, "Processor threads", label, insight.threads, 0, MOST_THREADS
        )
        if number is not None:
            insight.use_threads(number)

    def choose_table(self) -> None:
        """Take times from a file of another device, or measure here again."""
        if self._session.insight.table:
            self._session.insight.use_table("")
            return
        title = "Times of another device"
        if path := self._dialogs.open_path(self._parent, self._settings.folder, title, TABLES):
            self._session.insight.use_table(path)

    def recalibrate(self) -> None:
        """Take the norm statistics of the current plan's model anew."""
        aside = f"The statistics become the plain average over these samples; labels are not needed. {_LIKE}"
        if source := self._ask(Purpose(f"Recalibrate {self._session.plans.current}", aside, "Recalibrate")):
            self._session.data.recalibrate(source)

    def recalibrate_all(self) -> None:
        """Take the norm statistics of every plan that removes something anew, one after the other."""
        names = self._session.data.cutting
        aside = (
            f"One after the other: {_some(names)}. Their statistics become the plain average over these "
            f"samples; labels are not needed. Do this before plans are compared or saved. {_LIKE}"
        )
        if source := self._ask(Purpose(f"Recalibrate {len(names)} plans", aside, "Recalibrate All")):
            self._session.data.recalibrate(source, names)

    def forget_statistics(self) -> None:
        """Let the current plan use the original's statistics again."""
        plans = self._session.plans
        title = f"Forget the statistics of {plans.current}"
        self._session.edit_plans(title, plans.with_statistics(plans.current, None))

    def recover(self) -> None:
        """Say what is done for the accuracy of smaller models."""
        wanted = self._dialogs.recovery(self._parent, self._session.data.recovery, self._start())
        if wanted is not None:
            if wanted.samples is not None:
                self._settings.samples = wanted.samples.path
            self._session.data.recover(wanted)

    def measure_sensitivity(self) -> None:
        """Measure what is lost when each group alone is cut."""
        if answer := self._dialogs.sensitivity(self._parent, self._start()):
            source, by_distance = answer
            self._settings.samples = source.path
            self._session.data.measure(source, by_distance)

    def open_sensitivity(self) -> None:
        """Take curves that were measured before, or on another machine."""
        title = "Open a sensitivity"
        if path := self._dialogs.open_path(self._parent, self._settings.folder, title, CURVES):
            self._settings.folder = str(Path(path).parent)
            self._session.data.read_sensitivity(path)

    def save_sensitivity(self) -> None:
        """Write the curves that were measured."""
        if path := self._ask_target("-sensitivity.jsonl", "Save the sensitivity", CURVES):
            self._session.data.write_sensitivity(path)

    def _ask_target(self, ending: str, title: str, kinds: str) -> str:
        """Where to write something about the open model, "" for a user who changed their mind."""
        assert self._session.document, "it is about an open model"
        name = Path(self._session.document.name.replace(":", ".")).stem + ending
        path = self._dialogs.save_path(self._parent, str(Path(self._settings.folder) / name), title, kinds)
        if not path:
            return ""
        self._settings.folder = str(Path(path).parent)
        return path if Path(path).suffix else path + Path(ending).suffix

    def _ask(self, purpose: Purpose) -> SampleSource | None:
        source = self._dialogs.samples(self._parent, purpose, self._start())
        if source is not None:
            self._settings.samples = source.path
        return source

    def _start(self) -> SampleSource:
        """The samples used last: of this document, else of any."""
        known = self._session.data.samples or SampleSource(self._settings.samples or self._example_samples())
        return known.trusting(self._settings.trusted)

    def _example_samples(self) -> str:
        """The images that come with the example, when that is open."""
        document = self._session.document
        with suppress(FileNotFoundError):
            if document is not None and document.source == str(resources.path(resources.EXAMPLE)):
                return str(resources.path(resources.SAMPLES))
        return ""


def _some(names: Sequence[str]) -> str:
    """The first few of many names."""
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more])
