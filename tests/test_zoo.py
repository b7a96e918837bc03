"""The zoos are whole: what they list is what the libraries have."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.zoo import segmentation, timm_models, transformers_models, yolo


def test_every_module_of_timm_is_there_once() -> None:
    import timm

    listed = {name: module for module in timm.list_modules() for name in timm.list_models(module=module)}
    modules = Counter(listed[name] for name in timm_models.names())
    assert modules == Counter(timm.list_modules())


def test_all_twelve_architectures_for_segmentation_are_there() -> None:
    assert len(segmentation.names()) == 12


@pytest.mark.parametrize(
    "name", ["yolov5n", "yolov8n", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n"]
)
def test_yolo_of_every_generation_is_there(name: str) -> None:
    assert name in yolo.names()


def test_numbers_that_mean_different_things_differ_in_small_transformers() -> None:
    decoder = transformers_models.MODELS["llama"][2]
    names = ("hidden_size", "num_attention_heads", "num_key_value_heads", "head_dim", "intermediate_size")
    numbers = [*(decoder[name] for name in names), *transformers_models.LENGTHS.values()]
    assert len({*numbers}) == len(names) + len({*transformers_models.LENGTHS.values()})
