"""A child process as small as can be: speaks the protocol, and misbehaves on demand.

What it does with an Open stands in its source: "ok", "print", "hang", "crash", "garbage", "fork".
"""

import importlib
import os
import subprocess
import sys
import time
import types
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT)]
bare = types.ModuleType("slimgui.engine")  # the package without its facade, which would import torch
bare.__path__ = [str(ROOT / "slimgui" / "engine")]
sys.modules["slimgui.engine"] = bare

wire = importlib.import_module("slimgui.core.wire")
framing = importlib.import_module("slimgui.core.framing")
host = importlib.import_module("slimgui.engine.host")
demo = importlib.import_module("demo").demo


def main() -> None:
    requests, answers = host.claim_pipes()
    host.watch(int(sys.argv[-1]))
    answers.write(wire.frame(wire.Ready(0, "fake")))
    reader = framing.FrameReader()
    while data := requests.read(1 << 16):
        for body in reader.feed(data):
            request = wire.decode_request(body)
            assert isinstance(request, wire.Open)
            answers.write(wire.frame(wire.Progress(request.task, "Working")))
            behave(request.source, answers)
            answers.write(
                wire.frame(wire.Opened(request.task, demo(name=request.source, source=request.source)))
            )


def behave(source: str, answers) -> None:
    if source == "print":
        print("a model that talks", flush=True)
        os.write(1, b"\x00\x00\x00\x02{}")
        assert sys.stdin.read() == ""
    elif source == "hang":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
        time.sleep(1000)
    elif source == "fork":
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(3)
    elif source == "crash":
        print("last words", file=sys.stderr, flush=True)
        os.kill(os.getpid(), 9)
    elif source == "garbage":
        answers.write(b"\xff\xff\xff\xff this is no frame")
        time.sleep(1000)


if len(sys.argv) > 1 and sys.argv[1] == "never":
    sys.exit("this engine is broken")
main()
