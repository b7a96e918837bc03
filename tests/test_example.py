"""The shipped checkpoint is what resources/example/README.md says it is."""

import json

import numpy as np
import pytest
import torch

from slimgui import example, resources

FLOOR = 0.92  # measured 0.9260 on these 2,000 images; another CPU may round a few of them differently


@pytest.fixture(scope="module")
def checkpoint():
    return torch.load(resources.path(resources.EXAMPLE), weights_only=True)


def test_checkpoint_holds_plain_values_and_names_its_factory(checkpoint):
    assert checkpoint["slimgui_factory"] == "slimgui.example:build"
    assert checkpoint["example_shape"] == [1, 1, 28, 28]
    assert checkpoint["classes"] == list(example.CLASSES)
    assert all(type(tensor) is torch.Tensor for tensor in checkpoint["state_dict"].values())


def test_checkpoint_is_small():
    assert resources.path(resources.EXAMPLE).stat().st_size < 4_000_000
    assert resources.path("example/heldout.npz").stat().st_size < 2_000_000


def test_checkpoint_recognises_the_held_out_images(checkpoint):
    model = example.build().eval()
    model.load_state_dict(checkpoint["state_dict"])
    with np.load(resources.path("example/heldout.npz"), allow_pickle=False) as heldout:
        images = torch.from_numpy(heldout["images"]).unsqueeze(1) / 255
        labels = torch.from_numpy(heldout["labels"].astype(np.int64))
    assert images.shape == (2000, 1, 28, 28)
    with torch.no_grad():
        right = sum(
            model(part).argmax(1).eq(wanted).sum().item()
            for part, wanted in zip(images.split(500), labels.split(500), strict=True)
        )
    assert right / len(labels) >= FLOOR


def test_the_record_of_the_training_fits_the_network():
    record = json.loads(resources.path("example/training.json").read_text(encoding="utf-8"))
    assert record["parameters"] == sum(p.numel() for p in example.build().parameters())


def test_network_holds_every_kind_of_coupling_it_is_meant_to_show():
    convolutions = [m for m in example.build().modules() if isinstance(m, torch.nn.Conv2d)]
    # The stem; four residual blocks of 2 + 2 in the gate; two depthwise blocks of 3 + 2; a shortcut each:
    # 1 + (4·4 + 1) + (2·5 + 1) = 29
    assert len(convolutions) == 29
    assert sum(c.groups > 1 for c in convolutions) == 2
