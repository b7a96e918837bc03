"""Named plans as files: JSON text, and beside it a .safetensors per plan with statistics of its own."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from slimgui.core.plan_set import PlanSet, Statistics
from slimgui.core.text_files import write_text
from slimgui.errors import PlanError, SaveError

SUFFIX: Final = ".safetensors"
_ODD: Final = re.compile(r"[^\w.-]+")


def write_plans(path: str | Path, plans: PlanSet) -> None:
    """Write all plans, and copy the statistics that fit beside them; those out of date are left out.

    The copies have names that no file had before and the text is replaced last: whenever the program ends,
    the plans at `path` have the statistics they name.

    Raises:
        SaveError: something cannot be written there, or statistics are gone.
    """
    target = Path(path)
    before = _named_by(target)
    copies: dict[str, Path] = {}
    try:
        for name, own in plans.fresh.items():
            slug = f"{_ODD.sub('-', name)[:40]}-{secrets.token_hex(3)}"
            copies[name] = target.with_name(f"{target.stem}.{slug}{SUFFIX}")
            _copy(own, copies[name], name)
        owns = ((name, replace(own, file=copies[name].name)) for name, own in plans.fresh.items())
        write_text(target, replace(plans, statistics=tuple(owns)).to_json())
    except BaseException:
        _remove(copies.values())
        raise
    _remove(before)


def beside(path: str | Path, plans: PlanSet) -> PlanSet:
    """`plans` as read from the file at `path`, with the whole paths of their statistics beside it."""
    folder = Path(path).absolute().parent
    owns = ((name, replace(own, file=str(folder / Path(own.file).name))) for name, own in plans.statistics)
    return replace(plans, statistics=tuple(owns))


def collected(plans: PlanSet, folder: str | Path) -> tuple[PlanSet, tuple[str, ...]]:
    """`plans` with copies of their statistics in `folder`, and a sentence for each file that is missing."""
    owns, missing = [], []
    for name, own in plans.statistics:
        copy = Path(folder, f"{secrets.token_hex(8)}{SUFFIX}")
        try:
            shutil.copyfile(own.file, copy)
        except OSError:
            missing.append(f"The statistics of {name} are missing: {Path(own.file).name} belongs beside it.")
        else:
            owns.append((name, replace(own, file=str(copy))))
    return replace(plans, statistics=tuple(owns)), tuple(missing)


def _copy(own: Statistics, target: Path, name: str) -> None:
    try:
        shutil.copyfile(own.file, target)
    except FileNotFoundError as error:
        if error.filename == own.file:
            what = f"The statistics of {name!r} are gone."
            raise SaveError(what, f"{own.file} was removed.", "Take them again.") from None
        raise SaveError(
            f"{target.name} was not saved.", "The folder does not exist.", "Choose another."
        ) from None
    except OSError as error:
        why = f"{error.strerror or error}."
        raise SaveError(f"{target.name} was not saved.", why, "Choose another folder.") from None


def _named_by(target: Path) -> list[Path]:
    """The files of statistics that the plans at `target` name, and that will be nobody's."""
    try:
        old = PlanSet.from_file(target)
    except (PlanError, OSError, UnicodeDecodeError):  # nothing there, or another kind of file
        return []
    files = [target.with_name(Path(own.file).name) for _, own in old.statistics]
    return [file for file in files if file.suffix == SUFFIX and file.name.startswith(f"{target.stem}.")]


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink(missing_ok=True)
