"""What docs/tutorial.md says of the example is what the window shows."""

import re
from pathlib import Path

import pytest
from program import Program

from slimgui import resources
from slimgui.core.sampling import SampleSource
from slimgui.gui.facts import text

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
WORDS = " ".join(PAGE.split())


@pytest.mark.timeout(300)
def test_the_numbers_of_the_tutorial_are_those_of_the_window(program: Program) -> None:
    session = program.window.session
    document = program.open_example()

    def costs() -> tuple[str, str]:
        cost = session.snapshot.cost
        return f"{text.short(cost.params)} parameters", f"{text.short(cost.macs)} MACs"

    assert f"{len(document.groups)} groups of channels, {', '.join(costs())}" in WORDS
    session.set_count("stem", 12)
    assert f"the totals fall to {' and '.join(costs())}" in WORDS
    session.undo_stack.undo()
    session.set_ratio(0.5)
    assert ", ".join(costs()) in WORDS
    session.files.verify()
    program.wait_idle()
    assert re.search(r"difference \de-16", program.notices[-1].why)
    session.data.measure(SampleSource(str(resources.path(resources.SAMPLES)), 200))
    program.wait_idle()
    worst = re.findall(r"[\w.]+", program.notices[-1].why.partition("cutting ")[2])[:3]
    assert all(f"`{name.rstrip('.')}`" in WORDS for name in worst)

    session.set_ratio(0)
    session.meet("macs=50%", by_sensitivity=True)
    program.wait_idle()
    assert f"loses least: {', '.join(reversed(costs()))}" in WORDS
    counts = session.snapshot.counts
    assert f"from 240 to {counts['stage3.1.expand']}" in WORDS
    assert f"from 24 to only {counts['stem']}" in WORDS


def test_every_action_that_the_pages_name_is_there(window) -> None:
    known = {one.title for one in window.comfort_actions.commands()} | {
        menu.title().replace("&", "") for menu in window.menus.menus.values()
    }
    known |= {part for one in window.comfort_actions.commands() for part in one.place.split(" › ")}
    named = []
    for page in ("tutorial.md", "reading-the-graph.md", "exact.md"):
        words = " ".join((Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8").split())
        named += re.findall(r"\*((?:File|Edit|Plan|Data|View|Help), [^*]+)\*", words)
    assert len(named) > 15
    missing = [name for name in named for part in name.split(", ") if part not in known and part != "History"]
    assert missing == []
