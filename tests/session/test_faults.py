"""The server answers and survives faults of clients, files and machines."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import random_model
from conftest import StartServer
from lsp_client import PATIENCE_S, Client, children_of, engines_of

from starcoder_lsp.lsp.current_context import is_too_wide

URI = "file:///project/a.py"
INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND = -32602, -32600, -32601
PARSE_ERROR, NOT_INITIALIZED = -32700, -32002


async def started(start_server: StartServer, *flags: str) -> Client:
    client = await start_server(*flags)
    await client.initialize()
    return client


async def error_of(client: Client, method: str, params: Any) -> int:
    _, answer = client.begin(method, params)
    message = await asyncio.wait_for(answer, PATIENCE_S)
    return int(message["error"]["code"])


async def is_alive(client: Client) -> bool:
    return await error_of(client, "no/such/method", {}) == METHOD_NOT_FOUND


def framed(body: bytes, header: bytes = b"Content-Length: %d\r\n\r\n") -> bytes:
    return header % len(body) + body


@pytest.mark.parametrize(
    "params",
    [
        None,
        {},
        [],
        "text",
        {"textDocument": {"uri": URI}},
        {"textDocument": {}, "position": {"line": 0, "character": 0}},
        {"textDocument": {"uri": URI}, "position": {"line": -1, "character": 0}},
        {"textDocument": {"uri": URI}, "position": {"line": 2**40, "character": 0}},
    ],
)
async def test_invalid_parameters_get_an_error_with_the_id(
    start_server: StartServer, params: Any
) -> None:
    client = await started(start_server)
    if isinstance(params, dict) and "position" in params:
        params = {**params, "context": {"triggerKind": 1}}
    code = await error_of(client, "textDocument/inlineCompletion", params)
    assert code == INVALID_PARAMS
    assert await is_alive(client)


async def test_an_unknown_trigger_kind_is_an_invalid_parameter(
    start_server: StartServer,
) -> None:
    client = await started(start_server)
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": 0, "character": 0},
        "context": {"triggerKind": 99},
    }
    code = await error_of(client, "textDocument/inlineCompletion", params)
    assert code == INVALID_PARAMS


async def test_a_client_with_unknown_capabilities_is_served(
    start_server: StartServer,
) -> None:
    client = await start_server()
    odd = {
        "textDocument": {
            "codeAction": {"resolveSupport": 7},
            "completion": {"completionItem": {"tagSupport": {"valueSet": [99]}}},
        }
    }
    odd["general"] = {"positionEncodings": ["utf-8"], "staleRequestSupport": "yes"}
    result = await client.initialize(capabilities=odd)
    assert result["capabilities"]["positionEncoding"] == "utf-8"


async def test_requests_outside_the_session_are_refused(
    start_server: StartServer,
) -> None:
    client = await start_server()
    early = await error_of(client, "textDocument/inlineCompletion", {})
    assert early == NOT_INITIALIZED
    await client.initialize()
    again = await error_of(
        client, "initialize", {"processId": None, "rootUri": None, "capabilities": {}}
    )
    assert again == INVALID_REQUEST
    await client.ask("shutdown")
    late = await error_of(client, "textDocument/inlineCompletion", {})
    assert late == INVALID_REQUEST


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{x}", PARSE_ERROR),
        (b"\xff\xfe", PARSE_ERROR),
        (b"[" * 100_000, PARSE_ERROR),
        (b"9" * 5_000, PARSE_ERROR),
        (b"[]", INVALID_REQUEST),
        (b"null", INVALID_REQUEST),
        (b"42", INVALID_REQUEST),
        (b'[{"jsonrpc":"2.0","id":1,"method":"shutdown"}]', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"method":"shutdown"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}', INVALID_REQUEST),
    ],
)
async def test_a_message_that_is_not_a_request_gets_an_error_without_id(
    start_server: StartServer, body: bytes, code: int
) -> None:
    client = await started(start_server)
    answer = client.expect(None)
    client.send_bytes(framed(body))
    message = await asyncio.wait_for(answer, PATIENCE_S)
    assert message["error"]["code"] == code
    assert await is_alive(client)


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: %d\r\n\r\n",
        b"Content-Length:%d\r\n\r\n",
        b"Content-Length: %d\n\n",
        b"X-Other: 1\r\nContent-Length: %d\r\nContent-Type: x\r\n\r\n",
        b"\r\n\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: 7\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: -5\r\n\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: 1e3\r\n\r\nContent-Length: %d\r\n\r\n",
        b"garbage without end Content-Length: %d\r\n\r\n",
    ],
)
async def test_unusual_headers_are_understood(
    start_server: StartServer, header: bytes
) -> None:
    client = await started(start_server)
    answer = client.expect("odd")
    client.send_bytes(framed(b'{"jsonrpc":"2.0","id":"odd","method":"x"}', header))
    message = await asyncio.wait_for(answer, PATIENCE_S)
    assert message["error"]["code"] == METHOD_NOT_FOUND


async def test_a_content_length_that_is_too_short_loses_one_message(
    start_server: StartServer,
) -> None:
    client = await started(start_server)
    answer = client.expect(None)
    client.send_bytes(
        b'Content-Length: 10\r\n\r\n{"jsonrpc":"2.0","id":5,"method":"x"}'
    )
    message = await asyncio.wait_for(answer, PATIENCE_S)
    assert message["error"]["code"] == PARSE_ERROR
    assert await is_alive(client)


async def test_a_message_of_many_terabytes_ends_the_server_with_a_failure(
    start_server: StartServer,
) -> None:
    client = await started(start_server)
    client.send_bytes(b"Content-Length: 99999999999999\r\n\r\n{")
    assert await client.exit_status() == 1


async def test_a_message_may_arrive_byte_by_byte(start_server: StartServer) -> None:
    client = await started(start_server)
    answer = client.expect("slow")
    for byte in framed(b'{"jsonrpc":"2.0","id":"slow","method":"x"}'):
        client.send_bytes(bytes([byte]))
        await asyncio.sleep(0)
    assert "error" in await asyncio.wait_for(answer, PATIENCE_S)


async def test_an_id_that_is_in_use_is_refused(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await started(start_server, "--model-path", str(smollm2))
    client.open(URI, "import os\n" * 100)
    await client.until_ready()
    params = {
        "textDocument": {"uri": URI},
        "position": {"line": 100, "character": 0},
        "context": {"triggerKind": 1},
    }
    message = {
        "id": "same",
        "method": "textDocument/inlineCompletion",
        "params": params,
    }
    first = client.expect("same")
    client.send(message)
    client.send(message)
    assert (await asyncio.wait_for(first, PATIENCE_S))["error"][
        "code"
    ] == INVALID_REQUEST
    second = client.expect("same")
    assert "result" in await asyncio.wait_for(second, PATIENCE_S)


async def test_answers_without_a_request_and_unknown_notifications_are_ignored(
    start_server: StartServer,
) -> None:
    client = await started(start_server)
    client.send({"id": "never-asked", "result": None})
    client.send({"id": "never-asked", "error": {"code": 1, "message": "x"}})
    client.notify("$/cancelRequest", {"id": 4711})
    client.notify("$/cancelRequest", {"nonsense": True})
    client.notify("no/such/notification", {"jsonrpc": "2.0"})
    assert await is_alive(client)


async def test_messages_that_no_client_should_send_do_not_end_the_server(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await started(start_server, "--model-path", str(smollm2))
    client.open(URI, "import os\n" * 100)
    await client.until_ready()
    answer = client.expect(None)
    client.send({"method": ["a"]})
    assert "error" in await asyncio.wait_for(answer, PATIENCE_S)
    request_id, running = client.inline(URI, 100, 0)
    client.send({"id": request_id, "result": "an answer to its own request"})
    assert "result" in await asyncio.wait_for(running, PATIENCE_S)
    assert await is_alive(client)


async def with_popups(start_server: StartServer, model: Path) -> Client:
    """Start a server that offers popup and ghost text, in a document that ends with `ret`."""
    client = await started(
        start_server, "--model-path", str(model), "--completion", "always"
    )
    client.open(URI, "def add(a, b):\n    ret")
    await client.until_ready()
    return client


async def test_a_popup_and_ghost_text_do_not_supersede_each_other(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await with_popups(start_server, smollm2)
    place = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 7}}
    _, ghost = client.inline(URI, 1, 7)
    popup = await client.ask("textDocument/completion", place)
    message = await asyncio.wait_for(ghost, PATIENCE_S)
    item, *_ = message["result"]["items"]
    assert popup["items"][0]["textEdit"]["newText"] == "ret" + item["insertText"]


async def test_a_popup_after_the_end_of_the_line_replaces_the_word_once(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await with_popups(start_server, smollm2)
    place = {"textDocument": {"uri": URI}, "position": {"line": 1, "character": 99}}
    popup = await client.ask("textDocument/completion", place)
    assert popup["items"][0]["textEdit"]["range"] == {
        "start": {"line": 1, "character": 4},
        "end": {"line": 1, "character": 7},
    }


async def test_initialization_options_outlive_an_empty_configuration(
    start_server: StartServer,
) -> None:
    client = await start_server("--download", "never")
    client.answers["workspace/configuration"] = [{}]
    await client.initialize(
        initializationOptions={"model": "starcoder2-3b"},
        capabilities={"workspace": {"configuration": True}},
    )
    client.notify(
        "workspace/didChangeConfiguration", {"settings": {"gopls": {}, "pylsp": {}}}
    )
    status = await client.until_notified("didChangeStatus", kind="Warning")
    assert MISSING in status["message"]
    assert await is_alive(client)
    shown = [m for m in client.notifications if m["method"] == "window/showMessage"]
    assert not shown


async def test_the_settings_of_a_folder_added_later_apply(
    any_server: Client, tmp_path: Path
) -> None:
    project = tmp_path / "added"
    project.mkdir()
    (project / ".starcoder.toml").write_text("enabled = false")
    folder = {"uri": project.as_uri(), "name": "added"}
    any_server.notify(
        "workspace/didChangeWorkspaceFolders",
        {"event": {"added": [folder], "removed": []}},
    )
    uri = (project / "a.py").as_uri()
    any_server.open(uri, "x = ")
    await any_server.complete(uri, 0, 4)
    await any_server.until_notified("didChangeStatus", message="disabled by `enabled`")


def roots_of(kind: str, one: Path, two: Path) -> dict[str, Any]:
    """Return the workspace fields of `initialize`."""

    def folders(*paths: Path) -> dict[str, Any]:
        return {"workspaceFolders": [{"uri": p.as_uri(), "name": "n"} for p in paths]}

    kinds: dict[str, dict[str, Any]] = {
        "none": {"workspaceFolders": None},
        "no folders": folders(),
        "a path only": {"rootUri": None, "rootPath": str(one)},
        "two": folders(one, two),
        "the same twice": folders(one, one),
        "nested": folders(one.parent, one),
        "gone": folders(one / "gone", one),
    }
    return kinds[kind]


@pytest.mark.parametrize(
    ("kind", "has_settings"),
    [
        ("none", False),
        ("no folders", False),
        ("a path only", True),
        ("two", True),
        ("the same twice", True),
        ("nested", True),
        ("gone", True),
    ],
)
async def test_workspace_folders_of_every_form_are_served(
    start_server: StartServer, tmp_path: Path, kind: str, has_settings: bool
) -> None:
    one, two = tmp_path / "p" / "one", tmp_path / "p" / "two"
    for project in (one, two):
        project.mkdir(parents=True)
        (project / "a.py").write_text("x = 1\n")
    (one / ".starcoder.toml").write_text('disabled_languages = ["python"]\n')
    client = await start_server("--download", "never")
    await client.initialize(**roots_of(kind, one, two))
    client.open((one / "a.py").as_uri(), "x = ")
    _, answer = client.inline((one / "a.py").as_uri(), 0, 4)
    assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    assert await is_alive(client)
    told = [message["params"].get("message") for message in client.notifications]
    assert ("disabled by `disabled_languages`" in told) == has_settings


@pytest.mark.parametrize(
    "root",
    [
        {"rootUri": "vscode-vfs://github/owner/name"},
        {"rootUri": "untitled:x"},
        {"rootUri": "file://host/share"},
        {"rootUri": "not a uri"},
        {"rootUri": None, "rootPath": "relative/path"},
        {"rootUri": None, "rootPath": ""},
        {"workspaceFolders": [{"uri": "memfs:/project", "name": "n"}]},
    ],
)
async def test_a_workspace_that_is_not_a_folder_is_served(
    start_server: StartServer, root: dict[str, Any]
) -> None:
    client = await start_server("--download", "never")
    await client.initialize(**root)
    client.open("memfs:/project/a.py", "x = ")
    _, answer = client.inline("memfs:/project/a.py", 0, 4)
    assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    assert await client.shutdown() == 0


async def test_a_home_directory_as_the_workspace_is_limited_and_reported_once(
    start_server: StartServer, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    flags = ("--download", "never", "--index-max-files", "5")
    client = await start_server(*flags, env={"HOME": str(home)})
    folder = {"uri": home.as_uri(), "name": "home"}
    await client.initialize(workspaceFolders=[folder])
    event = {"added": [], "removed": [folder]}
    for _ in range(2):
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        event = {"added": [folder], "removed": []}
    assert await is_alive(client)
    (message,) = [
        message["params"]["message"]
        for message in client.notifications
        if message["method"] == "window/showMessage"
    ]
    assert f"{home} is more than a project: at most 5 of its files" in message


@pytest.mark.parametrize(
    ("folder", "is_wide"),
    [("/", True), ("~/..", True), ("~", True), ("~/project", False), ("/usr", False)],
)
def test_a_whole_disk_and_a_home_directory_are_too_wide(
    folder: str, is_wide: bool
) -> None:
    path = Path(os.path.normpath(Path(folder).expanduser()))
    assert is_too_wide(path) == is_wide


async def test_an_editor_can_set_the_log_file(
    start_server: StartServer, tmp_path: Path
) -> None:
    file = tmp_path / "logs" / "starcoder.log"
    client = await start_server("--download", "never")
    await client.initialize(
        initializationOptions={"log_file": str(file), "log_level": "info"}
    )
    assert await client.shutdown() == 0
    assert file.stat().st_mode & 0o777 == 0o600


async def test_an_editor_that_reads_no_log_does_not_stop_the_server(
    tmp_path: Path,
) -> None:
    unread, stderr = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "starcoder_lsp", "serve",
        "--model-path", str(tmp_path / "none.gguf"), "--log-level", "debug",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
    )  # fmt: skip
    os.close(stderr)
    client = Client(process)
    await client.initialize()
    for version in range(2000):
        client.notify("no/such/notification" + "x" * 100, {"version": version})
        client.send({"method": "textDocument/didChange", "params": {"wrong": version}})
    assert await client.shutdown() == 0
    await client.close()
    os.close(unread)


async def test_a_client_that_never_answers_requests_is_served(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    capabilities = {
        "window": {"workDoneProgress": True},
        "workspace": {"configuration": True},
    }
    await client.initialize(capabilities=capabilities)
    client.open(URI, "x = 1\nprint(")
    await client.until_ready()
    assert await client.complete(URI, 1, 6)


def watches(client: Client) -> list[dict[str, Any]]:
    """Return the server's requests to watch files."""
    wanted = "client/registerCapability"
    return [one for one in client.requests if one["method"] == wanted]


@pytest.mark.parametrize("answer", [{"result": None}, {"error": {"code": -32601, "message": "no"}}])  # fmt: skip
async def test_a_client_is_asked_to_watch_files_and_may_refuse(
    start_server: StartServer, answer: dict[str, Any]
) -> None:
    client = await start_server("--download", "never")
    can = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    await client.initialize(capabilities=can)
    async with asyncio.timeout(PATIENCE_S):
        while not watches(client):
            await asyncio.sleep(0.01)
    (request,) = watches(client)
    (registration,) = request["params"]["registrations"]
    assert registration["registerOptions"] == {"watchers": [{"globPattern": "**/*"}]}
    client.send({"id": request["id"], **answer})
    assert await is_alive(client)


async def test_a_client_that_cannot_watch_files_is_not_asked(
    start_server: StartServer,
) -> None:
    client = await start_server("--download", "never")
    await client.initialize()
    assert await client.shutdown() == 0
    assert not watches(client)


async def test_ten_thousand_file_events_at_once_are_handled(
    start_server: StartServer, tmp_path: Path
) -> None:
    client = await start_server("--download", "never")
    await client.initialize(rootUri=tmp_path.as_uri())
    uris = [f"{tmp_path.as_uri()}/f{n % 3000}.py" for n in range(10_000)]
    uris += ["untitled:a", "git:/a.py?x", "", "file:///%00", "file:///%FF%0A.py"]
    changes = [{"uri": uri, "type": n % 3 + 1} for n, uri in enumerate(uris)]
    client.notify("workspace/didChangeWatchedFiles", {"changes": changes})
    assert await is_alive(client)
    assert await client.shutdown() == 0


async def test_loading_is_shown_as_progress(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    client.answers["window/workDoneProgress/create"] = None
    await client.initialize(capabilities={"window": {"workDoneProgress": True}})
    await client.until_ready()
    kinds = [
        message["params"]["value"]["kind"]
        for message in client.notifications
        if message["method"] == "$/progress"
    ]
    assert kinds[:1] == ["begin"]
    assert kinds[-1:] == ["end"]


@pytest.mark.parametrize("line", [0, 1, 99])
@pytest.mark.parametrize("text", ["", "x", "x\n", "\ufeffx", "a\r\nb\x0c\u2028"])
async def test_a_request_at_any_cursor_in_any_document_is_answered(
    any_server: Client, text: str, line: int
) -> None:
    any_server.open(URI, text)
    for character in (0, 1, 2**31 - 1):
        _, answer = any_server.inline(URI, line, character)
        assert "result" in await asyncio.wait_for(answer, PATIENCE_S)


@pytest.fixture
async def any_server(start_server: StartServer, tiny_starcoder2: Path) -> Client:
    client = await started(
        start_server, "--model", "starcoder2-3b", "--model-path", str(tiny_starcoder2),
        "--max-tokens", "4",
    )  # fmt: skip
    await client.until_ready("starcoder2-3b")
    return client


async def test_requests_in_documents_of_every_kind_are_answered(
    any_server: Client,
) -> None:
    uris = ["untitled:Untitled-1", "git:/a.py?x", "file://host/share/a.py", "file:///%00",
            "vscode-notebook-cell:/n.ipynb#c1", "", "a b", "file:///C%3A/x.py", "x" * 5000]  # fmt: skip
    for uri in uris:
        any_server.open(uri, "x = ", language="no-such-language")
        _, answer = any_server.inline(uri, 0, 4)
        assert "result" in await asyncio.wait_for(answer, PATIENCE_S)


async def test_a_document_that_is_not_open_has_no_completion(
    any_server: Client,
) -> None:
    any_server.open(URI, "x = ")
    any_server.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    any_server.notify("textDocument/didClose", {"textDocument": {"uri": URI}})
    change = {
        "textDocument": {"uri": URI, "version": 2},
        "contentChanges": [{"text": "y"}],
    }
    any_server.notify("textDocument/didChange", change)
    _, answer = any_server.inline(URI, 0, 4)
    assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None


async def test_two_hundred_requests_at_once_get_two_hundred_answers(
    any_server: Client,
) -> None:
    any_server.open(URI, "x = ")
    answers = [any_server.inline(URI, 0, 4, explicit=False)[1] for _ in range(200)]
    messages = await asyncio.wait_for(asyncio.gather(*answers), PATIENCE_S)
    assert all(message["result"] is None for message in messages[:-1])
    assert messages[-1]["result"] is not None


MISSING = "the model starcoder2-3b is not on this machine"


async def test_a_missing_model_is_a_question_when_the_user_can_be_asked(
    start_server: StartServer,
) -> None:
    client = await start_server("--model", "starcoder2-3b")
    client.answers["window/showMessageRequest"] = {"title": "Not now"}
    await client.initialize()
    status = await client.until_notified("didChangeStatus", kind="Warning")
    assert MISSING in status["message"]
    assert "starcoder-lsp models get starcoder2-3b" in status["message"]
    assert not client.requests, "nobody is asked before a completion is wanted"
    client.open(URI, "x = ")
    for _ in range(2):
        _, answer = client.inline(URI, 0, 4)
        assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    question = await client.until_asked("window/showMessageRequest")
    assert len(client.requests) == 1
    text = question["message"]
    for part in (
        "starcoder2-3b.Q4_K_M.gguf",
        "BigCode OpenRAIL-M v1, https://",
        "Its licence restricts its use",
        "GB of memory",
        "models recommend",
    ):
        assert part in text


async def test_a_missing_model_is_downloaded_with_the_users_consent(
    start_server: StartServer,
) -> None:
    client = await start_server()
    client.answers["window/showMessageRequest"] = {"title": "Download"}
    client.answers["window/workDoneProgress/create"] = None
    await client.initialize(capabilities={"window": {"workDoneProgress": True}})
    client.open(URI, "x = 1\nprint(")
    assert await client.complete(URI, 1, 6) == []
    await client.until_ready()
    assert await client.complete(URI, 1, 6)


async def test_a_model_that_appears_later_is_found(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await started(start_server, "--download", "never")
    client.open(URI, "x = 1\nprint(")
    assert await client.complete(URI, 1, 6) == []
    message = await client.until_notified("window/showMessage")
    assert "models get smollm2-135m" in message["message"]
    target = Path(os.environ["STARCODER_LSP_DATA"]) / "models" / "smollm2-135m"
    target.mkdir(parents=True)
    (target / smollm2.name).symlink_to(smollm2)
    assert await client.complete(URI, 1, 6) == []
    await client.until_ready()
    assert await client.complete(URI, 1, 6)


async def test_one_message_names_a_broken_model(
    start_server: StartServer, tmp_path: Path
) -> None:
    path = tmp_path / "renamed.gguf"
    path.write_text("<!DOCTYPE html>")
    client = await started(start_server, "--model-path", str(path))
    message = await client.until_notified("window/showMessage")
    assert str(path) in message["message"]
    assert "a web page" in message["message"]
    client.open(URI, "x = ")
    for _ in range(3):
        _, answer = client.inline(URI, 0, 4)
        assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    shown = [m for m in client.notifications if m["method"] == "window/showMessage"]
    assert len(shown) == 1


@pytest.mark.parametrize("weight", [0.0, float("nan")])
async def test_one_message_names_a_model_whose_weights_are_not_numbers(
    start_server: StartServer, tmp_path: Path, weight: float
) -> None:
    path = tmp_path / "damaged.gguf"
    random_model.write(path, weight=weight)
    flags = ("--model", "starcoder2-3b", "--model-path", str(path))
    client = await started(start_server, *flags)
    client.open(URI, "x = ")
    await client.until_ready("starcoder2-3b")
    for _ in range(3):
        _, answer = client.inline(URI, 0, 4)
        assert (await asyncio.wait_for(answer, PATIENCE_S))["result"] is None
    terms, message = [
        m["params"]["message"]
        for m in client.notifications
        if m["method"] == "window/showMessage"
    ]
    assert "BigCode OpenRAIL-M" in terms
    assert f"{path} computes no numbers" in message


async def test_a_restart_starts_the_engine_again(any_server: Client) -> None:
    (before,) = engines_of(any_server.process.pid)
    any_server.notifications.clear()
    await any_server.ask("workspace/executeCommand", {"command": "starcoder.restart"})
    await any_server.until_ready("starcoder2-3b")
    (after,) = engines_of(any_server.process.pid)
    assert after != before


async def test_a_project_chooses_its_model_and_nothing_dangerous(
    start_server: StartServer, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".starcoder.toml").write_text(
        'model = "starcoder2-3b"\nendpoint = "http://127.0.0.1:1"\nmodel_path = "/x.gguf"\n'
    )
    client = await start_server("--download", "never")
    await client.initialize(rootUri=project.as_uri())
    status = await client.until_notified("didChangeStatus", kind="Warning")
    assert MISSING in status["message"]
    (problem,) = [
        m["params"]["message"]
        for m in client.notifications
        if m["method"] == "window/showMessage" and "may not" in m["params"]["message"]
    ]
    assert str(project / ".starcoder.toml") in problem
    assert "endpoint" in problem
    assert "model_path" in problem


@pytest.mark.parametrize("rules", [".gitignore", ".aiexclude", ".git/info/exclude"])
async def test_a_new_ignore_rule_drops_suggestions_made_from_hidden_files(
    any_server: Client, rules: str
) -> None:
    any_server.open(URI, "x = ")
    explain = {"command": "starcoder.explain"}
    for _ in range(2):
        await any_server.complete(URI, 0, 4)
    told = await any_server.ask("workspace/executeCommand", explain)
    assert "known already" in told
    change = {"uri": f"file:///project/{rules}", "type": 2}
    any_server.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
    await any_server.complete(URI, 0, 4)
    told = await any_server.ask("workspace/executeCommand", explain)
    assert "known already" not in told


async def test_changed_settings_take_effect(any_server: Client) -> None:
    any_server.open(URI, "x = ")
    await any_server.complete(URI, 0, 4)
    any_server.notify(
        "workspace/didChangeConfiguration",
        {"settings": {"starcoder": {"enabled": False}}},
    )
    await any_server.complete(URI, 0, 4)
    await any_server.until_notified("didChangeStatus", message="disabled by `enabled`")


async def test_the_status_says_ready_again_after_a_disabled_document(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    await client.initialize(initializationOptions={"disabled_languages": ["markdown"]})
    await client.until_ready()
    client.open("file:///project/a.md", "text ", language="markdown")
    await client.complete("file:///project/a.md", 0, 5)
    await client.until_notified(
        "didChangeStatus", message="disabled by `disabled_languages`"
    )
    client.notifications.clear()
    client.open(URI, "x = 1\nprint(")
    await client.complete(URI, 1, 6)
    await client.until_ready()


async def test_removed_settings_no_longer_apply(any_server: Client) -> None:
    for settings in ({"enabled": False}, {}):
        any_server.notify(
            "workspace/didChangeConfiguration", {"settings": {"starcoder": settings}}
        )
    any_server.open(URI, "x = ")
    assert await any_server.complete(URI, 0, 4)
    shown = [
        m["params"]["message"]
        for m in any_server.notifications
        if m["method"] == "didChangeStatus"
    ]
    assert not [message for message in shown if "disabled" in message]


async def test_helix_gets_a_popup_entry(
    start_server: StartServer, smollm2: Path
) -> None:
    client = await start_server("--model-path", str(smollm2))
    await client.initialize(
        clientInfo={"name": "helix"},
        capabilities={"general": {"positionEncodings": ["utf-8"]}},
    )
    client.open(URI, "s = '😀'\ndef add(a, b):\n    ret")
    await client.until_ready()
    answer = await client.ask(
        "textDocument/completion",
        {"textDocument": {"uri": URI}, "position": {"line": 2, "character": 7}},
    )
    (item,) = answer["items"]
    assert answer["isIncomplete"] is True
    assert item["filterText"].startswith("return "), "it survives typing on"
    assert "preselect" not in item, "Helix would insert an entry of another server"
    assert item["textEdit"]["range"]["start"] == {"line": 2, "character": 4}
    assert item["textEdit"]["newText"].startswith("return ")
    assert item["label"].startswith("★ return ")


@pytest.mark.parametrize("place", ["gone/deep", "/proc/none"])
@pytest.mark.parametrize("variable", ["HOME", "XDG_DATA_HOME"])
async def test_without_a_home_the_server_still_answers(
    start_server: StartServer, tmp_path: Path, variable: str, place: str
) -> None:
    env = {"STARCODER_LSP_DATA": "", "STARCODER_LSP_CONFIG": ""}
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        env[name] = str(tmp_path / (place if name == variable else "own"))
    client = await start_server("--download", "never", env=env)
    await client.initialize()
    await client.until_notified("didChangeStatus", kind="Warning")
    assert await is_alive(client)
    assert await client.shutdown() == 0


async def test_a_log_file_that_cannot_be_written_does_not_stop_the_server(
    start_server: StartServer, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    client = await started(
        start_server, "--log-file", str(tmp_path / "taken" / "x.log")
    )
    assert await is_alive(client)


async def test_a_file_name_cannot_write_a_line_into_the_log(
    start_server: StartServer, tmp_path: Path
) -> None:
    project = tmp_path / "a\nERROR gotcha \u202e"
    project.mkdir()
    (project / ".starcoder.toml").write_text("no_such_key = 1\n")
    client = await start_server("--download", "never")
    await client.initialize(rootUri=project.as_uri())
    assert await client.shutdown() == 0
    (line,) = client.errors.decode().splitlines()
    assert r"a\nERROR gotcha \u202e/.starcoder.toml" in line


def internet_sockets_of(pid: int) -> set[str]:
    """Return the inodes of the TCP and UDP sockets of a process."""
    held = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink())
        if target.startswith("socket:["):
            held.add(target.removeprefix("socket:[").rstrip("]"))
    known = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
        known |= {line.split()[9] for line in lines}
    return held & known


async def test_no_socket_is_opened(
    start_server: StartServer, smollm2: Path, tmp_path: Path
) -> None:
    """The server never opens one, and neither it nor its engine holds one at the end."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, socket\n"
        "os.write(2, b'sockets are watched\\n')\n"
        "class Refused(socket.socket):\n"
        "    def __init__(self, family=-1, *rest, **named):\n"
        "        if family != socket.AF_UNIX:\n"
        "            os.write(2, b'a socket was opened\\n')\n"
        "        super().__init__(family, *rest, **named)\n"
        "socket.socket = Refused\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    client = await start_server("--model-path", str(smollm2), env=env)
    await client.initialize()
    client.open(URI, "x = 1\nprint(")
    await client.until_ready()
    assert await client.complete(URI, 1, 6)
    for pid in (client.process.pid, *children_of(client.process.pid)):
        assert internet_sockets_of(pid) == set()
    await client.shutdown()
    await client.close()
    assert b"sockets are watched" in client.errors
    assert b"a socket was opened" not in client.errors


async def test_a_recorded_session_from_a_file_is_answered_in_a_file(
    tmp_path: Path, smollm2: Path
) -> None:
    messages: list[dict[str, Any]] = [
        {
            "id": 1,
            "method": "initialize",
            "params": {"processId": None, "rootUri": None, "capabilities": {}},
        },
        {"method": "initialized", "params": {}},
        {"id": 2, "method": "shutdown"},
        {"method": "exit"},
    ]
    bodies = [json.dumps({"jsonrpc": "2.0", **m}).encode() for m in messages]
    recorded, answers = tmp_path / "in", tmp_path / "out"
    recorded.write_bytes(b"".join(map(framed, bodies)))
    with recorded.open("rb") as stdin, answers.open("wb") as stdout:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "starcoder_lsp", stdin=stdin, stdout=stdout
        )
        assert await process.wait() == 0
    assert b'"id": 2' in answers.read_bytes()
