"""Tells a client to ask again at a place where the server had no answer yet."""

from __future__ import annotations

from lsprotocol import types

from starcoder_lsp.lsp.client.notifications import SUGGESTION_READY, CustomNotifications
from starcoder_lsp.lsp.documents import Documents


class LateAnswer:
    """The place of the last request, while an answer to it may still come."""

    def __init__(self, documents: Documents, custom: CustomNotifications) -> None:
        self._documents = documents
        self._custom = custom
        self._place: tuple[str, int, types.Position] | None = None
        self._is_due = False

    @property
    def is_wanted(self) -> bool:
        return SUGGESTION_READY in self._custom.wanted

    def begin(self, uri: str, position: types.Position) -> None:
        """Note the place of a new request; older ones need no answer any more."""
        document = self._documents.get(uri)
        self._place = (uri, document.version, position) if document else None
        self._is_due = False

    def expect(self) -> None:
        """Note that the last request was answered without a suggestion for want of time."""
        self._is_due = True

    def send(self) -> None:
        """Tell the client to ask again, unless the document has changed since."""
        if self._place is None or not self._is_due:
            return
        self._is_due = False
        uri, version, position = self._place
        document = self._documents.get(uri)
        if document is None or document.version != version:
            return
        at = {"line": position.line, "character": position.character}
        params = {"textDocument": {"uri": uri, "version": version}, "position": at}
        self._custom.send(SUGGESTION_READY, params)
