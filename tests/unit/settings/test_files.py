"""Settings files: whatever they hold or are, they stop nothing but themselves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starcoder_lsp.settings import files
from starcoder_lsp.settings.files import MAX_FILE_BYTES, ConfigFiles
from starcoder_lsp.settings.options import OPTIONS
from starcoder_lsp.settings.resolve import editor_layer


def user_file() -> Path:
    return Path(os.environ["STARCODER_LSP_CONFIG"])


def project_of(root: Path, content: bytes) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    file = root / ".starcoder.toml"
    file.write_bytes(content)
    return file


def problems(root: Path) -> tuple[str, ...]:
    return ConfigFiles().resolve(root, [root]).problems


def test_the_nearest_project_file_up_to_the_root_is_used(tmp_path: Path) -> None:
    inner = tmp_path / "root" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".starcoder.toml").write_text("max_tokens = 1")
    root = tmp_path / "root"
    found = ConfigFiles()
    assert found.resolve(inner, [root]).origins["max_tokens"] == "default"
    (root / ".starcoder.toml").write_text("max_tokens = 2")
    assert found.resolve(inner, [root]).values["max_tokens"] == 2
    (root / "a" / ".starcoder.toml").write_text("max_tokens = 3")
    assert found.resolve(inner, [root]).values["max_tokens"] == 3


def test_files_are_named_as_origins_and_a_projects_may_set_nothing_dangerous(
    tmp_path: Path,
) -> None:
    user_file().write_text("threads = 3\n")
    own = project_of(tmp_path, b'max_tokens = 7\nmodel_path = "/evil.gguf"\n')
    above = editor_layer({"multiline": "never"})
    resolved = ConfigFiles().resolve(tmp_path, [tmp_path], above)
    origins = resolved.origins
    assert origins["threads"] == str(user_file())
    assert origins["max_tokens"] == str(own)
    assert origins["multiline"] == "editor settings"
    assert resolved.values["model_path"] is None
    (problem,) = resolved.problems
    assert problem.startswith(f"{own}: model_path may not be set by a project")


def test_of_nested_workspace_folders_the_innermost_ends_the_search(
    tmp_path: Path,
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    project_of(tmp_path, b"max_tokens = 1")
    roots = [tmp_path, inner]
    assert ConfigFiles().resolve(inner, roots).origins["max_tokens"] == "default"


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """`real` has settings and links `link` and `real/out` lead to and from it."""
    project_of(tmp_path / "real", b"enabled = false")
    (tmp_path / "real" / "src").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real" / "out").symlink_to("../elsewhere")
    (tmp_path / "elsewhere" / "in.py").symlink_to("../real/src/a.py")
    return tmp_path


@pytest.mark.parametrize(
    ("root", "start"),
    [
        ("real", "real/src"),
        ("link", "real/src"),
        ("real", "link/src"),
        ("link", "link/src"),
        ("real/src/..", "real/src"),
        ("real", "elsewhere/../real/src"),
        # Out of the workspace by a link in it, and into it by a link elsewhere.
        ("real", "real/out"),
        ("link", "link/out/b.py"),
        ("real", "elsewhere/in.py"),
    ],
)
def test_a_project_file_is_found_whichever_way_links_lead(
    linked: Path, root: str, start: str
) -> None:
    resolved = ConfigFiles().resolve(linked / start, [linked / root])
    assert not resolved.settings.trigger.enabled


def test_a_file_of_another_project_is_not_found(linked: Path) -> None:
    roots = [linked / "elsewhere"]
    assert ConfigFiles().resolve(linked / "real/src", roots).settings.trigger.enabled


def test_a_folder_whose_name_is_no_utf8_has_settings(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    try:
        project_of(root, b"enabled = 3")
    except OSError as exc:
        pytest.skip(f"this file system wants UTF-8: {exc}")
    (problem,) = problems(root)
    assert r"caf\udce9/.starcoder.toml: enabled = 3" in problem


def test_a_file_that_no_longer_parses_keeps_what_it_said() -> None:
    found = ConfigFiles()
    user_file().write_text("threads = 3\n")
    assert found.resolve(None, []).values["threads"] == 3
    user_file().write_text("threads = = 4\n")
    resolved = found.resolve(None, [])
    assert resolved.values["threads"] == 3
    assert str(user_file()) in resolved.problems[0]
    assert "line 1" in resolved.problems[0]


def test_a_file_that_has_not_changed_is_not_parsed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_read = 0

    def counted(file: Path) -> files.Values:
        nonlocal n_read
        n_read += 1
        return {"threads": n_read}

    monkeypatch.setattr(files, "read_file", counted)
    monkeypatch.setattr(files, "SETTLED_S", 0.0)
    user_file().write_text("threads = 1\n")
    found = ConfigFiles()
    for _ in range(3):
        assert found.resolve(None, []).values["threads"] == 1
    user_file().write_text("threads = 22\n")
    assert found.resolve(None, []).values["threads"] == 2


def test_a_file_that_may_still_be_changing_is_read_each_time() -> None:
    found = ConfigFiles()
    for n in (1, 2, 3):
        user_file().write_text(f"threads = {n}\n")
        assert found.resolve(None, []).values["threads"] == n


NESTED = b"[" + b".".join([b"a"] * 30_000) + b"]"
ODD = {
    "no UTF-8": b"\xff\xfe\0",
    "large": b"a" * (MAX_FILE_BYTES + 1),
    "open brackets": b"x = " + b"[" * 30_000,
    "an open table": b"[table\n",
    "a key twice": b"a = 1\na = 2",
    "a nested table": NESTED[:MAX_FILE_BYTES],
    "a nested key": b".".join([b"a"] * 15_000) + b" = 1",
    "a nested key in quotes": b" . ".join([b'"\\""'] * 4_000) + b" = 1",
    "a long number": b"max_tokens = " + b"9" * 5_000,
    "a long hexadecimal number": b"max_tokens = 0x" + b"f" * 20_000,
    "a date": b"max_tokens = 2024-01-01T00:00:00Z",
    "a date that is none": b"max_tokens = 2024-99-99",
    "NaN": b"max_tokens = nan",
    "a deep value": b"max_tokens = " + b"[" * 200 + b"]" * 200,
    "unknown keys": b"".join(b"k%d = 1\n" % i for i in range(2_500)),
    "a long key": b"a" * 30_000 + b" = 1",
    "a key that is no text": b'"\\u001b[31m\\u202e" = 1',
}


@pytest.mark.parametrize("kind", ODD)
def test_a_file_that_is_wrong_is_one_short_problem(tmp_path: Path, kind: str) -> None:
    project_of(tmp_path, ODD[kind])
    (problem,) = problems(tmp_path)
    assert problem.startswith(f"{tmp_path}/.starcoder.toml")
    assert len(problem) < len(str(tmp_path)) + 600
    assert problem.isprintable()
    assert ("nested too deeply" in problem) == kind.startswith("a nested")
    user_file().write_bytes(ODD[kind])
    (of_user,) = ConfigFiles().resolve(None, []).problems
    assert of_user.startswith(str(user_file()))


def test_what_is_right_beside_much_that_is_wrong_holds(tmp_path: Path) -> None:
    project_of(tmp_path, ODD["unknown keys"] + b"enabled = false\n")
    resolved = ConfigFiles().resolve(tmp_path, [tmp_path])
    assert not resolved.settings.trigger.enabled
    assert "2495 more are not options" in resolved.problems[0]


def test_many_dots_in_a_value_are_no_nested_key(tmp_path: Path) -> None:
    project_of(tmp_path, b'ignore = ["%s", "a.b.c"]' % b".".join([b"v1"] * 20))
    assert not problems(tmp_path)


def test_a_byte_order_mark_is_no_problem() -> None:
    user_file().write_bytes(b"\xef\xbb\xbfthreads = 2\r\n")
    assert ConfigFiles().resolve(None, []).values["threads"] == 2


@pytest.mark.parametrize("kind", ["a directory", "a pipe", "a loop of links", "secret"])
def test_what_is_no_readable_file_is_one_clear_problem(
    tmp_path: Path, kind: str
) -> None:
    file = tmp_path / ".starcoder.toml"
    if kind == "a directory":
        file.mkdir()
    elif kind == "a pipe":
        os.mkfifo(file)
    elif kind == "a loop of links":
        file.symlink_to(file.name)
    else:
        file.write_text("enabled = false")
        file.chmod(0)
        if os.access(file, os.R_OK):
            pytest.skip("this user may read every file")
    (problem,) = problems(tmp_path)
    assert problem.startswith(str(file))
    assert "is not a file" in problem or "cannot be read" in problem


PIECES = st.sampled_from(
    ["[", "]", "[[", "]]", "{", "}", "a", ".", "=", '"', "'", '"""', "\\", "\n", ",",
     "1", "e", "-", "_", "0x", "nan", "#", " ", "enabled", "true", "\x1b", "é", "\r"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=200).map("".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_gives_settings(tmp_path: Path, text: str) -> None:
    project_of(tmp_path, text.encode())
    resolved = ConfigFiles().resolve(tmp_path, [tmp_path])
    assert resolved.values.keys() == OPTIONS.keys()
    assert all(problem.isprintable() for problem in resolved.problems)
