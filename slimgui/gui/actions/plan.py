"""The handlers of the Plan menu: ask what must be asked, make another plan, hand it to the session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from slimgui.core import variants
from slimgui.core.criteria import CRITERIA, looks_at_data, title_of
from slimgui.core.plan import Plan
from slimgui.core.plan_set import PlanSet
from slimgui.core.recipe import as_command, as_mask, as_python, as_supernet
from slimgui.core.words import from_ranges, to_ranges, to_shares
from slimgui.errors import PlanError
from slimgui.gui.actions.data import PLANS, DataActions
from slimgui.gui.dialogs.asking import Dialogs
from slimgui.gui.facts.notice import Notice
from slimgui.gui.facts.snapshot import Resolver
from slimgui.gui.session import Session
from slimgui.gui.settings import Settings

_MANY: Final = 1_000_000
ANY_PLAN: Final = "Plans and channel configurations (*.json *.yaml *.yml);;All files (*)"
CONFIGS: Final = "Widths of layers (*.yaml);;Choices of units (*.json)"


class PlanActions:
    """One method per action of the Plan menu.

    Args:
        parent: the window that questions belong to.
        session: is told every change.
        dialogs: ask the user.
        settings: remember the last folder.
        data: asks for samples.
    """

    def __init__(
        self, parent: QWidget, session: Session, dialogs: Dialogs, settings: Settings, data: DataActions
    ) -> None:
        self._parent, self._session, self._dialogs, self._settings = parent, session, dialogs, settings
        self._data_actions = data

    @property
    def _plan(self) -> Plan:
        return self._session.plans.plan

    def _resolver(self) -> Resolver:
        assert self._session.resolver, "these actions need an open model"
        return self._session.resolver

    # --- several plans

    def new(self) -> None:
        """Add a plan that starts as the current one."""
        free = self._session.plans.free_name()
        if name := self._dialogs.text(self._parent, "New plan", "Name of the plan:", free):
            self._edit_plans(f"Add plan {name}", lambda: self._session.plans.branched(name))

    def rename(self) -> None:
        """Give the current plan another name."""
        now = self._session.plans.current
        if name := self._dialogs.text(self._parent, "Rename plan", "Name of the plan:", now):
            self.rename_to(self._session.plans.current, name)

    def rename_to(self, old: str, name: str) -> None:
        """Give a plan the name that was typed in its place."""
        if name != old:
            self._edit_plans(f"Rename {old} to {name}", lambda: self._session.plans.renamed(name, old))

    def delete(self) -> None:
        """Remove the current plan."""
        self.delete_named(self._session.plans.current)

    def delete_named(self, name: str) -> None:
        """Remove a plan; the last one stays, which is told."""
        self._edit_plans(f"Delete plan {name}", lambda: self._session.plans.removed(name))

    def switch(self, name: str) -> None:
        """Show another plan."""
        self._edit_plans(f"Switch to {name}", lambda: self._session.plans.switched(name))

    def add_steps(self) -> None:
        """Add plans that lead to the current one, for training in between."""
        number = self._dialogs.number(self._parent, "Steps", "Plans that lead to this one:", 3, 2, 100)
        if number:  # a task may have ended meanwhile: plans are those of now
            resolver, plans = self._resolver(), self._session.plans
            stem = plans.current
            made = variants.steps(
                resolver.groups, plans.plan, number, resolver.scores.get(plans.plan.importance)
            )
            for step, plan in enumerate(made[:-1], 1):
                plans = plans.added(plans.unique(f"{stem}, step {step} of {number}"), plan)
            self._session.edit_plans(f"Add steps to {stem}", plans.switched(stem))

    def _edit_plans(self, title: str, change: Callable[[], PlanSet]) -> None:
        """Names may be taken: that is told, not done."""
        try:
            plans = change()
        except PlanError as error:
            self._session.noticed.emit(Notice("error", error.what, error.why, error.hint))
        else:
            self._session.edit_plans(title, plans)

    # --- the current plan

    def minimum(self) -> None:
        """Make every group as small as the limits allow."""
        self._session.edit("Minimum", variants.minimum(self._resolver(), self._plan))

    def maximum(self) -> None:
        """Make every group whole again; the limits stay."""
        self._session.edit("Maximum", variants.maximum(self._plan))

    def reset(self) -> None:
        """Forget everything the current plan says."""
        self._session.edit("Reset the plan", self._session.first_plan)

    def sample(self) -> None:
        """Draw a count for every group."""
        seed = self._dialogs.number(self._parent, "Random sample", "Seed of the draw:", 0, 0, _MANY)
        if seed is not None:
            self._session.edit(f"Random sample {seed}", variants.sample(self._resolver(), seed, self._plan))

    def ask_target(self) -> None:
        """Search the plan that leaves no more than was asked for."""
        ranges = "\n".join(f"{name}: {each}" for name, each in self._session.insight.reach().items())
        ranges += "\nlatency: a share, as latency=60%; it is measured, a minute the first time"
        label = f"What is to be left, for example macs=50%, params=-30%. It can be:\n{ranges}"
        if typed := self._dialogs.text(self._parent, "Target", label, "macs=50%"):
            by_sensitivity = self._session.data.sensed is not None and self._ask_by_sensitivity()
            if by_sensitivity is not None:
                self._session.meet(typed, by_sensitivity)

    def _ask_by_sensitivity(self) -> bool | None:
        """Whether the search goes by what was measured; None for a user who changed their mind."""
        options = (
            "the measured sensitivity of groups",
            f"the importance of channels ({self._plan.importance})",
        )
        label = "The search keeps as much as it can of:"
        picked = self._dialogs.choice(self._parent, "Target", label, options, options[0])
        return None if picked is None else picked == options[0]

    def toggle_global(self) -> None:
        """Compare the channels of all groups, or of each one."""
        together = self._plan.scope == "local"
        title = "Compare all groups together" if together else "Compare within each group"
        self._session.edit(title, replace(self._plan, scope="global" if together else "local"))

    def toggle_exact(self) -> None:
        """Leave approximate groups whole, or not."""
        title = "Cut approximate groups too" if self._plan.only_exact else "Leave approximate groups whole"
        self._session.edit(title, replace(self._plan, only_exact=not self._plan.only_exact))

    def ask_round_to(self) -> None:
        """Set the multiple that counts are rounded to."""
        self._ask_number("Round to a multiple", "Counts are multiples of (1: any):", "round_to", 1)

    def ask_bins(self) -> None:
        """Set the number of equal steps."""
        self._ask_number("Equal steps", "Steps that every group shrinks in (0: any count):", "bins", 0)

    def ask_min_count(self) -> None:
        """Set the count that always stays."""
        self._ask_number("Minimum count", "Channels that always stay in a group:", "min_count", 1)

    def ask_min_ratio(self) -> None:
        """Set the share that always stays."""
        now = round(100 * self._plan.min_ratio)
        percent = self._dialogs.number(
            self._parent, "Minimum share", "Percent of every group that always stay:", now, 0, 100
        )
        if percent is not None:
            self._session.edit(f"Minimum share {percent} %", replace(self._plan, min_ratio=percent / 100))

    def ask_importance(self) -> None:
        """Choose what says which channels go first."""
        known = self._resolver().document.criteria
        uses = "\n".join(f"{name}: {CRITERIA[name].when}" for name in known)
        label = f"What says which channels stay.\n\n{uses}"
        name = self._dialogs.choice(self._parent, "Importance", label, known, self._plan.importance)
        self.set_importance(name or "")

    def set_importance(self, name: str) -> None:
        """Judge channels by another criterion; one that looks at data asks for samples first."""
        if name and (not looks_at_data(name) or self._data_actions.have_samples(name)):
            self._session.edit(f"Judge channels by {title_of(name)}", replace(self._plan, importance=name))

    def ask_channels(self) -> None:
        """Name the channels of the selected group that stay; none: let importance choose again."""
        session, group_id = self._session, self._session.selected
        kept, last = session.judging.kept(group_id), session.row(group_id).size - 1
        label = f"Channels of {group_id} that stay, 0 to {last}, as 0-7,12 (nothing: importance chooses):"
        now = "" if kept is None else to_ranges(kept)
        typed = self._dialogs.text(self._parent, "Choose channels", label, now)
        if typed is None:
            return
        try:
            channels = from_ranges(typed) if typed else ()
        except PlanError as error:
            session.tell(error)
        else:
            session.pick(group_id, channels) if channels else session.unpick(group_id)

    def toggle_lock(self) -> None:
        """Leave the selected groups whole, or not any more."""
        self._session.marks.toggle_lock()

    def ask_locked(self) -> None:
        """Set the paths below which nothing changes."""
        typed = self._dialogs.text(
            self._parent,
            "Lock by name",
            "Layers that stay as they are, with all below them (several with commas):",
            ", ".join(self._plan.locked),
        )
        if typed is not None:
            paths = tuple(path for part in typed.split(",") if (path := part.strip()))
            self._session.edit("Lock by name", replace(self._plan, locked=paths))

    def ask_ratios(self) -> None:
        """Set the shares that are removed of parts of the model."""
        label = "Share to remove of the groups at or below a name, as stage1=30%, stage2=50% (nothing: none):"
        now = ", ".join(f"{path}={100 * share:g}%" for path, share in self._plan.ratios)
        typed = self._dialogs.text(self._parent, "Share by name", label, now)
        if typed is None:
            return
        try:
            ratios = to_shares(typed)
        except PlanError as error:
            self._session.tell(error)
        else:
            self._session.edit("Share by name", replace(self._plan, ratios=ratios))

    # --- files and the clipboard

    def open_file(self) -> None:
        """Take over plans or a channel configuration."""
        if path := self._dialogs.open_path(self._parent, self._settings.folder, "Open a plan", ANY_PLAN):
            self._remember(path)
            self._session.files.read_plans(path)

    def save_file(self) -> None:
        """Write all plans where they were written or read last; ask where there is no such file."""
        if path := self._session.files.plans_path:
            self._session.files.save_plans(path)
        else:
            self.save_file_as()

    def save_file_as(self) -> None:
        """Write all plans to a file of another name."""
        if path := self._ask_target("-plan.json", "Save the plans", PLANS):
            self._session.files.save_plans(path)

    def save_report(self) -> None:
        """Write a page about the smaller model that was saved last."""
        if path := self._ask_target("-report.html", "Save the report", "Web pages (*.html)"):
            self._session.files.write_report(path)

    def export_config(self) -> None:
        """Write the widths of layers, or the choices of units."""
        if path := self._ask_target("-widths.yaml", "Export the channel configuration", CONFIGS):
            self._session.files.export(path, "config")

    def export_kept(self) -> None:
        """Write where every kept channel comes from."""
        if path := self._ask_target("-kept.json", "Export the kept channels", "Kept channels (*.json)"):
            self._session.files.export(path, "kept")

    def copy_command(self) -> None:
        """Put the command line that does the same on the clipboard."""
        self._copy_saving(as_command, "The command line")

    def copy_python(self) -> None:
        """Put Python that does the same on the clipboard."""
        self._copy_saving(as_python, "The Python code")

    def copy_mask(self) -> None:
        """Put Python that trains the model as if it were pruned on the clipboard."""
        document, plan = self._resolver().document, self._session.lasting(self._plan)
        hint = "Put your training where it says so; the model is cut afterwards."
        self._copy(as_mask(plan, document.source, self._session.shape), "The training mask", hint)

    def copy_supernet(self) -> None:
        """Put Python that trains all plans as subnets of one model on the clipboard."""
        document, plans = self._resolver().document, self._session.plans.mapped(self._session.lasting)
        hint = f"It has {len(plans.plans)} subnets, one for every plan. Put your training where it says so."
        self._copy(as_supernet(plans, document.source, self._session.shape), "The supernet", hint)

    def _copy_saving(self, write: Callable[..., str], what: str) -> None:
        document, plan = self._resolver().document, self._session.lasting(self._plan)
        out = f"{_stem(document.name)}-slim.pt"
        self._copy(write(plan, document.source, self._session.shape, out), what, f"It writes {out}.")

    def _copy(self, code: str, what: str, hint: str) -> None:
        QGuiApplication.clipboard().setText(code)
        self._session.noticed.emit(Notice("note", f"{what} is on the clipboard.", "", hint))

    def _ask_target(self, ending: str, title: str, kinds: str) -> str:
        name = _stem(self._resolver().document.name) + ending
        path = self._dialogs.save_path(self._parent, str(Path(self._settings.folder) / name), title, kinds)
        if not path:
            return ""
        self._remember(path)
        return path if Path(path).suffix else path + Path(ending).suffix

    def _ask_number(self, title: str, label: str, field: str, low: int) -> None:
        number = self._dialogs.number(self._parent, title, label, getattr(self._plan, field), low, _MANY)
        if number is not None:
            change: dict[str, Any] = {field: number}
            self._session.edit(f"{title}: {number}", replace(self._plan, **change))

    def _remember(self, path: str) -> None:
        self._settings.folder = str(Path(path).parent)


def _stem(name: str) -> str:
    """A file name without its suffix; a factory's colon may not be in one."""
    return Path(name.replace(":", ".")).stem
