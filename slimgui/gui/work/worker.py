"""The one door to the engine: a thread that owns its process and carries messages both ways.

The engine is a program of its own in its own session, so that Cancel and a crash cost nothing but a restart:
the whole group is killed, the window keeps its document. A second process stands by, with torch imported, and
takes over at once; without it, a restart would be felt for two seconds.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import IO, Final

import msgspec
from PySide6.QtCore import QObject, QThread, Signal

from slimgui.core import framing, wire
from slimgui.gui.work.child import CHUNK, Child, ending
from slimgui.gui.work.pulse import BEAT_S, Pulse, sign_of

HOST: Final = ("-m", "slimgui.engine.host")
EARLY_TRIES: Final = 3  # children in a row that are killed before they are ready
SETTLED: Final = 7  # beats of a warm child after which the next one is started, to stand by
NOT_ANSWERING: Final = "The engine's process did not answer any more and was ended."
Requests = queue.SimpleQueue[wire.Asked | None]


@dataclass(frozen=True, slots=True)
class Stopped:
    """The child ended. `ready`: it had been warm. `log`: the last lines of its stderr, and how it ended.

    `killed`: by a signal, whoever sent it. `frozen`: because it did not answer any more.
    """

    ready: bool
    log: str
    killed: bool = False
    frozen: bool = False


class Worker(QThread):
    """Runs the engine's process and puts the next one in its place when it ends.

    Signals arrive in the thread of the receiver. A child that does not answer a ping is ended. One that ends
    by itself before it was ready is not started again until somebody asks for something: a broken
    installation must not spin.

    Args:
        command: program and arguments of the child; tests give a small script.
        settled: beats of a warm child until the next one is started.
    """

    answered = Signal(object)  # wire.Answer
    stopped = Signal(object)  # Stopped

    def __init__(
        self, command: Sequence[str] | None = None, settled: int = SETTLED, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._command, self._settled = tuple(command or (sys.executable, "-P", *HOST)), settled
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._spare: Child | None = None
        self._requests: Requests = queue.SimpleQueue()
        self._wanted = threading.Event()  # set: somebody waits for a child
        self._closing = False

    @property
    def pid(self) -> int:
        """Of the engine's process, 0 when there is none."""
        child = self._child
        return child.pid if child else 0

    def submit(self, request: wire.Asked) -> None:
        """Hand `request` to the child, now or as soon as it is up."""
        with self._lock:
            self._requests.put(request)
        self._wanted.set()

    def cancel(self) -> None:
        """Kill the child with everything it started; the next one takes over by itself."""
        with self._lock:
            if self._child is not None:
                self._child.kill()

    def renew(self) -> None:
        """Replace every child by one that knows the present environment."""
        self._drop_spare()
        self.cancel()

    def close(self) -> None:
        """End every child and the thread; nothing is emitted any more."""
        with self._lock:
            self._closing = True
        self.renew()
        self._wanted.set()
        self.wait()

    def run(self) -> None:
        """Serve one child after the other until `close`."""
        early = 0
        while not self._closing:
            self._wanted.clear()
            stopped = self._serve()
            early = 0 if stopped.ready else early + 1
            if not self._closing:
                self.stopped.emit(stopped)
                if not stopped.ready and not (stopped.killed and early < EARLY_TRIES):
                    self._wanted.wait()

    def _serve(self) -> Stopped:
        """One child, from start to end."""
        try:
            child = self._next()
        except OSError as error:
            return Stopped(ready=False, log=str(error))
        return self._converse(child) if child else Stopped(ready=False, log="")

    def _next(self) -> Child | None:
        """The child that stands by, or a new one; None when the window is closing. Raises OSError."""
        with self._lock:
            spare, self._spare = self._spare, None
            if spare is not None and (self._closing or not spare.is_alive):
                spare.close()
                spare = None
            self._child = None if self._closing else spare or Child(self._command)
            return self._child

    def _stand_by(self) -> None:
        """Start the next child, so that it is warm when this one ends."""
        with self._lock, suppress(OSError):
            if not self._closing and self._spare is None:
                self._spare = Child(self._command)

    def _drop_spare(self) -> None:
        with self._lock:
            if self._spare is not None:
                self._spare.close()
                self._spare = None

    def _converse(self, child: Child) -> Stopped:
        """Carry messages until the child's end of the pipe closes; then make sure that nothing is left."""
        pulse, over = Pulse(lambda: sign_of(child.pid)), threading.Event()
        threads = [
            threading.Thread(target=_feed, args=(child.requests, self._requests), daemon=True),
            threading.Thread(target=self._watch, args=(child, self._requests, pulse, over), daemon=True),
            threading.Thread(
                target=import_module, args=("numpy",), daemon=True
            ),  # in the window's it is felt
        ]
        for thread in threads:
            thread.start()
        try:
            self._listen(child, pulse)
        finally:
            over.set()
            with self._lock:
                child.kill()
                self._child = None
                old, self._requests = self._requests, queue.SimpleQueue()
            old.put(None)
            for thread in threads:
                thread.join()
            code = child.close()
        child.log.append(NOT_ANSWERING if pulse.frozen else ending(code))
        return Stopped(child.is_warm, "\n".join(child.log), code < 0, pulse.frozen)

    def _listen(self, child: Child, pulse: Pulse) -> None:
        """Hand on what the child says, until it says no more."""
        reader = framing.FrameReader()
        while data := child.answers.read(CHUNK):
            pulse.heard()
            try:
                for body in reader.feed(data):
                    answer = wire.decode_answer(body)
                    child.is_warm = child.is_warm or isinstance(answer, wire.Ready)
                    if not self._closing and not isinstance(answer, wire.Pong):
                        self.answered.emit(answer)
            except (ValueError, msgspec.MsgspecError) as error:
                child.log.append(f"The engine sent something that is not a message: {error}")
                break

    def _watch(self, child: Child, requests: Requests, pulse: Pulse, over: threading.Event) -> None:
        """Ask the child again and again whether it lives; end it when it is frozen."""
        beats = 0
        while not over.wait(BEAT_S):
            beats += child.is_warm
            if beats == self._settled:
                self._stand_by()
            if pulse.beat():
                requests.put(wire.Ping(0))
            if pulse.frozen:
                child.kill()
                return


def _feed(pipe: IO[bytes], requests: Requests) -> None:
    with suppress(OSError):  # the child is gone: the listener says so
        while (request := requests.get()) is not None:
            data = memoryview(wire.frame(request))
            while data:
                data = data[pipe.write(data) :]
