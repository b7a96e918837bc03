"""What crosses the door comes back as it was, however the bytes arrive."""

from __future__ import annotations

import random
import struct

import msgspec
import numpy as np
import pytest

from slimgui.core import framing, wire
from slimgui.core.cost import Cost, CostModel
from slimgui.core.graph import Layer, LayerGraph
from slimgui.core.groups import Group, Member, Refusal
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.recovery import Recovery
from slimgui.core.report import Facts
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Point, Sensitivity
from slimgui.core.sizes import Product, Size
from slimgui.core.view import Frame, Spot, View

SIZE = Size(3, ((2, ("a",)), (1, ("a", "b"))))
ROW = wire.GroupRow(
    "layer1.conv", 64, "head_dim", False, Refusal("why", "aten.add", "m", "f.py:1", ("x", "y")),
    Refusal("norm"), ("layer1.conv",), (wire.MemberRow("layer1.conv.weight", 0, 3),),
)  # fmt: skip
VIEW = View(
    ("m",),
    (Spot("x", 0, 1.5, -2.0),),
    (0,),
    (Frame("m", 0.0, 0.0, 9.5, 9.0, 0),),
    ((0, 0),),
    (((0.0, 1.0),),),
    ((0,),),
)
DOCUMENT = wire.Document(
    name="resnet", source="a/b.pt", input_shapes=((1, 3, 224, 224),), groups=(ROW,),
    graph=LayerGraph((Layer("x", "Conv2d", SIZE, (1, 2), "a", "", "f.py:3"),), ((0, 0),), (("m", "Net"),)),
    cost=CostModel((Product("x", 4, (SIZE,)),), (), (), ()), view=VIEW, notes=("ä",),
)  # fmt: skip
SAMPLES = SampleSource("photos", 100, (0.5,), (0.25,), (224, 224), ("ab",))
RECOVERY = Recovery(("absorb", "fold"), SAMPLES)
CURVES = Sensitivity("l1 of x", (Point("a", 2, 0.25), Point("b", 1, None)))
RECOVERED = wire.Recovered(2, ("fold: done.",), ("fold: nothing",), "About.", (0.5, 0.25))
PROOF = wire.ProofRow(passed=True, max_error=1.25e-9, level="numeric", note="–")

FACTS = Facts(
    "net", "net.pt", "small.pt", "Removes half.", Cost(4, 3, 2, 1), Cost(2, 1, 1, 1), (("a", 4, 2),), True,
    "Proven.", ("How.",), (("Accuracy", "0.9", "0.8"),), "Samples.",
)  # fmt: skip

REQUESTS = [
    wire.Ping(0),
    wire.Arrange(1, ("a.b", "a.c"), ((0, 1),), ("a",)),
    wire.Detail(2, 1),
    wire.Open(1, "resnet.pt", "1x3x224x224"),
    wire.Save(2, "small.pt", Plan(ratio=0.5, counts=(("a", 3),), locked=("b",)), 1, accept_unproven=True),
    wire.Verify(3, Plan(), 1),
    wire.Rank(4, "l2", 1),
    wire.Meet(5, "macs=50%", Plan(), 1),
    wire.ReadPlans(5, "widths.yaml", 1, "folder"),
    wire.Recalibrate(7, Plan(ratio=0.5), 1, "a.safetensors", SAMPLES),
    wire.Recover(7, Plan(), 1, RECOVERY, Statistics(Plan(), "a.safetensors", "some")),
    wire.Sense(7, Plan(), 1, SAMPLES),
    wire.Rank(7, "taylor", 1, SAMPLES),
    wire.Meet(7, "macs=50%", Plan(), 1, SAMPLES, CURVES),
    wire.Save(7, "small.pt", Plan(), 1, recovery=RECOVERY),
    wire.Report(8, "page.html", FACTS, 1),
    wire.Locate(9, "layer1.conv", 1),
    wire.Time(9, Plan(ratio=0.5), 1, "phone.json", "cpu", 2),
    wire.Front(9, Plan(round_to=8), 1, "params", 12, SAMPLES),
    wire.Look(9, "net.pt"),
    wire.Evaluate(9, Plan(ratio=0.5), 1, SAMPLES, None, RECOVERY),
    wire.Prove(9, "small.pt", "net.pt@net.py:build", "1x3x8x8", ("ab" * 32,), True, "cuda", 2),
    wire.Export(
        6, "widths.yaml", Plan(scope="global", indices=(("a", (1, 2)),), ratios=(("b", 0.5),)), 1, "kept"
    ),
]
ANSWERS = [
    wire.Pong(0), wire.Arranged(1, VIEW), wire.Detailed(2, DOCUMENT.graph, VIEW),
    wire.Ready(0, "2.13"), wire.Progress(1, "Tracing", 3, 10), wire.Opened(1, DOCUMENT),
    wire.Saved(2, "small.pt", 123, PROOF), wire.Saved(2, "small.pt", 123, PROOF, recovered=RECOVERED),
    RECOVERED, wire.Sensed(2, CURVES, "accuracy", "About."),
    wire.Unproven(2, "small.pt", PROOF), wire.Verified(3, PROOF),
    wire.Verified(3, PROOF, "small.pt", "net.pt", wire.Timed(3, "cpu", 0.5, 0.25)),
    wire.Ranked(4, "l2", {"a": np.arange(3.0).tobytes()}), wire.Met(5, Plan(), 0.5),
    wire.Exported(6, "widths.yaml"),
    wire.PlansRead(5, PlanSet().added("half", Plan(ratio=0.5, bins=4, whole=("a",)))),
    wire.Recalibrated(7, Statistics(Plan(ratio=0.5), "a.safetensors", "100 samples of photos"), "How."),
    wire.Located(9, "layer1.conv", (("layer1.conv.weight", 0, 0),), (np.arange(3, dtype="int32").tobytes(),)),
    wire.Timed(9, "cpu", 0.5, 0.25, (0.01, 0.02), "Hardly.", 8, "Multiples of 8.", (("a", 0.25, 0.125),)),
    wire.Fronted(9, "params", (wire.FrontPoint(Plan(ratio=0.5), Cost(4, 3, 2, 1), 0.75),)),
    wire.Evaluated(9, 0.9, 0.8, "accuracy", "About."),
    wire.Looked(
        9, "net.pt", "safetensors", 20, "Nothing.", (("Size", "20 bytes"),),
        (wire.WeightSet("ema", ("a",), ("2x3",), ("float32",), (24,)),),
        (wire.Global("os.system", "programs", allowed=False),), ("what", "why", "hint"), 7,
    ),
    wire.Failed(4, "what", "why", "hint", "Traceback\n…", needs="inputs"),
]  # fmt: skip


def body(message: wire.Message) -> bytes:
    return wire.frame(message)[4:]


@pytest.mark.parametrize("message", REQUESTS, ids=lambda m: type(m).__name__)
def test_a_request_comes_back_as_it_was(message: wire.Message) -> None:
    assert wire.decode_request(body(message)) == message


@pytest.mark.parametrize("message", ANSWERS, ids=lambda m: type(m).__name__)
def test_an_answer_comes_back_as_it_was(message: wire.Message) -> None:
    assert wire.decode_answer(body(message)) == message


def test_every_message_is_covered_here() -> None:
    known = {type(message) for message in (*REQUESTS, *ANSWERS)}
    assert known == set(wire.Asked.__args__) | set(wire.Answer.__args__)


def test_a_frame_is_its_length_and_that_many_bytes() -> None:
    data = wire.frame(REQUESTS[0])
    assert struct.unpack(">I", data[:4]) == (len(data) - 4,)
    assert data[4:].decode("utf-8").startswith("{")


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"type":"open"}', b'{"type":"format_disk","task":1}', b"\xff", b"[1]"]
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_request(data)


def test_a_request_is_no_answer() -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_answer(body(REQUESTS[0]))


def test_wrong_types_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        wire.decode_request(b'{"type":"open","task":"one","source":"x"}')


# --- the reader


def test_bytes_may_come_one_by_one() -> None:
    reader, found = framing.FrameReader(), []
    for byte in b"".join(map(wire.frame, ANSWERS)):
        found += list(reader.feed(bytes([byte])))
    assert [wire.decode_answer(data) for data in found] == ANSWERS


@pytest.mark.parametrize("seed", range(5))
def test_bytes_may_come_in_any_pieces(seed: int) -> None:
    rng, stream = random.Random(seed), b"".join(map(wire.frame, ANSWERS * 3))
    reader, found = framing.FrameReader(), []
    while stream:
        size = rng.choice([0, 1, 2, 3, 4, 5, 50, 5000])
        found += list(reader.feed(stream[:size]))
        stream = stream[size:]
    assert [wire.decode_answer(data) for data in found] == ANSWERS * 3


def test_an_empty_body_is_a_frame() -> None:
    assert list(framing.FrameReader().feed(b"\0\0\0\0\0\0\0\1x")) == [b"", b"x"]


def test_a_frame_above_the_cap_is_refused_before_its_body_arrives() -> None:
    with pytest.raises(ValueError, match="above the limit"):
        list(framing.FrameReader().feed(struct.pack(">I", framing.MAX_FRAME + 1)))


def test_a_frame_at_the_cap_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_FRAME", 8)
    reader = framing.FrameReader()
    assert list(reader.feed(b"\0\0\0\x08abcd")) == []
    assert list(reader.feed(b"efgh")) == [b"abcdefgh"]


def test_a_message_above_the_cap_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.codec, "MAX_FRAME", 100)
    with pytest.raises(ValueError, match="above the limit of 100"):
        wire.frame(wire.Failed(1, "x" * 100))


# --- rows


def test_a_row_says_what_its_group_says_without_the_indices() -> None:
    indices = np.arange(12).reshape(4, 3)
    members = (Member("a.conv.weight", 0, indices), Member("a.norm.weight", 0, indices[:, :1]))
    made = wire.group_row(Group("a.conv", 4, "heads", False, None, Refusal("norm"), members))
    assert (made.id, made.size, made.kind, made.exact, made.locked) == ("a.conv", 4, "heads", False, None)
    assert made.inexact == Refusal("norm")
    assert made.layers == ("a.conv", "a.norm")
    assert made.members == (wire.MemberRow("a.conv.weight", 0, 3), wire.MemberRow("a.norm.weight", 0, 1))
    assert [member.layer for member in made.members] == ["a.conv", "a.norm"]
