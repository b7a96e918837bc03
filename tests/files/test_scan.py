"""The scanner is a short process with limits; whatever it does, the caller gets a report or a sentence."""

import os
import subprocess
import sys
import zipfile

import pytest
import torch

from slimgui.errors import LoadError
from slimgui.files import scan
from slimgui.scanner.containers import examine as examine_here
from slimgui.scanner.process import limit


def examined(path):
    with path.open("rb") as stream:
        before = stream.read(7), stream.tell()
        report = scan.examine(stream, path.name)
        assert stream.tell() == before[1], "the caller goes on reading where it was"
        return report


@pytest.mark.parametrize("zipped", [True, False])
def test_its_report_is_that_of_the_reader_in_this_process(zipped, tmp_path):
    path = tmp_path / "net.pt"
    torch.save(torch.nn.Linear(2, 3), path, _use_new_zipfile_serialization=zipped)
    with path.open("rb") as stream:
        assert examined(path) == examine_here(stream, "net.pt")
    assert examined(path).kind == ("zip" if zipped else "legacy")


def test_a_report_names_every_part_and_every_pickle_of_an_archive(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "net.pt")
    with zipfile.ZipFile(tmp_path / "net.pt", "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("net/notes/more.bin", b"\x80\x02cmy\nthing\n.")
    report = examined(tmp_path / "net.pt")
    assert set(report.pickles) == {"data.pkl", "notes/more.bin"}
    assert {"data.pkl", "data/0", "version", "notes/more.bin"} <= set(report.records)
    assert "my.thing" in report.scan.names


def test_a_refusal_arrives_as_the_same_sentence(tmp_path):
    (tmp_path / "net.pt").write_bytes(b"\x80\x02}q")
    with pytest.raises(LoadError) as refusal:
        examined(tmp_path / "net.pt")
    assert refusal.value.what == "net.pt is damaged or cut off."
    assert "cannot be read" in refusal.value.why
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import time; time.sleep(60)", "could not be looked through"),
        ("import os; os.kill(os.getpid(), 9)", "ended with status"),
        ("print('{\"report\": 7}')", "ended with status"),
        ("print('x' * 9_000_000)", "ended with status"),
    ],
)
def test_a_scanner_that_hangs_dies_or_babbles_is_a_sentence(code, said, tmp_path, monkeypatch):
    (tmp_path / "net.pt").write_bytes(b"\x80\x02}.")
    monkeypatch.setattr(scan, "_START", code)
    monkeypatch.setattr(scan, "_PATIENCE_S", 2.0)
    with pytest.raises(LoadError, match=said):
        examined(tmp_path / "net.pt")


def test_it_starts_with_the_file_the_answer_and_nothing_else(tmp_path, monkeypatch):
    code = (
        "import sys, os\n"
        "sys.path.append(sys.argv.pop(1)); import slimgui.scanner.process\n"
        "open_ = sorted(n for n in range(3, 256) if os.path.exists(f'/dev/fd/{n}'))\n"
        "heavy = sorted({'torch', 'numpy', 'msgspec', 'site'} & set(sys.modules))\n"
        "import json; print(json.dumps({'refusal': [str(open_), str(heavy), os.read(0, 4).decode()]}))"
    )
    (tmp_path / "net.pt").write_bytes(b"abcd")
    monkeypatch.setattr(scan, "_START", code)
    with (tmp_path / "other").open("wb") as other:
        os.set_inheritable(other.fileno(), True)
        with pytest.raises(LoadError) as refusal:
            examined(tmp_path / "net.pt")
    assert (refusal.value.what, refusal.value.why, refusal.value.hint) == ("[]", "[]", "abcd")


def test_its_limits_hold(tmp_path):
    code = (
        f"import sys; sys.path.append({scan._HOME!r})\n"
        "from slimgui.scanner.process import limit; limit()\n"
        "import resource\n"
        "print(*(resource.getrlimit(getattr(resource, n)) for n in sys.argv[2:]))\n"
        "try: bytearray(3 * 2**30)\n"
        "except MemoryError: print('no memory')\n"
        "try: open(sys.argv[1], 'wb').write(bytes(9 * 2**20))\n"
        "except OSError: print('no large file')\n"
    )
    names = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_CORE")
    command = [sys.executable, "-I", "-S", "-c", code, str(tmp_path / "large"), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    megabytes = 2**20
    assert done.stdout.splitlines() == [
        f"{(1024 * megabytes,) * 2} {(12, 12)} {(4 * megabytes,) * 2} {(0, 0)} {(0, 0)}",
        "no memory",
        "no large file",
    ], done.stderr


def test_a_system_without_limits_is_no_obstacle(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)  # as on Windows: the import fails
    limit()


def test_a_file_that_is_exchanged_meanwhile_is_refused(tmp_path):
    path = tmp_path / "net.pt"
    torch.save({}, path)
    with path.open("rb") as stream:
        path.unlink()
        torch.save({}, path)
        with pytest.raises(LoadError, match="was replaced"):
            scan.examine(stream, "net.pt")
