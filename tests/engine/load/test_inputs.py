"""Shapes as the user writes them, and example inputs of those shapes."""

import pytest
import torch
from torch import nn

from slimgui.engine.load import example_inputs, guess_shapes, parse_shapes
from slimgui.engine.load.inputs import Whole, shape_of, show
from slimgui.errors import LoadError, MissingInputsError


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("1x3x224x224", ((1, 3, 224, 224),)),
        ("1x3x8x8,1x16", ((1, 3, 8, 8), (1, 16))),
        (" 1 X 3 , 2 ", ((1, 3), (2,))),
        ("(1, 3, 8, 8)", ((1, 3, 8, 8),)),  # as python prints it
        ("[1, 3]", ((1, 3),)),
        ("1 × 3 × 8 × 8", ((1, 3, 8, 8),)),  # as the window shows it
        ("(5,), 1x2", ((5,), (1, 2))),
        ("1x16 : 30522", (Whole((1, 16), 30522),)),
        ("1x16:30522, 1x8", (Whole((1, 16), 30522), (1, 8))),
    ],
)
def test_shapes_are_read(text, shapes):
    assert parse_shapes(text) == shapes


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1x",
        "1x-3",
        "1x3,",
        "1.5x2",
        "1 3 x 8",
        "(1, 3",
        "()",
        "a",
        "1x0x3",
        "1x3:0",
        "1x3:",
        ":5",
        "99999999x99999999",
        "9" * 5000,
    ],
)
def test_nonsense_is_a_sentence(text):
    with pytest.raises(LoadError) as caught:
        parse_shapes(text)
    assert caught.value.hint


def test_a_shape_of_too_many_elements_asks_for_smaller_numbers() -> None:
    with pytest.raises(LoadError) as caught:
        parse_shapes("1x3x99999x99999")
    assert caught.value.hint == "Write smaller numbers."


def test_inputs_are_the_same_every_time_and_leave_the_global_state_alone():
    state = torch.get_rng_state()
    one, two = example_inputs(((1, 3, 4, 4), (2,))), example_inputs(((1, 3, 4, 4), (2,)))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("model", "shapes"),
    [
        (nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 2)), (Whole((1, 16), 9),)),
        (nn.Conv2d(1, 2, 3), ((1, 1, 28, 28),)),
        (nn.Conv2d(3, 2, 3), ((1, 3, 224, 224),)),
        (nn.Linear(17, 2), ((1, 17),)),
        (nn.Conv1d(2, 3, 5), ((1, 2, 1024),)),
        (nn.Conv3d(3, 2, 3), ((1, 3, 16, 112, 112),)),
        (nn.GRU(5, 6), ((1, 16, 5),)),
        (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(2 * 32 * 32, 3)), ((1, 1, 32, 32),)),
    ],
)
def test_the_first_layer_tells_which_common_shapes_to_try(model, shapes):
    assert guess_shapes(model) == shapes


def test_an_input_is_written_as_it_is_read():
    for text in ("1x3x8x8", "2x16:30522"):
        assert ",".join(map(show, parse_shapes(text))) == text
    (numbers,) = example_inputs((Whole((50, 20), 7),))
    assert (numbers.dtype, numbers.shape, numbers.unique().tolist()) == (torch.int64, (50, 20), [*range(7)])
    assert shape_of(numbers) == Whole((50, 20), 7)
    assert shape_of(numbers.float()) == (50, 20)
    assert shape_of(numbers.bool()) is None
    assert shape_of(numbers - 1) is None


def test_guessing_leaves_the_model_alone():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    guess_shapes(model)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_model_that_takes_no_common_shape_says_in_the_details_what_it_raised() -> None:
    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.missing(self.conv(x))

    with pytest.raises(MissingInputsError) as caught:
        guess_shapes(Broken())
    assert "missing" in str(caught.value.__cause__)
