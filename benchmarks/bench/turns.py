"""One process of the comparison: both jobs in turn on one model.

python -m benchmarks.bench.turns MODEL WHO,WHO ROUNDS
"""

from __future__ import annotations

import copy
import functools
import sys
from typing import Any

from torch import nn

from benchmarks.bench import jobs, models, process
from slimgui.engine.inputs import Inputs

SECONDS = 60.0  # no round is begun once so much has been spent


def main() -> None:
    """Say before each job whose turn it is, and after it what came of it."""
    name, order, rounds = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
    tell = process.child()
    for module in ("torchvision", "torch_pruning", "slimgui.engine"):
        __import__(module)
    model, example = models.load(name)
    shapes = jobs.shapes_of(model, example)
    tell(built=jobs.parameters(model))
    spent = 0.0
    for _ in range(rounds):
        for who in list(order) if spent < SECONDS else ():
            tell(start=who)
            done = run(jobs.JOBS[who], copy.deepcopy(model), example, shapes)
            tell(who=who, **done)
            spent += done.get("seconds", 0.0)
            if done["error"]:
                order.remove(who)


def run(job: jobs.Job, model: nn.Module, example: Inputs, shapes: jobs.Shapes) -> dict[str, Any]:
    """What a job took, and what is wrong with its result."""
    try:
        (small, stages), seconds, peak = process.measured(functools.partial(job, model, example, shapes))
    except Exception as error:  # noqa: BLE001 - whatever it raises is the row
        return {"error": jobs.one_line(error)}
    return {
        "error": "",
        "seconds": seconds,
        "peak": peak,
        "stages": stages,
        "left": jobs.parameters(small),
        "complaint": jobs.complaint(small, example, shapes),
    }


if __name__ == "__main__":
    main()
