"""Every action of the window as one row of a table: what it is called, where it sits, when it cannot be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QKeySequence

from slimgui.gui.actions.reasons import (
    always,
    can_ask,
    can_edit_count,
    can_lock,
    can_recalibrate,
    can_recalibrate_all,
    can_redo,
    can_save,
    can_search,
    can_undo,
    has_document,
    has_edits,
    has_free,
    has_front,
    has_saved,
    has_scores,
    has_selection,
    has_sensitivity,
    has_several_plans,
    has_statistics,
    has_table,
    has_threads,
    idle,
    is_cut,
    is_exact_only,
    is_global,
    is_locked,
    is_working,
    recovers,
    selection_by_hand,
    shows_ops,
)
from slimgui.gui.session import Session

Keys = QKeySequence.StandardKey
WhyNot = Callable[[Session], str]


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One action.

    Attributes:
        handler: a method of the main window, or of something in it: "plan_actions.minimum".
        why_not: gives the reason it is disabled, or "".
        checked: says whether it is on, for what can be on and off.
    """

    key: str
    title: str
    tip: str
    handler: str
    why_not: WhyNot = always
    shortcut: QKeySequence.StandardKey | str | None = None
    icon: str = ""
    checked: Callable[[Session], bool] | None = None


ACTIONS: Final = (
    ActionInfo("open", "&Open…", "Open a PyTorch model", "document_actions.choose_file", idle, Keys.Open, "open"),
    ActionInfo("example", "Open the &Example", "Open the small trained network that comes with SlimGUI", "document_actions.open_example", idle, icon="example"),
    ActionInfo("save", "&Save Smaller Model…", "Build the smaller model, prove it and save it", "document_actions.choose_target", can_save, Keys.Save, "save"),
    ActionInfo("verify", "&Verify", "Build the smaller model and prove it, without saving: before a long search, or to see which cut is refused", "document_actions.verify", can_save, "Ctrl+Shift+V", "verify"),
    ActionInfo("report", "Save Re&port…", "Write a page about the smaller model saved last: what was cut, the proof, versions and hashes", "plan_actions.save_report", has_saved),
    ActionInfo("clear_recent", "&Clear Recent", "Forget the list of recent files", "document_actions.clear_recent"),
    ActionInfo("allowed_code", "Allowe&d Code…", "List the files whose code may run without being asked about, to forget one that you trust no longer", "comfort_actions.allowed_code"),
    ActionInfo("quit", "&Quit", "Close SlimGUI", "close", always, Keys.Quit),
    ActionInfo("undo", "&Undo", "Take back the last change", "view_actions.undo", can_undo, Keys.Undo, "undo"),
    ActionInfo("redo", "&Redo", "Make the change again", "view_actions.redo", can_redo, Keys.Redo, "redo"),
    ActionInfo("edit_count", "Set &Count of Group", "Type how many channels of the selected group stay", "view_actions.edit_selected", can_edit_count, "F2"),
    ActionInfo("reset_group", "Reset &Group", "Let the selected groups follow the whole model again", "view_actions.reset_group", selection_by_hand, "Ctrl+Backspace"),
    ActionInfo("reset_all", "Reset the &Plan", "Forget counts, locks and limits of the current plan", "plan_actions.reset", has_edits, icon="reset"),
    ActionInfo("plan_new", "&New Plan…", "Add a plan that starts as the current one", "plan_actions.new", has_document),
    ActionInfo("plan_rename", "&Rename Plan…", "Give the current plan another name", "plan_actions.rename", has_document),
    ActionInfo("plan_delete", "&Delete Plan", "Remove the current plan", "plan_actions.delete", has_several_plans),
    ActionInfo("plan_steps", "Add &Steps to Plan…", "Add plans that lead to the current one, to train in between", "plan_actions.add_steps", is_cut),
    ActionInfo("plan_minimum", "M&inimum", "Make every group as small as the limits allow", "plan_actions.minimum", has_free),
    ActionInfo("plan_maximum", "Ma&ximum", "Make every group whole; locks and limits stay", "plan_actions.maximum", is_cut),
    ActionInfo("plan_sample", "R&andom Sample…", "Draw a random count for every group", "plan_actions.sample", has_free),
    ActionInfo("plan_target", "&Target…", "Say what is to be left, and let SlimGUI search the plan", "plan_actions.ask_target", can_search, "Ctrl+T"),
    ActionInfo("plan_global", "Compare All &Groups Together", "Remove the least important channels of all groups instead of the same share of each", "plan_actions.toggle_global", has_document, checked=is_global),
    ActionInfo("plan_exact", "Leave Approxima&te Groups Whole", "Cut only where the result is exact", "plan_actions.toggle_exact", has_document, checked=is_exact_only),
    ActionInfo("plan_importance", "Im&portance…", "Choose what says which channels stay", "plan_actions.ask_importance", has_document),
    ActionInfo("plan_round_to", "Round to &Multiple…", "Round counts up to a multiple", "plan_actions.ask_round_to", has_document),
    ActionInfo("plan_bins", "&Equal Steps…", "Shrink every group in equal steps", "plan_actions.ask_bins", has_document),
    ActionInfo("plan_min_count", "Minimum C&ount…", "Set how many channels always stay in a group", "plan_actions.ask_min_count", has_document),
    ActionInfo("plan_min_ratio", "Minimum S&hare…", "Set which share of every group always stays", "plan_actions.ask_min_ratio", has_document),
    ActionInfo("plan_lock", "&Lock Group", "Leave the selected groups whole", "plan_actions.toggle_lock", can_lock, "Ctrl+L", checked=is_locked),
    ActionInfo("plan_lock_names", "Lock &by Name…", "Leave layers as they are, with all below them", "plan_actions.ask_locked", has_document),
    ActionInfo("data_samples", "&Samples…", "Choose the data that criteria, recovery and sensitivity look at", "data_actions.choose_samples", can_ask),
    ActionInfo("data_recover", "Recover &Accuracy…", "Choose what is done for the accuracy of smaller models, without training, and try it", "data_actions.recover", can_recalibrate, "Ctrl+Shift+R", checked=recovers),
    ActionInfo("data_sensitivity", "&Measure Sensitivity…", "Cut each group alone and see what is lost", "data_actions.measure_sensitivity", can_ask),
    ActionInfo("data_recalibrate", "&Recalibrate Statistics…", "Take the norm statistics of the current plan's smaller model anew, from samples without labels", "data_actions.recalibrate", can_recalibrate, "Ctrl+R"),
    ActionInfo("data_forget", "&Forget Statistics", "Use the original's norm statistics for the current plan again", "data_actions.forget_statistics", has_statistics),
    ActionInfo("plan_open", "Open Plan or Channel Con&figuration…", "Take over plans, a channel_cfg or choices of units from a file", "plan_actions.open_file", can_ask),
    ActionInfo("plan_save", "Save Pl&ans", "Write all plans of this model to a file, for other weights and to go on later", "plan_actions.save_file", has_document, "Ctrl+Shift+S"),
    ActionInfo("plan_save_as", "Save Plans &Under Another Name…", "Write all plans of this model to a file of another name", "plan_actions.save_file_as", has_document),
    ActionInfo("plan_export", "Export Channel Config&uration…", "Write the width of every layer as a channel_cfg, or the choice of every unit", "plan_actions.export_config", can_ask),
    ActionInfo("plan_kept", "Export &Kept Channels…", "Write where every kept channel comes from", "plan_actions.export_kept", can_ask),
    ActionInfo("plan_command", "Copy as &Command Line", "Copy a command that does what this plan says", "plan_actions.copy_command", has_document),
    ActionInfo("plan_python", "Copy as P&ython", "Copy Python code that does what this plan says", "plan_actions.copy_python", has_document),
    ActionInfo("data_latency", "Measure &Latency", "Measure how long a forward pass takes, whole and under the plan, and say which counts would be faster", "data_actions.measure_latency", can_ask, "Ctrl+Shift+L"),
    ActionInfo("data_device", "Measure &On…", "Choose what latency is measured on: the processor or a graphics card", "data_actions.choose_device", has_document),
    ActionInfo("data_table", "Times of Another &Device…", "Take the times of ops from a file that slimgui latency --export-latency wrote on another device", "data_actions.choose_table", has_document, checked=has_table),
    ActionInfo("copy_rows", "Copy Ro&ws", "Copy the selected groups for a spreadsheet", "tree_actions.copy_rows", has_document, Keys.Copy),
    ActionInfo("export_rows", "E&xport Groups…", "Write the groups that are shown to a file of comma-separated values", "tree_actions.export_rows", has_document),
    ActionInfo("expand_rows", "&Expand All Groups", "Show the layers of every group", "tree_actions.expand", has_document),
    ActionInfo("collapse_rows", "Collap&se All Groups", "Hide the layers of every group", "tree_actions.collapse", has_document),
    ActionInfo("find", "&Find…", "Find a group or a layer", "view_actions.find_group", has_document, Keys.Find),
    ActionInfo("export_graph", "Export &Graph…", "Write the graph as a picture (SVG, PNG, PDF) or as data (JSON, DOT)", "graph_actions.export", has_document, "Ctrl+Shift+E"),
    ActionInfo("find_next", "Find &Next", "Show the next layer that was searched for in the graph", "view_actions.find_next", has_document, Keys.FindNext),
    ActionInfo("find_previous", "Find Pre&vious", "Show the layer before that was searched for in the graph", "view_actions.find_previous", has_document, Keys.FindPrevious),
    ActionInfo("zoom_selection", "Zoom to &Selection", "Show the selected group as large as it fits", "view_actions.zoom_selection", has_selection, "Ctrl+4"),
    ActionInfo("fit", "&Fit to Window", "Show the whole graph", "view_actions.fit", has_document, "Ctrl+0", "fit"),
    ActionInfo("zoom_in", "Zoom &In", "Show the graph larger", "view_actions.zoom_in", has_document, Keys.ZoomIn),
    ActionInfo("graph_modules", "&Modules", "Show the modules of the model, as many as can be taken in", "view_actions.modules", has_document, "Ctrl+1"),
    ActionInfo("graph_layers", "All &Layers", "Open every module", "view_actions.open_all", has_document, "Ctrl+2"),
    ActionInfo("graph_close", "Close All Mod&ules", "Close every module", "view_actions.close_all", has_document, "Ctrl+3"),
    ActionInfo("graph_ops", "Single O&ps", "Show every op of the forward pass in the modules, in place of layers", "view_actions.toggle_ops", can_ask, "Ctrl+5", checked=shows_ops),
    ActionInfo("zoom_out", "Zoom &Out", "Show the graph smaller", "view_actions.zoom_out", has_document, Keys.ZoomOut),
    ActionInfo("dismiss", "&Dismiss Message", "Clear the search that is typed in, else hide the message, else select nothing", "view_actions.dismiss", always, "Esc"),
    ActionInfo("new_window", "&New Window", "Open another window, to work on two models side by side", "document_actions.new_window", shortcut=Keys.New),
    ActionInfo("close_model", "&Close Model", "Show no model; SlimGUI stays open", "document_actions.close_model", can_ask, Keys.Close),
    ActionInfo("pin", "&Keep This Model in the List", "Recent files come and go; this one stays", "document_actions.pin", has_document),
    ActionInfo("palette", "&Commands…", "Find anything that SlimGUI can do by a few letters of its name", "comfort_actions.palette", shortcut="Ctrl+Shift+P"),
    ActionInfo("shortcuts", "&Keyboard Shortcuts", "List every key", "comfort_actions.shortcuts", shortcut="F1"),
    ActionInfo("preferences", "Pref&erences…", "Theme, start of new plans, folders", "comfort_actions.preferences", shortcut="Ctrl+,"),
    ActionInfo("next_pane", "Ne&xt Pane", "Go to the next part of the window", "comfort_actions.next_pane", shortcut="F6"),
    ActionInfo("previous_pane", "Pre&vious Pane", "Go to the part of the window before this one", "comfort_actions.previous_pane", shortcut="Shift+F6"),
    ActionInfo("reset_layout", "Reset &Layout", "Put every panel back where it was at first", "comfort_actions.reset_layout"),
    ActionInfo("diagnostics", "Copy &Diagnostics", "Copy versions, system and the place of the log, for a report of a fault", "comfort_actions.copy_diagnostics"),
    ActionInfo("cancel", "&Cancel Task", "Stop what the engine is doing, at once; the open model and your edits stay", "data_actions.cancel", is_working, "Ctrl+."),
    ActionInfo("front", "Fin&d the Front of Plans", "Search the best plan for every size, to slide along in the panel Charts", "data_actions.search_front", can_search),
    ActionInfo("about", "&About SlimGUI", "Versions and licence", "comfort_actions.about"),
    ActionInfo("look", "Look &Into a File…", "See what a file holds and what it would run, before you open or trust it; nothing in it is run", "file_actions.look", idle, "Ctrl+I"),
    ActionInfo("prove", "Prove a Saved Fi&le…", "Compare a smaller model that was saved earlier with its original again, and its time if you like: after a copy, or before you rely on it", "file_actions.prove", idle),
    ActionInfo("open_with", "Open &With…", "Open weights with the model they belong to, a model by its factory, a folder, or with another input shape", "file_actions.open_with", idle, "Ctrl+Shift+O"),
    ActionInfo("save_pickled", "Save as P&ickled Module…", "Save for programs that call torch.load on a whole module; it runs code when it is opened, so take it only where weights will not do", "document_actions.save_pickled", can_save),
    ActionInfo("export_importance", "Export I&mportance…", "Write how important every channel is by the plan's criterion, and whether it stays, for a spreadsheet", "tree_actions.export_importance", has_scores),
    ActionInfo("data_accuracy", "Measure Acc&uracy…", "See on samples with labels how often both models are right: before a save, and after a recovery", "data_actions.measure_accuracy", can_recalibrate),
    ActionInfo("data_export_times", "E&xport Times of This Device…", "Measure every op here and write the times, to plan for this device on another machine", "data_actions.export_times", can_ask),
    ActionInfo("data_curves_open", "Open Sensi&tivity…", "Take what slimgui sensitivity, or another machine, measured of this model, to search targets by it", "data_actions.open_sensitivity", has_document),
    ActionInfo("data_curves_save", "Sa&ve Sensitivity…", "Write what was measured, for the command line or another machine", "data_actions.save_sensitivity", has_sensitivity),
    ActionInfo("plan_ratio_names", "Share by &Name…", "Remove a share of the groups at or below a name, where parts of the model can spare more or less", "plan_actions.ask_ratios", has_free),
    ActionInfo("front_keep", "&Keep the Front as Plans", "Add the plans of the front below the current one, to compare, recalibrate or save some of them", "data_actions.keep_front", has_front),
    ActionInfo("front_export", "Export the &Front of Plans…", "Write the plans of the front to a file, named by their shares, for slimgui slim --plan-name", "data_actions.export_front", has_front),
    ActionInfo("pick_channels", "Choose C&hannels…", "Type which channels of the selected group stay, as 0-7,12: where you know better than importance, or have them from elsewhere", "plan_actions.ask_channels", can_edit_count),
    ActionInfo("plan_mask", "Copy &Training Mask as Python", "Copy Python code to train the model as if it were pruned, before anything is cut: where tuning after the cut loses too much", "plan_actions.copy_mask", is_cut),
    ActionInfo("plan_supernet", "Copy &Supernet as Python", "Copy Python code to train all plans as subnets that share the weights of one model: one training for several sizes", "plan_actions.copy_supernet", has_several_plans),
    ActionInfo("data_threads", "Processor T&hreads…", "Choose how many threads of the processor latency is measured with: as many as the model will have where it runs", "data_actions.choose_threads", has_threads),
    ActionInfo("data_recalibrate_all", "Recali&brate All Plans…", "Take the norm statistics of every plan's smaller model anew, one after the other, before plans are compared or saved", "data_actions.recalibrate_all", can_recalibrate_all),
)  # fmt: skip

Entry = str | tuple[str, tuple["Entry", ...]]  # key of an action, "" for a line, or a menu in the menu
MENUS: Final[tuple[tuple[str, tuple[Entry, ...]], ...]] = (
    ("&File", ("new_window", "open", "open_with", "example", "recent", "look", "close_model", "",
               "save", "verify", "prove", "report", "",
               "plan_open", "plan_save", "plan_save_as",
               ("E&xport", ("plan_export", "plan_kept", "front_export", "export_importance", "save_pickled", "", "export_graph", "export_rows", "", "plan_command", "plan_python", "plan_mask", "plan_supernet")), "",
               "allowed_code", "", "quit")),
    ("&Edit", ("undo", "redo", "", "edit_count", "pick_channels", "reset_group", "reset_all", "", "copy_rows", "", "find", "find_next", "find_previous", "", "preferences")),
    ("&Plan", ("plans", "plan_new",
               ("&Manage Plans", ("plan_rename", "plan_delete", "", "plan_steps")), "",
               "plan_target", "front", "front_keep", ("&Fill In", ("plan_minimum", "plan_maximum", "plan_sample")), "",
               "plan_importance", "plan_global",
               ("&Rules for Counts", ("plan_round_to", "plan_bins", "plan_min_count", "plan_min_ratio", "plan_ratio_names", "", "plan_exact")), "",
               "plan_lock", "plan_lock_names")),
    ("&Data", ("data_samples", "", "data_sensitivity", "data_curves_open", "data_curves_save", "data_accuracy", "", "data_latency", "data_device", "data_threads", "data_table", "data_export_times", "", "data_recover", "data_recalibrate", "data_recalibrate_all", "data_forget", "", "cancel")),
    ("&View", (("&Zoom and Detail", ("fit", "zoom_in", "zoom_out", "zoom_selection", "", "graph_modules", "graph_layers", "graph_close", "graph_ops")),
               ("&Rows and Columns", ("columns", "", "expand_rows", "collapse_rows")), "",
               "theme", "panels", "reset_layout", "", "next_pane", "previous_pane", "", "dismiss")),
    ("&Help", ("palette", "shortcuts", "", "diagnostics", "about")),
)  # fmt: skip
TOOLBAR: Final = ("open", "save", "verify", "", "undo", "redo", "", "fit")


def keys_of(entries: Iterable[Entry]) -> Iterator[str]:
    """The keys in a menu and in the menus in it."""
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            yield from keys_of(entry[1])
