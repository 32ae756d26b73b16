"""Holds the engine that the settings ask for, and shows its state."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from starcoder_lsp.engines import Engine, EngineState, Phase
from starcoder_lsp.errors import (
    DownloadFailed,
    ModelError,
    ModelMissing,
    StarcoderError,
)
from starcoder_lsp.lsp.client.status import Kind, Status
from starcoder_lsp.lsp.own_files import OwnFiles
from starcoder_lsp.models import background, registry
from starcoder_lsp.models.progress import Report
from starcoder_lsp.models.registry import Model
from starcoder_lsp.settings import assemble, chosen, machine_fit, own_file, terms
from starcoder_lsp.settings.options import EngineSettings, Settings

logger = logging.getLogger(__name__)

DOWNLOAD, LATER = "Download", "Not now"
TRIAL = "trial"
AGAIN = "the command starcoder.restart tries again"

KINDS: dict[Phase, Kind] = {Phase.FAILED: "Error", Phase.RESTARTING: "Warning"}
BUSY = frozenset((Phase.STARTING, Phase.LOADING, Phase.RESTARTING))


class BuildEngine(Protocol):
    def __call__(
        self,
        settings: EngineSettings,
        *,
        log_level: str,
        on_state: Callable[[EngineState], None],
        workspace: Path | None,
    ) -> Engine: ...


class CurrentEngine:
    """One engine at a time, for the settings that were last required.

    `on_ready` is called each time an engine has loaded its model, and `workspace`
    returns the folder that the user works in.
    """

    def __init__(
        self,
        status: Status,
        build_engine: BuildEngine = assemble.build_engine,
        on_ready: Callable[[], None] = lambda: None,
        workspace: Callable[[], Path | None] = lambda: None,
    ) -> None:
        self._status = status
        self._build_engine = build_engine
        self._on_ready = on_ready
        self._workspace = workspace
        self._engine: Engine | None = None
        self._for: EngineSettings | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: EngineSettings | None = None
        # Models that the user was asked about, and those that are being downloaded.
        self._asked: set[str] = set()
        self._getting: set[str] = set()
        self._turn = asyncio.Lock()
        self._own_files = OwnFiles()

    def require(self, settings: Settings, *, is_wanted: bool = True) -> Engine | None:
        """Return the engine for `settings`, started if necessary; None if there is none.

        Only if `is_wanted` may the user be asked about a download: a dialog that opens
        together with a file would take the keys that are being typed.
        """
        self._latest = settings.engine
        if not self._is_recognised(settings, is_wanted):
            return None
        if self._engine is not None and self._for == settings.engine:
            # The status line may have shown something else since.
            self._say(settings, self._engine.state)
            if is_wanted and self._engine.state.phase is Phase.SLEEPING:
                self._engine.start()
            return self._engine
        try:
            engine = self._build_engine(
                settings.engine,
                log_level=settings.log.level,
                on_state=lambda state: self._show(settings, state),
                workspace=self._workspace(),
            )
        except ModelMissing as exc:
            self._status.show(str(exc), kind="Warning")
            if is_wanted:
                self._missing(settings, exc)
            return None
        except StarcoderError as exc:
            self._refuse(exc)
            return None
        older, self._engine, self._for = self._engine, engine, settings.engine
        if settings.engine.is_remote:
            self._introduce(settings)
        else:
            with contextlib.suppress(ModelError):
                self._tell_terms(chosen.model_of(settings.engine))
        self._spawn(self._start_after(engine, older), "start")
        return engine

    def _is_recognised(self, settings: Settings, is_wanted: bool) -> bool:
        """Return whether it is known what is to be loaded; if not, it is found out."""
        path = own_file.own_file(settings.engine)
        if path is None:
            return True

        def go_on() -> None:
            if self._latest == settings.engine:
                self.require(settings, is_wanted=is_wanted)

        try:
            return self._own_files.is_known(path, go_on)
        except StarcoderError as exc:
            self._refuse(exc)
            return False

    def _refuse(self, exc: StarcoderError) -> None:
        self._status.show(str(exc), kind="Error")
        self._status.tell(str(exc))

    def ready(self, settings: Settings, *, is_wanted: bool = True) -> Engine | None:
        """Return the engine as `require` does; None while it is not ready."""
        engine = self.require(settings, is_wanted=is_wanted)
        return engine if engine and engine.state.phase is Phase.READY else None

    async def _start_after(self, engine: Engine, older: Engine | None) -> None:
        """Start an engine once the previous one has freed its memory."""
        async with self._turn:
            if older is not None:
                await older.close()
            engine.start()

    def restart(self) -> None:
        """Drop the current engine; `require` starts another."""
        self._asked &= self._getting
        self._own_files.forget_refusals()
        self._for = None
        self._status.show("restarting", busy=True)

    async def close(self) -> None:
        for task in self._tasks:
            if task.get_name() in (DOWNLOAD, TRIAL):
                task.cancel()
        await self._own_files.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._engine is not None:
            await self._engine.close()
        self._engine = None

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _show(self, settings: Settings, state: EngineState) -> None:
        if self._for is not settings.engine:
            return  # an engine that is being replaced
        if state.phase in BUSY:
            self._status.progress(_line(settings, state), state.share)
        else:
            self._status.end_progress()
        self._say(settings, state)
        if state.phase is Phase.READY:
            self._try_out(settings)
            self._on_ready()
        if state.phase is Phase.FAILED:
            self._status.tell(f"starcoder: {state.message}; {AGAIN}")

    def _say(self, settings: Settings, state: EngineState) -> None:
        """Show the engine's state on the status line."""
        kind = KINDS.get(state.phase, "Normal")
        is_busy = state.phase in BUSY
        self._status.show(_line(settings, state), kind=kind, busy=is_busy)

    def _introduce(self, settings: Settings) -> None:
        """Tell the user once for each workspace which server will read the code in it."""
        from starcoder_lsp.engines.remote import first_use

        server, workspace = chosen.server_of(settings.engine), self._workspace()
        if first_use.is_first(server, workspace):
            hides_secrets = settings.writing.hides_secrets
            shows_others = settings.context.enabled
            self._status.tell(
                "starcoder: "
                + first_use.notice(
                    server,
                    workspace,
                    hides_secrets=hides_secrets,
                    shows_others=shows_others,
                ),
                is_error=False,
            )

    def _try_out(self, settings: Settings) -> None:
        """Test whether the user's own model file fills in the middle; report it once."""
        path, engine = own_file.own_file(settings.engine), self._engine
        if path is None or engine is None:
            return

        async def try_out() -> None:
            if news := await own_file.try_out(engine, path):
                self._status.tell(f"starcoder: {news}", is_error=False)

        self._spawn(try_out(), TRIAL)

    def _missing(self, settings: Settings, exc: ModelMissing) -> None:
        name = settings.engine.model
        if name in self._asked:
            return
        self._asked.add(name)
        if settings.lsp.download == "never":
            self._status.tell(f"starcoder: {exc}", is_error=False)
        else:
            self._spawn(self._download(settings), DOWNLOAD)

    async def _download(self, settings: Settings) -> None:
        """Download the model if the user agrees."""
        name = settings.engine.model
        self._getting.add(name)
        try:
            if await self._is_agreed(settings):
                await self._get(settings)
        finally:
            self._getting.discard(name)

    async def _is_agreed(self, settings: Settings) -> bool:
        model = registry.find(settings.engine.model)
        if settings.lsp.download != "ask":
            self._tell_terms(model)
            return settings.lsp.download == "always"
        fit = await machine_fit.sentence_from_child(
            model, settings.limits.latency_target_ms
        )
        question = _question(model, fit)
        is_agreed = await self._status.ask(question, DOWNLOAD, LATER) == DOWNLOAD
        if is_agreed:
            terms.note_shown(model)
        return is_agreed

    def _tell_terms(self, model: Model) -> None:
        """Tell the restrictions of a licence, once, to a user who was not asked."""
        if text := terms.unseen(model):
            self._status.tell(f"starcoder: {text}", is_error=False)
            terms.note_shown(model)

    async def _get(self, settings: Settings) -> None:
        model = registry.find(settings.engine.model)

        def report(state: Report) -> None:
            text = f"downloading {model.name}: {state}"
            self._status.show(text, busy=True)
            self._status.progress(text, state.share)

        try:
            await background.get_in_child(model.name, report)
        except DownloadFailed as exc:
            self._status.show(str(exc), kind="Error")
            self._status.tell(f"starcoder: {exc}; {AGAIN}")
        else:
            # The user may have chosen another model meanwhile.
            if self._latest == settings.engine:
                self.require(settings)
        finally:
            self._status.end_progress()


def _line(settings: Settings, state: EngineState) -> str:
    return f"{chosen.model_name(settings.engine)}: {state.message}"


def _question(model: Model, fit: str) -> str:
    """Return the question before a download: size, source, licence, memory, others."""
    licence = model.terms
    parts = [
        f"starcoder: {model.name} is not on this machine. Download "
        f"{model.approximate_bytes / 1e6:.0f} MB from {model.published.address} "
        f"({licence.name}{f', {licence.link}' if licence.link else ''})?",
        fit,
        f"Its licence restricts its use: {licence.restrictions}."
        if licence.restrictions
        else "",
        *(f"Note: {warning}." for warning in model.warnings),
        f"By hand: starcoder-lsp models get {model.name}; others for this machine: "
        "starcoder-lsp models recommend",
    ]
    return " ".join(part for part in parts if part)
