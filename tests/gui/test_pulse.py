"""When a silent process is called frozen."""

import os
from dataclasses import dataclass, field

from slimgui.gui.work.pulse import BLIND_PATIENCE, PATIENCE, Pulse, Sign, sign_of


@dataclass
class Process:
    """Says of itself what a test wants."""

    sign: Sign | None = field(default_factory=lambda: Sign(at_work=False, ticks=7))

    def look(self) -> Sign | None:
        return self.sign


def beats_until_frozen(pulse: Pulse, most: int = 200) -> int:
    for number in range(1, most + 1):
        pulse.beat()
        if pulse.frozen:
            return number
    return 0


def test_silence_without_work_is_frozen_after_a_few_beats() -> None:
    # one beat asks, the next one looks for the first time, then PATIENCE beats without a change
    assert beats_until_frozen(Pulse(Process().look)) == PATIENCE + 2


def test_only_one_question_is_under_way() -> None:
    pulse = Pulse(Process().look)
    asked = [pulse.beat() for _ in range(3)]
    pulse.heard()
    assert (asked, pulse.beat()) == ([True, False, False], True)


def test_an_answer_begins_anew() -> None:
    pulse = Pulse(Process().look)
    for _ in range(50):
        pulse.beat()
        pulse.beat()
        pulse.beat()
        pulse.heard()
        assert not pulse.frozen


def test_a_process_that_works_or_waits_for_a_core_or_the_disk_is_not_frozen() -> None:
    busy = Process(Sign(at_work=True, ticks=7))
    assert beats_until_frozen(Pulse(busy.look)) == 0

    slow, pulse = Process(), Pulse(lambda: slow.sign)
    for ticks in range(100):  # its threads sleep whenever one looks, and still it has used time
        slow.sign = Sign(at_work=False, ticks=ticks)
        pulse.beat()
        assert not pulse.frozen


def test_where_nobody_can_look_the_patience_is_longer() -> None:
    assert beats_until_frozen(Pulse(lambda: None)) == BLIND_PATIENCE + 1


def test_linux_says_that_this_process_works_and_nothing_of_one_that_is_gone() -> None:
    own = sign_of(os.getpid())
    assert own is not None
    assert own.at_work
    assert own.ticks > 0
    assert sign_of(2**22 + 1) is None  # above the largest number of a process
