"""A child process as small as can be: speaks the protocol, and misbehaves on demand.

What it does with an Open stands in its source: "ok", "print", "hang", "crash", "garbage", "fork", "freeze",
"busy".
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
host = importlib.import_module("slimgui.engine.host")
demo = importlib.import_module("demo").demo


def main() -> None:
    requests, answers = host.claim_pipes()
    host.watch(int(sys.argv[-1]))
    send = host.sender(answers)
    waiting = host.receive(requests, send)
    send(wire.Ready(0, "fake"))
    while (request := waiting.get()) is not None:
        assert isinstance(request, wire.Open)
        send(wire.Progress(request.task, "Working"))
        behave(request.source, answers)
        send(wire.Opened(request.task, demo(name=request.source, source=request.source)))


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
    elif source == "freeze":
        os.kill(os.getpid(), 19)  # SIGSTOP
    elif source == "busy":
        sum(range(80_000_000))  # no other thread runs meanwhile: no ping is answered
    elif source == "garbage":
        answers.write(b"\xff\xff\xff\xff this is no frame")
        time.sleep(1000)


if len(sys.argv) > 1 and sys.argv[1] == "never":
    sys.exit("this engine is broken")
main()
