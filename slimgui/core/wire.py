"""The messages between the window and the engine: length-prefixed JSON, both ways, never pickle.

A frame is four bytes of big-endian length and that many bytes of UTF-8 JSON. Index lists and other
large arrays never travel here. Every request carries a task number chosen by the window; every answer
repeats it, so that late answers of a cancelled task can be told apart.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from slimgui.core.cost import CostModel
from slimgui.core.framing import HEADER, MAX_FRAME
from slimgui.core.graph import LayerGraph
from slimgui.core.groups import Group, Kind, Refusal
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.recovery import Recovery
from slimgui.core.report import Facts
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Measure, Sensitivity

BOX_WIDTH: Final = 160.0  # one box, in the units of LayerGraph.positions
BOX_HEIGHT: Final = 46.0


class Message(msgspec.Struct, frozen=True, tag=True):
    """Base of everything that crosses the door."""

    task: int


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
    """

    path: str
    plan: Plan
    document: int
    accept_unproven: bool = False
    statistics: Statistics | None = None
    recovery: Recovery | None = None


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


class Sense(Message, frozen=True, tag="sense"):
    """Measure what is lost when each group alone is cut, on `samples`; `document` as in Save.

    The criterion of `plan` says which channels go, its locks are kept.
    """

    plan: Plan
    document: int
    samples: SampleSource


class Meet(Message, frozen=True, tag="meet"):
    """Search the plan that meets `targets` ("macs=50%, params=11M") within the limits of `plan`.

    `document` as in Save, `samples` as in Rank. `sensitivity`: says in place of the scores alone what a
    group's channels are worth.
    """

    targets: str
    plan: Plan
    document: int
    samples: SampleSource | None = None
    sensitivity: Sensitivity | None = None


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
    """Write what `plan` leaves to `path`: the widths as a channel configuration, or the kept channels."""

    path: str
    plan: Plan
    document: int
    what: Literal["config", "kept"]


class Report(Message, frozen=True, tag="report"):
    """Write a page of HTML about the smaller model that `facts` are of to `path`; `document` as in Save."""

    path: str
    facts: Facts
    document: int


class Ready(Message, frozen=True, tag="ready"):
    """The engine is warm; task is 0."""

    torch: str


class Progress(Message, frozen=True, tag="progress"):
    """`phase` in words; done of total, total 0 when unknown."""

    phase: str
    done: int = 0
    total: int = 0


class MemberRow(msgspec.Struct, frozen=True):
    """A Member without its index lists: `width` indices of dimension `dim` per channel."""

    parameter: str
    dim: int
    width: int

    @property
    def layer(self) -> str:
        """Dotted path of the module that owns the parameter."""
        return self.parameter.rpartition(".")[0]


class GroupRow(msgspec.Struct, frozen=True):
    """A Group without its index lists; `core.resolve.counts` takes it for a Group."""

    id: str
    size: int
    kind: Kind
    exact: bool
    locked: Refusal | None
    inexact: Refusal | None
    layers: tuple[str, ...]
    members: tuple[MemberRow, ...]


class Document(msgspec.Struct, frozen=True):
    """Everything the window needs of an open model.

    `criteria`: names that a plan's importance may have.
    `routes`: per edge of `graph` the points its arrow passes, ends included; () for an edge not drawn.
    """

    name: str
    source: str
    input_shapes: tuple[tuple[int, ...], ...]
    groups: tuple[GroupRow, ...]
    graph: LayerGraph
    cost: CostModel
    routes: tuple[tuple[tuple[float, float], ...], ...] = ()
    notes: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()


class Opened(Message, frozen=True, tag="opened"):
    """Answer to Open."""

    document: Document


class ProofRow(msgspec.Struct, frozen=True):
    """`max_error` is relative to the output's scale, None when nothing could be compared.

    `level` is "numeric", "blocks" or "structural"; `note` in words. `parted`: path of the first module whose
    output differs, "" for the model's own forward, None when none does.
    """

    passed: bool
    max_error: float | None
    level: str
    note: str = ""
    parted: str | None = None


class Recovered(Message, frozen=True, tag="recovered"):
    """Answer to Recover: a sentence for each step, all that was left alone and why, what it was taken of.

    `distance`: of the outputs from the whole model's, before and after, where there were samples.
    """

    steps: tuple[str, ...]
    left: tuple[str, ...] = ()
    about: str = ""
    distance: tuple[float, float] | None = None


class Saved(Message, frozen=True, tag="saved"):
    """Answer to Save: where it lies, how large it is in bytes, and the proof of what was read back.

    `needs`, in sentences: what loads the file, and what else is to be known of it.
    """

    path: str
    bytes: int
    proof: ProofRow
    needs: str = ""
    recovered: Recovered | None = None


class Unproven(Message, frozen=True, tag="unproven"):
    """Answer to Save when nothing was written because the proof failed or is only structural."""

    path: str
    proof: ProofRow


class Verified(Message, frozen=True, tag="verified"):
    """Answer to Verify."""

    proof: ProofRow


class Ranked(Message, frozen=True, tag="ranked"):
    """Answer to Rank: per group id its scores as float64 in the machine's byte order, one text each."""

    importance: str
    scores: dict[str, bytes]


class Sensed(Message, frozen=True, tag="sensed"):
    """Answer to Sense. `about` as in Recalibrated."""

    sensitivity: Sensitivity
    measure: Measure
    about: str = ""


class Met(Message, frozen=True, tag="met"):
    """Answer to Meet; `kept` is the share of importance that stays."""

    plan: Plan
    kept: float


class PlansRead(Message, frozen=True, tag="plans_read"):
    """Answer to ReadPlans: they fit the open model. `notes`: what could not be read with them."""

    plans: PlanSet
    notes: tuple[str, ...] = ()


class Recalibrated(Message, frozen=True, tag="recalibrated"):
    """Answer to Recalibrate. `about`: how the samples were read, in sentences."""

    statistics: Statistics
    about: str = ""


class Exported(Message, frozen=True, tag="exported"):
    """Answer to Export and to Report."""

    path: str


class Code(msgspec.Struct, frozen=True):
    """Code that opening a file would run: that file, its hash, and a line for each thing it runs."""

    path: str
    sha256: str
    runs: tuple[str, ...]


class Architecture(msgspec.Struct, frozen=True):
    """What weights may be of: the source to open instead, its factory, and how well it fits, in words."""

    source: str
    factory: str
    how: str


class Failed(Message, frozen=True, tag="failed"):
    """The failure of a task in three sentences. `details` for the copy button.

    `needs` says what the user could add to make it work: the shape of the input, or the architecture, which
    may be one of `architectures`, the likeliest first. `counts`: by group id the
    numbers of channels that would work, when a cut was refused. `code`: what the user may agree to run.
    """

    what: str
    why: str = ""
    hint: str = ""
    details: str = ""
    needs: Literal["", "inputs", "architecture"] = ""
    counts: dict[str, tuple[int, ...]] = {}
    code: Code | None = None
    architectures: tuple[Architecture, ...] = ()


SampleRequest = Save | Recover | Rank | Sense | Meet | Recalibrate
DocumentRequest = SampleRequest | Verify | ReadPlans | Export | Report
Request = Open | DocumentRequest
Answer = (
    Ready
    | Progress
    | Opened
    | Saved
    | Unproven
    | Verified
    | Recovered
    | Ranked
    | Sensed
    | Met
    | PlansRead
    | Recalibrated
    | Exported
    | Failed
)

_encoder = msgspec.json.Encoder()
_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
_answers: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def group_row(group: Group) -> GroupRow:
    """What the window needs of `group`."""
    widths = [int(member.indices.shape[1]) for member in group.members]
    members = tuple(MemberRow(m.parameter, m.dim, k) for m, k in zip(group.members, widths, strict=True))
    return GroupRow(
        group.id, group.size, group.kind, group.exact, group.locked, group.inexact, group.layers, members
    )


def frame(message: Message) -> bytes:
    """`message` as bytes on the pipe. Raises ValueError above MAX_FRAME."""
    body = _encoder.encode(message)
    if len(body) > MAX_FRAME:
        raise ValueError(f"a message of {len(body)} bytes is above the limit of {MAX_FRAME}")
    return HEADER.pack(len(body)) + body


def decode_request(body: bytes) -> Request:
    """The request in one frame's body. Raises msgspec.DecodeError."""
    return _requests.decode(body)


def decode_answer(body: bytes) -> Answer:
    """The answer in one frame's body. Raises msgspec.DecodeError."""
    return _answers.decode(body)
