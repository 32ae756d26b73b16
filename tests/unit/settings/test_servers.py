"""Servers in settings: what is refused, and who may define them."""

from __future__ import annotations

import json
import logging
import os
import ssl
import sys
from pathlib import Path
from typing import Any

import dialects as speak
import pytest
from http_server import reply, serving
from remote_bench import Bench
from setting_values import GOOD

from starcoder_lsp.cli import config
from starcoder_lsp.context.files.shown import IGNORED, SECRET, why_hidden
from starcoder_lsp.engines import Phase
from starcoder_lsp.engines.remote.client import RemoteEngine
from starcoder_lsp.engines.remote.server import server_of
from starcoder_lsp.engines.remote.transport import connection
from starcoder_lsp.errors import ConfigError, EngineFailed
from starcoder_lsp.settings import assemble, chosen
from starcoder_lsp.settings.files import ConfigFiles
from starcoder_lsp.settings.resolve import Layer, editor_layer, resolve

WORK = {"kind": "vllm", "url": "https://code.example.org", "model": "starcoder2-15b"}


def user(**values: Any) -> Layer:
    return Layer("user file", values)


def project(**values: Any) -> Layer:
    return Layer("/p/.starcoder.toml", values, is_project=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://code.example.org",
        "https://code.example.org:8443/team/v1",
        "http://localhost:8000",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "unix:///run/user/1000/llama.sock",
    ],
)
def test_an_address_that_keeps_code_private_is_accepted(url: str) -> None:
    assert server_of("work", {**WORK, "url": url}).url == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://code.example.org", "expected https://"),
        ("file:///etc/passwd", "expected https://"),
        ("code.example.org", "expected https://"),
        ("https://", "is not an address"),
        ("https://a b.org", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://a.org:99999", "is not an address"),
        ("https://a.org:0", "port 0"),
        ("https://me:secret@a.org", "may not hold a user or a password"),
        ("https://a.org/?key=secret", "a query"),
        ("https://a.org/#x", "a fragment"),
        ("https://cоde.example.org", "other scripts"),
        ("http://code.example.org", "without encryption"),
        ("http://localhost.example.org", "without encryption"),
        ("http://localhost.", "without encryption"),
        ("http://0x7f.1", "without encryption"),
        ("http://0.0.0.0:80", "without encryption"),
        ("unix://host/socket", "expected unix:///"),
        ("unix:relative", "expected unix:///"),
    ],
)
def test_an_address_that_does_not_is_refused_and_not_repeated(
    url: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        server_of("work", {**WORK, "url": url})
    assert reason in str(raised.value)
    assert "engines.work" in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_scheme_in_capitals_is_the_same_scheme() -> None:
    server = server_of("work", {**WORK, "url": "HTTPS://code.example.org/Team"})
    assert server.url == "https://code.example.org/Team"
    assert server.uses_tls
    assert server_of("work", {**WORK, "url": "Unix:///A/b"}).socket == "/A/b"


def test_no_connection_goes_without_a_check_of_certificates() -> None:
    for url in ("https://code.example.org", "http://localhost:1", "unix:///a/b"):
        tls = connection._tls(server_of("work", {**WORK, "url": url}))
        assert tls.verify_mode is ssl.CERT_REQUIRED
        assert tls.check_hostname


def test_a_network_without_encryption_has_to_be_allowed_by_name() -> None:
    table = {**WORK, "url": "http://gpu:8000"}
    assert server_of("work", {**table, "plain_http": "gpu"})
    with pytest.raises(ConfigError, match='allow it with plain_http = "gpu"'):
        server_of("work", {**table, "plain_http": "other"})


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("text", "expected a table"),
        ({}, "lacks kind"),
        ({"kind": "vllm"}, "lacks url"),
        ({"kind": "vllm", "url": "https://a.org"}, "lacks model"),
        ({**WORK, "kind": "gpt"}, "expected one of llama-server, vllm"),
        ({**WORK, "ulr": "x"}, "has no setting 'ulr'; there are kind, url"),
        ({**WORK, "api_key": "sk-1"}, "a key does not belong in a file of settings"),
        ({**WORK, "key_env": "sk-1"}, "the name of an environment variable"),
        ({**WORK, "verify": False}, "certificates are always checked"),
        ({**WORK, "key_env": "A", "key_file": "/k"}, "more than one of key_env"),
        ({**WORK, "key_file": "k"}, "expected an absolute path"),
        ({**WORK, "model": "a\nb"}, "without control characters"),
        ({**WORK, "context_tokens": -1}, "a number of tokens"),
        ({**WORK, "headers": {"Authorization": "x"}}, "Authorization may not be set"),
        ({**WORK, "headers": {"X-A": "a\r\nB: c"}}, "not ASCII"),
        ({**WORK, "headers": {"X A": "a"}}, "is not a header"),
    ],
)
def test_a_wrong_table_is_refused_with_the_reason(table: Any, reason: str) -> None:
    resolved = resolve([user(engines={"work": table})])
    assert not resolved.settings.engine.servers
    (problem,) = resolved.problems
    assert reason in problem
    assert "sk-1" not in problem


@pytest.mark.parametrize("name", ["local", "", "a b", "../x", "a" * 65])
def test_a_name_for_an_engine_is_plain(name: str) -> None:
    with pytest.raises(ConfigError, match="is not a name for an engine"):
        server_of(name, WORK)


def test_two_engines_of_one_name_are_refused_with_their_line() -> None:
    table = '[engines.work]\nkind = "vllm"\n'
    Path(os.environ["STARCODER_LSP_CONFIG"]).write_text(table * 2)
    resolved = ConfigFiles().resolve(None, [])
    assert not resolved.settings.engine.servers
    assert "line 3" in resolved.problems[0]


def test_an_engine_that_is_not_defined_is_named_with_those_that_are() -> None:
    settings = resolve([user(engine="home", engines={"work": WORK})]).settings
    with pytest.raises(ConfigError, match=r"no such engine .* there are local, work"):
        assemble.build_engine(settings.engine, log_level="error")


def test_the_family_is_that_of_the_models_row_or_has_to_be_named() -> None:
    def model_of(**more: Any) -> Any:
        table = {**WORK, **more}
        return chosen.model_of(
            resolve([user(engine="work", engines={"work": table})]).settings.engine
        )

    assert model_of(model="bigcode/StarCoder2-15B").family == "starcoder2"
    assert (
        model_of(model="ours", family="starcoder2", context_tokens=999).context_tokens
        == 999
    )
    with pytest.raises(ConfigError, match="lacks family, the prompt format of ours"):
        model_of(model="ours")
    with pytest.raises(ConfigError, match="expected one of plain"):
        model_of(model="ours", family="none")


async def test_a_new_engine_in_settings_is_a_remote_engine() -> None:
    settings = resolve([user(engine="work", engines={"work": WORK})]).settings
    engine = assemble.build_engine(settings.engine, log_level="error")
    assert isinstance(engine, RemoteEngine)
    await engine.close()


OTHERS = {
    "a project": lambda **values: project(**values),
    "an editor": lambda **values: editor_layer({"starcoder": values}),
}


@pytest.mark.parametrize("who", OTHERS)
def test_others_may_pick_a_name_and_nothing_else(who: str) -> None:
    own = user(engines={"work": WORK})
    evil = {"work": {**WORK, "url": "https://evil.example"}}
    resolved = resolve([own, OTHERS[who](engine="work", engines=evil)])
    engine = resolved.settings.engine
    assert engine.engine == "work"
    assert [one.url for one in engine.servers] == ["https://code.example.org"]
    (problem,) = resolved.problems
    assert f"engines may not be set by {who}" in problem
    assert "evil" not in problem


@pytest.mark.parametrize("who", OTHERS)
@pytest.mark.parametrize(
    "key", ["url", "endpoint", "token", "api_key", "headers", "proxy", "command"]
)
def test_others_cannot_name_an_address_under_any_key(who: str, key: str) -> None:
    resolved = resolve(
        [user(engines={"work": WORK}), OTHERS[who](**{key: "https://evil.example"})]
    )
    assert resolved.values == resolve([user(engines={"work": WORK})]).values
    assert key in resolved.problems[0]


@pytest.mark.parametrize("who", OTHERS)
def test_only_the_user_lets_a_server_read_secrets(who: str) -> None:
    layers = [user(engine="work", engines={"work": WORK})]
    resolved = resolve([*layers, OTHERS[who](hide_secrets=False)])
    assert resolved.settings.writing.hides_secrets
    assert "hide_secrets" in resolved.problems[0]
    resolved = resolve([*layers, user(hide_secrets=False)])
    assert not resolved.settings.writing.hides_secrets
    # Others may wish the same.
    both = [*layers, user(hide_secrets=False), OTHERS[who](hide_secrets=False)]
    assert not resolve(both).settings.writing.hides_secrets
    assert "is ignored" not in str(resolve(both).problems)
    # A model on this machine may read what its user may.
    resolved = resolve([editor_layer({"hide_secrets": False})])
    assert not resolved.settings.writing.hides_secrets


async def test_no_byte_reaches_the_server_of_a_project(tmp_path: Path) -> None:
    async with serving({"/health": reply(200)}) as canary:
        evil = {"work": {**WORK, "url": canary.address}}
        project_file = tmp_path / ".starcoder.toml"
        text = (
            f'engine = "work"\nengines = {{ work = {{ url = "{canary.address}" }} }}\n'
        )
        project_file.write_text(text)
        resolved = ConfigFiles().resolve(
            tmp_path, [tmp_path], editor_layer({"engines": evil})
        )
        with pytest.raises(ConfigError, match="there is no such engine"):
            assemble.build_engine(resolved.settings.engine, log_level="error")
        assert canary.n_connections == 0
    assert len(resolved.problems) == 2


def test_headers_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    table = {**WORK, "headers": {"X-Team": "s3cret"}}
    resolved = resolve([user(engine="work", engines={"work": table})])
    for is_json in (False, True):
        config._show(resolved, is_json=is_json)
    shown = capsys.readouterr().out
    assert "X-Team" in shown
    assert "s3cret" not in shown + repr(resolved.settings)


@pytest.mark.parametrize("where", ["key_env", "key_file"])
async def test_a_key_is_sent_to_its_server_and_written_nowhere(
    where: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "starcoder_lsp")
    key = "sk-of-the-user"
    monkeypatch.setenv("WORK_KEY", key)
    (tmp_path / "key").write_text(key + "\n")
    (tmp_path / "key").chmod(0o600)
    value = {"key_env": "WORK_KEY", "key_file": str(tmp_path / "key")}[where]
    answers = {**speak.answers_of("vllm"), "/v1/completions": reply(401)}
    async with serving(answers) as server:
        bench = Bench(server, speak.defined("vllm", server.address, **{where: value}))
        bench.engine.start()
        await bench.engine.ready()
        with pytest.raises(EngineFailed, match="refuses the key"):
            await bench.pieces()
        sent = {one.headers["authorization"] for one in server.requests}
    assert sent == {f"Bearer {key}"}
    assert key not in caplog.text + str(bench.states) + repr(
        vars(bench.engine.link.server)
    )
    await bench.engine.close()


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ("none", "cannot be read: No such file"),
        ("open", "others can read the key in .*; run: chmod 600"),
        ("empty", "holds no key"),
        ("text", "holds no key, but other text"),
        ("folder", "cannot be read"),
        ("binary", "holds no key"),
    ],
)
async def test_a_key_file_that_cannot_be_used_is_named_and_nothing_is_sent(
    tmp_path: Path, prepare: str, message: str
) -> None:
    file = tmp_path / "key"
    content = {"open": b"k", "empty": b"\n", "text": b"a\nb", "binary": b"\xff\xfe"}
    if prepare == "folder":
        file.mkdir()
    elif prepare != "none":
        file.write_bytes(content[prepare])
        file.chmod(0o644 if prepare == "open" else 0o600)
    async with serving(speak.answers_of("vllm")) as server:
        bench = Bench(server, speak.defined("vllm", server.address, key_file=str(file)))
        bench.engine.start()
        with pytest.raises(EngineFailed, match=message):
            await bench.engine.ready()
        assert not server.requests


async def test_a_variable_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WORK_KEY", raising=False)
    async with serving({}) as server:
        bench = Bench(server, speak.defined("vllm", server.address, key_env="WORK_KEY"))
        bench.engine.start()
        with pytest.raises(EngineFailed, match="variable WORK_KEY holds no key"):
            await bench.engine.ready()
        assert bench.engine.state.phase is Phase.FAILED
        assert server.n_connections == 0


async def test_a_keyring_is_asked_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = 'import sys; print("k-" + "-".join(sys.argv[1:]))'
    monkeypatch.setattr(
        "starcoder_lsp.runtime.child_output.python_module",
        lambda name, *arguments: [sys.executable, "-c", program, *arguments],
    )
    async with serving(speak.answers_of("vllm")) as server:
        bench = Bench(server, speak.defined("vllm", server.address, key_ring="work/me"))
        bench.engine.start()
        await bench.engine.ready()
        assert server.requests[0].headers["authorization"] == "Bearer k-get-work-me"
        await bench.engine.close()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository that ignores some of its files."""
    for folder in (".git", "src/deep", "build/in"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".gitignore").write_text("build/\n*.local.py\n")
    (tmp_path / "src" / ".cursorignore").write_text("private.py\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("main.py", ""),
        ("src/deep/main.py", ""),
        (".env", "made for secrets"),
        ("deploy/.aws/credentials", "made for secrets"),
        ("terraform.tfvars", "made for secrets"),
        ("build/main.py", "exclude"),
        ("build/in/main.py", "exclude"),
        ("src/deep/a.local.py", "exclude"),
        ("src/private.py", "exclude"),
        ("src/own.sql", "exclude"),
    ],
)
def test_hidden_files_are_not_shown_to_a_server(
    repository: Path, name: str, reason: str
) -> None:
    own = user(engines={"work": WORK}, ignore=["*.sql"])
    local = resolve([own]).settings
    remote = resolve([own, user(engine="work")]).settings
    chosen.check_may_be_shown(local, repository / name)
    if not reason:
        chosen.check_may_be_shown(remote, repository / name)
        return
    with pytest.raises(ConfigError, match=reason):
        chosen.check_may_be_shown(remote, repository / name)


def test_a_link_is_hidden_by_its_own_name_and_by_that_of_its_file(
    repository: Path,
) -> None:
    (repository / ".env").write_text("A=1")
    (repository / "main.py").write_text("x = 1")
    links = {
        "notes.txt": (".env", SECRET),
        "id_rsa": ("main.py", SECRET),
        "a.local.py": ("main.py", IGNORED),
        "b.py": ("build/in", IGNORED),
        "c.py": ("main.py", ""),
    }
    for name, (target, _) in links.items():
        try:
            (repository / name).symlink_to(repository / target)
        except OSError:
            pytest.skip("this system lets the user make no links")
    for name, (_, reason) in links.items():
        assert why_hidden(str(repository / name)) == reason, name


def test_the_values_of_tests_hold_a_server_that_can_be_used() -> None:
    assert json.dumps(GOOD["engines"])
    assert server_of("work", GOOD["engines"]["work"])
