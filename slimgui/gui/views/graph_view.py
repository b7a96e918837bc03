"""The graph in the middle of the window: modules to open and close, boxes to point at and to select."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QGraphicsScene, QMenu, QToolTip, QWidget

from slimgui.core.view import View
from slimgui.core.wire import Document
from slimgui.gui.facts import text
from slimgui.gui.facts.snapshot import Change, Snapshot
from slimgui.gui.theme import colours
from slimgui.gui.turns import Turns
from slimgui.gui.views.canvas import Canvas
from slimgui.gui.views.graph_item import GraphItem
from slimgui.gui.views.lighting import Lighting, Lit, of_box
from slimgui.gui.views.lit_item import LitItem
from slimgui.gui.views.minimap import Minimap
from slimgui.gui.views.scene import Making, Picture, picture, united
from slimgui.gui.views.title_item import TitleItem
from slimgui.gui.views.walk import STEPS

AT_ONCE: Final = 300  # boxes of a picture that is made in one turn
_DONE: Final = object()
_COMMANDS: Final = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class GraphView(Canvas):
    """Shows a document; the group under a click leaves as `group_clicked`."""

    group_clicked = Signal(str)
    toggled = Signal(str)  #: path of a module to open or to close
    opened_within = Signal(str)  #: path of a module to open with all in it

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Graph of the model")
        self.viewport().setAccessibleName("Graph of the model")
        self.setAccessibleDescription("The tree of groups holds the same content as text")
        self.picture: Picture | None = None  # what is shown
        self._document: Document | None = None
        self._view: View | None = None
        self._item: GraphItem | None = None
        self._lit: LitItem | None = None
        self._hover: LitItem | None = None
        self._lighting: Lighting | None = None
        self._snapshot: Snapshot | None = None
        self._selected = ""
        self.group_actions: list[QAction] = []  # what the menu of a box offers for its group
        self._hits: LitItem | None = None
        self._cursor: LitItem | None = None
        self._here: int | None = None  # layer of the box that keys move from
        self._found: tuple[int, ...] = ()  # layers that were searched for
        self.minimap = Minimap(self)
        self.minimap.wanted.connect(self.go_to_spot)
        self._kept: tuple[str, QPoint] | None = None  # a module, and where it stays while it opens or closes
        self._cold: Iterator[None] = iter(())  # what is still to be prepared for near views
        self._coming = Turns(self)  # another picture
        self._warming = QTimer(self, interval=0)
        self._warming.timeout.connect(self._warm)
        self._on_palette_changed()

    # --- what is shown

    @property
    def opened(self) -> tuple[str, ...]:
        """Paths of the modules that are drawn open."""
        return self._view.opened if self._view else ()

    def set_document(self, document: Document, snapshot: Snapshot) -> None:
        """Show another model, as large as it fits but large enough to read."""
        self._document, self._snapshot, self._selected, self._kept = document, snapshot, "", None
        self._here, self._found = None, ()
        self._lighting = Lighting(document)
        self._draw(document.view, picture(document, document.view))
        self.fit_when_shown()

    def set_view(self, view: View) -> None:
        """Show other modules open; many boxes are made in turns, while the picture of before is seen."""
        assert self._document, "a view is of a document"
        making = Making(self._document, view)
        self._coming.start(*making.parts(), lambda: self._show_made(view, making.picture))
        if len(view.boxes) <= AT_ONCE:
            self._coming.finish()

    def _show_made(self, view: View, made: Picture) -> None:
        """Change to another picture; the module that was opened or closed stays where it is."""
        kept, self._kept = self._kept, None
        self._draw(view, made)
        area = self._area_of(kept[0]) if kept else None
        if kept and area:
            self.put(area.topLeft(), kept[1])
        elif self.here is not None and self.picture is not None:
            self.centerOn(self.picture.boxes[self.here].rect.center())
        else:
            self.first_fit()

    def _draw(self, view: View, made: Picture) -> None:
        assert self._snapshot, "a document has a snapshot"
        self._coming.start()  # nothing: what was to come is of before
        self._view, self.picture = view, made
        scene = self.scene()
        scene.clear()
        self._item = GraphItem(self.picture, self._snapshot, self.font(), self.palette())
        self._hits, self._hover = LitItem(self.picture, 3.5), LitItem(self.picture, 1.5)
        self._lit, self._cursor = LitItem(self.picture, 2.5), LitItem(self.picture, 1.5)
        titles = TitleItem(self.picture, self.font(), self.palette())
        for item in (self._item, self._hover, self._lit, titles, self._hits, self._cursor):
            scene.addItem(item)
        first = self.picture.boxes[0].rect if self.picture.boxes else self.picture.bounds
        self.set_bounds(self.picture.bounds, first.center())
        self.minimap.set_picture(self.picture)
        self._light()
        self._mark()
        self._cold = self._item.warm()
        self._warming.start()

    def plain_scene(self) -> QGraphicsScene:
        """What is shown, without marks and overlays, in a scene of its own."""
        assert self.picture, "a scene is of a picture"
        assert self._snapshot, "a document has a snapshot"
        scene = QGraphicsScene()
        scene.addItem(GraphItem(self.picture, self._snapshot, self.font(), self.palette()))
        scene.addItem(TitleItem(self.picture, self.font(), self.palette()))
        return scene

    def set_snapshot(self, snapshot: Snapshot, change: Change) -> None:
        """Show another plan; only boxes whose channels differ are drawn again."""
        self._snapshot = snapshot
        if self._item is not None:
            self._item.set_snapshot(snapshot, change.layers)

    def set_selected(self, group_id: str) -> None:
        """Light the layers of a group, and bring them into view when none of them is."""
        self._selected = group_id
        rects = self._light()
        shown = self.visible_area()
        if rects and not any(shown.intersects(rect) for rect in rects):
            self.centerOn(rects[0].center())

    def lit(self, group_id: str) -> Lit:
        """What is lit when a group is selected: its layers, and the way that couples them."""
        if self.picture is None or self._lighting is None:
            return Lit()
        return self._lighting.of_group(self.picture, group_id)

    def _light(self) -> list[QRectF]:
        """Light the selected group; returns where its boxes are."""
        if self.picture is None or self._lit is None:
            return []
        table, lit = colours(self.palette()), self.lit(self._selected)
        self._lit.light(lit, QColor(table.accent), QColor(table.canvas))
        self._make_way()
        return [self.picture.boxes[number].rect for number in sorted(lit.boxes)]

    def set_hits(self, layers: Sequence[int]) -> None:
        """Outline what was searched for."""
        self._found = tuple(layers)
        self._mark()

    def _mark(self) -> None:
        """Outline hits, and the box that keys move from."""
        if self.picture is None or self._hits is None or self._cursor is None:
            return
        table, box_of = colours(self.palette()), self.picture.box_of
        self._hits.light(Lit(frozenset(box_of[layer] for layer in self._found)), QColor(table.success))
        at = Lit() if self._here is None else Lit(between=frozenset({box_of[self._here]}))
        self._cursor.light(at, QColor(table.text))
        self._make_way()

    # --- from place to place

    @property
    def here(self) -> int | None:
        """The box that keys move from."""
        return None if self._here is None or self.picture is None else self.picture.box_of[self._here]

    def go_to(self, number: int) -> None:
        """Make a box the one that keys move from, and show it."""
        assert self.picture, "a box is of a picture"
        box = self.picture.boxes[number]
        self._here = box.layers[0]
        self._mark()
        self.bring_into_view(box.rect)
        for part in (self, self.viewport()):  # a screen reader says it: the one or the other has the focus
            part.setAccessibleDescription(self.describe(number))

    def go_to_layer(self, layer: int) -> None:
        """The same for the box that stands for a layer, also once other modules are open."""
        self._here = layer
        if self.picture is not None:
            self.go_to(self.picture.box_of[layer])
            self._here = layer

    def go_to_spot(self, spot: QPointF) -> None:
        """Show a spot of the picture in the middle."""
        self.put(spot, self.viewport().rect().center())

    def zoom_to_selection(self) -> None:
        """Show the layers of the selected group as large as they fit."""
        if rects := self._light():
            margin = 40.0
            self.fit_area(united(rects).adjusted(-margin, -margin, margin, margin))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk with the arrow keys, Home and End; Enter selects; Space, + and - open and close."""
        if self.picture is None or not self.picture.boxes or event.modifiers() & _COMMANDS:
            super().keyPressEvent(event)
            return
        here, key = self.here, event.key()
        if key in STEPS:
            there = 0 if here is None else STEPS[key](self.picture, here)
            self.go_to(there if there is not None else here or 0)
        elif here is not None and key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.group_clicked.emit(self.picture.boxes[here].group)
        elif here is not None and key in {Qt.Key.Key_Space, Qt.Key.Key_Plus, Qt.Key.Key_Minus}:
            self._toggle_here(here, key)
        else:
            super().keyPressEvent(event)

    def _toggle_here(self, here: int, key: int) -> None:
        """Open a closed module; from within an open one, close that."""
        assert self.picture, "a box is of a picture"
        box = self.picture.boxes[here]
        if box.module and key != Qt.Key.Key_Minus:
            self.toggle(box.module)
        elif key != Qt.Key.Key_Plus and (border := self.picture.border_at(box.rect.center())):
            self.toggle(border.path)

    # --- modules

    def toggle(self, path: str) -> None:
        """Ask for a module to be opened or closed."""
        if area := self._area_of(path):
            self._kept = path, self.mapFromScene(area.topLeft())
        self.toggled.emit(path)

    def _open_within(self, path: str) -> None:
        if area := self._area_of(path):
            self._kept = path, self.mapFromScene(area.topLeft())
        self.opened_within.emit(path)

    def _area_of(self, path: str) -> QRectF | None:
        """Where a module is drawn, closed or open."""
        if self.picture is None:
            return None
        closed = [box.rect for box in self.picture.boxes if box.module == path]
        borders = [border.rect for border in self.picture.borders if border.path == path]
        return next(iter(closed + borders), None)

    def _module_at(self, point: QPoint) -> str:
        """The closed module under a point, or the open one whose empty part that is; "" for none."""
        if self.picture is None:
            return ""
        number, border = self._box_at(point), self.picture.border_at(self.mapToScene(point))
        if number is not None:
            return self.picture.boxes[number].module
        return border.path if border else ""

    # --- events

    def changeEvent(self, event: QEvent) -> None:
        """See Qt."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._on_palette_changed()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press that did not move is a click on a box, or on nothing."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.was_click(event) and self.picture is not None:
            number = self._box_at(event.position().toPoint())
            self._here = None if number is None else self.picture.boxes[number].layers[0]
            self._mark()
            self.group_clicked.emit("" if number is None else self.picture.boxes[number].group)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the module under the pointer, or close it."""
        if path := self._module_at(event.position().toPoint()):
            self.toggle(path)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """See Qt."""
        super().mouseMoveEvent(event)
        if self._hover is not None and not event.buttons():
            number = self._box_at(event.position().toPoint())
            lit = Lit() if number is None or self.picture is None else of_box(self.picture, number)
            self._hover.light(lit, QColor(colours(self.palette()).muted))
            shape = Qt.CursorShape.OpenHandCursor if number is None else Qt.CursorShape.PointingHandCursor
            self.viewport().setCursor(shape)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with what is under the pointer, or with the box that keys move from."""
        point = self.spot_of(event)
        if menu := self.menu_at(point):
            menu.popup(self.viewport().mapToGlobal(point))

    def spot_of(self, event: QContextMenuEvent) -> QPoint:
        """What a menu is asked about: with the menu key that is the box that keys move from."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.picture and self.here is not None:
            return self.mapFromScene(self.picture.boxes[self.here].rect.center())
        return event.pos()

    def menu_at(self, point: QPoint) -> QMenu | None:
        """What can be done at a point: with modules, and with the group there, which is selected."""
        if self.picture is None:
            return None
        number, border = self._box_at(point), self.picture.border_at(self.mapToScene(point))
        module = "" if number is None else self.picture.boxes[number].module
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if module:
            menu.addAction(f"&Open {module}").triggered.connect(lambda: self.toggle(module))
            menu.addAction("Open &All in It").triggered.connect(lambda: self._open_within(module))
        if border:
            menu.addAction(f"&Close {border.path}").triggered.connect(lambda: self.toggle(border.path))
        if number is not None and (group := self.picture.boxes[number].group):
            self.group_clicked.emit(group)
            menu.addSeparator()
            menu.addActions(self.group_actions)
        return menu if menu.actions() else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        """See Qt."""
        super().resizeEvent(event)
        self._on_moved()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """See Qt: also called when the scale changes."""
        super().scrollContentsBy(dx, dy)
        self._on_moved()

    def _on_moved(self) -> None:
        """Keep the overview in its corner, and true."""
        self.minimap.set_seen(self.visible_area(), self.viewport().rect())

    def _make_way(self) -> None:
        """Let the overview cover nothing of what the user is at."""
        marks = [item.rects for item in (self._cursor, self._lit, self._hits) if item is not None]
        self.minimap.make_way(*marks)

    def viewportEvent(self, event: QEvent) -> bool:
        """See Qt."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = self._box_at(event.pos())
            QToolTip.showText(event.globalPos(), "" if number is None else self.describe(number), self)
            return True
        return super().viewportEvent(event)

    @property
    def is_warming(self) -> bool:
        """Whether near views, or another picture, are still being prepared."""
        return self._warming.isActive() or self._coming.is_busy

    def describe(self, number: int) -> str:
        """What a box has to say when the pointer rests on it."""
        assert self.picture, "a box needs a document"
        assert self._document, "a box needs a document"
        assert self._snapshot, "a box needs a document"
        box, channels = self.picture.boxes[number], self._snapshot.channels
        lines = [f"{box.name} ({box.kind})" if box.name else box.kind]
        if box.before:
            lines.append(f"{box.now(channels)} of {text.plural(box.before, 'channel')} stay")
        if box.module:
            lines.append(f"{box.share(channels):.0%} of all channels in it stay; double-click opens it")
        elif shape := self._document.graph.layers[box.output].shape:
            lines.append(f"Output as traced: {text.shape(shape)}")
        if box.locked:
            lines.append(f"Must stay whole: {box.locked}")
        elif box.group:
            lines.append(f"Group: {box.group}")
        return "\n".join(lines)

    def _warm(self) -> None:
        """One slice of preparation: nothing waits for it."""
        if next(self._cold, _DONE) is _DONE:
            self._warming.stop()

    def _box_at(self, point: QPoint) -> int | None:
        return self.picture.box_at(self.mapToScene(point)) if self.picture else None

    def _on_palette_changed(self) -> None:
        table = colours(self.palette())
        self.setBackgroundBrush(QColor(table.canvas))
        self._coming.finish()
        if self._view is not None and self._document is not None:
            self._draw(self._view, picture(self._document, self._view))  # groups have other colours
