"""A client of the one engine process that all editors of a user share."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable

from starcoder_lsp.engines.llama import messages
from starcoder_lsp.engines.llama.rendezvous import Rendezvous, is_ours
from starcoder_lsp.runtime import frames, private_files
from starcoder_lsp.runtime.child import clean_environment, python_module
from starcoder_lsp.runtime.frames import Frame
from starcoder_lsp.runtime.supervisor import RestartPolicy, Supervisor

DAEMON = "starcoder_lsp.engines.llama.process.daemon"
# Another client may be starting the engine, or an old one may be saving its cache:
# together the tries take longer than that.
N_TRIES = 200
RETRY_S = 0.05
N_STARTS = 2
GREETING_S = 10.0
# An engine that was silent so many times in a row is stopped or hangs.
MAX_SILENT = 2


class SharedProcess(Supervisor):
    """A connection to the shared engine.

    The first client that wants the engine starts it, the last one to leave ends it.
    """

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
        self._place = Rendezvous.of(load)
        self._log_level = log_level
        self._writer: StreamWriter | None = None
        self._pid: int | None = None
        self._n_silent = 0

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
        except TimeoutError:
            self._replace_if_silent()
            raise self._no_answer() from None
        except (KeyError, TypeError) as exc:
            raise frames.BadFrame("the shared engine's greeting is malformed") from exc
        except ConnectionError:
            raise
        except OSError as exc:
            # No other try will change it.
            text = f"the shared engine cannot be used: {exc}; set shared_engine = false"
            self._on_frame(messages.failed_frame(text))
            raise

    def _replace_if_silent(self) -> None:
        """Kill an engine that greets nobody, so that the next try starts another."""
        self._n_silent += 1
        if self._n_silent >= MAX_SILENT:
            self._n_silent = 0
            self._place.kill_engine()

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
        raise self._no_answer()

    def _no_answer(self) -> ConnectionError:
        return ConnectionError(
            f"the shared engine does not answer; see {self._place.log}"
        )

    async def _start_if_alone(self) -> bool:
        """Start the engine unless one runs; who holds the lock is the engine."""
        if (lock := self._place.try_lock()) is None:
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
        # It forks: the engine is a child of this process, and outlives us.
        await process.wait()

    async def _greet(self) -> StreamReader:
        connection = await self._connected()
        reader, self._writer = await asyncio.open_unix_connection(sock=connection)
        self.send({"op": "hello", "token": self._place.token()})
        async with asyncio.timeout(GREETING_S):
            answer = await frames.receive(reader)
        if answer is None:
            raise ConnectionResetError("it was just leaving")
        if answer["op"] != "welcome":
            raise PermissionError(f"it refuses us: {answer['reason']}")
        self._pid = int(answer["pid"])
        self._n_silent = 0
        return reader

    async def _connected(self) -> socket.socket:
        """A socket that is connected to a process of the same user."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.setblocking(False)
            address = str(self._place.address)
            await asyncio.get_running_loop().sock_connect(connection, address)
            _require_peer(connection)
            if not is_ours(connection):
                raise PermissionError(f"{address} is another user's")
        except BaseException:
            connection.close()
            raise
        return connection

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def _disconnect(self) -> None:
        writer, self._writer, self._pid = self._writer, None, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _require_peer(connection: socket.socket) -> None:
    """Raise ConnectionRefusedError when the engine's queue of connections was full.

    `connect` of a Unix socket says EAGAIN then, which asyncio takes for "connecting".
    """
    try:
        connection.getpeername()
    except OSError as exc:
        raise ConnectionRefusedError("the shared engine is busy") from exc
