"""Weights are recognised by names and shapes, in a list that is never shorter than the truth."""

from types import SimpleNamespace

import pytest

from slimgui.core import architectures
from slimgui.core.architectures import Free, Maker
from slimgui.core.recognise import Candidate, known, recognise, sentence

# Two layers and a head of 10: sizes in the order of the names are
# fc.bias 10 · fc.weight 10 x 8 · first.bias 8 · first.weight 8 x 3 x 3 x 3 · norm.weight 8
NET = {
    "first.weight": (8, 3, 3, 3),
    "first.bias": (8,),
    "norm.weight": (8,),
    "fc.weight": (10, 8),
    "fc.bias": (10,),
}
HEAD = Free("num_classes", 10, 10, ((0, 1), (1, 1)))
TWINS = (Maker("lib:one", (HEAD,)), Maker("lib:two", (HEAD,)))
WIDE = {name: tuple(2 * n if n == 8 else n for n in shape) for name, shape in NET.items()}
INDEX = architectures.made(
    [*((NET, maker) for maker in TWINS), (WIDE, Maker("lib:wide", (HEAD,)))], {"lib": "1.0"}
)


def tensors(shapes, dtype="float32"):
    return {name: SimpleNamespace(shape=shape, dtype=dtype) for name, shape in shapes.items()}


def found(shapes, **more):
    return recognise({"": tensors(shapes) | more}, INDEX)


def factories(candidates):
    return [one.factory for one in candidates]


def test_the_index_is_the_same_after_it_was_written_and_read(tmp_path):
    architectures.write(INDEX, tmp_path / "index")
    assert architectures.read(tmp_path / "index") == INDEX


def test_an_index_of_another_format_is_not_read(tmp_path):
    newer = architectures.Index(architectures.FORMAT + 1, {}, {})
    architectures.write(newer, tmp_path / "index")
    with pytest.raises(ValueError, match="is of format 2, not 1"):
        architectures.read(tmp_path / "index")


def test_architectures_with_the_same_names_and_shapes_are_all_in_the_list():
    assert found(NET) == [Candidate("lib:one", "same"), Candidate("lib:two", "same")]


def test_another_number_of_classes_is_said_as_an_argument():
    shapes = NET | {"fc.weight": (3, 8), "fc.bias": (3,)}
    assert factories(found(shapes)) == ["lib:one(num_classes=3)", "lib:two(num_classes=3)"]
    assert {one.match for one in found(shapes)} == {"head"}


def test_a_head_that_contradicts_itself_is_none():
    # 3 and 4 of 10 classes could only be left by slimming, and weight and bias of a layer have one length.
    assert found(NET | {"fc.weight": (3, 8), "fc.bias": (4,)}) == []


def test_the_argument_stands_beside_those_of_the_factory():
    maker = Maker("lib:net(deep=True)", (HEAD,))
    assert maker.source({"num_classes": 4}) == "lib:net(num_classes=4, deep=True)"
    assert maker.source({"num_classes": 10}) == "lib:net(deep=True)"


def test_narrower_layers_are_recognised_and_the_nearest_width_comes_first():
    shapes = {name: tuple(6 if n == 8 else n for n in shape) for name, shape in NET.items()}
    candidates = found(shapes)
    assert factories(candidates) == ["lib:one", "lib:two", "lib:wide"]
    # 6·27 + 6 + 6 + 60 + 10 of 8·27 + 8 + 8 + 80 + 10 numbers
    assert candidates[0].share == pytest.approx(244 / 322)


def test_slimmed_weights_may_have_another_head_too():
    shapes = {name: tuple(6 if n == 8 else n for n in shape) for name, shape in NET.items()}
    candidates = found(shapes | {"fc.weight": (20, 6), "fc.bias": (20,)})
    assert factories(candidates)[0] == "lib:one(num_classes=20)"
    assert candidates[0].match == "slim"


@pytest.mark.parametrize(
    "change",
    [
        {"first.weight": (8, 3, 1, 1)},  # nobody slims a kernel
        {
            "norm.weight": (9,),
            "first.bias": (9,),
            "first.weight": (9, 3, 3, 3),
        },  # 9 of 16, but the head reads 8
        {"first.bias": (4,)},  # the weight of this layer has 8
        {"first.weight": (8, 27)},
        {"second.weight": (8,)},
    ],
)
def test_what_slimming_cannot_leave_is_not_recognised(change):
    candidates = found(NET | change)
    assert candidates == [] or (factories(candidates), candidates[0].match) == (["lib:wide"], "slim")


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "ema_model.module.", "net.model.net."])
def test_names_may_begin_with_anything(prefix):
    assert factories(found({prefix + name: shape for name, shape in NET.items()})) == ["lib:one", "lib:two"]


def test_names_of_wrappers_may_stand_anywhere():
    assert found({name.replace("first", "first._orig_mod"): shape for name, shape in NET.items()})


def test_counters_do_not_count():
    counter = SimpleNamespace(shape=(), dtype="int64")
    assert factories(found(NET, **{"norm.num_batches_tracked": counter})) == ["lib:one", "lib:two"]


def test_a_part_of_the_weights_is_found_and_named_when_there_are_two():
    twice = {f"{name}.{key}": shape for name in ("net", "ema") for key, shape in NET.items()}
    assert {one.entry for one in found(twice)} == {"net", "ema"}
    assert {one.entry for one in found({f"net.{key}": NET[key] for key in NET} | {"loss.weight": (3,)})} == {
        ""
    }


def test_every_set_of_weights_in_a_file_is_looked_at():
    sets = {"state_dict": tensors(NET), "ema": tensors(WIDE)}
    assert [(one.factory, one.entry) for one in recognise(sets, INDEX)] == [
        ("lib:one", "state_dict"),
        ("lib:two", "state_dict"),
        ("lib:wide", "ema"),
    ]


def test_a_source_names_file_entry_and_factory():
    one = Candidate("lib:net(n=3)", "head", entry="ema")
    assert one.source("a/b.pt") == "a/b.pt#ema@lib:net(n=3)"
    assert Candidate("lib:net", "same").source("b.pt") == "b.pt@lib:net"


def test_a_sentence_lists_a_few():
    rows = [Candidate(name, "same") for name in "abcdef"]
    assert sentence(rows[:1]) == "a"
    assert sentence(rows[:4]) == "a, b, c or d"
    assert sentence(rows) == "a, b, c or 3 others"


def test_nonsense_is_no_architecture():
    assert recognise({"": tensors({"a": (3,), "b.weight": (4, 4)})}) == []
    assert recognise({"": {}}) == []
    assert recognise({}) == []


def test_the_shipped_index_says_which_versions_it_is_of():
    assert known().versions.keys() == {"torchvision", "timm", "transformers"}
    assert sum(len(form.makers) for forms in known().forms.values() for form in forms) > 1500
