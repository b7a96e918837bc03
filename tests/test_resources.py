import zipfile

import pytest

from slimgui import resources


def test_a_clone_finds_its_resources():
    assert resources.path(resources.EXAMPLE).is_file()
    assert resources.path("icons").is_dir()


def test_a_missing_resource_is_named():
    with pytest.raises(FileNotFoundError, match=r"no resource 'icons/none\.svg'"):
        resources.path("icons/none.svg")


def test_an_installed_copy_finds_its_own_resources_first(tmp_path, monkeypatch):
    inside = tmp_path / "_resources" / "icons"
    inside.mkdir(parents=True)
    (inside / "app.svg").write_text("<svg/>")
    monkeypatch.setattr(resources, "_PLACES", (tmp_path / "_resources", *resources._PLACES[1:]))
    assert resources.path("icons/app.svg") == inside / "app.svg"


def test_the_held_out_images_are_a_plain_archive():
    # np.load reads it with allow_pickle=False: two arrays, nothing else.
    with zipfile.ZipFile(resources.path("example/heldout.npz")) as archive:
        assert sorted(archive.namelist()) == ["images.npy", "labels.npy"]
