"""The ops that random nets are made of: how each is written in a forward method.

Importing them fills the table, in this order: it is part of what a seed means.
"""
# ruff: noqa: F401, I001 - imported for the table they fill, in this order

from benchmarks.fuzz.ops import layers
from benchmarks.fuzz.ops import pointwise
from benchmarks.fuzz.ops import joins
from benchmarks.fuzz.ops import moves
from benchmarks.fuzz.ops import reductions
from benchmarks.fuzz.ops import tokens
from benchmarks.fuzz.ops import ends
