"""The child's loop with a small engine in place of the real one."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from slimgui.core import wire
from slimgui.core.cost import Cost, CostModel
from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.groups import Refusal
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.recovery import Recovery as Recover
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Point, Sensitivity
from slimgui.core.sizes import Size
from slimgui.engine.answering import Host
from slimgui.engine.deploy import Recovery
from slimgui.engine.estimate import Estimate
from slimgui.engine.failures import document_name
from slimgui.engine.verify import Proof
from slimgui.errors import (
    Advice,
    DeployError,
    InputShapeError,
    LoadError,
    MissingInputsError,
    SlimError,
    TraceError,
)


@dataclass(frozen=True)
class Cut:
    """What the small engine deploys."""

    name: str
    source: str = ""
    proof: Any = None
    statistics: str = ""
    recovery: tuple[Any, ...] = ()


@dataclass
class Engine:
    """Loads any name; raises what it is told to raise."""

    trouble: BaseException | None = None
    proof: Proof = field(default_factory=lambda: Proof(passed=True, max_error=1e-7, level="numeric"))
    saved: list[tuple[Cut, str, bool]] = field(default_factory=list)
    written: list[tuple[str, str, Plan]] = field(default_factory=list)
    needs: Estimate = field(default_factory=lambda: Estimate(10, 7, 0.1, hollow=False))
    room: int = 100
    labelled: bool = True
    evaluate: Any = None
    judged: Any = None
    curves: Any = None
    table: str = ""
    device: str = ""
    sensed: list[tuple[Any, Any, Plan]] = field(default_factory=list)

    def load(self, source: str, *, allow_code: bool, trusted: tuple[str, ...]) -> Any:
        assert not allow_code
        return SimpleNamespace(model=source, example_inputs=None, source=source, notes=("A note.",))

    def with_inputs(self, loaded: Any, shape: str) -> Any:
        loaded.example_inputs = (SimpleNamespace(shape=(1, 3, 8, 8)),)
        return loaded

    def trace(self, model: str, inputs: Any) -> Any:
        if self.trouble:
            raise self.trouble
        layers = (Layer("a", "Conv2d", Size(4)), Layer("b", "Conv2d", Size(4)))
        return SimpleNamespace(groups=(), layer_graph=LayerGraph(layers, ((0, 1),)), cost_model=CostModel())

    def resolve(self, traced: Any, plan: Plan, model: str) -> Plan:
        return plan

    def importance(self, model: str, groups: Any, name: str, samples: Any) -> Any:
        self.judged = samples
        return {name: np.array([1, 2.5])}

    def recover(self, model: str, traced: Any, deployed: Cut, samples: Any, steps: Any) -> Cut:
        self.judged = samples
        distances = [(0.5, 0.25), (0.25, 0.125)] if samples else [None, None]
        left = (Refusal("A softmax reads them."),)
        done = [Recovery(s, 1, {}, left, d) for s, d in zip(steps, distances, strict=False)]
        return replace(deployed, recovery=(*deployed.recovery, *done))

    def sensitivity(self, model: str, traced: Any, samples: Any, *, path: Any, told: Any, **how: Any) -> Any:
        self.sensed.append((path, how["evaluate"], how["plan"]))
        told(1, 2)
        return CURVES

    def meet(
        self,
        traced: Any,
        model: str,
        targets: Any,
        plan: Plan,
        samples: Any,
        *,
        sensitivity: Any,
        table: str,
        device: str,
        threads: int,
        told: Any,
    ) -> Any:
        self.judged, self.curves, self.table = samples, sensitivity, table
        self.device, self.threads = device, threads
        return SimpleNamespace(plan=plan.with_count(str(targets[0]), 3), kept=0.75)

    def located(self, traced: Any, group: str) -> Any:
        return ((f"{group}.weight", 0, 0),), (b"abcd",)

    def timed(self, loaded: Any, traced: Any, request: wire.Time, told: Any) -> wire.Timed:
        told("Measuring", 1, 2)
        return wire.Timed(request.task, "cpu", 2.0, 1.0)

    def pareto(self, traced: Any, model: str, resource: str, **options: Any) -> Any:
        self.judged = options["samples"]
        return [SimpleNamespace(plan=options["plan"], cost=Cost(4, 3, 2, 1), kept=options["points"] / 100)]

    def read_plans(self, path: str, traced: Any) -> PlanSet:
        return PlanSet().added(path, Plan(ratio=0.5))

    def samples(self, source: str, like: Any, **options: Any) -> Any:
        self.sampled = (source, options)
        return SimpleNamespace(
            size=3,
            labelled=self.labelled,
            evaluate=self.evaluate,
            accuracy=ACCURACY,
            describe=lambda: "Three samples of photos.",
            describe_reading=lambda: "Three samples.",
        )

    def take_statistics(self, deployed: Cut, batches: Any, path: str, tell: Any) -> int:
        tell(0)
        return 1200

    def with_statistics(self, deployed: Cut, file: str) -> Cut:
        return replace(deployed, statistics=file)

    def write_config(self, path: str, traced: Any, selection: Plan) -> None:
        self.written.append(("config", path, selection))

    def write_kept(self, path: str, traced: Any, selection: Plan) -> None:
        self.written.append(("kept", path, selection))

    def estimate(self, model: str, traced: Any, selection: Plan) -> Estimate:
        return self.needs

    def check_room(self, path: str, size: int) -> None:
        if size > self.room:
            raise SlimError("There is no room.")

    def deploy(self, model: str, traced: Any, selection: Plan, *, hollow: bool) -> Cut:
        self.hollow = hollow
        return Cut(model)

    def verify(self, model: str, deployed: Cut, inputs: Any) -> Any:
        return self.proof

    def save(self, deployed: Cut, path: str, *, force: bool, **options: Any) -> Any:
        self.format = options["format"]
        self.saved.append((deployed, path, force))
        return SimpleNamespace(path=Path(path), bytes=7, needs="It opens.", notes=("Keep it.",))


class Rig:
    def __init__(self) -> None:
        self.engine = Engine()
        self.sent: list[wire.Answer] = []
        self.host = Host(self.engine, self.engine.with_inputs, self.sent.append)

    def ask(self, request: wire.Request) -> wire.Answer:
        """The final answer; everything before it must be progress of the same task."""
        self.sent.clear()
        self.host.handle(request)
        assert all(isinstance(answer, wire.Progress) for answer in self.sent[:-1])
        assert {answer.task for answer in self.sent} == {request.task}
        return wire.decode_answer(wire.frame(self.sent[-1])[4:])  # as it arrives in the window


CURVES = Sensitivity("l1 of x", (Point("a", 2, 0.25),))
ACCURACY = object()
PHOTOS = SampleSource("/data/photos", 2000, (0.5,), trusted=("ab",))


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_open_answers_a_document_with_places_for_its_boxes(rig: Rig) -> None:
    answer = rig.ask(wire.Open(1, "/models/net.pt"))

    assert isinstance(answer, wire.Opened)
    assert answer.document.name == "net.pt"
    assert answer.document.input_shapes == ((1, 3, 8, 8),)
    assert answer.document.notes == ("A note.",)
    assert len(answer.document.view.boxes) == 2
    assert answer.document.view.passes == ((0,),)
    assert len(rig.sent) >= 3  # it told its phases


def test_a_target_is_answered_with_the_plan_that_meets_it(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    answer = rig.ask(wire.Meet(2, "macs=50%", Plan(round_to=4), 1))
    assert answer == wire.Met(2, Plan(round_to=4).with_count("keeps 50 % of the MACs", 3), 0.75)


def test_save_proves_then_writes(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))

    answer = rig.ask(wire.Save(2, "/tmp/small.pt", Plan(), 1))

    assert answer == wire.Saved(
        2, "/tmp/small.pt", 7, wire.ProofRow(True, 1e-7, "numeric"), "It opens. Keep it."
    )
    cut, _, forced = rig.engine.saved[0]
    assert (cut.source, cut.proof, forced) == ("net.pt", rig.engine.proof, False)


@pytest.mark.parametrize(
    ("passed", "level"), [(False, "numeric"), (True, "structural"), (False, "structural")]
)
def test_without_a_numeric_proof_nothing_is_written_until_the_user_says_so(
    rig: Rig, passed: bool, level: str
) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    rig.engine.proof = Proof(passed, float("nan"), level, "Why.", "conv")

    answer = rig.ask(wire.Save(2, "/tmp/small.pt", Plan(), 1))
    assert answer == wire.Unproven(2, "/tmp/small.pt", wire.ProofRow(passed, None, level, "Why.", "conv"))
    assert rig.engine.saved == []

    assert isinstance(rig.ask(wire.Save(3, "/tmp/small.pt", Plan(), 1, accept_unproven=True)), wire.Saved)
    assert rig.engine.saved[0][2] is True


def test_statistics_are_taken_without_consent_to_code_and_saved_with_the_plan(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    answer = rig.ask(wire.Recalibrate(2, Plan(ratio=0.5), 1, "a.safetensors", PHOTOS))
    own = Statistics(Plan(ratio=0.5), "a.safetensors", "1,200 samples of photos")
    assert answer == wire.Recalibrated(2, own, "Three samples.")
    source, options = rig.engine.sampled
    assert (source, options["limit"], options["mean"], options["std"]) == ("/data/photos", 2000, (0.5,), None)
    assert not options["allow_code"]

    rig.ask(wire.Save(3, "small.pt", Plan(), 1))
    rig.ask(wire.Save(4, "small.pt", Plan(ratio=0.5), 1, statistics=own))
    assert [cut.statistics for cut, _, _ in rig.engine.saved] == ["", "a.safetensors"]


def test_verify_writes_nothing(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))

    assert isinstance(rig.ask(wire.Verify(2, Plan(), 1)), wire.Verified)
    assert rig.engine.saved == []


def test_rank_answers_the_scores_of_every_group(rig: Rig) -> None:
    criteria = rig.ask(wire.Open(1, "net.pt")).document.criteria
    assert {"l1", "l2", "fpgm"} <= set(criteria)
    assert "taylor" in criteria

    answer = rig.ask(wire.Rank(2, "l2", 1))
    assert answer == wire.Ranked(2, "l2", {"l2": np.array([1, 2.5]).tobytes()})
    assert rig.engine.judged is None

    rig.ask(wire.Rank(3, "taylor", 1, PHOTOS))
    assert rig.engine.judged.size == 3
    source, options = rig.engine.sampled
    assert (source, options["limit"], options["trusted"]) == ("/data/photos", 2000, ("ab",))
    assert not options["allow_code"]


def test_places_times_and_fronts_are_answered(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    assert rig.ask(wire.Locate(2, "a", 1)) == wire.Located(2, "a", (("a.weight", 0, 0),), (b"abcd",))
    assert rig.ask(wire.Time(3, Plan(), 1)) == wire.Timed(3, "cpu", 2.0, 1.0)
    assert rig.sent[0] == wire.Progress(3, "Measuring", 1, 2)
    plan = Plan(round_to=8)
    point = wire.FrontPoint(plan, Cost(4, 3, 2, 1), 0.12)
    assert rig.ask(wire.Front(4, plan, 1, "macs", 12)) == wire.Fronted(4, "macs", (point,))


def test_a_target_of_time_may_go_by_a_table(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    rig.ask(wire.Meet(2, "latency=50%", Plan(), 1, table="phone.json"))
    assert (rig.engine.table, rig.engine.device) == ("phone.json", "cpu")
    rig.ask(wire.Meet(3, "latency=50%", Plan(), 1, device="cuda"))
    assert (rig.engine.table, rig.engine.device, rig.engine.threads) == ("", "cuda", 0)
    rig.ask(wire.Meet(4, "latency=50%", Plan(), 1, threads=2))
    assert (rig.engine.device, rig.engine.threads) == ("cpu", 2)


def test_a_target_goes_by_samples_and_by_measured_curves(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    rig.ask(wire.Meet(2, "params=50%", Plan(), 1, PHOTOS, CURVES))
    assert (rig.engine.judged.size, rig.engine.curves) == (3, CURVES)


STEPS = Recover(("absorb", "fold"), PHOTOS)


def test_recovery_is_tried_without_writing_and_done_by_a_save(rig: Rig) -> None:
    rig.engine.needs = Estimate(10, 7, 0.1, hollow=True)
    rig.ask(wire.Open(1, "net.pt"))
    own = Statistics(Plan(), "a.safetensors", "some")
    said = tuple(
        f"{step}: 0 weights changed; outputs differ from the whole model's by {after}, {before} before; "
        "1 left alone, the first because: A softmax reads them."
        for step, before, after in (("absorb", "50 %", "25 %"), ("fold", "25 %", "12.5 %"))
    )
    left = ("absorb: A softmax reads them.", "fold: A softmax reads them.")
    told = (said, left, "Three samples of photos.", (0.5, 0.125))
    assert rig.ask(wire.Recover(2, Plan(), 1, STEPS, own)) == wire.Recovered(2, *told)
    assert rig.engine.saved == []
    assert rig.engine.hollow is False  # what recovery changes has to be there

    answer = rig.ask(wire.Save(3, "small.pt", Plan(), 1, statistics=own, recovery=STEPS))
    assert answer.recovered == wire.Recovered(3, *told)
    cut = rig.engine.saved[0][0]
    assert (cut.statistics, [step.method for step in cut.recovery]) == ("a.safetensors", ["absorb", "fold"])
    assert rig.engine.hollow is False
    rig.ask(wire.Save(4, "small.pt", Plan(), 1))
    assert rig.engine.hollow is True


def test_recovery_without_samples_measures_no_distance(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    answer = rig.ask(wire.Recover(2, Plan(), 1, Recover(("absorb",))))
    assert (answer.distance, answer.about, len(answer.steps)) == (None, "", 1)


@pytest.mark.parametrize(
    ("labelled", "evaluate", "measure"),
    [(True, None, "accuracy"), (False, None, "distance"), (False, print, "score")],
)
def test_sensitivity_is_measured_as_the_samples_allow_and_goes_on_in_its_file(
    rig: Rig, labelled: bool, evaluate: Any, measure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rig.engine.labelled, rig.engine.evaluate = labelled, evaluate
    rig.ask(wire.Open(1, "net.pt"))
    assert rig.ask(wire.Sense(2, Plan(), 1, PHOTOS)) == wire.Sensed(2, CURVES, measure, "Three samples.")
    assert any((each.done, each.total) == (1, 2) for each in rig.sent[:-1])
    rig.ask(wire.Sense(3, Plan(), 1, PHOTOS.trusting(("cd",))))
    rig.ask(wire.Sense(4, Plan(importance="l2"), 1, PHOTOS))
    rig.ask(wire.Sense(5, Plan(), 1, replace(PHOTOS, limit=3)))
    by_distance = rig.ask(wire.Sense(6, Plan(), 1, PHOTOS, by_distance=True))
    assert by_distance.measure == "distance"
    last, compared, _ = rig.engine.sensed.pop()
    assert (last == rig.engine.sensed[0][0], compared) == (measure == "distance", None)  # a file of its own
    first, again, *others = [path for path, _, _ in rig.engine.sensed]
    assert first == again
    assert first.parent == tmp_path / "slimgui" / "sensitivity"
    assert first.parent.is_dir()
    assert len({first, *others}) == 3
    assert rig.engine.sensed[0][1] is (None if measure == "distance" else ACCURACY)


def test_plans_are_read_and_written_for_the_open_model(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))

    answer = rig.ask(wire.ReadPlans(2, "plan.json", 1, "folder"))
    assert answer == wire.PlansRead(2, PlanSet().added("plan.json", Plan(ratio=0.5)))
    for what in ("config", "kept"):
        assert rig.ask(wire.Export(3, "a.yaml", Plan(ratio=0.2), 1, what)) == wire.Exported(3, "a.yaml")
    assert rig.engine.written == [
        ("config", "a.yaml", Plan(ratio=0.2)), ("kept", "a.yaml", Plan(ratio=0.2)),
    ]  # fmt: skip


def test_a_failed_open_leaves_the_open_model_in_place(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    rig.engine.trouble = LoadError("What.", "Why.", "Hint.")
    answer = rig.ask(wire.Open(2, "bad.pt"))
    assert isinstance(answer, wire.Failed)
    assert (answer.what, answer.why, answer.hint) == ("What.", "Why.", "Hint.")

    assert isinstance(rig.ask(wire.Save(3, "/tmp/small.pt", Plan(), 1)), wire.Saved)
    assert rig.engine.saved[0][0].source == "net.pt"


def test_a_refused_cut_tells_the_window_which_counts_would_work(rig: Rig) -> None:
    class Known(Advice):
        def find(self) -> tuple[str, dict[str, tuple[int, ...]]]:
            return "24 or 16 channels of stem would work.", {"stem": (24, 16)}

    rig.ask(wire.Open(1, "net.pt"))
    rig.engine.trouble = DeployError("What.", "Why.", Known())
    answer = rig.ask(wire.Open(2, "net.pt"))
    assert isinstance(answer, wire.Failed)
    assert (answer.hint, answer.counts) == ("24 or 16 channels of stem would work.", {"stem": (24, 16)})
    assert wire.decode_answer(wire.frame(answer)[4:]) == answer


def test_a_save_meant_for_another_model_is_refused(rig: Rig) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    rig.ask(wire.Open(2, "other.pt"))

    assert isinstance(rig.ask(wire.Save(3, "/tmp/small.pt", Plan(), 1)), wire.Failed)
    assert rig.engine.saved == []


@pytest.mark.parametrize(
    "error", [ValueError("odd\nsecond line"), SystemExit(3), RecursionError(), MemoryError()]
)
def test_whatever_a_model_raises_becomes_a_sentence_with_the_trace_in_the_details(
    rig: Rig, error: BaseException
) -> None:
    rig.engine.trouble = error

    answer = rig.ask(wire.Open(1, "/models/net.pt"))

    assert isinstance(answer, wire.Failed)
    assert "opening net.pt" in answer.what
    assert "Traceback" not in answer.what + answer.why + answer.hint
    assert "Traceback" in answer.details


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_told_and_not_taken_for_a_fault(rig: Rig, error: Exception) -> None:
    rig.engine.trouble = error

    answer = rig.ask(wire.Open(1, "/models/net.pt"))

    assert isinstance(answer, wire.Failed)
    assert answer.what == "The memory ran out while opening net.pt."


def test_an_unknown_input_shape_says_what_it_needs(rig: Rig) -> None:
    rig.engine.trouble = MissingInputsError("No shape.", "", "Give --input.")

    answer = rig.ask(wire.Open(1, "net.pt"))

    assert isinstance(answer, wire.Failed)
    assert answer.needs == "inputs"
    assert "--input" not in answer.hint


@pytest.mark.parametrize("kind", [TraceError, InputShapeError])
def test_a_model_that_does_not_take_the_given_shape_lets_another_be_given(
    rig: Rig, kind: type[SlimError]
) -> None:
    rig.engine.trouble = kind("It does not fit.", "", "Check the shape.")

    answer = rig.ask(wire.Open(1, "net.pt", "1x2"))

    assert isinstance(answer, wire.Failed)
    assert (answer.needs, answer.hint) == ("inputs", "Check the shape.")


def test_a_document_too_large_for_a_frame_is_refused_and_the_old_one_kept(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    monkeypatch.setattr(wire.codec, "MAX_FRAME", 100)
    rig.sent.clear()
    rig.host.handle(wire.Open(2, "large.pt"))
    monkeypatch.undo()

    assert isinstance(rig.sent[-1], wire.Failed)
    assert isinstance(rig.ask(wire.Save(3, "/tmp/small.pt", Plan(), 1)), wire.Saved)


def test_names_shown_are_short() -> None:
    assert document_name("/home/ada/net.pt") == "net.pt"
    assert document_name("torchvision.models:resnet50") == "torchvision.models:resnet50"
    assert document_name("/home/ada/net.pt@torchvision.models:resnet50(num_classes=3)") == "net.pt"


def test_what_takes_long_is_said_before_it_begins(rig: Rig) -> None:
    rig.engine.needs = Estimate(memory=3 * 10**9, disk=7, seconds=150, hollow=True)
    rig.ask(wire.Open(1, "/models/net.pt"))
    rig.ask(wire.Save(2, "/tmp/small.pt", Plan(), 1))

    building = next(answer.phase for answer in rig.sent if answer.phase.startswith("Building"))
    # 150 s is two and a half minutes, which python rounds to the even number
    assert building.endswith("This takes about 2 minutes, 3.0 GB of memory and 0 MB on the disk.")


def test_what_has_no_room_is_refused_before_anything_is_built(rig: Rig) -> None:
    rig.engine.room = 6
    rig.ask(wire.Open(1, "/models/net.pt"))
    answer = rig.ask(wire.Save(2, "/tmp/small.pt", Plan(), 1))

    assert isinstance(answer, wire.Failed)
    assert answer.what == "There is no room."
    assert not any(answer.phase.startswith("Building") for answer in rig.sent[:-1])
