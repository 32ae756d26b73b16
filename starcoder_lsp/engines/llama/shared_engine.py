"""One engine process for all of a user's editors, started by the first that wants it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import signal
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable

from starcoder_lsp import __version__
from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.rendezvous import Rendezvous, is_ours
from starcoder_lsp.runtime import frames, paths, private_files
from starcoder_lsp.runtime.child import clean_environment, python_module
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import Link, RestartPolicy

logger = logging.getLogger(__name__)

DAEMON = "starcoder_lsp.engines.llama.process.daemon"
# Somebody else may be starting it just now, or it may be leaving.
N_TRIES = 100
N_STARTS = 2
RETRY_S = 0.05
GREETING_S = 10.0


def rendezvous_of(load: messages.Load) -> Rendezvous:
    """Clients that want the same model with the same settings meet."""
    text = json.dumps([__version__, messages.load_frame(load)], sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    return Rendezvous(paths.runtime_dir(), name)


class SharedLink(Link):
    """A connection to the shared engine; the last client to leave ends it."""

    def __init__(
        self,
        load: messages.Load,
        *,
        log_level: str,
        on_start: Callable[[], None],
        on_frame: Callable[[Frame], None],
        on_exit: Callable[[bool], None],
        policy: RestartPolicy,
    ) -> None:
        super().__init__(
            on_start=on_start, on_frame=on_frame, on_exit=on_exit, policy=policy
        )
        self._place = rendezvous_of(load)
        self._log_level = log_level
        self._writer: StreamWriter | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        return self._pid

    def send(self, frame: Frame) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frames.encode(frame))

    def kill(self) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    async def _connect(self) -> StreamReader:
        try:
            return await self._meet()
        except (ConnectionError, TimeoutError):
            raise
        except OSError as exc:
            # No other try will change it.
            text = f"the shared engine cannot be used: {exc}; set shared_engine = false"
            self._on_frame(messages.failed_frame(text))
            raise

    async def _meet(self) -> StreamReader:
        private_files.folder(self._place.folder)
        n_started = 0
        for _ in range(N_TRIES):
            n_started += await self._start_if_alone()
            with contextlib.suppress(ConnectionError, FileNotFoundError):
                return await self._greet()
            await self._disconnect()
            if n_started >= N_STARTS:
                break
            await asyncio.sleep(RETRY_S)
        raise ConnectionError(
            f"the shared engine does not answer; see {self._place.log}"
        )

    async def _start_if_alone(self) -> bool:
        """Start the engine unless there is one; whoever holds the lock is it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        lock = os.open(self._place.lock, flags, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        try:
            self._place.new_token()
            with self._place.listen() as listener:
                await self._spawn(listener, lock)
        finally:
            os.close(lock)  # the engine has it now
        return True

    async def _spawn(self, listener: socket.socket, lock: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        log = os.open(self._place.log, flags, 0o600)
        place = (str(self._place.folder), self._place.name)
        try:
            process = await asyncio.create_subprocess_exec(
                *python_module(DAEMON, self._log_level, *place, str(listener.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=os.sep,
                start_new_session=True,
                pass_fds=(listener.fileno(), lock),
            )
        finally:
            os.close(log)
        # It goes on in a child of its own, which outlives us.
        await process.wait()

    async def _greet(self) -> StreamReader:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.setblocking(False)
            await asyncio.get_running_loop().sock_connect(
                connection, str(self._place.address)
            )
            if not is_ours(connection):
                raise PermissionError(f"{self._place.address} is another user's")
            token = self._place.token()
        except BaseException:
            connection.close()
            raise
        reader, self._writer = await asyncio.open_unix_connection(sock=connection)
        self.send({"op": "hello", "token": token})
        async with asyncio.timeout(GREETING_S):
            answer = await frames.receive(reader)
        if answer is None:
            raise ConnectionResetError("it was just leaving")
        if answer.get("op") != "welcome":
            raise PermissionError("the shared engine refuses us")
        self._pid = answer["pid"]
        return reader

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def _disconnect(self) -> None:
        writer, self._writer, self._pid = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
