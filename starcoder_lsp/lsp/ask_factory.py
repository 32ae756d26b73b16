"""Finds what answers a question: settings of the folder, engine, context, completer."""

from __future__ import annotations

from dataclasses import replace

from starcoder_lsp.completion.characters_per_token import CharactersPerToken
from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.context import Context
from starcoder_lsp.engines import Engine
from starcoder_lsp.flow import Cursor, Document
from starcoder_lsp.lsp.current_context import CurrentContext
from starcoder_lsp.lsp.current_engine import CurrentEngine
from starcoder_lsp.lsp.settings import FolderSettings
from starcoder_lsp.settings import assemble
from starcoder_lsp.settings.options import Settings
from starcoder_lsp.suggesting.ask import Ask


class AskFactory:
    """Makes an `Ask` for a cursor."""

    def __init__(
        self, settings: FolderSettings, engine: CurrentEngine, context: CurrentContext
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._context = context
        self._characters_per_token = CharactersPerToken()

    def ask_at(self, cursor: Cursor, *, is_wanted: bool = True) -> Ask | None:
        """Return a question at `cursor`; None while no engine is ready.

        `is_wanted` says that a user waits for the answer: a missing model is offered for
        download, and an engine that was unloaded is loaded again.
        """
        context = self._context.require()
        settings = self._settings.of_document(cursor.document.uri)
        engine = self._engine.ready(settings, is_wanted=is_wanted)
        if engine is None:
            return None
        completer = self._completer(settings, engine, context, cursor.document)
        return Ask(cursor, completer, settings)

    def learn(self, ask: Ask) -> None:
        """Let the engine count the tokens of what it has just read, for later prompts."""
        model = ask.settings.engine
        self._characters_per_token.learn(ask.completer, model, ask.cursor)

    def _completer(
        self, settings: Settings, engine: Engine, context: Context, document: Document
    ) -> Completer:
        n_characters = self._characters_per_token.of(
            settings.engine, document.language, document.uri
        )
        completer = assemble.build_completer(settings, engine, context, n_characters)
        # The protocol requires every client to support the range of an item.
        return replace(completer, style=replace(completer.style, can_replace=True))
