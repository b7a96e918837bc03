"""Random nets of common ops, cut and judged: `make fuzz`."""

from __future__ import annotations

import torch

from benchmarks import judge
from benchmarks.fuzz import ops  # noqa: F401 - imported for the table it fills
from benchmarks.fuzz.net import Record, assemble, inputs

TOLERANCE = 1e-8  # float64, relative to the spread of the output
SCALES = (1.0, 1.4, 0.7, 2.0, 0.5)
SEED = 7


def check(records: list[Record]) -> judge.Row:
    """What comes of a net when every unlocked group is cut by a ratio of its own."""
    torch.manual_seed(0)
    row = judge.Row(precision="f64")
    model = assemble(records).module().double().eval()
    calls = [inputs(2), inputs(3)]
    if not judge.enliven(model, calls[1], SCALES):
        row.verdict = "dull"
        return row
    subject = judge.Subject(model, [judge.Part(model, calls[0])], calls, TOLERANCE)
    return judge.judge(subject, SEED, row)
