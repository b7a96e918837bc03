"""The child's loop with a small engine in place of the real one."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from slimgui.core import wire
from slimgui.core.cost import CostModel
from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.sizes import Size
from slimgui.engine.estimate import Estimate
from slimgui.engine.host import Host, document_name
from slimgui.engine.verify import Proof
from slimgui.errors import Advice, DeployError, LoadError, MissingInputsError, SlimError


@dataclass(frozen=True)
class Cut:
    """What the small engine deploys."""

    name: str
    source: str = ""
    proof: Any = None
    statistics: str = ""


@dataclass
class Engine:
    """Loads any name; raises what it is told to raise."""

    trouble: BaseException | None = None
    proof: Proof = field(default_factory=lambda: Proof(passed=True, max_error=1e-7, level="numeric"))
    saved: list[tuple[Cut, str, bool]] = field(default_factory=list)
    written: list[tuple[str, str, Plan]] = field(default_factory=list)
    needs: Estimate = field(default_factory=lambda: Estimate(10, 7, 0.1, hollow=False))
    room: int = 100

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

    def importance(self, model: str, groups: Any, name: str) -> Any:
        return {name: np.array([1, 2.5])}

    def meet(self, traced: Any, model: str, targets: Any, plan: Plan) -> Any:
        return SimpleNamespace(plan=plan.with_count(str(targets[0]), 3), kept=0.75)

    def read_plans(self, path: str, traced: Any) -> PlanSet:
        return PlanSet().added(path, Plan(ratio=0.5))

    def samples(self, source: str, like: Any, **options: Any) -> Any:
        self.sampled = (source, options)
        return SimpleNamespace(size=3, describe_reading=lambda: "Three samples.")

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
        return Cut(model)

    def verify(self, model: str, deployed: Cut, inputs: Any) -> Any:
        return self.proof

    def save(self, deployed: Cut, path: str, *, force: bool) -> Any:
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


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_open_answers_a_document_with_places_for_its_boxes(rig: Rig) -> None:
    answer = rig.ask(wire.Open(1, "/models/net.pt"))

    assert isinstance(answer, wire.Opened)
    assert answer.document.name == "net.pt"
    assert answer.document.input_shapes == ((1, 3, 8, 8),)
    assert answer.document.notes == ("A note.",)
    assert len(answer.document.graph.positions) == 2
    assert len(answer.document.routes) == 1
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
    answer = rig.ask(wire.Recalibrate(2, Plan(ratio=0.5), 1, "a.safetensors", "/data/photos", 2000, (0.5,)))
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
    assert "taylor" not in criteria  # it looks at data, and the window has none

    answer = rig.ask(wire.Rank(2, "l2", 1))

    assert answer == wire.Ranked(2, "l2", {"l2": np.array([1, 2.5]).tobytes()})


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


def test_an_unknown_input_shape_says_what_it_needs(rig: Rig) -> None:
    rig.engine.trouble = MissingInputsError("No shape.", "", "Give --input.")

    answer = rig.ask(wire.Open(1, "net.pt"))

    assert isinstance(answer, wire.Failed)
    assert answer.needs == "inputs"
    assert "--input" not in answer.hint


def test_a_document_too_large_for_a_frame_is_refused_and_the_old_one_kept(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.ask(wire.Open(1, "net.pt"))
    monkeypatch.setattr(wire, "MAX_FRAME", 100)
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
