"""The page about a smaller model: whole, self-contained, and nothing but text in it."""

from dataclasses import replace
from html.parser import HTMLParser

from slimgui.core.cost import Cost
from slimgui.core.report import Facts, Setting, to_html

EVIL = '<script>alert("1")</script>&\''
FACTS = Facts(
    "net.pt", "/models/net.pt", "/tmp/small.pt", "Removes 50 %.", Cost(1000, 2000, 4000, 800),
    Cost(250, 500, 1000, 800), (("stem", 32, 16), ("head", 10, 10)), True, "Proven: 3e-7.",
)  # fmt: skip
SETTING = Setting((("SlimGUI", "1.0"),), (("net.pt", "ab12"),), "2026-11-24 10:00 UTC")
VOID = {"meta"}


class Page(HTMLParser):
    """Checks that every tag is closed, and keeps tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_page_shows_what_there_is_to_know() -> None:
    page = Page(to_html(FACTS, SETTING))
    for text in (
        "1,000",
        "250",
        "25.0 %",
        "32 → 16",
        "1 of 2 groups were cut.",
        "Proven: 3e-7.",
        "ab12",
        "SlimGUI 1.0",
    ):
        assert text in page.text
    assert "10 → 10" not in page.text
    assert "None: the numbers are those of the cut." in page.text
    more = replace(
        FACTS, recovery=("Recalibrated.",), measures=(("Accuracy", "0.93", "0.91"),), samples="2,000."
    )
    page = Page(to_html(more, SETTING))
    for text in ("Recalibrated.", "Accuracy", "0.93", "0.91", "2,000."):
        assert text in page.text


def test_it_needs_nothing_else_and_no_name_becomes_markup() -> None:
    plain = Page(to_html(FACTS, SETTING))
    assert not plain.tags & {"script", "img", "link", "a", "iframe", "svg"}
    assert not plain.attributes & {"src", "href", "onload"}
    evil = Facts(
        EVIL, EVIL, EVIL, EVIL, FACTS.before, FACTS.after, ((EVIL, 2, 1),), False, EVIL, (EVIL,),
        ((EVIL, EVIL, EVIL),), EVIL,
    )  # fmt: skip
    page = Page(to_html(evil, Setting(((EVIL, EVIL),), ((EVIL, EVIL),), EVIL)))
    assert page.tags == plain.tags
    assert page.attributes == plain.attributes
    assert sum(EVIL in text for text in page.text) >= 12


def test_a_model_that_costs_nothing_is_no_division_by_zero() -> None:
    page = Page(to_html(replace(FACTS, before=Cost(0, 0, 0, 0), after=Cost(0, 0, 0, 0)), SETTING))
    assert page.text.count("100.0 %") == 4  # parameters, MACs, weights, activations: nothing is gone
