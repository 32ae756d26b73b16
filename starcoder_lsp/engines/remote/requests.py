"""Builds the requests for an engine whose server was probed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from starcoder_lsp.engines import Speed
from starcoder_lsp.engines.prompt_fit import LEAST_TOKENS, n_affordable, prompt_budget
from starcoder_lsp.engines.remote.dialect import Dialect, filled
from starcoder_lsp.engines.remote.probe import Found
from starcoder_lsp.engines.remote.prompt import forms
from starcoder_lsp.engines.remote.prompt.forms import Formed, PromptRoom
from starcoder_lsp.engines.remote.prompt.vocabulary import spellings
from starcoder_lsp.engines.remote.server import RemoteServer
from starcoder_lsp.flow import Limits, Prompt

# Half of it is a prompt that says something; a server that takes less is in trouble.
LEAST_CONTEXT = 2 * LEAST_TOKENS

logger = logging.getLogger(__name__)


class Requests:
    """Builds the body of each request, with a prompt that fits.

    `controls` are the control tokens of the model's family; `n_context` is the size of
    the model's context, of which `n_reserved` tokens stay free for an answer.
    """

    def __init__(
        self,
        server: RemoteServer,
        dialect: Dialect,
        controls: Collection[str],
        found: Found,
        *,
        n_context: int,
        n_reserved: int,
    ) -> None:
        self._server = server
        self._dialect = dialect
        self._found = found
        self._pattern = spellings(frozenset(controls))
        self._n_reserved = n_reserved
        self.n_context = n_context
        self.vocabulary = found.vocabulary

    @property
    def n_prompt_tokens(self) -> int:
        return prompt_budget(self.n_context, self._n_reserved)

    async def formed(
        self,
        prompt: Prompt,
        limits: Limits,
        speed: Speed | None,
        read: Sequence[Sequence[int]],
    ) -> Formed:
        """Return a prompt in the form of the dialect. Raises Trouble and ModelBroken."""
        prompt = forms.with_held_back(prompt)
        n_answer = max(limits.max_tokens, self._n_reserved)
        budget = prompt_budget(self.n_context, n_answer)
        room = PromptRoom(budget, n_affordable(limits, speed), read)
        if self.vocabulary is not None:
            await self.vocabulary.prepare([*forms.texts_of(prompt), "\n"])
            return forms.as_ids(prompt, self.vocabulary, room)
        if self._dialect.prompt == "parts":
            return forms.as_parts(prompt, self._pattern, room)
        return forms.as_text(prompt, self._pattern, room)

    def body(
        self,
        template: Any,
        formed: Formed,
        stops: Sequence[str],
        max_tokens: int,
        **more: Any,
    ) -> Any:
        """Return the body of a request; `more` are further values for the template."""
        server, dialect = self._server, self._dialect
        is_adapter = bool(server.adapter) and dialect.adapter_is_model
        # 0 means no limit to some servers, and is refused by others.
        n_most = max(min(max_tokens, self.n_context - formed.n_tokens - 1), 1)
        values = {
            **formed.fields,
            "max_tokens": n_most,
            "model": server.adapter if is_adapter else server.model,
            "adapter": server.adapter,
            "adapters": self._found.adapters,
            "context": self.n_context,
            "stops": list(stops)[: dialect.max_stops],
            "stop_ids": self.stop_ids(stops),
            **more,
        }
        return filled(template, values)

    def shorten(self, n_told: int | None) -> None:
        """Take the context to be as small as the server says, or smaller than now."""
        smaller = self.n_context * 3 // 4
        if n_told and 0 < n_told < self.n_context:
            smaller = n_told
        self.n_context = max(smaller, LEAST_CONTEXT)
        logger.warning(
            "%s: a prompt was too long; the context is taken to have %d tokens",
            self._server.name,
            self.n_context,
        )

    def stop_ids(self, stops: Sequence[str]) -> list[int]:
        if self.vocabulary is None:
            return []
        ids = [self.vocabulary.control(token) for token in stops]
        return [one for one in ids if one is not None]
