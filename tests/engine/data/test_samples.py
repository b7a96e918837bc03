"""Samples from folders, arrays and programs: batches like the model's inputs, or one sentence."""

from __future__ import annotations

import hashlib
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from slimgui import engine, resources
from slimgui.engine.load import Loaded
from slimgui.errors import ConsentError, DataError

COLOUR = torch.zeros(1, 3, 8, 8)
GREY = (torch.zeros(2, 1, 8, 8),)


def photo(path: Path, value: int = 0, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value, 0, 255)).save(path)
    return path


def known(classes: tuple[str, ...] = (), model: nn.Module | None = None) -> Loaded:
    return Loaded(model or nn.Identity(), None, "net.pt", labels=classes)


# --- folders


def test_a_folder_of_images_gives_unlabelled_batches_of_even_sizes(tmp_path: Path) -> None:
    for number in range(7):
        photo(tmp_path / f"{number}.png", number)
    (tmp_path / "notes.txt").write_text("no image")
    found = engine.samples(tmp_path, COLOUR, batch_size=3)
    assert (found.size, found.labelled, found.classes) == (7, False, ())
    batches = list(found)
    assert [len(batch) for batch in batches] == [2, 2, 3]  # 7 in three batches: never one left over
    # red is the image's number / 255, blue is 1
    reds = torch.cat(batches)[:, 0, 0, 0] * 255
    assert sorted(reds.round().int().tolist()) == list(range(7))
    assert reds.tolist() != sorted(reds.tolist())
    torch.testing.assert_close(torch.cat(batches)[:, 2], torch.ones(7, 8, 8))
    assert torch.equal(torch.cat(list(found)), torch.cat(batches))  # any number of times, in one order
    with pytest.raises(DataError, match="no labels"):
        next(found.pairs())


def test_a_folder_per_class_is_labelled_in_the_order_of_the_alphabet_and_mixed(tmp_path: Path) -> None:
    for name, value in (("cat", 10), ("ant", 20), ("dog", 30)):
        for number in range(20):
            photo(tmp_path / name / f"{number}.png", value)
    found = engine.samples(tmp_path, COLOUR, batch_size=20)
    assert (found.size, found.classes) == (60, ("ant", "cat", "dog"))
    for inputs, labels in found.pairs():
        assert len(set(labels.tolist())) == 3  # classes are mixed
        want = torch.tensor([20, 10, 30])[labels]
        torch.testing.assert_close(inputs[:, 0, 0, 0] * 255, want.float())
    few = engine.samples(tmp_path, COLOUR, limit=30)
    assert few.size == sum(len(batch) for batch in few) == 30


@pytest.mark.parametrize(
    ("folders", "names", "classes"),
    [
        (("b", "a"), ("b", "a", "c"), ("b", "a", "c")),  # the model's own order
        (("10", "9", *map(str, range(9))), (), tuple(map(str, range(11)))),  # numbers are labels
        (("2019", "2020"), (), ("2019", "2020")),  # these are names
        (("b", "z"), ("b", "a"), ("b", "z")),
    ],
)
def test_labels_follow_the_model_then_numbers_then_the_alphabet(
    folders: tuple[str, ...], names: tuple[str, ...], classes: tuple[str, ...], tmp_path: Path
) -> None:
    for name in folders:
        photo(tmp_path / name / "1.png")
    found = engine.samples(tmp_path, COLOUR, model=known(names))
    assert found.classes == classes
    assert bool(found.notes) == (names == ("b", "a"))


def test_images_of_any_kind_and_shape_become_inputs_of_the_model(tmp_path: Path) -> None:
    photo(tmp_path / "a.png", 40, (20, 9), "L")
    photo(tmp_path / "b.jpg", 40, (5, 30))
    Image.new("RGBA", (3, 3), (40, 40, 40, 7)).save(tmp_path / "c.png")
    Image.new("P", (9, 8)).save(tmp_path / "d.gif")
    (inputs,) = engine.samples(tmp_path, {"pixels": COLOUR})
    assert list(inputs) == ["pixels"]
    assert inputs["pixels"].shape == (4, 3, 8, 8)
    ((grey,),) = engine.samples(tmp_path, GREY)
    assert grey.shape == (4, 1, 8, 8)
    (half,) = engine.samples(tmp_path, COLOUR.half(), size=(12, 10))
    assert (half.shape, half.dtype) == ((4, 3, 12, 10), torch.float16)


def bad_folders(folder: Path) -> dict[str, Path]:
    made = {name: folder / name for name in ("empty", "text", "cut", "mixed", "deep", "huge", "nested")}
    for path in made.values():
        path.mkdir()
    (made["text"] / "a.png").write_text("no image")
    whole = photo(folder / "whole.png", size=(64, 64)).read_bytes()
    (made["cut"] / "a.png").write_bytes(whole[: len(whole) // 2])
    photo(made["mixed"] / "a.png")
    photo(made["mixed"] / "cat" / "a.png")
    Image.new("I;16", (8, 8)).save(made["deep"] / "a.png")
    header = whole[:16] + (30_000).to_bytes(4, "big") * 2 + whole[24:29]
    (made["huge"] / "a.png").write_bytes(header + zlib_crc(header[12:29]) + whole[33:])
    photo(made["nested"] / "train" / "cat" / "a.png")
    return made


def zlib_crc(chunk: bytes) -> bytes:
    import zlib

    return zlib.crc32(chunk).to_bytes(4, "big")


def test_a_bad_folder_is_one_sentence(tmp_path: Path) -> None:
    want = {
        "empty": "empty holds no images.",
        "text": "text/a.png is no image.",
        "cut": "cut/a.png is damaged or cut off.",
        "mixed": "mixed holds images in two ways.",
        "deep": "deep/a.png was not read.",
        "huge": "huge/a.png was not read.",
        "nested": "nested holds no images.",
    }
    for name, path in bad_folders(tmp_path).items():
        with pytest.raises(DataError) as caught:
            list(engine.samples(path, COLOUR))
        assert caught.value.what == want[name]
    photo(tmp_path / "good" / "a.png")
    for like in (torch.zeros(1, 16), (COLOUR, COLOUR), torch.zeros(1, 3, 8, 8, dtype=torch.int64)):
        with pytest.raises(DataError, match="this model takes none"):
            engine.samples(tmp_path / "good", like)
    with pytest.raises(DataError, match="Mean and std do not fit"):
        engine.samples(tmp_path / "good", COLOUR, mean=(0.5, 0.5), std=(1.0, 1.0))
    with pytest.raises(DataError, match="cannot be done"):
        engine.samples(tmp_path / "good", COLOUR, std=(0.0,))


# --- arrays


def test_the_example_has_data_of_its_own_and_its_known_accuracy() -> None:
    loaded = engine.load(resources.path(resources.EXAMPLE))
    assert loaded.example_inputs is not None
    found = engine.samples(resources.path("example/heldout.npz"), loaded.example_inputs, model=loaded)
    assert (found.size, found.classes) == (2000, loaded.labels)
    assert found.accuracy(loaded.model) == pytest.approx(0.926)  # resources/example/README.md


def test_pixels_are_found_in_either_order_of_axes_and_grey_serves_colours(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (5, 3, 8, 8), np.uint8)
    for name, array in (("chw", first), ("hwc", first.transpose(0, 2, 3, 1))):
        np.savez(tmp_path / f"{name}.npz", images=array)
        found = engine.samples(tmp_path / f"{name}.npz", COLOUR, mean=(0.5,), std=(0.25,))
        (inputs,) = found
        order = [np.abs(first / 255 - (0.25 * one + 0.5).numpy()).sum((1, 2, 3)).argmin() for one in inputs]
        want = (torch.from_numpy(first[order]) / 255 - 0.5) / 0.25
        torch.testing.assert_close(inputs, want)
        assert "as you said" in found.describe()
    np.savez(tmp_path / "grey.npz", first[:, 0])
    (inputs,) = engine.samples(tmp_path / "grey.npz", COLOUR, size=(16, 16))
    assert inputs.shape == (5, 3, 16, 16)
    assert torch.equal(inputs[:, 0], inputs[:, 2])


def test_other_arrays_are_inputs_as_they_are_by_name_or_in_order(tmp_path: Path) -> None:
    ids, mask = np.arange(12).reshape(6, 2), np.ones((6, 2), np.int64)
    like = {"ids": torch.zeros(1, 2, dtype=torch.int64), "mask": torch.zeros(1, 2, dtype=torch.int64)}
    np.savez(tmp_path / "text.npz", mask=mask, ids=ids, other=mask, labels=np.arange(6))
    for inputs, labels in engine.samples(tmp_path / "text.npz", like, batch_size=4).pairs():
        assert torch.equal(inputs["ids"][:, 0], 2 * labels)
        assert torch.equal(inputs["mask"], torch.ones_like(inputs["ids"]))
    np.savez(tmp_path / "pair.npz", a=np.ones((4, 3)), b=np.zeros((4, 5), np.float32))
    ((one, other),) = engine.samples(tmp_path / "pair.npz", (torch.zeros(2, 3), torch.zeros(2, 5)))
    assert (one.dtype, one.shape, other.shape) == (torch.float32, (4, 3), (4, 5))


def test_a_bad_npz_is_one_sentence_and_no_pickle_in_it_runs(tmp_path: Path) -> None:
    ran = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (ran,)

    objects = np.array([Evil()], object)
    np.savez(tmp_path / "objects.npz", images=objects, labels=np.zeros(1, int))
    np.savez(tmp_path / "words.npz", images=np.array(["a", "b"]))
    np.savez(tmp_path / "several.npz", one=np.zeros((2, 3, 8, 8)), two=np.zeros((2, 3, 8, 8)))
    np.savez(tmp_path / "lengths.npz", images=np.zeros((2, 3, 8, 8)), labels=np.zeros(3, int))
    np.savez(tmp_path / "scores.npz", images=np.zeros((2, 3, 8, 8)), labels=np.zeros((2, 4)))
    np.savez(tmp_path / "shape.npz", images=np.zeros((2, 5, 8, 8)))
    np.savez(tmp_path / "pixels.npz", images=np.zeros((2, 5, 8, 8), np.uint8))
    np.savez(tmp_path / "complex.npz", images=np.zeros((2, 3, 8, 8), complex))
    np.savez(tmp_path / "none.npz", images=np.zeros((0, 3, 8, 8)))
    np.savez(tmp_path / "number.npz", images=np.float32(3))
    whole = (tmp_path / "several.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(Evil()))
    with zipfile.ZipFile(tmp_path / "huge.npz", "w") as archive:
        header = (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 100000, 100), }".ljust(117) + "\n"
        )
        archive.writestr(
            "images.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
        )
    want = {
        "objects": "'images' in objects.npz holds Python objects.",
        "words": "'images' in words.npz holds <U1, which are no numbers.",
        "several": "It is not clear which arrays in several.npz are inputs.",
        "lengths": "The arrays in lengths.npz are of different lengths.",
        "scores": "'labels' in scores.npz holds no labels.",
        "shape": "The samples in shape.npz are no inputs of this model.",
        "pixels": "The samples in pixels.npz are no inputs of this model.",
        "complex": "'images' in complex.npz holds complex128, which are no numbers.",
        "none": "none.npz holds no samples.",
        "number": "An array in number.npz is a single number.",
        "cut": "cut.npz is damaged.",
        "pickle": "pickle.npz is damaged.",
        "huge": "huge.npz does not fit in memory.",
    }
    for name, sentence in want.items():
        with pytest.raises(DataError) as caught:
            engine.samples(tmp_path / f"{name}.npz", COLOUR)
        assert caught.value.what == sentence
        assert "Traceback" not in str(caught.value)
    assert not ran.exists()


# --- programs

PROGRAM = """
import torch

def samples():
    for number in range(4):
        yield torch.full((2, 3, 8, 8), float(number)), torch.tensor([number, 0])

def evaluate(model):
    return torch.tensor(0.25)
"""


def test_a_program_gives_pairs_and_measures_as_it_likes(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PROGRAM)
    found = engine.samples(tmp_path / "mine.py", COLOUR)
    assert (found.size, found.labelled, found.preprocessing) == (None, True, None)
    for _ in range(2):  # it is called anew each time
        assert [float(batch.mean()) for batch in found] == [0, 1, 2, 3]
    assert [labels.tolist() for _, labels in found.pairs()][3] == [3, 0]
    assert found.accuracy(nn.Identity()) == 0.25
    assert len(list(engine.samples(tmp_path / "mine.py", COLOUR, limit=3))) == 2  # whole batches of two
    assert "taken as they are" in engine.samples(tmp_path / "mine.py", COLOUR, mean=(0.5,)).notes[0]


def test_a_program_runs_only_with_consent_to_its_bytes(tmp_path: Path) -> None:
    path, ran = tmp_path / "mine.py", tmp_path / "ran"
    path.write_text(f"import pathlib\npathlib.Path({str(ran)!r}).touch()\n{PROGRAM}")
    with pytest.raises(ConsentError) as asked:
        engine.samples(path, COLOUR, allow_code=False)
    assert not ran.exists()
    assert asked.value.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert engine.samples(path, COLOUR, allow_code=False, trusted=[asked.value.sha256]).labelled
    assert ran.exists()
    path.write_text(path.read_text() + "# changed\n")
    with pytest.raises(ConsentError):
        engine.samples(path, COLOUR, allow_code=False, trusted=[asked.value.sha256])


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("1 / 0", "mine.py failed."),
        ("x = 1", "mine.py has neither samples() nor evaluate(model)."),
        ("def samples(): return 3", "samples() in mine.py failed at batch 1."),
        ("def samples(): return []", "samples() in mine.py gives no batch."),
        ("def samples(): return [(1, 2)]", "Batch 1 of mine.py is no input of this model."),
        (
            "import torch\ndef samples(): return [torch.zeros(3)]",
            "Batch 1 of mine.py is no input of this model.",
        ),
        (
            "import torch\ndef samples(): return [(torch.zeros(2, 3, 8, 8), torch.zeros(5))]",
            "Batch 1 of mine.py has no label for each sample.",
        ),
        (
            "import torch\ndef samples():\n    yield torch.zeros(2, 3, 8, 8)\n    raise KeyError('b')",
            "samples() in mine.py failed at batch 2.",
        ),
        ("def evaluate(model): return 1", "mine.py has no function samples()."),
    ],
)
def test_a_bad_program_is_one_sentence(program: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(program)
    with pytest.raises(DataError) as caught:
        list(engine.samples(tmp_path / "mine.py", COLOUR))
    assert caught.value.what == sentence


def test_a_measure_that_fails_is_one_sentence(tmp_path: Path) -> None:
    for number, body in enumerate(("1 / 0", "return 'good'", "return float('nan')")):
        path = tmp_path / f"measure{number}.py"
        path.write_text(f"def evaluate(model): {body}\n")
        with pytest.raises(DataError, match=r"evaluate\(model\) in"):
            engine.samples(path, COLOUR).accuracy(nn.Identity())


def test_what_is_no_source_of_samples_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match=r"notes\.txt holds no samples"):
        engine.samples(tmp_path / "notes.txt", COLOUR)
    with pytest.raises(DataError, match="There is no"):
        engine.samples(tmp_path / "nowhere", COLOUR)


@pytest.mark.parametrize("kind", ["npz", "py"])
def test_samples_that_hold_nan_are_refused_by_the_number_of_their_batch(kind: str, tmp_path: Path) -> None:
    images = np.zeros((6, 1, 8, 8), np.float32)
    images[4, 0, 3, 3] = np.nan
    path = tmp_path / f"heldout.{kind}"
    np.savez(tmp_path / "heldout.npz", images=images)
    if kind == "py":
        path.write_text(
            "import torch\n"
            "def samples():\n"
            "    yield torch.zeros(2, 1, 8, 8), [0, 1]\n"
            "    yield torch.full((2, 1, 8, 8), float('nan')), [0, 1]\n"
        )
    with pytest.raises(DataError, match=r"Batch \d of heldout\.\w+ holds NaN"):
        list(engine.samples(path, GREY, batch_size=2))
