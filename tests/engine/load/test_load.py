"""What can be opened is opened whole: modules, weights, factories, the example."""

import hashlib
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from slimgui.engine.load import load, with_inputs
from slimgui.errors import ConsentError, LoadError, MissingInputsError, UnsafeFileError

EXAMPLE = Path(__file__).parents[3] / "resources" / "example" / "fashion_cnn.pt"
SMALL_NET = nn.Sequential(
    nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)
)
MY_NET = """
import neighbour
from torch import nn

def build():
    return nn.Linear(2, neighbour.SIZE)

def fail():
    raise ValueError("no weights today")

def text():
    return "resnet"
"""


@pytest.fixture
def my_net(tmp_path):
    (tmp_path / "my_net.py").write_text(MY_NET)
    (tmp_path / "neighbour.py").write_text("SIZE = 7\n")
    return tmp_path / "my_net.py"


def test_the_example_opens_with_its_shape_and_labels():
    loaded = load(EXAMPLE)
    assert [tuple(tensor.shape) for tensor in loaded.example_inputs] == [(1, 1, 28, 28)]
    assert len(loaded.labels) == 10
    assert not loaded.model.training
    assert loaded.model(*loaded.example_inputs).shape == (1, 10)


@pytest.mark.parametrize(
    "name",
    ["resnet50", "mobilenet_v3_small", "densenet121", "googlenet", "shufflenet_v2_x0_5", "efficientnet_b0"],
)
def test_whole_models_of_torchvision_open_and_compute_the_same(name, tmp_path):
    models = pytest.importorskip("torchvision.models")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = getattr(models, name)().eval()
    torch.save(model, tmp_path / "model.pt")
    loaded = load(tmp_path / "model.pt")
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.model(image), model(image))


def test_a_whole_model_of_torch_classes_opens(tmp_path):
    torch.save(SMALL_NET, tmp_path / "model.pt")
    loaded = load(str(tmp_path / "model.pt"))
    assert loaded.source == str(tmp_path / "model.pt")
    assert torch.equal(loaded.model[4].weight, SMALL_NET[4].weight)


def test_recurrent_and_transformer_layers_open(tmp_path):
    torch.save(nn.ModuleList([nn.LSTM(3, 4, 2), nn.MultiheadAttention(8, 2)]), tmp_path / "model.pt")
    lstm = load(tmp_path / "model.pt").model[0]
    assert lstm(torch.randn(5, 1, 3))[0].shape == (5, 1, 4)


def test_weights_open_in_a_given_model(tmp_path):
    given, wanted = nn.Linear(2, 3), nn.Linear(2, 3)
    for nested in (wanted.state_dict(), {"epoch": 3, "state_dict": wanted.state_dict()}):
        torch.save(nested, tmp_path / "weights.pt")
        loaded = load(tmp_path / "weights.pt", model=given)
        assert loaded.model is given
        assert torch.equal(given.weight, wanted.weight)


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_open_with_a_factory_beside_them(zipped, tmp_path):
    models = pytest.importorskip("torchvision.models")
    wanted = models.shufflenet_v2_x0_5()
    path = tmp_path / "weights.pt"
    torch.save(wanted.state_dict(), path, _use_new_zipfile_serialization=zipped)
    for loaded in (
        load(f"{path}@torchvision.models:shufflenet_v2_x0_5"),
        load(path, model="torchvision.models:shufflenet_v2_x0_5"),
    ):
        assert loaded.source == f"{path}@torchvision.models:shufflenet_v2_x0_5"
        assert torch.equal(loaded.model.fc.weight, wanted.fc.weight)


def test_a_factory_makes_the_same_random_weights_every_time_and_leaves_the_global_state_alone():
    pytest.importorskip("torchvision")
    torch.manual_seed(7)
    state = torch.get_rng_state()
    one, two = (load("torchvision.models:squeezenet1_1").model for _ in range(2))
    assert torch.equal(one.features[0].weight, two.features[0].weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_factory_of_torchvision_does_not_download_a_backbone():
    pytest.importorskip("torchvision")
    assert isinstance(load("torchvision.models.segmentation:lraspp_mobilenet_v3_large").model, nn.Module)


def test_a_function_in_a_py_file_makes_the_model_and_may_import_its_neighbours(my_net):
    assert load(f"{my_net}:build").model.out_features == 7


def test_without_consent_no_py_file_and_no_unknown_package_is_run(my_net, tmp_path):
    my_net.write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\ndef build(): ...\n")
    for source in (f"{my_net}:build", str(my_net), my_net, f"{EXAMPLE}@{my_net}:build"):
        with pytest.raises(ConsentError, match="consent") as asked:
            load(source, allow_code=False)
        assert asked.value.sha256 == hashlib.sha256(my_net.read_bytes()).hexdigest()
    with pytest.raises(UnsafeFileError, match="consent"):
        load("json:loads", allow_code=False)
    assert not (tmp_path / "executed").exists()


def test_without_consent_trusted_sources_open(tmp_path):
    pytest.importorskip("torchvision")
    assert load("torchvision.models:squeezenet1_1", allow_code=False).model
    assert load(EXAMPLE, allow_code=False).model


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("fail", "ValueError: no weights today"),
        ("text", "makes a str, not a model"),
        ("biuld", "It has build"),
    ],
)
def test_a_factory_that_fails_is_a_sentence(name, sentence, my_net):
    with pytest.raises(LoadError) as caught:
        load(f"{my_net}:{name}")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere.py:build", "There is no file nowhere.py"),
        ("no_such_package.net:build", "There is no module no_such_package"),
        ("torchvision.models:resnet5O", "It has resnet50"),
    ],
)
def test_a_source_written_wrongly_is_a_sentence(source, sentence, my_net, monkeypatch):
    monkeypatch.chdir(my_net.parent)
    if source.startswith("torchvision"):
        pytest.importorskip("torchvision")
    with pytest.raises(LoadError) as caught:
        load(source)
    assert sentence in str(caught.value)


def test_a_guessed_shape_is_noted(tmp_path):
    torch.save(SMALL_NET, tmp_path / "model.pt")  # (8 - 2)² · 4 = 144 features: only 8 x 8 images fit
    loaded = load(tmp_path / "model.pt")
    assert loaded.example_inputs is None
    guessed = with_inputs(loaded)
    assert guessed.example_inputs[0].shape == (1, 3, 8, 8)
    assert any("guess" in note for note in guessed.notes)


def test_a_given_shape_wins_over_the_one_in_the_file():
    assert with_inputs(load(EXAMPLE), "2x1x32x32").example_inputs[0].shape == (2, 1, 32, 32)


def test_inputs_have_the_number_type_of_the_model(tmp_path):
    torch.save(nn.Linear(4, 2).double(), tmp_path / "model.pt")
    assert with_inputs(load(tmp_path / "model.pt")).example_inputs[0].dtype == torch.float64


def test_a_model_that_takes_no_common_shape_asks_for_one(tmp_path):
    torch.save(nn.Sequential(nn.Conv2d(3, 1, 1), nn.Flatten(), nn.Linear(12345, 2)), tmp_path / "model.pt")
    with pytest.raises(MissingInputsError, match="--input"):
        with_inputs(load(tmp_path / "model.pt"))
