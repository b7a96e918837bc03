"""What models say of their images, and images prepared exactly as the libraries that trained them do."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from slimgui import engine
from slimgui.engine.load import Loaded
from slimgui.engine.load.vision import import_torchvision

BUILDERS = ("resnet50", "swin_t", "regnet_y_400mf")


def pictures(folder: Path) -> list[Image.Image]:
    """Noise over a gradient, wide, high and small, as PNG: nothing is lost."""
    rng = np.random.default_rng(0)
    made = []
    for number, (high, wide) in enumerate(((300, 411), (517, 260), (60, 90))):
        slope = np.linspace(0, 200, high * wide * 3).reshape(high, wide, 3)
        image = Image.fromarray((slope + rng.integers(0, 56, slope.shape)).astype(np.uint8))
        image.save(folder / f"{number}.png")
        made.append(image)
    return made


def matched(have: torch.Tensor, want: torch.Tensor) -> None:
    """The same images in some order."""
    for one in want:
        assert min((one - other).abs().max().item() for other in have) < 1e-5


@pytest.mark.parametrize("name", BUILDERS)
def test_published_weights_get_the_images_they_were_trained_on(name: str, tmp_path: Path) -> None:
    images = pictures(tmp_path)
    transforms = import_torchvision().models.get_model_weights(name).DEFAULT.transforms()
    loaded = Loaded(nn.Identity(), None, f"torchvision.models:{name}")
    found = engine.samples(tmp_path, torch.zeros(1, 3, 224, 224), model=loaded)
    matched(torch.cat(list(found)), torch.stack([transforms(image) for image in images]))
    assert f"{name}'s published weights" in found.describe()


def test_a_model_that_carries_its_configuration_is_believed(tmp_path: Path) -> None:
    import_torchvision()  # timm imports it
    timm = importlib.import_module("timm")
    model = timm.create_model("resnet10t", pretrained=False)
    images = pictures(tmp_path)
    config = {**model.pretrained_cfg, "input_size": (3, 96, 96)}
    transform = timm.data.create_transform(**timm.data.resolve_data_config({}, pretrained_cfg=config))
    (inputs,) = engine.samples(tmp_path, torch.zeros(1, 3, 96, 96), model=model)
    matched(inputs, torch.stack([transform(image) for image in images]))


@pytest.mark.parametrize(
    ("config", "crop"),
    [
        (
            {
                "size": {"shortest_edge": 256},
                "do_center_crop": True,
                "crop_size": {"height": 224, "width": 224},
            },
            0.875,
        ),
        ({"size": {"height": 224, "width": 224}}, None),
        ({"size": 224}, None),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.9}, 0.9),
        ({"size": {"shortest_edge": 224}}, 1.0),
    ],
)
def test_the_file_beside_the_weights_is_read(
    config: dict[str, object], crop: float | None, tmp_path: Path
) -> None:
    content = {**config, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7], "resample": 3}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(content))
    (tmp_path / "model.safetensors").touch()
    loaded = Loaded(nn.Identity(), None, f"{tmp_path / 'model.safetensors'}@net.py:build")
    found = engine.preprocessing_of(loaded)
    assert (found.mean, found.std, found.interpolation) == ((0.1, 0.2, 0.3), (0.5, 0.6, 0.7), "bicubic")
    assert found.crop == crop
    assert found.origin == "preprocessor_config.json"


@pytest.mark.parametrize(
    "content", ["", "[]", '{"image_mean": 3}', '{"image_std": [0]}', '{"size": {"a": 1}']
)
def test_nonsense_beside_the_weights_is_no_preprocessing(content: str, tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(content)
    (tmp_path / "model.safetensors").touch()
    loaded = Loaded(nn.Identity(), None, f"{tmp_path / 'model.safetensors'}@net.py:build")
    assert engine.preprocessing_of(loaded) == engine.Preprocessing()


def test_without_a_word_the_usual_is_done_and_said() -> None:
    assert "nothing says how this model was trained" in engine.preprocessing_of(nn.Identity()).describe()


def test_numbers_for_other_channels_are_left_out_with_a_note(tmp_path: Path) -> None:
    pictures(tmp_path)
    loaded = Loaded(nn.Identity(), None, "torchvision.models:resnet50")
    found = engine.samples(tmp_path, torch.zeros(1, 1, 32, 32), model=loaded)
    assert "for other channels" in found.notes[0]
    assert found.preprocessing is not None
    assert found.preprocessing.mean == (0.0,)
