"""What was done to a model -> one page of HTML that needs nothing else: no script, no picture, no network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

from slimgui.core.cost import Cost

_TOTALS: Final = (
    ("Parameters", "params"),
    ("MACs", "macs"),
    ("Bytes of weights", "bytes"),
    ("Bytes of activations", "activation_bytes"),
)
_NOTHING: Final = "None: the numbers are those of the cut."
_STYLE: Final = """
:root { color-scheme: light dark; --line: #d3d7e0; --muted: #5a6275; --bar: #2f62d9;
  --good: #1b6e3c; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a404c; --muted: #a3abbb; --bar: #8aadff; --good: #7fd8a0; --bad: #ff9a91 }
}
body { font: 14px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem }
p { margin: .3rem 0 } .muted, small { color: var(--muted) }
table { border-collapse: collapse; width: 100% }
td, th { padding: .25rem .6rem; border-bottom: 1px solid var(--line) }
th { text-align: left; font-weight: 600 } .number { text-align: right; font-variant-numeric: tabular-nums }
.bar { background: var(--line); height: .45rem; min-width: 8rem }
.bar div { background: var(--bar); height: 100% }
.good { color: var(--good) } .bad { color: var(--bad) }
.columns { columns: 3 14rem } .columns div { display: flex; justify-content: space-between; gap: 1rem }
code { font-size: .85em; overflow-wrap: anywhere }
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report says of one smaller model.

    Attributes:
        name: of the model.
        source: what was opened.
        saved: path of the smaller model.
        plan: in words.
        before, after: what it costs, whole and cut.
        counts: (group, channels of the whole model, channels that stay) of every group.
        proven: whether the proof passed with numbers.
        proof: in words.
        recovery: what changed numbers after the cut, a sentence each.
        measures: (what was measured, before, after): accuracy, latency.
        samples: what was measured or recovered with, in words.
    """

    name: str
    source: str
    saved: str
    plan: str
    before: Cost
    after: Cost
    counts: tuple[tuple[str, int, int], ...]
    proven: bool
    proof: str
    recovery: tuple[str, ...] = ()
    measures: tuple[tuple[str, str, str], ...] = ()
    samples: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when: (program, version), (file, SHA-256), the moment."""

    versions: tuple[tuple[str, str], ...]
    hashes: tuple[tuple[str, str], ...]
    when: str


def to_html(facts: Facts, setting: Setting) -> str:
    """The page. Whatever names and paths hold is text in it, never markup."""
    parts = [
        f"<h1>{escape(facts.name)}, made smaller</h1>",
        f'<p class="muted">SlimGUI, {escape(setting.when)}</p>',
        "<h2>Before and after</h2>",
        _totals(facts),
        "<h2>Plan</h2>",
        f"<p>{escape(facts.plan)}</p>",
        _counts(facts.counts),
        "<h2>Proof</h2>",
        f'<p class="{"good" if facts.proven else "bad"}">{escape(facts.proof)}</p>',
        "<h2>Recovery</h2>",
        "".join(f"<p>{escape(step)}</p>" for step in facts.recovery or (_NOTHING,)),
        f"<p>{escape(facts.samples)}</p>" if facts.samples else "",
        "<h2>Files and versions</h2>",
        _rows(("Opened", "Saved as"), (facts.source, facts.saved)),
        _rows((f"SHA-256 of {name}" for name, _ in setting.hashes), (value for _, value in setting.hashes)),
        f"<p><small>{escape(', '.join(map(' '.join, setting.versions)))}</small></p>",
    ]
    return _page(f"{facts.name}, made smaller", "\n".join(filter(None, parts)))


def _page(title: str, body: str) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _totals(facts: Facts) -> str:
    rows = []
    for title, field in _TOTALS:
        before, after = getattr(facts.before, field), getattr(facts.after, field)
        share = 100 * after / before if before else 100.0
        bar = f'<div class="bar"><div style="width:{min(100.0, share):.1f}%"></div></div>'
        rows.append(_row(title, f"{before:,}", f"{after:,}", f"{share:.1f} %", bar))
    rows += [_row(what, escape(before), escape(after), "", "") for what, before, after in facts.measures]
    head = "".join(f'<th class="number">{title}</th>' for title in ("Before", "After", "Left"))
    return f"<table><tr><th></th>{head}<th></th></tr>{''.join(rows)}</table>"


def _row(title: str, *cells: str) -> str:
    *numbers, last = cells
    shown = "".join(f'<td class="number">{number}</td>' for number in numbers)
    return f"<tr><th>{escape(title)}</th>{shown}<td>{last}</td></tr>"


def _counts(counts: tuple[tuple[str, int, int], ...]) -> str:
    """Every group that was cut; how many stay whole."""
    cut = [(name, size, kept) for name, size, kept in counts if kept != size]
    lines = [
        f"<div><span>{escape(name)}</span> <span>{size:,} → {kept:,}</span></div>" for name, size, kept in cut
    ]
    whole = f'<p class="muted">{len(cut)} of {len(counts)} groups were cut.</p>'
    return f'{whole}<div class="columns">{"".join(lines)}</div>'


def _rows(titles: Iterable[str], values: Iterable[str]) -> str:
    cells = ((escape(title), escape(value)) for title, value in zip(titles, values, strict=True))
    rows = (f"<tr><th>{title}</th><td><code>{value}</code></td></tr>" for title, value in cells)
    return f"<table>{''.join(rows)}</table>"
