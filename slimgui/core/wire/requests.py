"""What the window asks of the engine."""

from __future__ import annotations

from typing import Literal

from slimgui.core.plan import Plan
from slimgui.core.plan_set import Statistics
from slimgui.core.recovery import Recovery
from slimgui.core.report import Facts
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Sensitivity
from slimgui.core.wire.rows import Message


class Open(Message, frozen=True, tag="open"):
    """Load, trace and lay out. `source` is a path or an importable factory; `shape` e.g. "1x3x224x224".

    `trusted`: SHA-256 of the files whose code the user agreed to run.
    """

    source: str
    shape: str = ""
    trusted: tuple[str, ...] = ()


class Save(Message, frozen=True, tag="save"):
    """Deploy the open model under `plan`, prove it, write it to `path`, read it back.

    `document` is the task number of the Open that is meant: a restarted engine must never save another
    model. `accept_unproven` is the user's explicit word; without it only a numeric proof is written.
    `statistics`: of the plan's own, applied after the proof, which is of the cut; then `recovery`.
    `format`: by its name, "" for the one that the suffix stands for.
    """

    path: str
    plan: Plan
    document: int
    accept_unproven: bool = False
    statistics: Statistics | None = None
    recovery: Recovery | None = None
    format: str = ""


class Verify(Message, frozen=True, tag="verify"):
    """Deploy and prove, write nothing. `document` as in Save."""

    plan: Plan
    document: int


class Recover(Message, frozen=True, tag="recover"):
    """Try `recovery` on the smaller model under `plan`, write nothing; the other fields as in Save."""

    plan: Plan
    document: int
    recovery: Recovery
    statistics: Statistics | None = None


class Rank(Message, frozen=True, tag="rank"):
    """Score every channel of the open model by the criterion `importance`; `document` as in Save.

    `samples`: for a criterion that looks at data.
    """

    importance: str
    document: int
    samples: SampleSource | None = None


class Evaluate(Message, frozen=True, tag="evaluate"):
    """Measure on `samples` how often the whole model is right, and what a Save would write.

    The other fields as there.
    """

    plan: Plan
    document: int
    samples: SampleSource
    statistics: Statistics | None = None
    recovery: Recovery | None = None


class Sense(Message, frozen=True, tag="sense"):
    """Measure what is lost when each group alone is cut, on `samples`; `document` as in Save.

    The criterion of `plan` says which channels go, its locks are kept. `by_distance`: outputs are compared
    also where the samples have labels.
    """

    plan: Plan
    document: int
    samples: SampleSource
    by_distance: bool = False


class Meet(Message, frozen=True, tag="meet"):
    """Search the plan that meets `targets` ("macs=50%, params=11M") within the limits of `plan`.

    `document` as in Save, `samples` as in Rank, `table`, `device` and `threads` as in Time. `sensitivity`:
    says in place of the scores alone what a group's channels are worth.
    """

    targets: str
    plan: Plan
    document: int
    samples: SampleSource | None = None
    sensitivity: Sensitivity | None = None
    table: str = ""
    device: str = "cpu"
    threads: int = 0


class ReadPlans(Message, frozen=True, tag="read_plans"):
    """Read the plans, or the channel configuration, in the file at `path`; `document` as in Save.

    Files of statistics beside it are copied into `folder`.
    """

    path: str
    document: int
    folder: str


class Recalibrate(Message, frozen=True, tag="recalibrate"):
    """Take the running statistics of the model under `plan` anew and write them to the file `path`.

    `samples`: what they are taken of. `document` as in Save.
    """

    plan: Plan
    document: int
    path: str
    samples: SampleSource


class Export(Message, frozen=True, tag="export"):
    """Write to `path` what `plan` leaves: the widths as a channel configuration, or the kept channels.

    Or the times of the model's ops on `device` with `threads`, see Time, whatever the plan says.
    """

    path: str
    plan: Plan
    document: int
    what: Literal["config", "kept", "times"]
    device: str = "cpu"
    threads: int = 0


class Arrange(Message, frozen=True, tag="arrange"):
    """Draw a graph with the modules in `opened` open. It is answered at once, and by any engine: see Ping."""

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]
    opened: tuple[str, ...]


class Report(Message, frozen=True, tag="report"):
    """Write a page of HTML about the smaller model that `facts` are of to `path`; `document` as in Save."""

    path: str
    facts: Facts
    document: int


class Detail(Message, frozen=True, tag="detail"):
    """Ask for the graph of every single op of the open model; `document` as in Save."""

    document: int


class Ping(Message, frozen=True, tag="ping"):
    """Asks whether the engine lives; task is 0. It is answered at once, whatever else is being done."""


class Locate(Message, frozen=True, tag="locate"):
    """Say which indices of which parameters the channels of a group own; `document` as in Save."""

    group: str
    document: int


class Time(Message, frozen=True, tag="time"):
    """Measure how long the whole model takes, and the smaller one under `plan`; `document` as in Save.

    `table`: path of the times of another device, which are then taken in place of measuring here.
    `device`: to measure on, "cpu", "cuda" or "mps". `threads`: of the processor, 0 for as many as torch has.
    """

    plan: Plan
    document: int
    table: str = ""
    device: str = "cpu"
    threads: int = 0


class Front(Message, frozen=True, tag="front"):
    """Find the plans of which none costs less of `resource` than another and keeps more.

    `document` as in Save, `samples` as in Rank; the limits of `plan` are kept.
    """

    plan: Plan
    document: int
    resource: str = "macs"
    points: int = 24
    samples: SampleSource | None = None


class Look(Message, frozen=True, tag="look"):
    """Say what the file or folder at `path` holds and what it would run; nothing in it is run."""

    path: str


class Prove(Message, frozen=True, tag="prove"):
    """Prove the file `small`, which SlimGUI saved, against `original`, both as they lie on the disk.

    `original`: a source, "" for the one that the file names. `shape` and `trusted` as in Open, "" for the
    shape in the file. `is_timed`: measure how long both take, too; `device` and `threads` as in Time.
    """

    small: str
    original: str = ""
    shape: str = ""
    trusted: tuple[str, ...] = ()
    is_timed: bool = False
    device: str = "cpu"
    threads: int = 0


SampleRequest = Save | Recover | Evaluate | Rank | Sense | Meet | Recalibrate | Front
DocumentRequest = SampleRequest | Verify | ReadPlans | Export | Report | Locate | Time | Detail
FreeRequest = Open | Look | Prove
Request = FreeRequest | DocumentRequest
Asked = Request | Ping | Arrange
