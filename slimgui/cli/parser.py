"""The words of a command line -> what they ask for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final, NoReturn

from slimgui import __version__
from slimgui.cli import exits, front, graph, latency, recalibrate, recover, samples, sensitivity
from slimgui.cli.exits import UsageError
from slimgui.cli.plans import add_options
from slimgui.core.file_formats import FORMATS

USAGE: Final = """\
slimgui [FILE]                                        open the window
slimgui groups SOURCE --input 1x3x224x224             what can be cut
slimgui slim SOURCE --ratio 0.5 --out small.pt        cut, prove, save; also .safetensors, .pt2, .onnx
slimgui slim SOURCE --target macs=50% --out small.pt  the same, down to half of the MACs
slimgui slim SOURCE --plan plan.json --dry-run        what a plan would leave
slimgui verify ORIGINAL SMALL                         prove a saved file again
slimgui sensitivity SOURCE --samples DIR --out c.jsonl what is lost when each group is cut alone
slimgui recalibrate SOURCE PLANS --samples DIR --out P  norm statistics for every plan in a file
slimgui latency SOURCE [SMALL]                        how long it takes; --ratio 0.5: and what that leaves
slimgui front SOURCE --points 20                      the best plan for every cost, down to the smallest
slimgui graph SOURCE --format dot                     its layers and what joins them; or json
slimgui inspect FILE                                  what is in a file, and what it would run

slimgui COMMAND --help lists the options of a command. --json prints one JSON object, also for errors.
"""
_SOURCE: Final = (
    "a checkpoint (weights.pt, .safetensors, a folder), one of its sets of weights (weights.pt#ema), "
    "a factory (torchvision.models:resnet50, my_net.py:build), or path@factory"
)
EXPORTS: Final = (
    ("--export-plan", "write the plan with every kept channel (.json)"),
    ("--export-config", "write the widths: a channel_cfg (.yaml) or choices of units (.json)"),
    (
        "--report",
        "write a page about the saved model (.html): before and after, plan, proof, versions, hashes",
    ),
    ("--export-kept", "write the kept indices of every weight (.json)"),
)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: object) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=layout, epilog=exits.table(), **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.\n{self.format_usage().rstrip()}")


def file_to_open(words: Sequence[str]) -> str | None:
    """The file that `slimgui [FILE]` names.

    Raises:
        UsageError: the words are no such command.
        SystemExit: --help or --version was asked for and has been printed.
    """
    parser = _Parser(prog="slimgui", usage="slimgui [FILE] or slimgui COMMAND ...", description=USAGE)
    parser.add_argument("file", nargs="?", help="a model to open in the window")
    parser.add_argument("--version", action="version", version=f"slimgui {__version__}")
    file: str | None = parser.parse_args(words).file
    return file


def parse(words: Sequence[str]) -> argparse.Namespace:
    """What a command with its options asks for; raises as `file_to_open`."""
    parser = _Parser(prog="slimgui")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    groups = commands.add_parser("groups", help="list what can be cut")
    groups.add_argument("source", help=_SOURCE)
    slim = commands.add_parser("slim", help="make a smaller model, prove it and save it")
    slim.add_argument("source", help=_SOURCE)
    add_options(slim)
    samples.add_options(slim)
    recover.add_options(slim)
    latency.add_device(slim)
    _add_outputs(slim)
    verify = commands.add_parser("verify", help="prove a saved file against its original")
    verify.add_argument("original", help=_SOURCE)
    verify.add_argument("small", help="a file saved by slimgui")
    curves = commands.add_parser("sensitivity", help="measure what is lost when each group is cut alone")
    curves.add_argument("source", help=_SOURCE)
    sensitivity.add_options(curves)
    plans = commands.add_parser("recalibrate", help="take norm statistics for every plan in a file")
    plans.add_argument("source", help=_SOURCE)
    recalibrate.add_options(plans)
    times = commands.add_parser("latency", help="measure how long a model takes, whole and cut")
    times.add_argument("source", help=_SOURCE)
    latency.add_options(times)
    add_options(times)
    samples.add_options(times)
    fronts = commands.add_parser("front", help="list the best plan for every cost")
    fronts.add_argument("source", help=_SOURCE)
    front.add_options(fronts)
    graphs = commands.add_parser("graph", help="write the layers and what joins them, as DOT or JSON")
    graphs.add_argument("source", help=_SOURCE)
    graph.add_options(graphs)
    inspect = commands.add_parser("inspect", help="say what is in a file and what it would run")
    inspect.add_argument("file", help="a checkpoint, or the folder it lies in")
    for command in (groups, slim, verify, curves, plans, times, fronts, graphs):
        _add_model(command)
    for command in (groups, slim, verify, curves, plans, times, fronts, graphs, inspect):
        command.add_argument("--json", action="store_true", help="print one JSON object, also for errors")
    return parser.parse_args(words)


def _add_outputs(slim: argparse.ArgumentParser) -> None:
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
    slim.add_argument(
        "--accept-unproven",
        action="store_true",
        help="save also when the proof failed or compared no numbers; the exit status stays 3",
    )
    slim.add_argument("--dry-run", action="store_true", help="say what would stay, and write no model")
    for option, text in EXPORTS:
        slim.add_argument(option, metavar="FILE", help=text)
    slim.add_argument(
        "--steps", type=int, default=1, help="--export-plan writes this many plans that lead there"
    )


def _add_model(command: argparse.ArgumentParser) -> None:
    """The options that say how a model is opened."""
    command.add_argument("--input", default="", help="shape of the input: 1x3x224x224; several with commas")
    command.add_argument("--model", help="factory of the model that the weights belong to")
    command.add_argument(
        "--trust-code",
        action="append",
        default=[],
        metavar="SHA256",
        help="run the code that the checkpoint of this SHA-256 needs; the refusal says which",
    )
