"""The command line: the window, or the same engine without one.

slimgui [FILE]                                        open the window
slimgui groups SOURCE --input 1x3x224x224             what can be cut
slimgui slim SOURCE --ratio 0.5 --out small.pt        cut, prove, save; also .safetensors, .pt2, .onnx
slimgui slim SOURCE --plan plan.json --dry-run        what a plan would leave
slimgui verify ORIGINAL SMALL                         prove a saved file again
slimgui inspect FILE                                  what is in a file, and what it would run

Exit status: 0 done and proven (inspect: it can be opened), 1 a sentence says what went wrong, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from slimgui import __version__
from slimgui.cli.inspect import inspected
from slimgui.cli.plans import add_options, plan_for, says_something
from slimgui.core.file_formats import FORMATS, format_of
from slimgui.errors import DeployError, SlimError

if TYPE_CHECKING:
    from torch import Tensor

    from slimgui.core.cost import Cost
    from slimgui.core.plan import Plan, Selection
    from slimgui.engine.load import Loaded
    from slimgui.engine.trace import Traced

_SOURCE: Final = (
    "a checkpoint (weights.pt, .safetensors, a folder), one of its sets of weights (weights.pt#ema), "
    "a factory (torchvision.models:resnet50, my_net.py:build), or path@factory"
)
_EXPORTS: Final = (
    ("--export-plan", "write the plan with every kept channel (.json)"),
    ("--export-config", "write the widths: a channel_cfg (.yaml) or choices of units (.json)"),
    ("--export-kept", "write the kept indices of every weight (.json)"),
)
_NAMES: Final = {"params": "parameters", "macs": "MACs", "bytes": "bytes"}


class UsageError(Exception):
    """The command was written wrongly."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.\n{self.format_usage().rstrip()}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; returns its exit status and never raises for what a user can cause."""
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words
    try:
        if words and words[0] in _COMMANDS:
            return _command(words)
        return _window(words)
    except UsageError as error:
        what, _, usage = str(error).partition("\n")
        return _complain(SlimError(what[:1].upper() + what[1:], "", usage), as_json=as_json, status=2)
    except SlimError as error:
        return _complain(error, as_json=as_json, status=1)
    except KeyboardInterrupt:
        return _complain(SlimError("Cancelled; nothing was written."), as_json=as_json, status=130)
    except Exception as error:  # noqa: BLE001 - the edge of the program: a sentence, never a traceback
        return _complain(_unexpected(error), as_json=as_json, status=1)


def _command(words: Sequence[str]) -> int:
    try:
        arguments = _parser().parse_args(words)
    except SystemExit:  # --help ends this way; wrong usage is a UsageError
        return 0
    with contextlib.redirect_stdout(sys.stderr):  # a model that prints must not break the JSON
        result, text, status = _COMMANDS[words[0]](arguments)
    print(json.dumps(result) if arguments.json else text)
    return status


def _complain(error: SlimError, *, as_json: bool, status: int) -> int:
    if as_json:
        row = {"kind": type(error).__name__, "what": error.what, "why": error.why, "hint": error.hint}
        counts = {"counts": error.counts} if isinstance(error, DeployError) else {}
        print(json.dumps({"error": {**row, **counts}}))
    else:
        print(error, file=sys.stderr)
    return status


def _unexpected(error: Exception) -> SlimError:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})" if place else ""
    first = str(error).partition("\n")[0]
    return SlimError(
        "Something went wrong.", f"{type(error).__name__}: {first}{where}.", "Please report this."
    )


def _window(words: Sequence[str]) -> int:
    """Open the window; torch is not imported on this way."""
    parser = _Parser(
        prog="slimgui", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", help="a model to open")
    parser.add_argument("--version", action="version", version=f"slimgui {__version__}")
    try:
        chosen = parser.parse_args(words).file
    except SystemExit:  # --help and --version end this way
        return 0
    from slimgui.gui.app import main as open_window

    status: int = open_window([] if chosen is None else [chosen])
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="slimgui")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    groups = commands.add_parser("groups", help="list what can be cut")
    groups.add_argument("source", help=_SOURCE)
    slim = commands.add_parser("slim", help="make a smaller model, prove it and save it")
    slim.add_argument("source", help=_SOURCE)
    add_options(slim)
    _add_target(slim)
    slim.add_argument("--dry-run", action="store_true", help="say what would stay, and write no model")
    for option, text in _EXPORTS:
        slim.add_argument(option, metavar="FILE", help=text)
    slim.add_argument(
        "--steps", type=int, default=1, help="--export-plan writes this many plans that lead there"
    )
    verify = commands.add_parser("verify", help="prove a saved file against its original")
    verify.add_argument("original", help=_SOURCE)
    verify.add_argument("small", help="a file saved by slimgui")
    inspect = commands.add_parser("inspect", help="say what is in a file and what it would run")
    inspect.add_argument("file", help="a checkpoint, or the folder it lies in")
    inspect.add_argument("--json", action="store_true", help="print one JSON object")
    for command in (groups, slim, verify):
        command.add_argument(
            "--input", default="", help="shape of the input: 1x3x224x224; several with commas"
        )
        command.add_argument("--model", help="factory of the model that the weights belong to")
        command.add_argument(
            "--trust-code",
            action="append",
            default=[],
            metavar="SHA256",
            help="run the code that the checkpoint of this SHA-256 needs; the refusal says which",
        )
        command.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _add_target(slim: argparse.ArgumentParser) -> None:
    """The options that say where the smaller model goes, and as what."""
    slim.add_argument("--out", help="the file to write; its suffix says the format (.pt, .safetensors, ...)")
    slim.add_argument(
        "--format",
        choices=[known.name for known in FORMATS],
        help="the format, whatever the suffix; pickle is a whole module, which runs code when it is opened",
    )
    slim.add_argument(
        "--replace-original", action="store_true", help="let --out name the file that is slimmed"
    )


def _open(arguments: argparse.Namespace) -> tuple[Loaded, tuple[Tensor, ...]]:
    from slimgui.engine.load import load, with_inputs

    loaded = with_inputs(
        load(arguments.source, arguments.model, trusted=arguments.trust_code), arguments.input
    )
    assert loaded.example_inputs is not None, "with_inputs gives some or raises"
    return loaded, loaded.example_inputs


_Result = tuple[dict[str, Any], str, int]


def _groups(arguments: argparse.Namespace) -> _Result:
    from slimgui import engine

    loaded, inputs = _open(arguments)
    traced = engine.trace(loaded.model, inputs)
    rows = [
        {
            "id": group.id,
            "size": group.size,
            "kind": group.kind,
            "exact": group.exact,
            "locked": str(group.locked) if group.locked else None,
            "inexact": str(group.inexact) if group.inexact else None,
            "layers": list(group.layers),
            "members": [
                {
                    "parameter": member.parameter,
                    "dim": member.dim,
                    "per_channel": int(member.indices.shape[1]),
                }
                for member in group.members
            ],
        }
        for group in traced.groups
    ]
    cost = engine.cost(traced)
    result = {"source": loaded.source, "groups": rows, **_totals(cost), "notes": list(loaded.notes)}
    lines = [*loaded.notes, *(_group_line(row) for row in rows)]
    lines.append(f"{len(rows)} groups, {cost.params:,} parameters, {cost.macs:,} MACs, {cost.bytes:,} bytes")
    return result, "\n".join(lines), 0


def _group_line(row: dict[str, Any]) -> str:
    state = (
        f"locked: {row['locked']}"
        if row["locked"]
        else "exact"
        if row["exact"]
        else f"inexact: {row['inexact']}"
    )
    return f"{row['id']:<40} {row['size']:>6} {row['kind']:<12} {state}"


def _totals(cost: Cost) -> dict[str, int]:
    return {name: int(getattr(cost, name)) for name in _NAMES}


def _slim(arguments: argparse.Namespace) -> _Result:
    from slimgui import engine
    from slimgui.core.words import describe

    _check_usage(arguments)
    loaded, inputs = _open(arguments)
    traced = engine.trace(loaded.model, inputs)
    plan = plan_for(arguments, traced)
    selection = engine.resolve(traced, plan, loaded.model)
    before, after = engine.cost(traced), engine.cost(traced, selection)
    kept = ", ".join(f"{_share(before, after, name)} of the {word}" for name, word in _NAMES.items())
    result = {
        "source": loaded.source,
        "groups": len(traced.groups),
        "kept": f"keeps {kept}",
        **{name: {"before": getattr(before, name), "after": getattr(after, name)} for name in _NAMES},
        "plan": json.loads(plan.to_json()),
        "words": describe(plan),
        "counts": selection.counts(),
        "notes": list(loaded.notes),
    }
    lines = [*loaded.notes, describe(plan), f"The smaller model keeps {kept}."]
    lines += _export(arguments, loaded, traced, plan, selection)
    if arguments.dry_run:
        return {**result, "dry_run": True}, "\n".join(lines), 0
    made, more, status = _make(arguments, loaded, traced, selection)
    return {**result, **made}, "\n".join([*lines, more]), status


def _check_usage(arguments: argparse.Namespace) -> None:
    if not says_something(arguments):
        raise UsageError("Nothing says what to remove: give --ratio, --plan or another option.")
    if not arguments.out and not arguments.dry_run:
        raise UsageError("Nothing says where to save the smaller model: give --out, or --dry-run.")
    if arguments.out:
        format_of(arguments.out, arguments.format)
    if arguments.plan and not Path(arguments.plan).is_file():
        raise UsageError(f"There is no plan {arguments.plan}.")
    if arguments.steps < 1:
        raise UsageError("--steps takes a number from 1.")
    if arguments.steps != 1 and not arguments.export_plan:
        raise UsageError("--steps takes effect with --export-plan only.")


def _make(arguments: argparse.Namespace, loaded: Loaded, traced: Traced, selection: Selection) -> _Result:
    """Deploy, prove and save."""
    from slimgui import engine

    deployed = engine.deploy(loaded.model, traced, selection)
    proof = engine.verify(loaded.model, deployed, traced.inputs)
    report = engine.save(
        replace(deployed, source=loaded.source, proof=proof),
        arguments.out,
        format=arguments.format,
        replace_original=arguments.replace_original,
    )
    result = {
        "out": str(report.path),
        "file_bytes": report.bytes,
        "proof": _proof_row(proof),
        "needs": report.needs,
        "model": report.model,
        "file_notes": list(report.notes),
    }
    lines = [_proof_line(proof), f"Saved as {report.path}.", report.needs, *report.notes]
    return result, "\n".join(lines), 0 if proof.passed else 1


def _export(
    arguments: argparse.Namespace, loaded: Loaded, traced: Traced, plan: Plan, selection: Selection
) -> list[str]:
    """Write what the export options ask for; a sentence for each file."""
    from slimgui import engine
    from slimgui.core.plan_set import PlanSet
    from slimgui.core.resolve import write_out
    from slimgui.core.text_files import write_text

    if arguments.export_plan:
        plans = [write_out(traced.groups, selection)]
        if arguments.steps > 1:
            plans = [*engine.steps(traced, plan, loaded.model, arguments.steps)]
        write_text(arguments.export_plan, PlanSet.numbered("Step", plans).to_json())
    if arguments.export_config:
        engine.write_config(arguments.export_config, traced, selection)
    if arguments.export_kept:
        engine.write_kept(arguments.export_kept, traced, selection)
    paths = (arguments.export_plan, arguments.export_config, arguments.export_kept)
    return [f"Wrote {path}." for path in paths if path]


def _share(before: Cost, after: Cost, name: str) -> str:
    whole = getattr(before, name)
    return f"{100 * getattr(after, name) / whole:.1f} %" if whole else "nothing"


def _proof_row(proof: Any) -> dict[str, Any]:
    error = proof.max_error if math.isfinite(proof.max_error) else None  # JSON has no infinity
    return {**asdict(proof), "max_error": error}


def _proof_line(proof: Any) -> str:
    verdict = "Proven equal to" if proof.passed else "Not equal to"
    found = f"largest difference {proof.max_error:.1e} ({proof.level})"
    return f"{verdict} the masked original: {found}. {proof.note}".strip()


def _verify(arguments: argparse.Namespace) -> _Result:
    from slimgui import engine
    from slimgui.engine.reopen import reopen

    original, deployed = reopen(
        arguments.original, arguments.small, arguments.model, arguments.input, arguments.trust_code
    )
    proof = engine.verify(original.model, deployed, deployed.inputs)
    result = {"original": original.source, "small": arguments.small, "proof": _proof_row(proof)}
    return result, _proof_line(proof), 0 if proof.passed else 1


_COMMANDS: Final[dict[str, Callable[[argparse.Namespace], _Result]]] = {
    "groups": _groups,
    "slim": _slim,
    "verify": _verify,
    "inspect": inspected,
}
