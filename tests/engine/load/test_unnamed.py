"""Weights alone are never loaded into a guess: the engine lists what they may be of, and the user chooses."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from slimgui import engine
from slimgui.engine.load import load
from slimgui.engine.load.source import is_factory, is_trusted
from slimgui.errors import LoadError, UnnamedModelError, UnsafeFileError

models = pytest.importorskip("torchvision.models")


def asked(path, **options):
    """What the engine offers; it must not load anything."""
    with pytest.raises(UnnamedModelError) as caught:
        load(path, **options)
    return caught.value


def saved(state, path):
    torch.save(state, path)
    return path


def filled(model):
    """The model with numbers that no fresh one has."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator))
    return model.eval()


def test_one_candidate_is_enough_to_ask_and_its_source_loads_the_weights(tmp_path):
    model = filled(models.squeezenet1_1(num_classes=4))
    path = saved({f"module.{name}": value for name, value in model.state_dict().items()}, tmp_path / "a.pt")
    error = asked(path)
    source, factory, how = error.candidates[0]
    assert factory == "torchvision.models:squeezenet1_1(num_classes=4)"
    assert "another head" in how
    assert f"--model '{factory}'" in error.hint
    loaded = load(source, allow_code=False)  # the window's way: it is a builder that a file may name
    image = torch.rand(1, 3, 64, 64)
    assert torch.equal(loaded.model(image), model(image))
    assert torch.equal(load(path, factory).model(image), model(image))


def test_two_architectures_with_the_same_weights_are_both_offered(tmp_path):
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        one, other = (timm.create_model(name) for name in ("efficientnet_b0", "tf_efficientnet_b0"))
    shapes = {name: value.shape for name, value in one.state_dict().items()}
    assert shapes == {name: value.shape for name, value in other.state_dict().items()}
    state = {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in
             one.state_dict().items()}  # fmt: skip
    offered = [factory for _, factory, _ in asked(saved(state, tmp_path / "a.pt")).candidates]
    assert {"timm.models:efficientnet_b0", "timm.models:tf_efficientnet_b0"} <= set(offered)
    first = load(f"{tmp_path / 'a.pt'}@timm.models:tf_efficientnet_b0", allow_code=False)
    assert first.model.conv_stem.__class__.__name__ == "Conv2dSame"  # what efficientnet_b0 has not


def test_two_sets_of_weights_are_offered_by_name_and_load_by_it(tmp_path):
    model, ema = (filled(models.squeezenet1_1(num_classes=n)) for n in (4, 4))
    nn.init.zeros_(ema.classifier[1].bias)
    prefixed = {f"module.{name}": value for name, value in ema.state_dict().items()}
    path = saved({"model": model.state_dict(), "ema": prefixed}, tmp_path / "a.pt")
    sources = [source for source, _, _ in asked(path).candidates]
    loaded = {str(source).partition("#")[2].partition("@")[0]: load(source).model for source in sources}
    assert torch.equal(loaded["ema"].classifier[1].bias, torch.zeros(4))
    assert torch.equal(loaded["model"].classifier[1].bias, model.classifier[1].bias)


def slimmed(name, seed=1, **options):
    """A slimmed model of torchvision, an image, and what it says of it."""
    model, image = filled(getattr(models, name)(**options)), torch.rand(2, 3, 64, 64)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.05)
    traced = engine.trace(model, image)
    plan = engine.sample(traced, seed)
    small = engine.deploy(model, traced, engine.resolve(traced, plan, model)).model
    assert small(image).detach().std() > 0
    return small, image


@pytest.mark.parametrize(
    ("name", "options"),
    [("mobilenet_v3_small", {}), ("shufflenet_v2_x0_5", {"num_classes": 7}), ("resnet18", {})],
)
def test_slimmed_weights_load_into_the_architecture_made_as_narrow(tmp_path, name, options):
    small, image = slimmed(name, **options)
    error = asked(
        saved({f"module.{key}": value for key, value in small.state_dict().items()}, tmp_path / "a.pt")
    )
    source, factory, how = error.candidates[0]
    assert factory.partition("(")[0] == f"torchvision.models:{name}"
    assert "narrower layers" in how
    loaded = load(source, allow_code=False)
    assert torch.equal(loaded.model(image), small(image))
    assert "made as narrow" in loaded.notes[0]


def test_of_two_slimmed_sets_of_weights_none_is_taken_unasked(tmp_path):
    state = slimmed("squeezenet1_1")[0].state_dict()
    path = saved(
        {"model": state, "ema": {name: value + 1 for name, value in state.items()}}, tmp_path / "a.pt"
    )
    with pytest.raises(LoadError, match="several sets of weights that fit"):
        load(path, "torchvision.models:squeezenet1_1")
    ema = load(f"{path}#ema", "torchvision.models:squeezenet1_1").model
    assert torch.equal(ema.classifier[1].bias, state["classifier.1.bias"] + 1)


def test_what_was_opened_narrower_is_slimmed_again_and_opens_by_itself(tmp_path):
    small, image = slimmed("resnet18")
    source = asked(saved(small.state_dict(), tmp_path / "a.pt")).candidates[0][0]
    loaded = load(source)
    traced = engine.trace(loaded.model, image)
    deployed = engine.deploy(
        loaded.model, traced, engine.resolve(traced, engine.sample(traced, 2), loaded.model)
    )
    proof = engine.verify(loaded.model, deployed, image)
    engine.save(replace(deployed, source=loaded.source, proof=proof), tmp_path / "b.pt")
    assert torch.equal(load(tmp_path / "b.pt", allow_code=False).model(image), deployed.model(image))


def test_shapes_that_leave_open_what_was_removed_are_refused(tmp_path):
    """A third of every query, key and value could be a head of the three, or a third of the width of each."""
    timm = pytest.importorskip("timm")
    state = timm.create_model("vit_tiny_patch16_224", num_classes=3).state_dict()
    for name, value in state.items():
        if "attn.qkv" in name:
            state[name] = value[: 3 * 64]
        elif "attn.proj.weight" in name:
            state[name] = value[:, :64]
    source = asked(saved(state, tmp_path / "a.pt")).candidates[0][0]
    with pytest.raises(LoadError, match="nothing says how they are shared"):
        load(source)


def test_weights_that_no_slimming_leaves_are_refused(tmp_path):
    state = models.resnet18().state_dict()
    for name in ("weight", "bias", "running_mean", "running_var"):
        state[f"layer1.0.bn1.{name}"] = state[f"layer1.0.bn1.{name}"][:9]  # the convolution before it has 64
    source = asked(saved(state, tmp_path / "a.pt")).candidates[0][0]
    with pytest.raises(LoadError, match="cannot be made like them"):
        load(source)


def test_unknown_weights_lead_to_a_factory(tmp_path):
    error = asked(saved(nn.Linear(2, 3).state_dict(), tmp_path / "a.pt"))
    assert error.candidates == ()
    assert "Choose a factory" in error.hint


def test_a_python_file_behind_the_weights_is_enough(tmp_path):
    model = filled(nn.Sequential(nn.Linear(2, 3)))
    saved(model.state_dict(), tmp_path / "a.pt")
    (tmp_path / "two_layer_net.py").write_text(
        "from torch import nn\ndef make(): return nn.Sequential(nn.Linear(2, 3))\n"
    )
    loaded = load(f"{tmp_path / 'a.pt'}@{tmp_path / 'two_layer_net.py'}")
    assert torch.equal(loaded.model[0].weight, model[0].weight)


def test_a_configuration_is_made_from_the_arguments():
    pytest.importorskip("transformers")
    made = load(
        "transformers:BertModel(hidden_size=24, num_hidden_layers=1, num_attention_heads=2, vocab_size=9)"
    )
    assert made.model.embeddings.word_embeddings.weight.shape == (9, 24)


def test_weights_that_were_saved_once_for_two_names_are_recognised_and_fill_both(tmp_path):
    pytest.importorskip("transformers")
    state = load("transformers:BertForMaskedLM(num_hidden_layers=2, hidden_size=128, num_attention_heads=2, "
                 "intermediate_size=512)").model.state_dict()  # fmt: skip
    decoder = "cls.predictions.decoder"
    state = {name: value + 1 for name, value in state.items() if not name.startswith(decoder)}
    source = asked(saved(state, tmp_path / "a.pt")).candidates[0][0]
    own = load(source, allow_code=False).model.state_dict()
    assert torch.equal(own[f"{decoder}.weight"], state["bert.embeddings.word_embeddings.weight"])


@pytest.mark.parametrize(
    "factory",
    [
        "torchvision.models:resnet18(10)",
        "torchvision.models:resnet18(num_classes=print())",
        "torchvision.models:resnet18(num_classes=)",
        "torchvision.models:resnet18(**{})",
    ],
)
def test_arguments_are_plain_values_with_names(factory):
    assert is_factory(factory)
    with pytest.raises(LoadError, match=r"arguments of torchvision\.models:resnet18 cannot be read"):
        load(factory)


@pytest.mark.parametrize(
    ("factory", "trusted"),
    [
        ("torchvision.models:resnet18(num_classes=10)", True),
        ("torchvision.models:resnet18(weights='DEFAULT')", False),  # it would fetch them
        ("torchvision.models:resnet18(num_classes=99999999999)", False),
        ("timm.models:resnet18(num_classes=10)", True),
        ("timm.models:resnet18(pretrained=True)", False),
        ("timm.models:create_model", False),
        ("transformers:BertModel", True),
        ("transformers:BertModel(vocab_size=28996)", True),
        ("transformers:BertModel(attn_implementation='somebody/code')", False),
        ("os:getcwd", False),
    ],
)
def test_a_file_may_name_what_the_index_has_and_say_sizes_only(factory, trusted):
    assert is_trusted(factory) is trusted
    if not trusted:
        with pytest.raises(UnsafeFileError):
            load(factory, allow_code=False)
