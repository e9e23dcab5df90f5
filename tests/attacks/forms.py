"""The forms of a page as a browser would send them, read from the HTML alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

# Text that a person types; everything else is chosen or set by the program.
TYPED = frozenset({"text", "textarea", "search", "email", "tel", "url"})
_NEVER_SENT = frozenset({"button", "reset", "image"})


@dataclass
class Control:
    """One field: its type, and what the page would send for it (None while nothing is chosen)."""

    name: str
    kind: str
    value: str | None = None


@dataclass
class FoundForm:
    """One form of a page."""

    action: str
    method: str
    controls: list[Control] = field(default_factory=list)

    def values(self) -> dict[str, list[str]]:
        """What would be sent as it stands."""
        sent: dict[str, list[str]] = {}
        for control in self.controls:
            if control.value is not None and control.kind != "file":
                sent.setdefault(control.name, []).append(control.value)
        return sent

    def names(self, kinds: frozenset[str]) -> list[str]:
        """The names of its fields of these types."""
        return list(dict.fromkeys(control.name for control in self.controls if control.kind in kinds))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[FoundForm] = []
        self._open: FoundForm | None = None
        self._text: Control | None = None
        self._choice: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = FoundForm(given.get("action") or "", (given.get("method") or "get").lower())
            self.forms.append(self._open)
            return
        if self._open is None:
            return
        name = given.get("name") or ""
        if tag == "option" and self._choice is not None:
            # A required choice without one: the first that means something.
            if "selected" in given or not self._choice.value:
                self._choice.value = given.get("value") or ""
        elif not name:
            return
        elif tag == "textarea":
            self._text = Control(name, "textarea", "")
            self._open.controls.append(self._text)
        elif tag == "select":
            self._choice = Control(name, "select")
            self._open.controls.append(self._choice)
        elif tag == "button" and (given.get("type") or "submit") == "submit":
            self._open.controls.append(Control(name, "submit", given.get("value") or ""))
        elif tag == "input":
            self._input(self._open, name, given)

    def _input(self, form: FoundForm, name: str, given: dict[str, str | None]) -> None:
        kind = (given.get("type") or "text").lower()
        value = given.get("value")
        if kind in _NEVER_SENT:
            return
        if kind == "checkbox":
            form.controls.append(Control(name, kind, (value or "on") if "checked" in given else None))
        elif kind == "radio":
            known = next((one for one in form.controls if one.name == name), None)
            if known is None:
                form.controls.append(Control(name, kind, value))
            elif "checked" in given:
                known.value = value
        else:
            form.controls.append(Control(name, kind, value or ""))

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.value = f"{self._text.value}{data}"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "textarea":
            if self._text is not None and self._text.value:
                # A browser drops the line break right after the tag.
                self._text.value = self._text.value.removeprefix("\n")
            self._text = None
        elif tag == "select":
            self._choice = None


def forms_of(html: str) -> Iterator[FoundForm]:
    """Every form of the page."""
    reader = _Reader()
    reader.feed(html)
    yield from reader.forms
