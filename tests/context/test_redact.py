"""Secrets of other files do not enter a prompt; text that only resembles one stays."""

from __future__ import annotations

import hashlib
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from canaries import PROVIDERS, lines, made

from starcoder_lsp.completion.prompt import Window, build_prompt, families
from starcoder_lsp.context.secrets.redact import redact
from starcoder_lsp.flow import (
    REDACTED,
    Cell,
    Control,
    Cursor,
    Document,
    Group,
    Prompt,
    Snippet,
    Text,
    readable,
)

DIGEST = hashlib.sha512(b"canary").hexdigest()
MIXED = made("{an88}")
PEM = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + f"{MIXED[:64]}\n" * 5 + "-----END RSA PRIVATE " + "KEY-----\n"  # fmt: skip


@pytest.mark.parametrize(
    "shortest",
    [
        "xoxb-" + MIXED[:15],
        "xoxe" + "." + MIXED[:15],
        "SG" + "." + MIXED[:16] + "." + MIXED[:32],
        "dp.pt" + "." + f"{MIXED[:10]}.{MIXED[:30]}",
    ],
)
def test_the_shortest_secret_of_each_format_is_replaced(shortest: str) -> None:
    assert redact(f"f({shortest})") == f"f({REDACTED['KEY']})"


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize(
    "line", ['x = "{}"', "X: {}", "curl -H 'A: {}' b", "{}", "f({});", "a={}&b"]
)
def test_keys_of_providers_are_replaced(name: str, line: str) -> None:
    canary = made(PROVIDERS[name])
    left = redact(f"import os\n{line.format(canary)}\nprint(1)\n")
    assert canary not in left
    assert canary[-12:] not in left
    assert left.count(REDACTED["KEY"]) == 1
    assert left.startswith("import os\n")
    assert left.endswith("\nprint(1)\n")


def test_values_named_as_secrets_are_replaced_in_every_notation() -> None:
    bare = []
    for language, line, secret in lines():
        text = f"a = 1\n{line}\nb = 2\n"
        left = redact(text, language)
        if secret in left:
            bare.append((language, line))
        assert left.startswith("a = 1\n"), line
        assert left.endswith("\nb = 2\n"), line
        assert left.count("\n") == text.count("\n"), line
    assert bare == []


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("python", 'aws_secret_access_key = "{}"'),
        ("python", "client('s3', aws_secret_access_key='{}', x=1)"),
        ("typescript", "  secretAccessKey: '{}',"),
        ("shellscript", "export AWS_SECRET_ACCESS_KEY={}"),
        ("yaml", "  aws_secret_access_key: {}"),
        ("ini", "aws_secret_access_key = {}"),
    ],
)
def test_a_key_of_aws_with_slashes_is_not_taken_for_a_path(
    language: str, line: str
) -> None:
    """Half of all keys have a slash; this tries a thousand of their true shape."""
    keys = [made("{b6440}", n) for n in range(1000)]
    text = "\n".join(line.format(key) for key in keys)
    left = redact(text, language)
    assert [key for key in keys if key in left] == []


@pytest.mark.parametrize("shape", ["{django50}", "django-insecure-{django50}"])
def test_a_key_of_django_is_not_taken_for_a_template(shape: str) -> None:
    keys = [made(shape, n) for n in range(500)]
    left = redact("".join(f"SECRET_KEY = '{key}'\n" for key in keys))
    assert [key for key in keys if key in left] == []


def test_every_value_of_a_manifest_for_secrets_is_replaced() -> None:
    manifest = (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: bWU=\n"
        "  config: |\n    aHVudGVyMg==\n---\nkind: ConfigMap\ndata:\n  user: me\n"
    )
    left = readable(redact(manifest, "yaml"))
    assert left == (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  user: <KEY>\n"
        "  config: |\n    <KEY>\n---\nkind: ConfigMap\ndata:\n  user: me\n"
    )


@pytest.mark.parametrize(
    ("language", "text", "wanted"),
    [
        ("python", 'passwords = ["hunter2!", "a1b2c3", "x"]', 'passwords = ["<PASSWORD>", "<PASSWORD>", "x"]'),
        ("python", 'PASSWORD = (\n    "a1b2c3"\n    "d4e5"\n)', 'PASSWORD = (\n    "<PASSWORD>"\n    "<PASSWORD>"\n)'),
        ("java", 'password = "a1b2c3" + "d4";', 'password = "<PASSWORD>" + "<PASSWORD>";'),
        ("yaml", "passwords:\n  - hunter2\n  - letmein\nx: 1", "passwords:\n  - <PASSWORD>\n  - <PASSWORD>\nx: 1"),
    ],
)  # fmt: skip
def test_concatenated_parts_and_list_items_of_a_secret_are_replaced_too(
    language: str, text: str, wanted: str
) -> None:
    assert readable(redact(text, language)) == wanted


def test_a_private_key_is_replaced_and_lines_keep_their_numbers() -> None:
    before, *_, after = PEM.splitlines()
    left = redact(f"a = '''\n{PEM}'''\nb = 1\n")
    assert (
        left == f"a = '''\n{before}{REDACTED['KEY']}\n\n\n\n\n\n{after}\n'''\nb = 1\n"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("db = 'postgres://me:s3cr3t-pw@db.corp/x'", "db = 'postgres://me:<PASSWORD>@db.corp/x'"),
        ('password = "hunter2!"', 'password = "<PASSWORD>"'),
        ('{"dbPassword": "hunter2!"}', '{"dbPassword": "<PASSWORD>"}'),
        ("define('DB_PASSWORD', 'a1b2c3d4');", "define('DB_PASSWORD', '<PASSWORD>');"),
        ('String apiKey = "8fK2jD9slQ0xPz7Yw1mN";', 'String apiKey = "<KEY>";'),
        ("client_secret: 8fK2jD9slQ0xPz7Yw1mN\n", "client_secret: <KEY>\n"),
        ("SECRET_KEY = '8f-k2+jd9!s(lq0x)pz7y'", "SECRET_KEY = '<KEY>'"),
        ("Authorization: Bearer 8fK2jD9slQ0xPz7Yw1mN", "Authorization: Bearer <KEY>"),
        ("password_of_a = 'Tr0ub4dor-3'", "password_of_a = '<PASSWORD>'"),
        ("passwordOfA: 'hunter2!',", "passwordOfA: '<PASSWORD>',"),
        ("token_for_b=8fK2jD9slQ0xPz7Yw1mN\n", "token_for_b=<KEY>\n"),
        ("# by Jo <jo.doe@mail.corp.com>", "# by Jo <<EMAIL>>"),
        ("f(AccountKey=" + made("{b6486}") + "==)", "f(AccountKey=<KEY>)"),
        ("https://a.blob.core.windows.net/b?sv=2022&sig=" + made("{an43}") + "%3D&x", "https://a.blob.core.windows.net/b?sv=2022&sig=<KEY>&x"),
        ("dsn='https://" + made("{hex32}") + "@o1.ingest.sentry.io/2'", "dsn='https://<PASSWORD>@o1.ingest.sentry.io/2'"),
        ('{"auths": {"a.b": {"auth": "bWU6aHVudGVyMg=="}}}', '{"auths": {"a.b": {"auth": "<KEY>"}}}'),
        ("https://hooks.slack.com/services/T012345/B012345/" + made("{an24}"), "https://hooks.slack.com/services/<KEY>"),
        ("https://discord.com/api/webhooks/123456789012345678/" + made("{url68}"), "https://discord.com/api/webhooks/<KEY>"),
        ("HEROKU_API_KEY = '" + made("{uuid}") + "'", "HEROKU_API_KEY = '<KEY>'"),
        ('password = "hunt\nx = 1', 'password = "<PASSWORD>\nx = 1'),
    ],
)  # fmt: skip
def test_values_named_as_secrets_are_replaced(text: str, wanted: str) -> None:
    assert readable(redact(text)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        f'token_id = "{uuid.UUID(int=2**100)}"',
        f'commit = "{DIGEST[:40]}"',
        f'integrity = "sha512-{MIXED}=="',
        f'src = "data:image/png;base64,{MIXED * 20}"',
        f'name = "serde"\nchecksum = "{DIGEST[:64]}"',
        f"golang.org/x/net v0.1.0 h1:{MIXED[:43]}=",
        f'resolved "https://registry.yarnpkg.com/a/-/a-1.2.3.tgz#{DIGEST[:40]}"',
        f'{{file = "a-1.2-py3-none-any.whl", hash = "sha256:{DIGEST[:64]}"}},',
        f'"revision" : "{DIGEST[:40]}",',
        f"- uses: actions/checkout@{DIGEST[:40]}",
        f'<link integrity="sha384-{MIXED[:64]}" crossorigin="anonymous">',
        f"background: url(data:font/woff2;base64,{MIXED * 20})",
        f'id: "{uuid.UUID(int=2**100 + 12345)}"',
        'password = "password"',
        'password = os.environ["PASSWORD"]',
        "password = settings.database.password2",
        'password = "${DB_PASSWORD}"',
        "token = tokens[index]",
        'token_type = "BearerToken2"',
        'passwordEncoder = "BCrypt10Encoder"',
        'password_field = "login-2-again"',
        'secret_of_life = "forty2andmore"',
        "tokens_by_name = parse_all(tokens2)",
        "token: str = next(stream_of_tokens_1)",
        'parser.add_argument("--token", help="a token")',
        'SECRET_NAME = "my-app-secret-1"',
        "secret = get_secret_value_2(name)",
        "if token == TokenKind.STRING_2:",
        "postgres://user:$PASSWORD@localhost/db",
        "http://host:8080/path@2x.png",
        "git@github.com:owner/project.git",
        "@decorator.with_name",
        "user@example.com",
        "<div class='sk-fading-circle-with-bounce'>",
        'print("Password: ")\nuser = "someone2"',
        'raise TypeError("pwd: expected bytes, got %s" % kind)',
        "In addition you can pass `spec_set=True`, which causes",
        "choices = ['text', 'password', 'checkbox', 'radio']",
        '__all__ = ["splitpasswd", "splitquery"]',
        'token = "https://example.org/token2"',
        'secret = "projects/my-project/secrets/db/versions/2"',
        "token_expiry = '2017-04-01T10:00:00Z'",
        'if response["token_type"] == "urn:ietf:params:oauth:token-type:saml2":',
        "format(f'{password:>10} {token:20s}')",
        "password=\"' + password2 + '\"",
        "SELECT password, token2 FROM users",
        "messages identified by message2set",
        'parser.add_argument("--api-key", default=None)',
        "AWS_SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'",
        "password = 'changeme1!'",
        "api_key: your-api-key-here-1",
        "https://user:password@host/path",
        "https://{user}:{password}@host/path",
        "http://localhost:8080/a@b",
        "let token = lexer.next_token().unwrap();",
        'login("me", "/home/me")',
        'login("me", "your-password")',
        'login_required("admin", "edit")',
        'connect("clicked", self.show, "button")',
        'connect(host, port, "utf-8")',
        "mysql -p -u me db",
        "mysql -u me -p$PASSWORD",
        "docker login -u me --password-stdin",
        "docker run -p 8080:80 login",
        "the lockfile does not have all gems needed for the current platform",
        'f("these words are all short and none of them make up any wallet")',
    ],
)
def test_text_that_only_resembles_a_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("yaml", "password: ${DB_PASSWORD}"),
        ("yaml", "password: {{ vault.password }}"),
        ("yaml", "password: !vault |"),
        ("yaml", "token: true\nsecret: null\nmax_tokens: 100000"),
        ("yaml", "secret: my-app-credentials"),
        ("yaml", "password_file: /run/secrets/db"),
        ("yaml", "tokens:\n  next_page: abcdefg"),
        ("dockercompose", "  - DB_PASSWORD=${DB_PASSWORD}"),
        ("properties", "db.password=${env.DB_PASSWORD}"),
        ("shellscript", "echo $PASSWORD\nread -s password"),
        ("shellscript", 'PASSWORD="$(pass show db)"'),
        ("shellscript", "OLDPWD=/usr/local/bin"),
        ("makefile", "TOKEN := $(shell cat token)"),
        ("dockerfile", "ARG PASSWORD\nENV PASSWORD $PASSWORD"),
        ("plaintext", "The password: it has to be long."),
        ("python", "password = args.password2\ntoken = next_token_of_2"),
    ],
)  # fmt: skip
def test_settings_without_secrets_stay(language: str, text: str) -> None:
    assert redact(text, language) == text


def test_almost_nothing_in_the_sources_of_python_is_replaced() -> None:
    """At most one mark in a hundred kilobytes may be wrong."""
    folder = Path(subprocess.__file__).parent
    files = sorted(file for file in folder.glob("*.py"))[:150]
    assert len(files) > 100
    n_characters = n_marks = 0
    for file in files:
        text = file.read_text("utf-8", "replace")
        left = redact(text)
        n_characters += len(text)
        n_marks += sum(left.count(REDACTED[name]) for name in ("KEY", "PASSWORD"))
    assert n_marks <= n_characters / 100_000


HOSTILE = {
    "url": "a://" + "b" * 65536,
    "urls": "://" * 21000,
    "equals": "=" * 65536,
    "a megabyte of equals": "=" * 1_000_000,
    "passwords": "password" * 8192,
    "password equals": "password=" * 7000,
    "password spaces": ("password" + " " * 16) * 2700,
    "jwt": "eyJ" * 21000,
    "jwt dots": "eyJaaaaaaaaaa." * 4600,
    "jwt long": (".eyJ" + "a" * 1900) * 34,
    "ats": "a@a." * 16384,
    "at": "@" * 65536,
    "letters": "b" * 65536,
    "dots": "a." * 32768,
    "keys": "-----BEGIN PRIVATE KEY-----" * 2400,
    "begins": "-----BEGIN " * 5900,
    "sk": "sk-" * 21000,
    "sk dots": "sk-aaaaaaaaa." * 5000,
    "bearer": "Bearer " * 9000,
    "bearers": "Bearer aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,"
    * 900,
    "quotes": "token='" * 9000,
    "bare": ("token=" + "a" * 250 + ",") * 255,
    "curls": "curl " * 13_000,
    "curl and no more": "curl " + "a " * 30_000,
    "auths": "auth=(" * 10_000,
    "tags": "<password>" * 6500,
    "logins": "login('" * 9000,
    "logins with users": "login(" + "'a', " * 13_000,
    "programs": "mysql " * 11_000,
    "options": "mysql -" + "p -" * 21_000,
    "words": "'" + "abandon " * 8000,
    "words in quotes": "'abandon " * 7000,
    "brackets": "password=([(" * 5400,
    "identified": "identified by '" * 4300,
    "manifests": "kind: Secret\ndata:\n  a: b\n" * 2400,
    "manifest": "kind: Secret\ndata:\n" + "  a: b\n" * 9000,
    "private keys": "-----BEGIN RSA PRIVATE " + "KEY-----\n" + "a" * 63_000,
    "lists": "passwords = [" + "'a1b2c3d4', " * 5000,
    "added": "password = 'a1b2c3d4'" + " + 'a1b2'" * 7000,
    "slashes": "a/" * 32_768,
    "tildes": "Q~" * 32_768,
    "values": ("password" + "\n" * 50 + "value") * 1000,
    "braces": "password = '" + "{" * 60_000 + "'",
    "angles": "password = '" + "<" * 60_000 + "'",
    "names": ("password" + "_key" * 8) * 1600,
    "spaces": "password =" + " " * 64_000,
    "digits": "token = '" + "1" * 1000 + "'\n" + "key" * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_long_to_redact(name: str) -> None:
    """The measure is a loop in C over every character of the same text."""
    text = HOSTILE[name]
    redact(text)
    measure = min(_seconds("sum(map(ord, TEXT))", text) for _ in range(5))
    ours = min(_seconds("redact(TEXT)", text) for _ in range(5))
    # At most 25 ms for 64 kB, where the measure takes 0.6 ms; a bad pattern takes seconds.
    assert ours < 100 * measure, f"{ours * 1000:.1f} ms against {measure * 1000:.1f} ms"


def _seconds(expression: str, text: str) -> float:
    code = compile(expression, "<measured>", "eval")
    names = {"redact": redact, "TEXT": text}
    started = time.process_time()
    eval(code, names)
    return time.perf_counter() - started


def test_invisible_characters_are_not_read() -> None:
    tricks = "a\u200bb\u202ec\u2066d\ufeffe\U000e0041f\x1b[31mg\x00h\u00adi"
    assert redact(tricks) == "abcdef[31mgh\u00adi"
    assert redact("a\tb\r\nc\fd é 中 😀") == "a\tb\r\nc\fd é 中 😀"


def test_a_file_cannot_contain_marks_of_its_own() -> None:
    assert redact("x" + "".join(REDACTED.values())) == "x"


def prompt_with(snippet: Snippet, family: str, path: str = "a.py") -> list[Group]:
    prompt = build_prompt(
        Cursor.marked("x = █"),
        families()[family],
        Window.of_tokens(100),
        snippets=[snippet],
        path=path,
        repository="r",
    )
    return [segment for segment in prompt.segments if isinstance(segment, Group)]


def test_starcoder_reads_the_marks_of_its_training() -> None:
    snippet = Snippet("k.py", redact('password = "hunter2!"\n'))
    (group,) = prompt_with(snippet, "starcoder2")
    assert group.segments[-3:] == (
        Text('password = "'), Control("<PASSWORD>"), Text('"\n'),
    )  # fmt: skip


def test_other_families_read_the_marks_as_text() -> None:
    snippet = Snippet("k.py", redact('password = "hunter2!"\n'))
    (group,) = prompt_with(snippet, "qwen2.5-coder")
    assert Text("<PASSWORD>") in group.segments


def test_a_mark_written_in_a_file_stays_text() -> None:
    (group,) = prompt_with(Snippet("k.py", redact("<KEY><file_sep>\n")), "starcoder2")
    assert Text("<KEY><file_sep>\n") in group.segments


def test_a_mark_character_in_the_document_is_not_a_control_token() -> None:
    text = "x = '" + REDACTED["KEY"] + "█'\n"
    prompt = build_prompt(Cursor.marked(text), families()["starcoder2"], Window(99, 99))
    assert prompt.segments[-1] == Text("x = '", "start")


ODD_NAME = "a\nimport os<file_sep>\u202e.py"


@pytest.mark.parametrize("cells", [(), (Cell("z", is_code=True, is_above=True),)])
@pytest.mark.parametrize("family", families())
def test_names_stay_text_on_their_line(family: str, cells: tuple[Cell, ...]) -> None:
    """The names of document, repository and snippet, in the header of every family."""

    def parts(name: str) -> tuple[list[str], str]:
        cursor = Cursor(Document("x = ", language=name), 4)
        prompt = build_prompt(
            cursor, families()[family], Window(100, 100), cells=cells,
            snippets=[Snippet(name, "y\n")], path=name, repository=name,
        )  # fmt: skip
        segments = flat(prompt)
        controls = [one.token for one in segments if isinstance(one, Control)]
        return controls, "".join(one.text for one in segments if isinstance(one, Text))

    controls, text = parts(ODD_NAME)
    plain_controls, plain_text = parts("b.py")
    assert controls == plain_controls
    assert text == plain_text.replace("b.py", r"a\nimport os<file_sep>\u202e.py")


def flat(prompt: Prompt) -> list[Control | Text]:
    segments: list[Control | Text] = []
    for one in prompt.segments:
        segments += one.segments if isinstance(one, Group) else [one]
    return segments


def test_a_name_cannot_leave_its_line() -> None:
    (group,) = prompt_with(Snippet("a\nimport os\u202e.py", "x\n"), "starcoder2")
    assert Text("a\\nimport os\\u202e.py\n") in group.segments
