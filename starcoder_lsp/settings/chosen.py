"""The model and the server that the settings choose, and what they may read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starcoder_lsp.completion.prompt import families
from starcoder_lsp.errors import ConfigError, ModelError
from starcoder_lsp.models import registry
from starcoder_lsp.models.registry import Model
from starcoder_lsp.runtime.paths import user_config_file
from starcoder_lsp.settings import own_file
from starcoder_lsp.settings.forms import shown
from starcoder_lsp.settings.options import EngineSettings, Settings

if TYPE_CHECKING:
    from starcoder_lsp.engines.remote.server import RemoteServer

# The context of a model that is in no table, until its server tells it.
UNKNOWN_CONTEXT_TOKENS = 8192


def server_of(settings: EngineSettings) -> RemoteServer:
    """The server that `engine` names; raises ConfigError when the user defined none."""
    for server in settings.servers:
        if server.name == settings.engine:
            return server
    names = ", ".join(("local", *(server.name for server in settings.servers)))
    raise ConfigError(
        f"engine = {shown(settings.engine)}: there is no such engine in "
        f"{user_config_file()}; there are {names}"
    )


def model_of(settings: EngineSettings) -> Model:
    """The model that writes: a row of models.toml, a file's, or one that a server knows.

    Raises ConfigError for a server without a known family, UnknownModel or ModelBroken.
    """
    if not settings.is_remote:
        return own_file.local_model(settings)
    server = server_of(settings)
    row = registry.models().get(server.model.rpartition("/")[2].lower())
    if server.family and server.family not in families():
        raise ConfigError(
            f"engines.{server.name} family: expected one of {', '.join(families())}"
        )
    if server.family:
        n_tokens = row.context_tokens if row else UNKNOWN_CONTEXT_TOKENS
        n_tokens = server.context_tokens or n_tokens
        return Model(server.model, server.model, server.family, "", n_tokens)
    if row is None:
        raise ConfigError(
            f"engines.{server.name} lacks family, the prompt format of {server.model}; "
            f"it is one of {', '.join(families())}"
        )
    return row


def model_name(settings: EngineSettings) -> str:
    """The name of what writes suggestions, for the user; never raises."""
    if settings.is_remote:
        return settings.engine
    if path := own_file.own_file(settings):
        return own_file.model_name(path)
    try:
        return model_of(settings).name
    except ModelError:
        return settings.model


def check_may_be_shown(settings: Settings, file: Path) -> None:
    """Raise ConfigError if a server would read a file that it may not; asks git."""
    if settings.engine.is_remote:
        from starcoder_lsp.context.files.shown import why_hidden

        if reason := why_hidden(str(file), settings.context.ignore):
            raise ConfigError(f"{file}: {reason}")
