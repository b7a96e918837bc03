"""What the engine answers."""

from __future__ import annotations

from typing import Literal

import msgspec

from slimgui.core.cost import Cost
from slimgui.core.graph import LayerGraph
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.sensitivity import Measure, Sensitivity
from slimgui.core.view import View
from slimgui.core.wire.rows import Architecture, Code, Document, Global, Message, ProofRow, WeightSet


class Ready(Message, frozen=True, tag="ready"):
    """The engine is warm; task is 0."""

    torch: str


class Pong(Message, frozen=True, tag="pong"):
    """Answer to Ping."""


class Progress(Message, frozen=True, tag="progress"):
    """`phase` in words; done of total, total 0 when unknown."""

    phase: str
    done: int = 0
    total: int = 0


class Arranged(Message, frozen=True, tag="arranged"):
    """Answer to Arrange."""

    view: View


class Detailed(Message, frozen=True, tag="detailed"):
    """Answer to Detail: ops in place of layers, and how they are drawn at first."""

    graph: LayerGraph
    view: View


class Opened(Message, frozen=True, tag="opened"):
    """Answer to Open."""

    document: Document


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
    """Answer to Verify, and to Prove, which also says what was compared, and how long both take if asked."""

    proof: ProofRow
    small: str = ""
    original: str = ""
    timed: Timed | None = None


class Ranked(Message, frozen=True, tag="ranked"):
    """Answer to Rank: per group id its scores as float64 in the machine's byte order, one text each."""

    importance: str
    scores: dict[str, bytes]


class Evaluated(Message, frozen=True, tag="evaluated"):
    """Answer to Evaluate, by a measure of the user's own where `measure` is "score".

    `about` as in Recalibrated.
    """

    before: float
    after: float
    measure: Measure
    about: str = ""


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


class Located(Message, frozen=True, tag="located"):
    """Answer to Locate. `members`: parameter, dimension, and which of `tables` has its indices.

    A table holds int32 in the machine's byte order: the indices of channel 0, of channel 1, and so on.
    """

    group: str
    members: tuple[tuple[str, int, int], ...]
    tables: tuple[bytes, ...]


class Timed(Message, frozen=True, tag="timed"):
    """Answer to Time: seconds of one forward pass, whole and under the plan.

    `spread`: of both, half of what lies between the first and the last quarter of the runs; None when the
    seconds were read from a table. `warning`: in words, where MACs fall and time does not. `multiple`: of all
    counts, which would take less time; `advice` says so. `slowest`: (layer, its seconds whole, under the
    plan), as its ops say; () where only whole models were measured.
    """

    device: str
    before: float
    after: float
    spread: tuple[float, float] | None = None
    warning: str = ""
    multiple: int = 0
    advice: str = ""
    slowest: tuple[tuple[str, float, float], ...] = ()


class Looked(Message, frozen=True, tag="looked"):
    """Answer to Look. `facts`: (what, in words), in the order to be read; `bytes`: of all files.

    `runs`: in a sentence, what opening it would run. `asks`: everything its pickles name, the worst first.
    `refusal`: what, why and what to do when SlimGUI cannot open it, () when it can. `left_out`: tensors
    beyond those in `sets`.
    """

    path: str
    kind: str
    bytes: int
    runs: str
    facts: tuple[tuple[str, str], ...] = ()
    sets: tuple[WeightSet, ...] = ()
    asks: tuple[Global, ...] = ()
    refusal: tuple[str, ...] = ()
    left_out: int = 0


class FrontPoint(msgspec.Struct, frozen=True):
    """One plan of a front, what it costs, and the share of importance that it keeps."""

    plan: Plan
    cost: Cost
    kept: float


class Fronted(Message, frozen=True, tag="fronted"):
    """Answer to Front, in rising order."""

    resource: str
    points: tuple[FrontPoint, ...]


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
    counts: dict[str, tuple[int, ...]] = msgspec.field(default_factory=dict)
    code: Code | None = None
    architectures: tuple[Architecture, ...] = ()


Answer = (
    Ready
    | Pong
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
    | Located
    | Timed
    | Fronted
    | Failed
    | Arranged
    | Detailed
    | Looked
    | Evaluated
)
