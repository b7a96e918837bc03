"""Cuts every unlocked group of a model by a ratio of its own and says what came of it.

Exact groups are judged by the zeroing oracle of tests/oracle.py, with a negative control; inexact ones are
cut as well in a second deploy, which must run, give outputs of unchanged shape, and pass engine.verify.
"""

from __future__ import annotations

import copy
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from slimgui import engine
from slimgui.errors import DeployError, SlimError, TraceError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import oracle

CONTROLS = 5  # one may hit a branch that does not reach the output
FAILURES = ("WRONG", "CRASH", "TIMEOUT")


@dataclass(frozen=True)
class Part:
    """Something that is traced by itself.

    Attributes:
        module: what is traced: the model, or a module that wraps parts of it.
        inputs: as engine.trace takes them.
        places: path in `module` -> path in the model; {"": ""} for the model itself.
    """

    module: nn.Module
    inputs: Any
    places: Mapping[str, str] = field(default_factory=lambda: {"": ""})


@dataclass(frozen=True)
class Subject:
    """A model to be judged, in the number type it is to be judged in, weights drawn anew.

    Attributes:
        parts: what is traced.
        calls: inputs to run it with, of different batch sizes.
        free: whether the number of results (first dimension) may depend on the values.
    """

    model: nn.Module
    parts: Sequence[Part]
    calls: Sequence[Any]
    tolerance: float
    free: bool = False


@dataclass
class Row:
    """What came of it.

    `verdict` is exact, inexact, refused, WRONG, CRASH or TIMEOUT; where nothing can be said it is dull (the
    outputs of the original do not vary) or blind (nothing wrong was seen, nor was a cut known to be wrong).
    """

    name: str = ""
    family: str = ""
    verdict: str = ""
    exact_groups: int = 0
    inexact_groups: int = 0
    locked_groups: int = 0
    exact_share: float | None = None
    inexact_share: float | None = None
    params_left: float | None = None
    trace_seconds: float | None = None
    deploy_seconds: float | None = None
    error: float | None = None
    control: float | None = None
    proof: float | None = None
    precision: str = ""
    detail: str = ""
    where: str = ""
    commit: str = ""


class Wrong(Exception):  # noqa: N818 - a verdict
    """The deployed model does not compute what it should."""


def judge(subject: Subject, seed: int, row: Row) -> Row:
    """Fill in `row`; never raises but for what ends the process."""
    try:
        _judge(subject, seed, row)
    except (DeployError, TraceError) as error:
        row.verdict, row.detail = "refused", _prefixed(row.detail, error)
    except Wrong as error:
        row.verdict, row.detail = "WRONG", _prefixed(row.detail, error)
    except Exception as error:  # noqa: BLE001 - anything else is a crash, whatever it is
        row.verdict, row.detail, row.where = "CRASH", _prefixed(row.detail, error), where(error)
    return row


def _prefixed(before: str, error: BaseException) -> str:
    return "; ".join(part for part in (before, one_line(error)) if part)


def one_line(error: BaseException) -> str:
    """The message of `error` in one line."""
    if isinstance(error, SlimError):
        return f"{error.what} {error.why}".strip().replace("\n", " ")
    if isinstance(error, Wrong):
        return str(error)
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}"


def where(error: BaseException) -> str:
    """The last three places of the traceback, innermost last."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))


def _judge(subject: Subject, seed: int, row: Row) -> None:
    plain = [_shapes(run(subject.model, call), subject.free) for call in subject.calls]
    before = _state(subject.model)
    started = time.perf_counter()
    traced = [engine.trace(part.module, part.inputs) for part in subject.parts]
    row.trace_seconds = time.perf_counter() - started
    groups = [group for found in traced for group in found.groups]
    row.exact_groups = sum(not group.locked and group.exact for group in groups)
    row.inexact_groups = sum(not group.locked and not group.exact for group in groups)
    row.locked_groups = sum(bool(group.locked) for group in groups)
    row.exact_share, row.inexact_share = _shares(subject, traced)
    if not row.exact_groups + row.inexact_groups:
        row.verdict = "refused"
        row.detail = _prefixed(row.detail, Wrong(f"all locked: {groups[0].locked if groups else 'no group'}"))
        return
    row.deploy_seconds = 0.0
    if row.exact_groups:
        _exact(subject, traced, seed, row, plain)
        row.verdict = "exact"
    if row.inexact_groups:
        row.verdict = "inexact"
        _inexact(subject, traced, seed + 1, row, plain)
    if row.control is not None and row.control <= 100 * subject.tolerance:
        row.verdict = "blind"
    after = oracle.snapshot(subject.model) if before else {}
    if changed := [key for key, value in before.items() if not oracle.same(value, after.get(key))]:
        raise Wrong(f"the original was changed: {changed[0]}")


def _exact(subject: Subject, traced: list[Any], seed: int, row: Row, plain: list[Any]) -> None:
    small, kept, _ = _cut(subject, traced, seed, row, only_exact=True)
    _same_shapes(small, subject, plain)
    call = subject.calls[-1]
    have = run(small, call)
    row.error = _error(_zeroed(subject, kept), have)
    if row.error >= subject.tolerance:
        raise Wrong(f"error {row.error:.1e}")
    row.control = _control(subject, kept, have)


def _zeroed(subject: Subject, kept: oracle.Kept) -> list[Tensor]:
    """Outputs of the zeroed original; its parameters alone where it divides by a buffer."""
    outputs = run(oracle.zeroed(subject.model, kept), subject.calls[-1])
    if _finite(outputs):
        return outputs
    names = dict(subject.model.named_parameters())
    kept = {name: dims for name, dims in kept.items() if name in names}
    return run(oracle.zeroed(subject.model, kept), subject.calls[-1])


def _finite(outputs: list[Tensor]) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in outputs if t.is_floating_point())


def _inexact(subject: Subject, traced: list[Any], seed: int, row: Row, plain: list[Any]) -> None:
    """Cut everything; the reference with statistics over the kept channels is the engine's own proof."""
    small, _, made = _cut(subject, traced, seed, row, only_exact=False)
    _same_shapes(small, subject, plain)
    for part, deployed in zip(subject.parts, made, strict=True):
        proof = engine.verify(part.module, deployed, part.inputs)
        row.proof = max(row.proof or 0.0, proof.max_error)
        if proof.level == "numeric" and not proof.passed:
            raise Wrong(f"inexact cut, error {proof.max_error:.1e}")
        if proof.note:
            row.detail = "; ".join(filter(None, (row.detail, proof.note)))


def _control(subject: Subject, kept: oracle.Kept, have: list[Tensor]) -> float:
    highest = 0.0
    for seed in range(CONTROLS):
        try:
            shifted = oracle.shifted(kept, subject.model, seed)
        except IndexError:  # nothing with two dimensions was cut
            return highest
        highest = max(highest, _error(_zeroed(subject, shifted), have))
        if highest > 100 * subject.tolerance:
            break
    return highest


def _cut(
    subject: Subject, traced: list[Any], seed: int, row: Row, *, only_exact: bool
) -> tuple[nn.Module, dict[str, dict[int, np.ndarray]], list[Any]]:
    """The smaller model, what it kept, and its parts; every unlocked group is cut by its own ratio."""
    started = time.perf_counter()
    small, kept, made = None, {}, []
    for number, (part, found) in enumerate(zip(subject.parts, traced, strict=True)):
        sizes = {group.id: group.size for group in found.groups}
        cut = {g.id: g.size for g in found.groups if not g.locked and (g.exact or not only_exact)}
        counts = oracle.seeded_ratios(cut, seed + number)
        selection = engine.Selection(oracle.random_keep(sizes, counts, seed + number))
        deployed = engine.deploy(part.module, found, selection)
        made.append(deployed)
        if "" in part.places:
            small, kept = deployed.model, dict(deployed.kept)
            continue
        small = copy.deepcopy(subject.model) if small is None else small
        for inner, outer in part.places.items():
            small.set_submodule(outer, deployed.model.get_submodule(inner))
            for name, dims in deployed.kept.items():
                if name.startswith(f"{inner}."):
                    kept[f"{outer}.{name.removeprefix(f'{inner}.')}"] = dims
    assert small is not None, "there is at least one part"
    row.deploy_seconds = (row.deploy_seconds or 0.0) + time.perf_counter() - started
    row.params_left = _size(small) / _size(subject.model)
    return small, kept, made


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _state(model: nn.Module) -> dict[str, Any]:
    """What must not change: all that equals a copy of itself. Empty for huge models: it is one more copy."""
    if _size(model) > 60_000_000:
        return {}
    one, other = oracle.snapshot(model), oracle.snapshot(model)
    return {key: value for key, value in one.items() if oracle.same(value, other[key])}


def run(model: nn.Module, call: Any) -> list[Tensor]:
    """Every tensor of the result, in eval mode, on a copy of the inputs."""
    args, kwargs = ((), call) if isinstance(call, dict) else (call, {})
    with torch.no_grad():
        return oracle.tensors(model.eval()(*copy.deepcopy(args), **copy.deepcopy(kwargs)))


def _shapes(outputs: list[Tensor], free: bool) -> list[tuple[int, ...]]:
    return [tuple(t.shape[1:] if free else t.shape) for t in outputs]


def _same_shapes(small: nn.Module, subject: Subject, plain: list[Any]) -> None:
    for call, want in zip(subject.calls, plain, strict=True):
        outputs = run(small, call)
        have = _shapes(outputs, subject.free)
        if have != want:
            raise Wrong(f"output shapes {have} instead of {want}")
        if not _finite(outputs):
            raise Wrong("the output is not finite")


def _error(want: list[Tensor], have: list[Tensor]) -> float:
    if [t.shape for t in want] != [t.shape for t in have]:
        return float("inf")
    pairs = [(w, h) for w, h in zip(want, have, strict=True) if w.numel()]
    numbers = [(w, h) for w, h in pairs if w.is_floating_point()]
    if any(not torch.equal(w, h) for w, h in pairs if not w.is_floating_point()):
        return float("inf")
    if not _finite(want) or not _finite(have):
        return float("inf")
    return oracle.error([w for w, _ in numbers], [h for _, h in numbers])


def is_lively(outputs: list[Tensor]) -> bool:
    """The outputs are finite and vary, and do not drown in their own rounding.

    Where activations grow to 1e8, gates stand at cancelled sums and amplify rounding errors a billion times.
    """
    numbers = [t for t in outputs if t.is_floating_point()]
    return bool(numbers) and all(
        bool(torch.isfinite(t).all()) and t.numel() > 1 and 1e-2 < float(t.std()) < 1e3 for t in numbers
    )


def enliven(
    model: nn.Module, call: Any, scales: Sequence[float], alive: Callable[[list[Tensor]], bool] = is_lively
) -> bool:
    """Draw weights anew until the outputs say something; False when no scale gives that."""
    for number, scale in enumerate(scales):
        oracle.randomise(model, seed=1 + number, scale=scale)
        if alive(run(model, call)):
            return True
    return False


def _shares(subject: Subject, traced: list[Any]) -> tuple[float, float]:
    """Share of parameter elements with a dimension in an exact group, and with one in inexact groups only."""
    total = _size(subject.model)
    pairs = [
        (dict(part.module.named_parameters()), found)
        for part, found in zip(subject.parts, traced, strict=True)
    ]
    whole = sum(_cuttable(found.groups, weights) for weights, found in pairs)
    exact = sum(_cuttable([g for g in found.groups if g.exact], weights) for weights, found in pairs)
    return exact / total, (whole - exact) / total


def _cuttable(groups: Sequence[Any], weights: Mapping[str, Tensor]) -> float:
    """Number of elements of `weights` with a dimension in one of the groups that are not locked."""
    cut: dict[str, dict[int, set[int]]] = {}
    for member in (member for group in groups if not group.locked for member in group.members):
        if member.parameter in weights:
            indices = cut.setdefault(member.parameter, {}).setdefault(member.dim, set())
            indices.update(np.asarray(member.indices).ravel().tolist())
    return sum(_covered(tuple(weights[name].shape), dims) for name, dims in cut.items())


def _covered(shape: tuple[int, ...], dims: Mapping[int, set[int]]) -> float:
    left = 1.0
    for dim, indices in dims.items():
        left *= 1 - len(indices) / shape[dim]
    return float(np.prod(shape)) * (1 - left)
