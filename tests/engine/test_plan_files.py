"""Channel configurations of supernet tools: what they say is what the deployed layers are, and back."""

from __future__ import annotations

import json

import oracle
import pytest
import torch
import yaml
from torch import nn

from slimgui import engine
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.engine.plan_files import read_plans, write_config
from slimgui.errors import PlanError, SaveError

# MobileNetV2 (Sandler et al. 2018, table 2): expansion, channels, blocks of each stage, and a narrower net.
STAGES = [(1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1)]
NARROW = [8, 16, 24, 40, 56, 96, 200]


def search_space() -> dict[str, dict[str, int]]:
    """A channel_cfg for torchvision's MobileNetV2, written from the paper's table alone."""
    layers = {**conv("features.0.0", 3, 20, 3, 32), **norm("features.0.1", 20, 32)}
    read, raw_read, number = 20, 32, 1
    for (expansion, raw, blocks), narrow in zip(STAGES, NARROW, strict=True):
        for block in range(blocks):
            name = f"features.{number}.conv"
            inner, raw_inner = (
                (read, raw_read) if expansion == 1 else (3 * read + number, expansion * raw_read)
            )
            layers |= {
                **({} if expansion == 1 else conv(f"{name}.0.0", read, inner, raw_read, raw_inner)),
                **({} if expansion == 1 else norm(f"{name}.0.1", inner, raw_inner)),
            }
            at = 0 if expansion == 1 else 1
            layers |= conv(f"{name}.{at}.0", inner, inner, raw_inner, raw_inner)  # depthwise
            layers |= norm(f"{name}.{at}.1", inner, raw_inner)
            layers |= conv(f"{name}.{at + 1}", inner, narrow, raw_inner, raw)
            layers |= norm(f"{name}.{at + 2}", narrow, raw)
            read, raw_read, number = narrow, raw, number + 1
            assert block < blocks
    layers |= conv("features.18.0", read, 700, raw_read, 1280) | norm("features.18.1", 700, 1280)
    return layers | conv("classifier.1", 700, 1000, 1280, 1000)


def conv(name: str, entering: int, leaving: int, raw_entering: int, raw_leaving: int) -> dict:
    widths = {"in_channels": entering, "out_channels": leaving}
    return {name: {**widths, "raw_in_channels": raw_entering, "raw_out_channels": raw_leaving}}


def norm(name: str, leaving: int, raw: int) -> dict:
    return {name: {"out_channels": leaving, "raw_out_channels": raw}}


def test_mobilenet_v2_gets_the_widths_of_a_channel_cfg_and_gives_them_back(tmp_path):
    import torchvision.models

    wanted = search_space()
    (tmp_path / "subnet.yaml").write_text(yaml.safe_dump(wanted))
    model = torchvision.models.mobilenet_v2(weights=None).eval()
    oracle.randomise(model, seed=1)
    inputs = torch.randn(1, 3, 64, 64)
    traced = engine.trace(model, inputs)

    plan = read_plans(tmp_path / "subnet.yaml", traced).plan
    selection = engine.resolve(traced, plan, model)
    deployed = engine.deploy(model, traced, selection)

    for name, layer in wanted.items():
        module = deployed.model.get_submodule(name)
        if isinstance(module, nn.Conv2d):
            found = {"in_channels": module.in_channels, "out_channels": module.out_channels}
        elif isinstance(module, nn.Linear):
            found = {"in_channels": module.in_features, "out_channels": module.out_features}
        else:
            found = {"out_channels": module.num_features}
        assert found == {key: layer[key] for key in found}, name
    assert deployed.model(inputs).shape == (1, 1000)

    write_config(tmp_path / "again.yaml", traced, selection)
    assert yaml.safe_load((tmp_path / "again.yaml").read_text()) == wanted
    assert read_plans(tmp_path / "again.yaml", traced).plan == plan
    write_config(tmp_path / "again.json", traced, selection)
    assert read_plans(tmp_path / "again.json", traced).plan == plan


class Joined(nn.Module):
    """Two branches joined by concatenation, a grouped and a transposed convolution, a linear layer."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(3, 6, 3, padding=1)
        self.joined = nn.Conv2d(14, 12, 1)
        self.grouped = nn.Conv2d(12, 24, 3, groups=3)
        self.up = nn.ConvTranspose2d(24, 10, 2, stride=2)
        self.norm = nn.BatchNorm2d(10)
        self.head = nn.Linear(10, 4)

    def forward(self, x):
        x = torch.cat([self.left(x), self.right(x)], 1)
        x = self.norm(self.up(self.grouped(self.joined(x).relu())))
        return self.head(x.mean((2, 3)))


@pytest.fixture(scope="module")
def joined():
    torch.manual_seed(0)
    model = Joined().eval()
    return model, engine.trace(model, torch.randn(1, 3, 8, 8))


def plan_of(tmp_path, traced, content) -> Plan:
    (tmp_path / "config").write_text(content if isinstance(content, str) else json.dumps(content))
    return read_plans(tmp_path / "config", traced).plan


def deployed_by(model, traced, plan) -> nn.Module:
    return engine.deploy(model, traced, engine.resolve(traced, plan, model)).model


def test_widths_are_what_convolutions_read_and_write(joined, tmp_path):
    model, traced = joined
    plan = plan_of(
        tmp_path,
        traced,
        {
            "left": {"out_channels": 5},
            "joined": {"in_channels": 8, "out_channels": 9},  # so 3 of `right` stay
            "grouped": {"in_channels": 9, "out_channels": 12},
            "up": {"in_channels": 12, "out_channels": 7, "raw_out_channels": 10},
            "norm": {"out_channels": 7},
        },
    )
    small = deployed_by(model, traced, plan)
    assert (small.left.out_channels, small.right.out_channels, small.joined.in_channels) == (5, 3, 8)
    assert (small.grouped.in_channels, small.grouped.out_channels, small.grouped.groups) == (9, 12, 3)
    assert (small.up.in_channels, small.up.out_channels, small.head.in_features) == (12, 7, 7)


def test_a_plan_made_on_one_model_applies_to_another_of_its_architecture(joined):
    made = Plan(ratio=0.5, locked=("up",)).with_count("left", 5).with_indices("right", [0, 3])
    torch.manual_seed(1)
    other = Joined().eval()
    small = deployed_by(other, engine.trace(other, torch.randn(1, 3, 8, 8)), made)
    model, traced = joined
    assert [p.shape for p in small.parameters()] == [
        p.shape for p in deployed_by(model, traced, made).parameters()
    ]
    assert torch.equal(small.right.weight, other.right.weight[[0, 3]])

    narrow = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 4, 1))
    with pytest.raises(PlanError, match="which this model does not have"):
        engine.resolve(engine.trace(narrow, torch.randn(1, 3, 8, 8)), made, narrow)


def test_steps_are_taken_one_after_the_other_each_on_the_model_before(joined):
    model, traced = joined
    inputs = torch.randn(1, 3, 8, 8)
    small, widths = model, []
    for plan in engine.steps(traced, Plan(ratio=0.75), model, 3):
        small = deployed_by(small, engine.trace(small, inputs), plan)
        widths.append((small.left.out_channels, small.grouped.out_channels))
    # left 8 -> 2: 6 4 2. grouped: the 8 channels in each group likewise; of its 3 groups 2 go: 3 2 1
    assert widths == [(6, 3 * 6), (4, 2 * 4), (2, 1 * 2)]
    assert small(inputs).shape == (1, 4)


def test_a_subnet_keeps_the_first_channels(joined, tmp_path):
    model, traced = joined
    plan = plan_of(tmp_path, traced, {"left": {"out_channels": 5}})
    assert engine.resolve(traced, plan, model).keep["left"].tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("units", "kept"),
    [
        ({"left_(0, 8)_8": {"init_args": {"num_channels": 8}, "choice": 5}}, 5),
        ({"left_(0, 8)_8": 5}, 5),
        ({"left": 5}, 5),
        ({"left": {"choice": 0.5}}, 4),
        ({"left": {"init_args": {"choice_mode": "ratio"}, "choice": 1}}, 8),
        ({"left": {"init_args": {"divisor": 4}, "choice": 5}}, 8),  # 4 is below 0.9 · 5: one multiple more
        ({"left": {"init_args": {"divisor": 4, "min_ratio": 0.5}, "choice": 5}}, 4),
        ({"left": {"init_args": {"divisor": 1, "min_value": 6}, "choice": 5}}, 6),
        ({"left": {"init_args": {"divisor": 3, "min_value": 1}, "choice": 8}}, 8),  # 9, of which there are 8
        ({"type": "X", "channel_unit_cfg": {"type": "Y", "units": {"left": {"choice": 5}}}}, 5),
    ],
)
def test_a_unit_keeps_its_choice(joined, tmp_path, units, kept):
    model, traced = joined
    plan = plan_of(tmp_path, traced, units)
    assert engine.resolve(traced, plan, model).counts()["left"] == kept


def test_a_file_of_ours_is_told_apart_by_its_content(joined, tmp_path):
    plans = PlanSet().added("half", Plan(ratio=0.5))
    assert plan_of(tmp_path, joined[1], plans.to_json()) == Plan(ratio=0.5)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"lft": {"out_channels": 5}}, "Did you mean 'left'"),
        ({"lft_(0, 8)_8": {"choice": 5}}, "Did you mean 'left'"),
        ({"left": {"out_channels": 5, "raw_out_channels": 16}}, "has 8 output channels, not 16"),
        ({"left": {"init_args": {"num_channels": 16}, "choice": 5}}, "16 channels in the file, and 8"),
        ({"left": {"out_channels": 9}}, r"left \(output\) cannot have 9 channels"),
        ({"left": {"choice": 9}}, "9 channels cannot stay in 'left'"),
        ({"left": {"out_channels": 0}}, "It can have 1 to 8"),
        ({"grouped": {"out_channels": 13}}, "in steps of 3"),
        ({"joined": {"in_channels": 9}}, "(?s)nothing says how they are shared.*'left' and 'right'"),
        ({"up": {"out_channels": 7}, "norm": {"out_channels": 8}}, "(?s)cannot have 8 channels.*7 follow"),
        ({"up_(0, 10)_10": {"choice": 7}, "norm": {"choice": 8}}, "want 7 and 8"),
        ({"head": {"out_channels": 3}}, "(?s)cannot have 3 channels.*output of the model"),
        ({"left": {"in_channels": 2}}, "(?s)cannot have 2 channels.*may not be cut"),
        ({"left": {"out_channels": "many"}}, "entry of 'left' is damaged"),
        ({"left": {"init_args": {"divisor": 0}, "choice": 5}}, "entry of 'left' is damaged"),
        ({"left": True}, "neither a plan nor a channel configuration"),
        ({}, "neither a plan nor a channel configuration"),
        ("- a\n- b\n", "neither a plan nor a channel configuration"),
        ("a: [", "neither a plan nor a channel configuration"),
        ("!!python/object/apply:os.system ['true']", "neither a plan nor a channel configuration"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(joined, tmp_path, content, says):
    with pytest.raises(PlanError, match=says):
        plan_of(tmp_path, joined[1], content)


def test_files_that_cannot_be_read_or_written_are_a_sentence(joined, tmp_path):
    model, traced = joined
    selection = engine.resolve(traced, Plan(), model)
    with pytest.raises(PlanError, match="none cannot be read"):
        read_plans(tmp_path / "none", traced)
    with pytest.raises(SaveError, match="Choose a name that ends with"):
        write_config(tmp_path / "widths.txt", traced, selection)
    with pytest.raises(SaveError, match="was not saved"):
        write_config(tmp_path / "no" / "widths.yaml", traced, selection)
    assert list(tmp_path.iterdir()) == []


class Attention(nn.Module):
    """Separate projections: the width of a projection is heads times head width."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, x):
        q, k, v = (layer(x).unflatten(-1, (4, 4)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        return self.out(mixed.transpose(1, 2).flatten(2))


def test_where_heads_and_their_width_could_shrink_the_heads_stay(tmp_path):
    torch.manual_seed(0)
    model = Attention().eval()
    traced = engine.trace(model, torch.randn(1, 5, 16))
    plan = plan_of(tmp_path, traced, {"q": {"out_channels": 12}, "v": {"out_channels": 8}})
    small = deployed_by(model, traced, plan)
    assert (small.q.out_features, small.k.out_features, small.v.out_features) == (12, 12, 8)
    kinds = {group.id: group.kind for group in traced.groups}
    assert {kinds[name] for name, _ in plan.counts} == {"head_dim"}
