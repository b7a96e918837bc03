"""One row per net: `python tests/engine/patterns/report.py [name or line number] ... [--seed N]`.

Names are matched by a part of them.
Another seed draws other counts and channels. "!" marks what fails in test_patterns.py.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.remove(str(Path(__file__).parent))


def main(filters: list[str]) -> int:
    import torch
    from engine.patterns import nets
    from engine.patterns.judge import judge

    torch.set_num_threads(1)
    seed = int(filters.pop(filters.index("--seed") + 1)) if "--seed" in filters else 0
    filters = [part for part in filters if part != "--seed"]
    chosen = [
        p for p in nets.ALL
        if not filters or any(f == str(p.line) or f.lower() in p.name.lower() for f in filters)
    ]  # fmt: skip
    results = []
    for pattern in sorted(chosen, key=lambda pattern: pattern.line):
        result = judge(pattern, seed)
        results.append(result)
        flag = " " if result.fine else "!"
        print(
            f"{flag} {pattern.line:2} {pattern.name:26} {result.verdict:8} {result.unlocked:3} free "
            f"{result.locked:3} locked {result.seconds:5.2f}s  {result.detail}",
            flush=True,
        )
    count = Counter(result.verdict for result in results)
    cut = count["exact"] + count["inexact"]
    unmet = [r.pattern.name for r in results if not r.met and r.verdict not in ("WRONG", "CRASH")]
    total = max(1, len(results))
    print(f"\n{len(results)} nets: {dict(count)}; cut and proven {cut / total:.1%}")
    print(f"expectation not met: {unmet}")
    return 1 if count["WRONG"] or count["CRASH"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
