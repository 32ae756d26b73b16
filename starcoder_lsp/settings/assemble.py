"""Builds the objects that settings ask for; the only place that chooses classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starcoder_lsp.completion.completer import Completer
from starcoder_lsp.completion.prompt import Family, Window, families
from starcoder_lsp.context import Context, IndexingProgress, NoContext
from starcoder_lsp.context.client import IndexedContext
from starcoder_lsp.engines import Engine, EngineState
from starcoder_lsp.engines.llama.client import LlamaEngine
from starcoder_lsp.engines.llama.connection import Connect, own_process
from starcoder_lsp.engines.llama.messages import Load
from starcoder_lsp.errors import ConfigError, UnknownModel
from starcoder_lsp.models import registry
from starcoder_lsp.models.registry import Model
from starcoder_lsp.models.store import ModelStore
from starcoder_lsp.runtime.paths import models_dir
from starcoder_lsp.runtime.supervisor import KEEP_TRYING, RestartPolicy
from starcoder_lsp.settings import chosen
from starcoder_lsp.settings.forms import AUTO
from starcoder_lsp.settings.options import EngineSettings, Settings

# One token for the sampler, the rest for control tokens.
SPARE_TOKENS = 32
# A model that cannot read this much has nothing to go by.
LEAST_PROMPT_TOKENS = 64
ONE_CRASH = RestartPolicy(max_crashes=1)


def store() -> ModelStore:
    return ModelStore(models_dir())


def model_file(settings: EngineSettings) -> Path:
    """The GGUF file to load.

    Raises UnknownModel, ModelMissing, ModelBroken or NoModelFile.
    """
    if settings.model_path is not None:
        return settings.model_path
    return store().locate(registry.find(settings.model))


def load_of(settings: EngineSettings) -> Load:
    """The request that makes an engine's process load the model; errors as `model_file`."""
    model = chosen.model_of(settings)
    family = family_of(settings)
    n_more = settings.max_tokens + SPARE_TOKENS
    return Load(
        path=str(model_file(settings)),
        family=family.name,
        n_context=_prompt_tokens(settings, model) + n_more,
        n_context_least=LEAST_PROMPT_TOKENS + n_more,
        controls=tuple(sorted(family.controls | family.redaction)),
        overrides=family.overrides,
        heals=family.heals,
        n_gpu_layers=settings.gpu_layers,
        n_threads=settings.threads,
        kv_type=settings.kv_type,
        kv_cache_bytes=settings.kv_cache_mb << 20,
        n_reserved=settings.max_tokens,
        niceness=settings.niceness,
    )


def _build_llama(
    settings: EngineSettings,
    *,
    log_level: str,
    on_state: Callable[[EngineState], None],
    policy: RestartPolicy,
    workspace: Path | None = None,
) -> Engine:
    """llama.cpp in a process of its own or a shared one; errors as `model_file`.

    It does not matter which `workspace` its requests come from.
    """
    return LlamaEngine(
        load_of(settings),
        connect=_shared_process() if settings.is_shared else own_process,
        on_state=on_state,
        policy=policy,
        log_level=log_level,
        idle_s=settings.idle_unload_s,
    )


def _build_remote(
    settings: EngineSettings,
    *,
    log_level: str,
    on_state: Callable[[EngineState], None],
    policy: RestartPolicy,
    workspace: Path | None = None,
) -> Engine:
    """A server of the user's; raises ConfigError and UnknownModel."""
    from starcoder_lsp.engines.remote.client import RemoteEngine

    server, model = chosen.server_of(settings), chosen.model_of(settings)
    family = families()[model.family]
    return RemoteEngine(
        server,
        frozenset((*family.controls, *family.redaction, *family.stops)),
        n_context=server.context_tokens or model.context_tokens,
        n_reserved=settings.max_tokens,
        workspace=workspace,
        on_state=on_state,
        gives_up=policy == ONE_CRASH,
    )


class Build(Protocol):
    """Builds an engine that is not started yet; raises StarcoderError."""

    def __call__(
        self,
        settings: EngineSettings,
        /,
        *,
        log_level: str,
        on_state: Callable[[EngineState], None],
        policy: RestartPolicy,
        workspace: Path | None = None,
    ) -> Engine: ...


@dataclass(frozen=True)
class EngineKind:
    """A kind of engine; `suits` tells whether the settings ask for it."""

    suits: Callable[[EngineSettings], bool]
    build: Build


# The first kind that suits is built; the one for all other settings stands last.
ENGINES: Mapping[str, EngineKind] = {
    "remote": EngineKind(lambda settings: settings.is_remote, _build_remote),
    "llama": EngineKind(lambda settings: True, _build_llama),
}


def build_engine(
    settings: EngineSettings,
    *,
    log_level: str,
    on_state: Callable[[EngineState], None] = lambda state: None,
    policy: RestartPolicy = KEEP_TRYING,
    workspace: Path | None = None,
) -> Engine:
    """The engine that the settings ask for, not started yet; raises StarcoderError."""
    kind = next(kind for kind in ENGINES.values() if kind.suits(settings))
    return kind.build(
        settings,
        log_level=log_level,
        on_state=on_state,
        policy=policy,
        workspace=workspace,
    )


def token_counter(settings: EngineSettings) -> Callable[[str], int]:
    """Return a function that counts tokens as the model does; errors as `model_file`.

    It loads native code into this process.
    """
    path = model_file(settings)
    from starcoder_lsp.engines.llama.native import library

    library.set_up()
    vocabulary = library.LlamaModel(path, vocab_only=True).vocabulary
    return lambda text: len(vocabulary.encode(text))


def _shared_process() -> Connect:
    try:
        from starcoder_lsp.engines.llama.shared_engine import SharedProcess
    except ImportError:
        raise ConfigError(
            "shared_engine needs Unix sockets and file locks, which this system "
            "lacks; set shared_engine = false"
        ) from None
    return SharedProcess


def build_context(
    settings: Settings,
    on_progress: Callable[[IndexingProgress], None],
    policy: RestartPolicy = KEEP_TRYING,
) -> Context:
    """Build the source of context from other files, not started yet."""
    wanted = settings.context
    if not wanted.enabled:
        return NoContext()
    return IndexedContext(
        max_files=wanted.max_files,
        ignore=wanted.ignore,
        on_progress=on_progress,
        policy=policy,
        log_level=settings.log.level,
    )


def build_completer(
    settings: Settings,
    engine: Engine,
    context: Context | None = None,
    characters_per_token: float = Window.CHARACTERS_PER_TOKEN,
) -> Completer:
    model = chosen.model_of(settings.engine)
    family, layout = family_of(settings.engine), layout_of(settings, model)
    wanted = _prompt_tokens(settings.engine, model)
    n_tokens = min(wanted, engine.state.n_prompt_tokens or wanted)
    return Completer(
        engine,
        family,
        Window.of_tokens(n_tokens, family.layout_for(layout), characters_per_token),
        settings.limits,
        layout,
        settings.style,
        context if context and settings.context.enabled else NoContext(),
        settings.writing.hides_secrets,
    )


def layout_of(settings: Settings, model: Model) -> str:
    """The layout that the user has set, else that of the model's row, else `auto`."""
    return (
        settings.writing.layout
        if settings.writing.layout != AUTO
        else model.layout or AUTO
    )


def family_of(settings: EngineSettings) -> Family:
    """The family of the model that writes; raises UnknownModel, and errors as `model_of`."""
    model = chosen.model_of(settings)
    if model.family not in families():
        raise UnknownModel(
            f"the model {model.name} is of the unknown family {model.family!r}; remove "
            f"it and add it again: starcoder-lsp models remove {model.name}"
        )
    return families()[model.family]


def _prompt_tokens(settings: EngineSettings, model: Model) -> int:
    return min(settings.max_prompt_tokens, model.longest_prompt)
