"""The engine's own process: requests in on one pipe, answers out on another, one at a time.

Started by gui/work/worker.py as a program. The two pipes arrive as descriptors 0 and 1 and are moved out of
the way at once, so that neither a `print` nor an `input` inside a model can break the protocol.
"""

from __future__ import annotations

import gc
import os
import queue
import subprocess
import sys
import threading
from typing import BinaryIO

from slimgui.core import framing, wire
from slimgui.engine.answering import Host, Send
from slimgui.engine.arrange import arrange

CHUNK = 1 << 16


def claim_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Move the protocol off descriptors 0 and 1: `print` goes to stderr, `input` finds nothing."""
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def watch(lifeline: int) -> None:
    """Start a watchdog that kills this whole process group as soon as the window's end of `lifeline` closes.

    It lives outside this process: a thread in here cannot end a process that sits in a C call.
    """
    subprocess.Popen(
        ["/bin/sh", "-c", f"read -r line; kill -9 -{os.getpgrp()}"],
        stdin=lifeline,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(lifeline)


Requests = queue.SimpleQueue[wire.Request | None]


def receive(requests: BinaryIO, send: Send) -> Requests:
    """Take requests from now on, in a thread that answers Ping and Arrange at once, while torch computes.

    Returns:
        Where the others come out, then None: the window has closed its end.
    """
    found: Requests = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, send, found), daemon=True).start()
    return found


def _receive(requests: BinaryIO, send: Send, found: Requests) -> None:
    reader = framing.FrameReader()
    try:
        while data := requests.read(CHUNK):
            for body in reader.feed(data):
                request = wire.decode_request(body)
                if isinstance(request, wire.Ping):
                    send(wire.Pong(request.task))
                elif isinstance(request, wire.Arrange):
                    send(wire.Arranged(request.task, arrange(request.names, request.edges, request.opened)))
                else:
                    found.put(request)
    finally:
        found.put(None)


def sender(answers: BinaryIO) -> Send:
    """What writes whole answers to the pipe, one at a time, in any thread."""
    lock = threading.Lock()

    def send(answer: wire.Answer) -> None:
        data = memoryview(wire.frame(answer))
        with lock:
            while data:
                data = data[answers.write(data) :]

    return send


def main(argv: list[str] | None = None) -> None:
    """Run the loop; `argv` may hold the number of the lifeline's descriptor."""
    arguments = sys.argv[1:] if argv is None else argv
    requests, answers = claim_pipes()
    if arguments:
        watch(int(arguments[0]))
    send = sender(answers)
    waiting = receive(requests, send)
    host, version = _warm_host(send)
    send(wire.Ready(0, version))
    while (request := waiting.get()) is not None:
        host.handle(request)


def _warm_host(send: Send) -> tuple[Host, str]:
    """Import torch and the facade, and run one op, which loads what torch loads late."""
    import torch

    from slimgui import engine
    from slimgui.engine.heap import map_large_blocks
    from slimgui.engine.load import with_inputs

    map_large_blocks()
    torch.zeros(1).add(1)
    gc.freeze()  # 300,000 objects of torch that stay: looking through them takes 150 ms each time
    return Host(engine, with_inputs, send), str(torch.__version__)


if __name__ == "__main__":
    main()
