"""The parameters of `textDocument/inlineCompletion`, with a field that LSP 3.18 lacks."""

from __future__ import annotations

from typing import Any

import attrs
from lsprotocol import types


@attrs.define
class InlineParams(types.InlineCompletionParams):
    """LSP's parameters, and `formattingOptions` as the client sent them.

    Clients of copilot-language-server send these options with each request.
    """

    formatting_options: Any = None


def with_formatting(params: types.InlineCompletionParams, raw: Any) -> InlineParams:
    """Return `params`, which were read from `raw`, with the field that is lost there."""
    return InlineParams(
        params.context,
        params.text_document,
        params.position,
        params.work_done_token,
        raw.get("formattingOptions"),
    )
