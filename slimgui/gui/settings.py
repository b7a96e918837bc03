"""What the program remembers between two starts, by QSettings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QSettings, QStandardPaths

from slimgui.gui.theme import CHOICES, Choice

RECENT_LIMIT: Final = 10
LAYOUT_VERSION: Final = 2  # raise when docks or toolbars change, so that an old layout is not forced on them


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
        value = self._store.value("recent", [])
        items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [str(item) for item in items][:RECENT_LIMIT]

    def add_recent(self, source: str) -> None:
        """Put `source` on top of the recent ones."""
        others = [item for item in self.recent if item != source]
        self._store.setValue("recent", [source, *others][:RECENT_LIMIT])

    def remove_recent(self, source: str) -> None:
        """Forget one of the recent ones."""
        self._store.setValue("recent", [item for item in self.recent if item != source])

    def clear_recent(self) -> None:
        """Forget all of them."""
        self._store.remove("recent")

    @property
    def trusted(self) -> tuple[str, ...]:
        """SHA-256 of the files whose code the user wants to run without being asked again."""
        value = self._store.value("trusted", [])
        items = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return tuple(str(item) for item in items)

    def add_trusted(self, sha256: str) -> None:
        """Remember a file's bytes, never its name."""
        self._store.setValue("trusted", sorted({*self.trusted, sha256}))

    def clear_trusted(self) -> None:
        """Ask about every file again."""
        self._store.remove("trusted")

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
        return value if value and Path(value).exists() else ""

    @samples.setter
    def samples(self, value: str) -> None:
        self._store.setValue("samples", value)

    @property
    def theme(self) -> Choice:
        """The chosen theme."""
        value = self._store.value("theme", "system")
        return next((choice for choice in CHOICES if choice == value), "system")

    @theme.setter
    def theme(self, value: Choice) -> None:
        self._store.setValue("theme", value)

    def bytes(self, key: str) -> QByteArray:
        """A stored layout: of the window, the docks, the columns."""
        value = self._store.value(f"layout{LAYOUT_VERSION}/{key}")
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_bytes(self, key: str, value: QByteArray) -> None:
        """Store a layout."""
        self._store.setValue(f"layout{LAYOUT_VERSION}/{key}", value)
