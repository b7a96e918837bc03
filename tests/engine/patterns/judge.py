"""The judge: cut every group by its own ratio, and compare with what that has to mean.

Knows nothing of how the engine works: it reads groups (size, exact, locked) and the provenance `kept`.
Exact groups: the original with the removed indices zeroed (of the effective weight where it is computed from
others). Inexact ones: the same, with every statistic over the kept channels only.
"""

from __future__ import annotations

import random
import re
import time
import traceback
import warnings
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import oracle
import torch
from engine.patterns.registry import Pattern
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from slimgui import engine
from slimgui.errors import DeployError, TraceError

TRACED, RUN = 2, 3  # batch sizes
MOST_ALONE = 6  # groups that are cut one by one when deploy refuses them together


@dataclass(frozen=True)
class Result:
    """Verdicts: "exact", "inexact", "refused", "WRONG", "CRASH"."""

    pattern: Pattern
    verdict: str
    met: bool
    unlocked: int = 0
    locked: int = 0
    detail: str = ""
    seconds: float = 0.0
    kinds: frozenset[str] = frozenset()  # of the groups that were cut and proven

    @property
    def fine(self) -> bool:
        return self.met and self.verdict not in ("WRONG", "CRASH")


class WrongError(Exception):
    """The deployed model computes something else."""


class CrashError(Exception):
    """The engine broke a promise other than the numbers."""


@contextmanager
def settings() -> Iterator[None]:
    """Float64 throughout; what torch says of its own deprecated functions is no matter here."""
    torch.set_default_dtype(torch.float64)
    try:
        with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def slow_path() -> Iterator[None]:
    """Attention modules call their parts, so that replaced parts are seen."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


# --- the net and its outputs


_SCALES: dict[str, float] = {}


def lively(pattern: Pattern) -> nn.Module:
    """The net with weights drawn anew until every output is finite and varies; the same at every call."""
    known = _SCALES.get(pattern.name)
    for scale in (1.0, 1.5, 0.6, 2.5, 0.3) if known is None else (known,):
        torch.manual_seed(zlib.crc32(pattern.name.encode()))
        model = pattern.build()
        tables = [(b, b.clone()) for n, b in model.named_buffers() if "running_" not in n]
        with torch.no_grad():
            computed = list(_normalised(model))
            before = [p.clone() for p in computed]
            oracle.randomise(model, seed=1, scale=scale)
            for tensor, value in [*tables, *zip(computed, before, strict=True)]:
                tensor.copy_(value)
            _randomise_complex(model)
        model.eval()
        if known is not None:
            return model
        outputs = run(model, given(pattern, RUN))
        _SCALES[pattern.name] = scale
        if outputs and all(bool(torch.isfinite(t).all()) and lively_enough(t) for t in outputs):
            return model
    del _SCALES[pattern.name]
    raise AssertionError(f"{pattern.name}: no scale of weights gave a finite, varying output")


def lively_enough(output: Tensor) -> bool:
    return not output.is_floating_point() or float(output.std()) > 1e-2


def _normalised(model: nn.Module) -> Iterator[Tensor]:
    """Weights under spectral norm keep their first values: the vectors beside them belong to these."""
    for module in model.modules():
        if any(isinstance(hook, SpectralNorm) for hook in module._forward_pre_hooks.values()):
            yield module.weight_orig
        for parametrization in getattr(module, "parametrizations", {}).values():
            if "SpectralNorm" in type(parametrization[0]).__name__:
                yield parametrization.original


def _randomise_complex(model: nn.Module) -> None:
    generator = torch.Generator().manual_seed(5)
    for parameter in model.parameters():
        if parameter.is_complex():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype))


def given(pattern: Pattern, batch: int) -> Any:
    torch.manual_seed(batch)
    return pattern.inputs(batch)


def call(model: nn.Module, inputs: Any) -> Any:
    copied = _copied(inputs)
    return model(**copied) if isinstance(copied, dict) else model(*copied)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return type(value)(_copied(item) for item in value) if isinstance(value, (list, tuple)) else value


def run(model: nn.Module, inputs: Any) -> list[Tensor]:
    with torch.no_grad():
        return flat(call(model, inputs))


def flat(outputs: Any) -> list[Tensor]:
    return [torch.view_as_real(t) if t.is_complex() else t for t in oracle.tensors(outputs)]


def error(want: list[Tensor], have: list[Tensor]) -> float:
    if [t.shape for t in want] != [t.shape for t in have]:
        return float("inf")
    if not all(bool(torch.isfinite(t).all()) for t in (*want, *have)):
        return float("inf")  # max() would drop a NaN
    return oracle.error([t.double() for t in want], [t.double() for t in have])


# --- what a cut has to mean


def expected(pattern: Pattern, kept: oracle.Kept, inputs: Any, *, statistics: bool) -> list[Tensor]:
    """Outputs of the original with the removed indices zeroed; `statistics`: over the kept channels only.

    Where something is divided by a buffer, zeroing it too gives 0 / 0: then buffers keep their values, and
    only parameters are zeroed, which removes the channel as well.
    """
    outputs = _expected(pattern, kept, inputs, statistics=statistics)
    if all(bool(torch.isfinite(t).all()) for t in outputs):
        return outputs
    buffers = {name for name, _ in lively(pattern).named_buffers()}
    kept = {name: dims for name, dims in kept.items() if name not in buffers}
    return _expected(pattern, kept, inputs, statistics=statistics)


def _expected(pattern: Pattern, kept: oracle.Kept, inputs: Any, *, statistics: bool) -> list[Tensor]:
    model = lively(pattern)
    alias = make_plain(model)
    kept = {alias.get(name, name): dims for name, dims in kept.items()}
    weights = oracle.named_tensors(model)
    with torch.no_grad():
        for name, dims in kept.items():
            if name not in weights:  # a gain or vector whose effect is in the effective weight by now
                continue
            for dim, indices in dims.items():
                gone = sorted(set(range(weights[name].shape[dim])) - {int(i) for i in indices})
                if weights[name].is_floating_point() or weights[name].is_complex():
                    weights[name].index_fill_(dim, torch.tensor(gone, dtype=torch.long), 0)

    def keep(name: str, dim: int = 0) -> Tensor:
        found = kept.get(name, {}).get(dim)
        return torch.arange(weights[name].shape[dim]) if found is None else torch.as_tensor(np.array(found))

    with slow_path(), torch.no_grad():
        if statistics and pattern.reference is not None:
            copied = _copied(inputs)
            copied = tuple(copied.values()) if isinstance(copied, dict) else copied
            return flat(pattern.reference(model, keep, *copied))
        if statistics:
            for name, module in model.named_modules():
                dims = kept.get(f"{name}.weight")
                if dims and isinstance(module, (nn.LayerNorm, nn.RMSNorm, nn.GroupNorm)):
                    module.forward = KeptNorm(module, dims)
        return run(model, inputs)


class KeptNorm:
    """A normaliser whose statistics see only the kept entries of its gain."""

    def __init__(self, module: nn.Module, dims: Mapping[int, Iterable[int]]) -> None:
        self.module = module
        mask = torch.ones(module.weight.shape)
        for dim, indices in dims.items():
            gone = sorted(set(range(mask.shape[dim])) - {int(i) for i in indices})
            mask.index_fill_(dim, torch.tensor(gone), 0)
        self.mask = mask

    def __call__(self, x: Tensor) -> Tensor:
        module = self.module
        if isinstance(module, nn.GroupNorm):
            blocks = x.reshape(len(x), module.num_groups, -1, *x.shape[2:])
            mask = self.mask.reshape(1, module.num_groups, -1, *[1] * (x.ndim - 2))
            over = tuple(range(2, blocks.ndim))
            spread = mask.expand_as(blocks)
            y = self._normalised(blocks, spread, over, centred=True).reshape(x.shape)
            shape = (1, -1, *[1] * (x.ndim - 2))
            return y * module.weight.reshape(shape) + module.bias.reshape(shape)
        over = tuple(range(-self.mask.ndim, 0))
        y = self._normalised(x, self.mask.expand_as(x), over, centred=isinstance(module, nn.LayerNorm))
        bias = getattr(module, "bias", None)
        return y * module.weight if bias is None else y * module.weight + bias

    def _normalised(self, x: Tensor, mask: Tensor, over: tuple[int, ...], *, centred: bool) -> Tensor:
        count = mask.sum(over, keepdim=True).clamp(min=1)
        mean = (x * mask).sum(over, keepdim=True) / count if centred else 0.0
        eps = torch.finfo(x.dtype).eps if self.module.eps is None else self.module.eps
        variance = ((x - mean) * mask).square().sum(over, keepdim=True) / count
        return (x - mean) * mask * (variance + eps).rsqrt()


def make_plain(model: nn.Module) -> dict[str, str]:
    """Bake computed weights in place: zeroing means zeroing the effective weight.

    Returns the name of each tensor that had the shape of an effective weight -> that weight's name.
    """
    alias = {}
    for path, module in list(model.named_modules()):
        prefix = f"{path}." if path else ""
        for name in list(getattr(module, "parametrizations", {})):
            for part, tensor in module.parametrizations[name].named_parameters():
                if tensor.shape == getattr(module, name).shape:
                    alias[f"{prefix}parametrizations.{name}.{part}"] = f"{prefix}{name}"
            parametrize.remove_parametrizations(module, name, leave_parametrized=True)
        for hook in list(module._forward_pre_hooks.values()):
            if isinstance(hook, WeightNorm):
                nn.utils.remove_weight_norm(module, hook.name)
                alias[f"{prefix}{hook.name}_v"] = f"{prefix}{hook.name}"
            elif isinstance(hook, SpectralNorm):
                nn.utils.remove_spectral_norm(module, hook.name)
                alias[f"{prefix}{hook.name}_orig"] = f"{prefix}{hook.name}"
            elif isinstance(hook, prune.BasePruningMethod):
                prune.remove(module, hook._tensor_name)
                alias[f"{prefix}{hook._tensor_name}_orig"] = f"{prefix}{hook._tensor_name}"
    return alias


def shifts(kept: oracle.Kept, model: nn.Module, seed: int) -> Iterator[oracle.Kept]:
    """Negative controls: in one dimension of one weight a kept index is exchanged for a removed one."""
    weights = oracle.named_tensors(model)
    places = [
        (name, dim)
        for name, dims in sorted(kept.items())
        for dim, indices in dims.items()
        if weights[name].is_floating_point() and 0 < len(indices) < weights[name].shape[dim]
    ]
    random.Random(seed).shuffle(places)
    for name, dim in sorted(places, key=lambda place: weights[place[0]].ndim < 2):
        indices = [int(i) for i in kept[name][dim]]
        gone = sorted(set(range(weights[name].shape[dim])) - set(indices))
        yield {**kept, name: {**kept[name], dim: sorted([*indices[1:], gone[-1]])}}


# --- one net


def judge(pattern: Pattern, seed: int = 0) -> Result:
    """Never raises: a failure of engine or net is a verdict. `seed` draws other cuts of the same net."""
    start = time.perf_counter()
    try:
        with settings():
            found = _Case(pattern, seed).judge()
    except WrongError as problem:
        found = Result(pattern, "WRONG", False, detail=str(problem))
    except CrashError as problem:
        found = Result(pattern, "CRASH", False, detail=str(problem))
    except Exception as problem:  # noqa: BLE001
        found = Result(pattern, "CRASH", False, detail=_tail(problem))
    return Result(**{**vars(found), "seconds": time.perf_counter() - start})


def _tail(problem: BaseException) -> str:
    places = traceback.extract_tb(problem.__traceback__)[-4:]
    at = " < ".join(f"{p.filename.rpartition('/')[2]}:{p.lineno} {p.name}" for p in reversed(places))
    return f"{type(problem).__name__}: {str(problem).strip()[:300]} @ {at}"


class _Case:
    def __init__(self, pattern: Pattern, seed: int) -> None:
        self.pattern, self.seed = pattern, zlib.crc32(pattern.name.encode()) + 101 * seed
        self.model = lively(pattern)
        self.before = oracle.snapshot(self.model)
        self.inputs = given(pattern, RUN)
        self.others = [] if pattern.also is None else [pattern.also(RUN)]
        self.flaws: list[str] = []  # of refusals

    def judge(self) -> Result:
        example = given(self.pattern, TRACED)
        try:
            self.traced = engine.trace(self.model, example)
        except TraceError as refusal:
            self._untouched()
            self._require_place(refusal, op=False)
            met = not self.flaws and self.pattern.expect in ("any", "refused")
            return Result(self.pattern, "refused", met, 0, 0, " ".join(str(refusal).split()))
        free = [g for g in self.traced.groups if not g.locked]
        locked = [g for g in self.traced.groups if g.locked]
        mute = [g.id for g in locked if not str(g.locked).strip()]
        if mute:
            raise CrashError(f"{mute} are locked without a reason")
        done, refusals = self._cut(free)
        self._untouched()
        verdict = "refused" if not done or refusals else "exact" if all(g.exact for g in done) else "inexact"
        reasons = [
            str(g.locked) for g in locked
            if not re.search("output of the model|the model's input", str(g.locked))
        ]  # fmt: skip
        detail = "; ".join(refusals) or ("" if done else " | ".join(dict.fromkeys(reasons)))
        if verdict != "refused" and reasons:
            detail = "locked: " + " | ".join(dict.fromkeys(reasons))
        if not free and not reasons:
            self.flaws.append("nothing can be cut, and no lock but those of input and output says why")
        if not self._met(done, reasons):
            self.flaws.append(f"expected {self.pattern.expect} {self.pattern.target}")
        detail = "; ".join([*dict.fromkeys(self.flaws), detail])
        kinds = frozenset(g.kind for g in done)
        return Result(self.pattern, verdict, not self.flaws, len(free), len(locked), detail, kinds=kinds)

    def _met(self, done: list[engine.Group], reasons: list[str]) -> bool:
        target, expect = self.pattern.target, self.pattern.expect
        name, _, dim = target.partition(":")
        asked = [
            g
            for g in done
            if not name or any((m.parameter, m.dim) == (name, int(dim or 0)) for m in g.members)
        ]
        if expect == "any":
            return True
        if expect == "refused":
            return bool(reasons)
        return any(g.exact == (expect == "exact") for g in asked)

    def _cut(self, free: list[engine.Group]) -> tuple[list[engine.Group], list[str]]:
        """Groups that were cut and proven, and what deploy refused."""
        exact = [g for g in free if g.exact]
        rounds = [exact, free] if exact and len(exact) < len(free) else [free] if free else []
        done: dict[str, engine.Group] = {}
        refusals: list[str] = []
        tried: set[str] = set()
        for number, groups in enumerate(rounds):
            try:
                self._prove(groups, self.seed + number)
                done.update({g.id: g for g in groups})
            except DeployError as refusal:
                self._require_place(refusal)
                rest = [g for g in groups if g.id not in tried]
                rest = rest[:: -(-len(rest) // MOST_ALONE) or 1]
                tried.update(g.id for g in groups)
                alone = self._alone(rest)
                done.update({g.id: g for g in alone})
                refusals.append(
                    f"at deploy, {len(alone)} of {len(rest)} can be cut alone: "
                    + " ".join(str(refusal).split())
                )
        return list(done.values()), refusals

    def _alone(self, groups: list[engine.Group]) -> list[engine.Group]:
        proven = []
        for group in groups:
            try:
                self._prove([group], self.seed)
                proven.append(group)
            except DeployError as refusal:
                self._require_place(refusal)
        return proven

    def _prove(self, groups: list[engine.Group], seed: int) -> None:
        pattern, names = self.pattern, ", ".join(g.id for g in groups)
        deployed = engine.deploy(self.model, self.traced, self._selection(groups, seed))
        statistics = not all(g.exact for g in groups)
        worst = self._error(deployed, statistics=statistics)
        if not worst <= pattern.tolerance:
            culprits = "" if len(groups) == 1 else self._blame(groups, seed)
            raise WrongError(f"error {worst:.1e} after cutting {names}{culprits}")
        if deployed.kept:
            have = self._runs(deployed.model, self.inputs)
            controls = shifts(deployed.kept, self.model, seed)
            errors = (expected(pattern, c, self.inputs, statistics=statistics) for c in controls)
            limit = 100 * pattern.tolerance
            if not any(error(want, have) > limit for want, _ in zip(errors, range(8), strict=False)):
                raise CrashError(f"the proof of {names} is empty: no exchanged index changes the output")
        proof = engine.verify(self.model, deployed, given(pattern, TRACED))
        if not proof.passed:
            self.flaws.append(f"verify does not agree ({proof.level}, {proof.max_error:.1e}, {proof.note})")
        self._trains(deployed.model)  # last: running statistics move

    def _error(self, deployed: engine.Deployed, *, statistics: bool) -> float:
        worst = 0.0
        for inputs in (self.inputs, *self.others):
            want = expected(self.pattern, deployed.kept, inputs, statistics=statistics)
            worst = max(worst, error(want, self._runs(deployed.model, inputs)))
        return worst

    def _blame(self, groups: list[engine.Group], seed: int) -> str:
        """Which groups are wrong when they are cut alone."""
        blamed = []
        for group in groups:
            try:
                deployed = engine.deploy(self.model, self.traced, self._selection([group], seed))
                if not self._error(deployed, statistics=not group.exact) <= self.pattern.tolerance:
                    blamed.append(group.id)
            except Exception as problem:  # noqa: BLE001
                blamed.append(f"{group.id} ({type(problem).__name__})")
        return f"; alone wrong: {', '.join(blamed) or 'none'}"

    def _selection(self, groups: list[engine.Group], seed: int) -> engine.Selection:
        sizes = {g.id: g.size for g in self.traced.groups}
        free = {g.id: g.size for g in groups}
        counts = oracle.seeded_ratios(free, seed)
        counts = {name: min(count, max(1, free[name] - 1)) for name, count in counts.items()}
        return engine.Selection(oracle.random_keep(sizes, counts, seed))

    def _runs(self, model: nn.Module, inputs: Any) -> list[Tensor]:
        try:
            return run(model.eval(), inputs)
        except Exception as problem:
            raise CrashError(f"the deployed model raises: {_tail(problem)}") from problem

    def _trains(self, small: nn.Module) -> None:
        try:
            whole = with_gradients(lively(self.pattern).train(), self.inputs)
        except RuntimeError:
            return
        have = with_gradients(small.train(), self.inputs)
        missing = whole - have
        if missing:
            raise CrashError(
                f"after backward through the deployed model no gradient reaches {sorted(missing)[:3]}"
            )

    def _untouched(self) -> None:
        if not oracle.same(self.before, oracle.snapshot(self.model)):
            after = oracle.snapshot(self.model)
            changed = [
                k for k in {**self.before, **after} if not oracle.same(self.before.get(k), after.get(k))
            ]
            raise CrashError(f"the original was changed: {changed[:4]}")

    def _require_place(self, refusal: Exception, *, op: bool = True) -> None:
        text = str(refusal)
        if not re.search(r"\w+\.py:\d+", text):
            self.flaws.append("a refusal names no line")
        if op and not re.search(r"\([\w.]+ · .*\w+\.py:\d+\)|aten\.\w+", text):
            self.flaws.append("a refusal names no op")


def with_gradients(model: nn.Module, inputs: Any) -> set[str]:
    """Parameters that a finite gradient reaches in train mode. Raises when backward does."""
    torch.manual_seed(0)
    outputs = [t for t in flat(call(model, inputs)) if t.requires_grad]
    if outputs:
        sum(t.square().mean() for t in outputs).backward()
    return {n for n, p in model.named_parameters() if p.grad is not None and torch.isfinite(p.grad).all()}
