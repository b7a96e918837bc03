"""What the engine does for each kind of request, with the one model that it holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from slimgui.core import wire
from slimgui.core.caches import cache_file
from slimgui.core.criteria import CRITERIA
from slimgui.core.hierarchy import first_opened
from slimgui.core.plan_set import Statistics
from slimgui.core.plan_store import collected
from slimgui.core.sampling import SampleSource
from slimgui.core.sensitivity import Measure
from slimgui.core.targets import parse_targets
from slimgui.engine.arrange import arrange
from slimgui.engine.failures import document_name, failed
from slimgui.errors import DataError, SlimError

Send = Callable[[wire.Answer], None]


class Host:
    """Holds the open model, and does what a request asks for.

    Args:
        engine: the facade, `slimgui.engine`; tests give a small one.
        with_inputs: gives what was loaded its example inputs, `slimgui.engine.load.with_inputs`.
        send: takes the answers.
    """

    def __init__(self, engine: Any, with_inputs: Callable[[Any, str], Any], send: Send) -> None:
        self._engine, self._with_inputs, self._send = engine, with_inputs, send
        self._loaded: Any = None
        self._traced: Any = None
        self._document = 0  # task number of the Open that these two come from
        self._handlers: dict[type[wire.Request], Callable[[Any], wire.Answer]] = {
            wire.Open: self._open,
            wire.Look: self._look,
            wire.Prove: self._prove_saved,
            wire.Save: self._save,
            wire.Verify: self._verify,
            wire.Recover: self._recover,
            wire.Evaluate: self._evaluate,
            wire.Rank: self._rank,
            wire.Sense: self._sense,
            wire.Meet: self._meet,
            wire.ReadPlans: self._read_plans,
            wire.Recalibrate: self._recalibrate,
            wire.Export: self._export,
            wire.Report: self._report,
            wire.Detail: self._detail,
            wire.Locate: self._locate,
            wire.Time: self._time,
            wire.Front: self._front,
        }

    def handle(self, request: wire.Request) -> None:
        """Answer `request`; whatever happens, exactly one final answer is sent."""
        try:
            answer = self._answer(request)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the edge: a model's code may raise anything
            answer = failed(request, error)
        self._send(answer)

    def _answer(self, request: wire.Request) -> wire.Answer:
        if isinstance(request, wire.DocumentRequest) and self._document != request.document:
            raise SlimError(
                "The engine does not hold this model.",
                "It was restarted.",
                "Open the model again, then try again.",
            )
        return self._handlers[type(request)](request)

    def _detail(self, request: wire.Detail) -> wire.Detailed:
        from slimgui.engine.detail import (
            detailed,
        )  # torch comes with it, and the engine's loop starts without

        return detailed(request, self._traced)

    def _verify(self, request: wire.Verify) -> wire.Verified:
        return wire.Verified(request.task, self._prove(request)[1])

    def _look(self, request: wire.Look) -> wire.Looked:
        from slimgui.engine.look import looked

        self._progress(request.task, f"Looking into {document_name(request.path)}")
        return looked(request)

    def _prove_saved(self, request: wire.Prove) -> wire.Verified:
        """What lies on the disk, whatever model is open."""
        from slimgui.engine.reopen import original_of, reopen

        self._progress(request.task, "Reading both models", 0, 2)
        original = request.original or original_of(request.small)
        whole, deployed = reopen(
            original, request.small, shapes=request.shape, trusted=request.trusted, allow_code=False
        )
        self._progress(request.task, "Proving that it computes the same", 1, 2)
        proof = self._engine.verify(whole.model, deployed, deployed.inputs)
        told = partial(self._progress, request.task)
        timed = self._engine.timed_beside(whole.model, deployed, request, told) if request.is_timed else None
        return wire.Verified(request.task, _proof_row(proof), request.small, original, timed)

    def _read_plans(self, request: wire.ReadPlans) -> wire.PlansRead:
        plans, missing = collected(self._engine.read_plans(request.path, self._traced), request.folder)
        return wire.PlansRead(request.task, plans, missing)

    def _open(self, request: wire.Open) -> wire.Opened:
        """Load, trace, lay out; the model open until now is dropped only at the very end."""
        name = document_name(request.source)
        self._progress(request.task, f"Reading {name}")
        loaded = self._engine.load(request.source, allow_code=False, trusted=request.trusted)
        loaded = self._with_inputs(loaded, request.shape)
        self._progress(request.task, "Following one input through the model")
        traced = self._engine.trace(loaded.model, loaded.example_inputs)
        self._progress(request.task, "Drawing the graph")
        graph = traced.layer_graph
        names = [layer.name for layer in graph.layers]
        document = wire.Document(
            name=name,
            source=request.source,
            input_shapes=tuple(tuple(int(n) for n in tensor.shape) for tensor in loaded.example_inputs),
            groups=tuple(wire.group_row(group) for group in traced.groups),
            graph=graph,
            cost=traced.cost_model,
            criteria=tuple(CRITERIA),
            view=arrange(names, graph.edges, first_opened(names)),
            notes=tuple(loaded.notes),
        )
        answer = wire.Opened(request.task, document)
        wire.frame(answer)  # too large to send must fail here, while the old model is still held
        self._loaded, self._traced, self._document = loaded, traced, request.task
        return answer

    def _save(self, request: wire.Save) -> wire.Saved | wire.Unproven:
        deployed, proof = self._prove(request)
        name = Path(request.path).name
        if not request.accept_unproven and not (proof.passed and proof.level != "structural"):
            return wire.Unproven(request.task, request.path, proof)
        deployed, recovered = self._recovered(request, deployed)
        self._progress(request.task, f"Writing {name} and reading it back", 3, 4)
        report = self._engine.save(
            deployed, request.path, format=request.format or None, force=request.accept_unproven
        )
        needs = " ".join((report.needs, *report.notes))
        return wire.Saved(request.task, str(report.path), report.bytes, proof, needs, recovered)

    def _prove(self, request: wire.Save | wire.Verify) -> tuple[Any, wire.ProofRow]:
        """Cut and compare."""
        deployed, long = self._deploy(request)
        self._progress(request.task, f"Proving that it computes the same{long}", 2, 4)
        loaded = self._loaded
        proof = self._engine.verify(loaded.model, deployed, loaded.example_inputs)
        return replace(deployed, source=loaded.source, proof=proof), _proof_row(proof)

    def _deploy(
        self, request: wire.Save | wire.Verify | wire.Recover | wire.Recalibrate | wire.Evaluate
    ) -> tuple[Any, str]:
        """The smaller model, and what all this takes, in words, where that is long."""
        engine, loaded, traced, task = self._engine, self._loaded, self._traced, request.task
        self._progress(task, "Choosing the channels that stay", 0, 4)
        selection = engine.resolve(traced, request.plan, loaded.model)
        needs = engine.estimate(loaded.model, traced, selection)
        recovers = (
            isinstance(request, wire.Save | wire.Recover | wire.Evaluate) and request.recovery is not None
        )
        if isinstance(request, wire.Save):
            engine.check_room(request.path, needs.disk)
        long = f". {needs}" if needs.is_long else ""
        self._progress(task, f"Building the smaller model{long}", 1, 4)
        hollow = needs.hollow and not recovers  # what recovery changes has to be there
        return engine.deploy(loaded.model, traced, selection, hollow=hollow), long

    def _recovered(
        self, request: wire.Save | wire.Recover | wire.Evaluate, deployed: Any
    ) -> tuple[Any, wire.Recovered | None]:
        """The smaller model with the numbers that its plan and the user want, and what recovery did."""
        if request.statistics is not None:
            deployed = self._engine.with_statistics(deployed, request.statistics.file)
        if request.recovery is None:
            return deployed, None
        wanted, before = request.recovery, len(deployed.recovery)
        found = self._samples(request.task, wanted.samples) if wanted.samples else None
        self._progress(request.task, "Recovering accuracy")
        model, traced = self._loaded.model, self._traced
        deployed = self._engine.recover(model, traced, deployed, found, wanted.steps)
        done = deployed.recovery[before:]
        known = [step.distance for step in done if step.distance is not None]
        recovered = wire.Recovered(
            request.task,
            tuple(step.describe() for step in done),
            tuple(f"{step.method}: {reason}" for step in done for reason in step.left),
            found.describe() if found else "",
            (known[0][0], known[-1][1]) if known else None,
        )
        return deployed, recovered

    def _recover(self, request: wire.Recover) -> wire.Recovered:
        deployed, _ = self._deploy(request)
        _, recovered = self._recovered(request, deployed)
        assert recovered, "the request names what is to be recovered"
        return recovered

    def _evaluate(self, request: wire.Evaluate) -> wire.Evaluated:
        """What a save would write, beside the whole model, on the same samples."""
        found = self._samples(request.task, request.samples)
        if not found.labelled and found.evaluate is None:
            raise DataError(
                f"{request.samples.name} has no labels.",
                "Nobody can say which answers are right.",
                "Take a folder per class, an .npz with labels, or a .py with evaluate(model).",
            )
        deployed, _ = self._deploy(request)
        deployed, _ = self._recovered(request, deployed)
        self._progress(request.task, "Measuring the whole model", 2, 4)
        before = found.accuracy(self._loaded.model)
        self._progress(request.task, "Measuring the smaller model", 3, 4)
        after = found.accuracy(deployed.held().model)
        measure: Measure = "accuracy" if found.evaluate is None else "score"
        return wire.Evaluated(request.task, before, after, measure, found.describe_reading())

    def _samples(self, task: int, source: SampleSource) -> Any:
        """What the user means by `source`; code among it runs only when that was agreed to."""
        self._progress(task, f"Looking at {source.name}")
        return self._engine.samples(
            source.path,
            self._loaded.example_inputs,
            model=self._loaded,
            limit=source.limit,
            mean=source.mean or None,
            std=source.std or None,
            size=source.size,
            allow_code=False,
            trusted=source.trusted,
        )

    def _recalibrate(self, request: wire.Recalibrate) -> wire.Recalibrated:
        found = self._samples(request.task, request.samples)
        deployed, _ = self._deploy(request)

        def tell(done: int) -> None:
            self._progress(request.task, "Taking the statistics of every norm", done, found.size or 0)

        count = self._engine.take_statistics(deployed, found, request.path, tell)
        words = f"{count:,} samples of {request.samples.name}"
        return wire.Recalibrated(
            request.task, Statistics(request.plan, request.path, words), found.describe_reading()
        )

    def _rank(self, request: wire.Rank) -> wire.Ranked:
        data = self._samples(request.task, request.samples) if request.samples else None
        self._progress(request.task, "Judging every channel")
        scores = self._engine.importance(self._loaded.model, self._traced, request.importance, data)
        packed = {name: values.astype("float64").tobytes() for name, values in scores.items()}
        return wire.Ranked(request.task, request.importance, packed)

    def _sense(self, request: wire.Sense) -> wire.Sensed:
        """Points that are known stay in a file: what was cancelled goes on where it was."""
        data = self._samples(request.task, request.samples)
        own = data.evaluate is not None
        measure: Measure = "distance"
        if not request.by_distance and (own or data.labelled):
            measure = "score" if own else "accuracy"
        what = (self._loaded.source, request.plan.importance, replace(request.samples, trusted=()), measure)
        phase = "Cutting each group alone"
        self._progress(request.task, phase)
        found = self._engine.sensitivity(
            self._loaded.model,
            self._traced,
            data,
            evaluate=None if measure == "distance" else data.accuracy,
            plan=request.plan,
            path=cache_file("sensitivity", repr(what)),
            told=lambda done, total: self._progress(request.task, phase, done, total),
        )
        return wire.Sensed(request.task, found, measure, data.describe_reading())

    def _meet(self, request: wire.Meet) -> wire.Met:
        data = self._samples(request.task, request.samples) if request.samples else None
        self._progress(request.task, "Searching for the plan that keeps most")
        found = self._engine.meet(
            self._traced,
            self._loaded.model,
            parse_targets(request.targets),
            request.plan,
            data,
            sensitivity=request.sensitivity,
            table=request.table,
            device=request.device,
            threads=request.threads,
            told=lambda done, total: self._progress(request.task, "Measuring ops", done, total),
        )
        return wire.Met(request.task, found.plan, found.kept)

    def _export(self, request: wire.Export) -> wire.Exported:
        if request.what == "times":
            return self._export_times(request)
        selection = self._engine.resolve(self._traced, request.plan, self._loaded.model)
        write = self._engine.write_config if request.what == "config" else self._engine.write_kept
        write(request.path, self._traced, selection)
        return wire.Exported(request.task, request.path)

    def _export_times(self, request: wire.Export) -> wire.Exported:
        told = partial(self._progress, request.task)
        model, how = self._loaded.model, (request.device, told, request.threads)
        self._engine.write_times(request.path, model, self._traced, *how)
        return wire.Exported(request.task, request.path)

    def _report(self, request: wire.Report) -> wire.Exported:
        self._progress(request.task, "Hashing the files")
        self._engine.write_report(request.path, request.facts)
        return wire.Exported(request.task, request.path)

    def _locate(self, request: wire.Locate) -> wire.Located:
        members, tables = self._engine.located(self._traced, request.group)
        return wire.Located(request.task, request.group, members, tables)

    def _time(self, request: wire.Time) -> wire.Timed:
        told = partial(self._progress, request.task)
        found: wire.Timed = self._engine.timed(self._loaded, self._traced, request, told)
        return found

    def _front(self, request: wire.Front) -> wire.Fronted:
        data = self._samples(request.task, request.samples) if request.samples else None
        self._progress(request.task, "Searching the best plan for every size")
        front = self._engine.pareto(
            self._traced,
            self._loaded.model,
            request.resource,
            points=request.points,
            samples=data,
            plan=request.plan,
        )
        points = tuple(wire.FrontPoint(found.plan, found.cost, found.kept) for found in front)
        return wire.Fronted(request.task, request.resource, points)

    def _progress(self, task: int, phase: str, done: int = 0, total: int = 0) -> None:
        self._send(wire.Progress(task, phase, done, total))


def _proof_row(proof: Any) -> wire.ProofRow:
    """A proof as it travels: JSON has no infinity."""
    error = float(proof.max_error) if math.isfinite(proof.max_error) else None
    return wire.ProofRow(bool(proof.passed), error, proof.level, proof.note, proof.parted)
