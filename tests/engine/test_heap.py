"""What the C library does with freed blocks, told by the pages that a process has to be given anew."""

import subprocess
import sys

PROGRAM = """
import resource
from slimgui.engine.heap import blocks_kept, map_large_blocks

def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(6):
        b"x" * (40 << 20)  # larger than glibc takes from the heap by itself; every page is written
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

PLACE
"""


def faults(place: str) -> list[int]:
    """What the program prints, where `place` stands for its last lines."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("PLACE", place)], capture_output=True, text=True, check=True
    )
    return [int(line) for line in done.stdout.split()]


def test_in_our_own_programs_blocks_stay_for_the_next_pass_and_are_mapped_anew_behind_it() -> None:
    before, within, after = faults("""
map_large_blocks()
print(pages())
with blocks_kept():
    with blocks_kept():
        pass
    print(pages())
print(pages())
""")
    assert within < before / 3  # the first of six blocks needs new pages, the others do not
    assert after > before / 2


def test_in_a_program_that_imports_us_nothing_changes() -> None:
    before, within = faults("print(pages())\nwith blocks_kept(): print(pages())")
    assert within > before / 2
