"""A sharded checkpoint of 4 GB: what inspecting and slimming it cost, and what that may be.

python -m benchmarks.soak.big [--blocks 20] [--folder /tmp]

Memory is sampled every 10 ms from /proc. RssAnon is what a process made itself and the system cannot drop;
RssFile are pages of files, among them the mapped checkpoint, which the system takes back when it needs them.
"Extra" is RssAnon less what the program has after `import slimgui.engine`, torch and all: the larger of that
of one process, and of all that run at a time together. The figures go to docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from benchmarks.bench import document
from slimgui.engine.formats.stream import write_tensors
from slimgui.engine.load.consent import Consent
from slimgui.engine.load.source import build_for
from slimgui.files.headers import read_header

WIDTH: Final = 2048
BLOCKS: Final = 20
PROGRAM: Final = (sys.executable, "-m", "slimgui")
INSPECT_SECONDS, INSPECT_MB, EXTRA_SHARDS = 1.0, 300, 1.5  # what it may cost
NET: Final = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, width, heads=16):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.before(x)
        q, k, v = (f(y).unflatten(-1, (self.heads, -1)).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = nn.functional.scaled_dot_product_attention(q, k, v)
        x = x + self.out(y.transpose(1, 2).flatten(2))
        return x + self.down(nn.functional.gelu(self.up(self.between(x))))

def build():
    return nn.Sequential(*(Block(WIDTH) for _ in range(BLOCKS)), nn.Linear(WIDTH, 1000))
"""


@dataclass
class Measured:
    """What a command took: seconds, and peaks in MB of the largest process and of all at one time."""

    seconds: float = 0.0
    cpu: float = 0.0
    peak_rss: float = 0.0
    anon: float = 0.0
    anon_all: list[tuple[float, int]] = field(default_factory=list)  # MB, number of processes
    status: int = 0
    text: str = ""


def measured(command: Sequence[str]) -> Measured:
    """Run the command to its end."""
    found, started, before = Measured(), time.monotonic(), os.times()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        while process.poll() is None:
            rows = [row for pid in _tree(process.pid) if (row := _memory(pid))]
            found.peak_rss = max([found.peak_rss, *(row["VmHWM"] for row in rows)])
            found.anon = max([found.anon, *(row["RssAnon"] for row in rows)])
            found.anon_all.append((sum(row["RssAnon"] for row in rows), len(rows)))
            time.sleep(0.01)
        found.seconds, found.status = time.monotonic() - started, process.returncode
        spent = os.times()
        found.cpu = sum(spent[2:4]) - sum(before[2:4])  # of children that have ended
        out.seek(0)
        found.text = out.read()
    return found


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield from _tree(int(child))


def _memory(pid: int) -> dict[str, float]:
    """MB by name; empty for a process that has ended."""
    with contextlib.suppress(OSError):
        rows = re.findall(r"(VmHWM|RssAnon):\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return {name: int(size) / 1024 for name, size in rows} if len(rows) == 2 else {}
    return {}


def make(folder: Path, blocks: int) -> None:
    """Write the factory, and its weights in shards of five large tensors or more, an index and a config."""
    source = NET.replace("WIDTH", str(WIDTH)).replace("BLOCKS", str(blocks))
    (folder / "big_net.py").write_text(source)
    (folder / "config.json").write_text(json.dumps({"model_type": "big_net"}))
    model = build_for([torch.empty(2**31, device="meta")], f"{folder}/big_net.py:build", Consent(named=True))
    state, places, generator = model.state_dict(), {}, torch.Generator().manual_seed(0)

    def drawn(tensor: Tensor) -> Tensor:
        scale = tensor.shape[-1] ** -0.5 if tensor.ndim > 1 else 1.0
        return torch.randn(tensor.shape, generator=generator) * scale

    names = list(state)
    starts = [place for place, name in enumerate(names) if name.endswith("before.weight")][::2]
    for number, (start, stop) in enumerate(zip(starts, [*starts[1:], len(names)], strict=True), 1):
        file = f"model-{number:05}-of-{len(starts):05}.safetensors"
        part = {name: state[name] for name in names[start:stop]}
        write_tensors(folder / file, part, drawn, {"format": "pt"})
        places |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def forget(folder: Path) -> None:
    """Ask the system to drop the files from its cache, so that they are read from the disk."""
    for file in folder.glob("*.safetensors"):
        with file.open("rb") as stream:
            os.fsync(stream.fileno())
            os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def inspected(folder: Path) -> Iterator[tuple[str, bool]]:
    """A line and a verdict for each figure of `slimgui inspect`: of three cold runs the fastest."""
    runs = []
    for _ in range(3):
        forget(folder)
        runs.append(measured([*PROGRAM, "inspect", str(folder)]))
    found = min(runs, key=lambda run: run.seconds)
    clock = f"{found.seconds:.2f} s on the clock of a machine with a load of {os.getloadavg()[0]:.1f}"
    seconds = f"{found.cpu:.2f} s of the processor (below {INSPECT_SECONDS:.0f}), {clock}"
    yield f"inspect: {seconds}", found.status == 0 and found.cpu < INSPECT_SECONDS
    yield f"inspect: peak RSS {found.peak_rss:.0f} MB (below {INSPECT_MB})", found.peak_rss < INSPECT_MB


def slimmed(folder: Path, largest: float) -> Iterator[tuple[str, bool]]:
    """The same for `slimgui slim`; `largest` is the largest shard in MB."""
    base = measured([sys.executable, "-c", "import slimgui.engine, time; time.sleep(1)"]).anon
    forget(folder)
    digest = hashlib.sha256((folder / "big_net.py").read_bytes()).hexdigest()
    found = measured(
        [
            *PROGRAM, "slim", str(folder), "--model", f"{folder}/big_net.py:build", "--trust-code", digest,
            "--input", f"1x16x{WIDTH}", "--ratio", "0.5", "--out", str(folder / "small.safetensors"),
        ]
    )  # fmt: skip
    print(found.text.strip())
    yield f"slim: {found.seconds:.0f} s, exit status {found.status}", found.status == 0
    together = max(anon - base * count for anon, count in found.anon_all)
    extra = max(found.anon - base, together)
    yield f"slim: RssAnon {found.anon:.0f} MB, of which {base:.0f} MB before a file is opened", True
    share = f"{extra / largest:.2f} of the largest shard (below {EXTRA_SHARDS})"
    yield f"slim: extra memory {extra:.0f} MB, {share}", extra < EXTRA_SHARDS * largest
    yield f"slim: peak RSS with pages of mapped files {found.peak_rss:.0f} MB", True
    written = list(folder.glob("small*.safetensors"))
    tensors = sum(len(read_header(file).tensors) for file in written)
    yield f"written: {sum(file.stat().st_size for file in written) / 1e9:.2f} GB, {tensors} tensors", True


def check(folder: Path) -> Iterator[tuple[str, bool]]:
    """Every figure in words, and whether it is what it may be."""
    shards = [file.stat().st_size for file in folder.glob("model-*.safetensors")]
    largest = max(shards) / 2**20
    yield f"checkpoint: {sum(shards) / 1e9:.2f} GB in {len(shards)} files, the largest {largest:.0f} MB", True
    yield from inspected(folder)
    yield from slimmed(folder, largest)


def main() -> int:
    """A line for each figure; 1 when one of them is not met."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="of 0.2 GB each")
    parser.add_argument("--folder", default=tempfile.gettempdir())
    options = parser.parse_args()
    need = options.blocks * 12 * WIDTH**2 * 4 * 1.7
    if shutil.disk_usage(options.folder).free < need:
        print(f"{options.folder} has no room for {need / 1e9:.0f} GB.")
        return 1
    lines, faults = [], 0
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="slimgui-big-") as name:
        make(Path(name), options.blocks)
        for line, holds in check(Path(name)):
            lines.append(line if holds else f"{line}: NOT MET")
            print(lines[-1], flush=True)
            faults += not holds
    if options.blocks == BLOCKS:
        document.write("big", [f"- {line}" for line in lines])
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
