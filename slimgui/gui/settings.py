"""What the program remembers between two starts, by QSettings."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from slimgui.core.criteria import CRITERIA, looks_at_data
from slimgui.core.paths import exists
from slimgui.core.plan import Plan
from slimgui.gui.theme import CHOICES, Choice

RECENT_LIMIT: Final = 10
MOST_RECENT: Final = 50
MOST_PLACES: Final = 50
LAYOUT_VERSION: Final = 4  # raise when docks or toolbars change, so that an old layout is not forced on them


@dataclass(frozen=True, slots=True)
class Allowed:
    """A file whose code may run without being asked about: its bytes, where they lay, and since when.

    `path` and `since` (as 2026-11-24) are "" where nobody noted them.
    """

    sha256: str
    path: str = ""
    since: str = ""


class Settings:
    """Typed access to the stored values; a damaged value counts as missing."""

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings()
        where = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppDataLocation)
        #: for journals and the log; beside the settings where those have a file of their own
        self.data_folder = Path(where) if store is None else Path(store.fileName()).parent

    @property
    def recent(self) -> list[str]:
        """Sources opened last, newest first."""
        known = self._texts("recent")
        pinned = [item for item in known if item in self.pinned]
        others = [item for item in known if item not in pinned]
        return pinned + others[: max(0, self.recent_limit - len(pinned))]

    def add_recent(self, source: str) -> None:
        """Put `source` on top of the recent ones; those that are pinned stay above."""
        others = [item for item in self.recent if item != source]
        self._store.setValue("recent", [source, *others])

    def remove_recent(self, source: str) -> None:
        """Forget one of the recent ones, also when it is pinned."""
        self._store.setValue("recent", [item for item in self.recent if item != source])
        self.pin(source, pinned=False)

    def clear_recent(self) -> None:
        """Forget all of them but the pinned ones."""
        self._store.setValue("recent", list(self.pinned))

    @property
    def pinned(self) -> tuple[str, ...]:
        """Sources that stay in the list."""
        return self._texts("pinned")

    def pin(self, source: str, pinned: bool) -> None:
        """Let a source stay in the list of recent ones, or not."""
        others = [item for item in self.pinned if item != source]
        self._store.setValue("pinned", [source, *others] if pinned else others)

    def shape_of(self, source: str) -> str:
        """The shape of its input as the user gave it last, "" when it was found by itself."""
        return self._by_source("shapes").get(source, "")

    def remember_shape(self, source: str, shape: str) -> None:
        """Remember it as long as the source is a recent one."""
        known = {name: each for name, each in self._by_source("shapes").items() if name in self.recent}
        self._store.setValue("shapes", json.dumps({**known, source: shape} if shape else known))

    @property
    def recent_limit(self) -> int:
        """How many recent sources are remembered."""
        return self._number("recent_limit", RECENT_LIMIT, 0, MOST_RECENT)

    @recent_limit.setter
    def recent_limit(self, value: int) -> None:
        self._store.setValue("recent_limit", value)

    @property
    def importance(self) -> str:
        """The criterion of new plans."""
        value, usual = str(self._store.value("importance", "")), Plan().importance
        return value if value in CRITERIA and not looks_at_data(value) else usual

    @importance.setter
    def importance(self, value: str) -> None:
        self._store.setValue("importance", value)

    @property
    def round_to(self) -> int:
        """The multiple that counts of new plans are rounded to."""
        return self._number("round_to", Plan().round_to, 1, 512)

    @round_to.setter
    def round_to(self, value: int) -> None:
        self._store.setValue("round_to", value)

    @property
    def cache(self) -> str:
        """The folder for what can be made again, "" for the system's own."""
        return str(self._store.value("cache", ""))

    @cache.setter
    def cache(self, value: str) -> None:
        self._store.setValue("cache", value)

    @property
    def trusted(self) -> tuple[str, ...]:
        """SHA-256 of the files whose code the user wants to run without being asked again."""
        return self._texts("trusted")

    @property
    def allowed(self) -> tuple[Allowed, ...]:
        """The same with what a person knows them by, by name."""
        noted = self._by_source("trusted_files")
        found = []
        for sha256 in self.trusted:
            since, _, path = noted.get(sha256, "").partition(" ")
            found.append(Allowed(sha256, path, since))
        return tuple(sorted(found, key=lambda one: (not one.path, Path(one.path).name.lower(), one.path)))

    def add_trusted(self, sha256: str, path: str) -> None:
        """Trust a file's bytes, never its path, which is noted for the user to know them by."""
        self._store.setValue("trusted", sorted({*self.trusted, sha256}))
        noted = {**self._by_source("trusted_files"), sha256: f"{_today()} {path}"}
        self._store.setValue("trusted_files", json.dumps(noted))

    def forget_trusted(self, sha256: str) -> None:
        """Ask about these bytes again."""
        self._store.setValue("trusted", [known for known in self.trusted if known != sha256])
        noted = {known: text for known, text in self._by_source("trusted_files").items() if known != sha256}
        self._store.setValue("trusted_files", json.dumps(noted))

    def clear_trusted(self) -> None:
        """Ask about every file again."""
        for key in ("trusted", "trusted_files"):
            self._store.remove(key)

    @property
    def folder(self) -> str:
        """Where the user opened or saved last; the home folder at first."""
        value = str(self._store.value("folder", ""))
        return value if value and Path(value).is_dir() else str(Path.home())

    @folder.setter
    def folder(self, value: str) -> None:
        self._store.setValue("folder", value)

    @property
    def samples(self) -> str:
        """Where samples were taken from last, "" when that is gone."""
        value = str(self._store.value("samples", ""))
        return value if exists(value) else ""

    @samples.setter
    def samples(self, value: str) -> None:
        self._store.setValue("samples", value)

    def place(self, source: str) -> str:
        """Where the user was in the graph of a model, as it was stored; "" when nobody knows."""
        return self._by_source("places").get(source, "")

    def set_place(self, source: str, place: str) -> None:
        """Store where the user is in the graph of a model; "" forgets it. The oldest of many are dropped."""
        known = {name: text for name, text in self._by_source("places").items() if name != source}
        kept = [*known.items(), (source, place)] if place else [*known.items()]
        self._store.setValue("places", json.dumps(dict(kept[-MOST_PLACES:])))

    @property
    def theme(self) -> Choice:
        """The chosen theme."""
        value = self._store.value("theme", "system")
        return next((choice for choice in CHOICES if choice == value), "system")

    @theme.setter
    def theme(self, value: Choice) -> None:
        self._store.setValue("theme", value)

    @property
    def overview(self) -> bool:
        """Whether the graph has an overview in a corner."""
        return bool(self._number("overview", 1, 0, 1))

    def set_overview(self, shown: bool) -> None:
        """Store whether it has one."""
        self._store.setValue("overview", int(shown))

    def _texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; Qt gives a list of one as that one."""
        value = self._store.value(key, [])
        items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(str(item) for item in items)

    def _by_source(self, key: str) -> dict[str, str]:
        """A text that is stored of every model, or file, by its source or hash."""
        with suppress(ValueError):
            known = json.loads(str(self._store.value(key, "{}")))
            if isinstance(known, dict):
                return {str(source): str(value) for source, value in known.items()}
        return {}

    def _number(self, key: str, usual: int, low: int, high: int) -> int:
        value = str(self._store.value(key, usual))
        return min(max(int(value), low), high) if value.isdecimal() else usual

    def forget_layout(self) -> None:
        """Start with the usual layout."""
        self._store.remove(f"layout{LAYOUT_VERSION}")

    def bytes(self, key: str) -> QByteArray:
        """A stored layout: of the window, the docks, the columns."""
        value = self._store.value(f"layout{LAYOUT_VERSION}/{key}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Store a layout."""
        self._store.setValue(f"layout{LAYOUT_VERSION}/{key}", value)


def _today() -> str:
    """As 2026-11-24, where the user is."""
    return datetime.now(UTC).astimezone().date().isoformat()
