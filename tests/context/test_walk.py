"""A walk finds the same files as git, whatever lies on the disk."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from starcoder_lsp.context.files.walk import Bounds, Walk, admits

GIT = shutil.which("git")
UNBOUND = Bounds()
needs_git = pytest.mark.skipif(GIT is None, reason="git is not installed")
# Where the system lets everybody mount things that nobody else sees.
MOUNTS = ("unshare", "--user", "--map-root-user", "--mount")
needs_mounts = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run([*MOUNTS, "true"], capture_output=True, check=False).returncode
    != 0,
    reason="the system does not let us mount",
)


@pytest.fixture(autouse=True)
def home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Hide the excludes of the person who runs the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    return home


def plant(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


def sources(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "x = 1\n")


def found(
    root: Path, bounds: Bounds = UNBOUND, extra: tuple[str, ...] = ()
) -> list[str]:
    return sorted(one.relative for one in Walk(str(root), extra, bounds))


def skipped(root: Path, bounds: Bounds = UNBOUND) -> dict[str, int]:
    walk = Walk(str(root), bounds=bounds)
    for _ in walk:
        pass
    return dict(walk.skipped)


def test_ignore_files_apply_below_their_directory(tmp_path: Path) -> None:
    plant(tmp_path, {
        ".gitignore": "*.gen.py\n/local.py\n",
        "sub/.gitignore": "!kept.gen.py\n",
        **sources("a.py", "b.gen.py", "local.py", "sub/local.py", "sub/kept.gen.py"),
    })  # fmt: skip
    assert found(tmp_path) == ["a.py", "sub/kept.gen.py", "sub/local.py"]


def test_a_rule_above_a_lower_one_includes_a_whole_directory_again(
    tmp_path: Path, home: Path
) -> None:
    plant(home, {".config/git/ignore": "lib/\n"})
    plant(tmp_path, {".gitignore": "!lib/\n", **sources("lib/a.py")})
    assert found(tmp_path) == ["lib/a.py"]


@needs_git
def test_the_users_own_excludes_apply(tmp_path: Path, home: Path) -> None:
    plant(home, {".gitconfig": "[core]\n\texcludesFile = ~/mine\n", "mine": "b.py\n"})
    plant(tmp_path, sources("a.py", "b.py"))
    assert found(tmp_path) == ["a.py"]


def test_excludes_of_the_repository_apply(tmp_path: Path) -> None:
    plant(tmp_path, {".git/info/exclude": "b.py\n", **sources("a.py", "b.py")})
    assert found(tmp_path) == ["a.py"]


def test_excludes_of_a_worktree_come_from_its_repository(tmp_path: Path) -> None:
    plant(tmp_path, {
        "main/.git/info/exclude": "b.py\n",
        "main/.git/worktrees/tree/commondir": "../..\n",
        "tree/.git": f"gitdir: {tmp_path}/main/.git/worktrees/tree\n",
        **sources("tree/a.py", "tree/b.py"),
    })  # fmt: skip
    assert found(tmp_path / "tree") == ["a.py"]


@pytest.mark.parametrize("name", [
    ".starcoderignore", ".cursorignore", ".aiexclude", ".codeiumignore",
    ".continueignore", ".copilotignore", ".llmignore",
])  # fmt: skip
def test_rules_for_assistants_add_to_those_of_git(tmp_path: Path, name: str) -> None:
    rules = {".gitignore": "b.py\n", f"sub/{name}": "c.py\n!b.py\n"}
    plant(tmp_path, {**rules, **sources("sub/a.py", "sub/b.py", "sub/c.py")})
    assert found(tmp_path) == ["sub/a.py"]


def test_rules_above_the_workspace_apply_within_the_repository(tmp_path: Path) -> None:
    plant(tmp_path, {".gitignore": "app/b.py\n", ".git/HEAD": ""})
    plant(tmp_path, sources("app/a.py", "app/b.py", "app/app/b.py"))
    assert found(tmp_path / "app") == ["a.py", "app/b.py"]


def test_a_nested_repository_has_rules_of_its_own(tmp_path: Path) -> None:
    plant(tmp_path, {".git/HEAD": "", ".gitignore": "a.py\n", "sub/.git/HEAD": ""})
    plant(tmp_path, sources("a.py", "sub/a.py"))
    assert found(tmp_path) == ["sub/a.py"]


def test_the_option_ignores_from_the_root_of_the_workspace(tmp_path: Path) -> None:
    plant(tmp_path, {".git/HEAD": "", **sources("app/a.py", "app/sub/a.py")})
    assert found(tmp_path / "app", extra=("/a.py",)) == ["sub/a.py"]


def test_an_edited_ignore_file_changes_the_result(tmp_path: Path) -> None:
    plant(tmp_path, sources("a.py", "b.py"))
    assert found(tmp_path) == ["a.py", "b.py"]
    plant(tmp_path, {".gitignore": "a.py\r\n[\n"})
    assert found(tmp_path) == ["b.py"]


def test_a_huge_ignore_file_hides_its_directory(tmp_path: Path) -> None:
    plant(
        tmp_path, {"sub/.gitignore": "*x\n" * 3_000_000, **sources("a.py", "sub/b.py")}
    )
    assert found(tmp_path) == ["a.py"]
    assert skipped(tmp_path)["unreadable rules"] == 1


def test_dependencies_and_outputs_are_not_entered(tmp_path: Path) -> None:
    plant(tmp_path, sources(
        "node_modules/a.js", ".venv/b.py", "env/c.py", "target/d.rs", "lib/build/e.py",
        "tool/build/f.py",
    ))  # fmt: skip
    plant(tmp_path, {"env/pyvenv.cfg": "", "Cargo.toml": "", "tool/pyproject.toml": ""})
    assert found(tmp_path) == ["lib/build/e.py"]


@pytest.mark.parametrize("name", [
    ".env", ".env.local", "prod.env", "id_rsa", "id_ed25519.pub", "server.PEM", "a.key",
    "terraform.tfstate", "terraform.tfvars", "kubeconfig", ".npmrc", ".pypirc",
    "credentials", "credentials.json", "secrets.yaml", ".aws/config.py", ".ssh/a.py",
    ".ENV", "ID_RSA", "Credentials.JSON", "Prod.TFVars", ".SSH/a.py",
    ".docker/config.json", "deploy/.docker/config.json", "appsettings.Development.json", "database.yml",
    "wp-config.php", "prod.auto.tfvars", "errored.tfstate", "kubeconfig-prod.yaml", "cluster_kubeconfig.yml",
    "_netrc", ".netrc.gpg", ".authinfo", "my-service-account.json", "app-firebase-adminsdk-x1.json",
    "gcp-credentials.json", "user.secrets.json", "wg0.conf", "AuthKey_1.p8", ".m2/settings.xml",
    "azure.publishsettings", "token.json", "vault.yml", "sites/default/settings.php", "local.properties",
])  # fmt: skip
def test_files_for_secrets_are_not_read(tmp_path: Path, name: str) -> None:
    plant(tmp_path, {name: "x = 1\n"})
    assert found(tmp_path) == []
    assert not admits(str(tmp_path), name)


@pytest.mark.parametrize("name", [
    "config.json", "settings.xml", "docker/config.json", "src/settings.php", "database.py", "secrets.py",
    "token.py", "tokens.ts", "credentials.go", "environment.py", "service_account.py", "vault.tf", "keys.rs",
    "kubeconfig.go", "wp-content.php", "appsettings.cs",
])  # fmt: skip
def test_code_about_secrets_is_read(tmp_path: Path, name: str) -> None:
    assert found(plant(tmp_path, {name: "x = 1\n"})) == [name]


@pytest.mark.parametrize(
    "name", ["package-lock.json", "jquery.min.js", "a_pb2.py", "a.png"]
)
def test_generated_files_are_not_read(tmp_path: Path, name: str) -> None:
    assert found(plant(tmp_path, {name: "x"})) == []


def test_no_link_is_followed(tmp_path: Path) -> None:
    root = plant(tmp_path / "root", sources("src/a.py", "secret.py"))
    plant(tmp_path, sources("outside/b.py", "outside.py"))
    plant(root, {".gitignore": "/secret.py\n"})
    (root / "src/self").symlink_to("self")
    (root / "src/parent").symlink_to("..")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "out.py").symlink_to(tmp_path / "outside.py")
    (root / "broken.py").symlink_to("nothing")
    (root / "src/public.py").symlink_to("../secret.py")
    (root / "zero.py").symlink_to("/dev/zero")
    assert found(root) == ["src/a.py"]
    assert skipped(root)["link"] == 9


BIND = "mount --bind {root} {root}/a/again && exec {python} -c {program}"


@needs_mounts
def test_a_directory_mounted_inside_itself_is_visited_once(tmp_path: Path) -> None:
    plant(tmp_path, sources("a/b.py"))
    (tmp_path / "a/again").mkdir()
    program = (
        "from starcoder_lsp.context.files.walk import Walk\n"
        f"walk = Walk({str(tmp_path)!r})\n"
        "print([one.relative for one in walk], dict(walk.skipped))"
    )
    script = BIND.format(
        root=tmp_path, python=sys.executable, program=shlex.quote(program)
    )
    done = subprocess.run(
        [*MOUNTS, "sh", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['a/b.py'] {'seen before': 1}\n"


def test_hard_links_are_files_of_their_own(tmp_path: Path) -> None:
    plant(tmp_path, sources("a.py"))
    (tmp_path / "b.py").hardlink_to(tmp_path / "a.py")
    assert found(tmp_path) == ["a.py", "b.py"]


def test_pipes_and_sockets_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    os.mkfifo(tmp_path / ".gitignore")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.py"))
    plant(tmp_path, sources("a.py"))
    assert found(tmp_path) == ["a.py"]


def test_a_sparse_file_of_ten_gigabytes_is_left_alone(tmp_path: Path) -> None:
    with (tmp_path / "a.py").open("wb") as file:
        file.truncate(10 << 30)
    assert skipped(tmp_path) == {"too large": 1}


def test_unusual_names_are_skipped_and_counted(tmp_path: Path) -> None:
    for name in (b"new\nline.py", b"\xff.py", "\u202egnp.py".encode(), b"tab\t.py"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_text("x = 1\n")
    plant(tmp_path, sources("שלום.py", "é.py"))
    assert found(tmp_path) == ["é.py", "שלום.py"]
    assert skipped(tmp_path) == {"odd name": 4}


@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, OSError])
def test_unreadable_files_are_skipped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    scandir = os.scandir

    def fails(folder: str) -> object:
        if "closed" in folder:
            raise error
        return scandir(folder)

    plant(tmp_path, sources("a.py", "closed/b.py"))
    monkeypatch.setattr(os, "scandir", fails)
    assert found(tmp_path) == ["a.py"]
    assert skipped(tmp_path) == {"unreadable": 1}


def test_paths_longer_than_the_system_allows_are_skipped(tmp_path: Path) -> None:
    before = Path.cwd()
    os.chdir(plant(tmp_path, sources("a.py")))
    try:
        for _ in range(20):
            Path("d" * 250).mkdir()
            os.chdir("d" * 250)
    finally:
        os.chdir(before)
    assert found(tmp_path) == ["a.py"]
    assert skipped(tmp_path)["unreadable"] == 1
    shutil.rmtree(tmp_path / ("d" * 250))


def test_files_deleted_during_a_walk_are_skipped_and_counted(tmp_path: Path) -> None:
    plant(tmp_path, sources("a.py", "b.py", "c.py", "d/e.py", "f/g.py"))
    walk = iter(look := Walk(str(tmp_path)))
    assert next(walk).relative == "a.py"
    (tmp_path / "b.py").unlink()
    shutil.rmtree(tmp_path / "d")
    assert [one.relative for one in walk] == ["c.py", "f/g.py"]
    assert dict(look.skipped) == {"unreadable": 2}
    assert not look.is_partial


def test_a_walk_of_two_hundred_thousand_files_ends_at_the_limit(
    tmp_path: Path,
) -> None:
    for letter in "abcdefghijklmnopqrst":
        file = plant(tmp_path, sources(f"{letter}/a.py")) / letter / "a.py"
        for n in range(9_999):
            (tmp_path / letter / f"f{n}.py").hardlink_to(file)
    assert len(found(tmp_path)) == UNBOUND.max_files == 20_000
    assert skipped(tmp_path)["beyond index_max_files"] == 1
    shutil.rmtree(tmp_path)


def test_depth_and_count_are_limited(tmp_path: Path) -> None:
    plant(tmp_path, sources("a.py", "b.py", "x/y/z/c.py"))
    assert found(tmp_path, Bounds(max_depth=2)) == ["a.py", "b.py"]
    assert found(tmp_path, Bounds(max_files=1)) == ["a.py"]
    assert found(tmp_path, Bounds(max_entries=3)) == ["a.py", "b.py"]


def test_a_walk_ends_when_its_time_is_spent(tmp_path: Path) -> None:
    plant(tmp_path, sources("a.py", "x/b.py"))
    walk = Walk(str(tmp_path), bounds=Bounds(max_s=1), clock=iter(range(9)).__next__)
    assert [one.relative for one in walk] == ["a.py"]
    assert walk.is_partial


@pytest.mark.parametrize("name", ["gone", "file.py"])
def test_a_root_that_is_not_a_directory_has_a_partial_result(
    tmp_path: Path, name: str
) -> None:
    plant(tmp_path, sources("file.py"))
    walk = Walk(str(tmp_path / name))
    assert list(walk) == []
    assert walk.is_partial


def test_a_low_limit_of_open_files_is_enough(tmp_path: Path) -> None:
    plant(tmp_path, sources(*(f"{'d/' * depth}a.py" for depth in range(30))))
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))\n"
        "from starcoder_lsp.context.files.walk import Walk\n"
        f"print(len(list(Walk({str(tmp_path)!r}))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "30\n"


PARTS = ("a", "b", "build", "é")
PATHS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("/".join)
LINES = st.lists(
    st.sampled_from(("a", "b", "*", "**", "/", "!", "build", "?", "[ab]", "é", ".py")),
    min_size=1, max_size=5,
).map("".join)  # fmt: skip
RULES = st.dictionaries(
    st.sampled_from((".gitignore", "a/.gitignore", "a/b/.gitignore", ".git/info/exclude", "home")),
    st.lists(LINES, max_size=4).map("\n".join),
    max_size=4,
)  # fmt: skip


@needs_git
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.sets(PATHS, min_size=1, max_size=12), RULES)
def test_random_trees_are_listed_as_by_git(
    tmp_path_factory: pytest.TempPathFactory,
    home: Path,
    paths: set[str],
    rules: dict[str, str],
) -> None:
    root = tmp_path_factory.mktemp("tree")
    assert GIT is not None
    subprocess.run([GIT, "init", "-q", "--template=", str(root)], check=True)
    plant(root, sources(*(f"{path}.py" for path in paths)))
    plant(home, {".config/git/ignore": rules.pop("home", "")})
    plant(root, rules)
    listed = subprocess.run(
        [GIT, "ls-files", "--others", "--exclude-standard", "-z", "*.py"],
        cwd=root, capture_output=True, check=True,
    )  # fmt: skip
    theirs = sorted(listed.stdout.decode().split("\0")[:-1])
    assert found(root) == theirs
    for path in paths:
        assert admits(str(root), f"{path}.py") == (f"{path}.py" in theirs)
    shutil.rmtree(root)
