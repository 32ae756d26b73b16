"""The version, the package, the workflows and the links agree with each other."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs would be one more package

from starcoder_lsp import __version__

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "editors/**/*.md", ".github/*.md")
    for page in ROOT.glob(pattern)
    if "node_modules" not in page.parts
)
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"\b((?:benchmarks|docs|editors|starcoder_lsp|tests)/[\w./-]*)")


def loaded(file: Path) -> Any:
    return yaml.safe_load(file.read_text("utf-8"))


def jobs(workflow: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from loaded(workflow)["jobs"].items()


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for _, job in jobs(workflow) for step in job.get("steps", ())]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


# The version and the changelog


def test_the_version_is_written_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    source = ROOT / PYPROJECT["tool"]["hatch"]["version"]["path"]
    assert source.read_text("utf-8").count(f'__version__ = "{__version__}"') == 1


def test_the_changelog_begins_with_this_version_and_its_date() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (newest, *_) = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    release, is_development, _ = __version__.partition(".dev")
    state = (
        re.escape(" (not yet released)") if is_development else r" - \d{4}-\d\d-\d\d"
    )
    assert re.fullmatch(re.escape(release) + state, newest)


# The package


def test_the_package_says_that_it_is_typed() -> None:
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert (ROOT / "starcoder_lsp" / "py.typed").is_file()
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["starcoder_lsp"]
    assert "exclude" not in wheel


def test_the_licence_is_an_spdx_identifier_and_nothing_else() -> None:
    assert PROJECT["license"] == "Apache-2.0"
    assert not [one for one in PROJECT["classifiers"] if one.startswith("License")]


def test_the_page_on_pypi_has_no_relative_links() -> None:
    hook = PYPROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    text = (ROOT / "README.md").read_text("utf-8")
    assert hook["fragments"] == [{"path": "README.md"}]
    for one in hook["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    assert "https://raw.githubusercontent.com/starcoder-lsp/" in text
    assert all(target.startswith("https://") for target in LINK.findall(text))


def test_the_oldest_python_is_the_same_everywhere() -> None:
    oldest = pythons()[0]
    assert PROJECT["requires-python"] == f">={oldest}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"


def pythons() -> list[str]:
    """Return the versions of the classifiers, the oldest first."""
    prefix = "Programming Language :: Python :: "
    versions = [one.removeprefix(prefix) for one in PROJECT["classifiers"]]
    found = [one for one in versions if re.fullmatch(r"3\.\d+", one)]
    return sorted(found, key=lambda one: int(one.split(".")[1]))


# Workflows


def test_ci_tests_every_python_of_the_classifiers_on_linux_and_macos() -> None:
    ci = dict(jobs(ROOT / ".github" / "workflows" / "ci.yml"))
    matrix = ci["tests"]["strategy"]["matrix"]
    assert matrix["python"] == pythons()
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]


def test_ci_runs_the_scripts_that_run_locally() -> None:
    commands = [step.get("run") for step in steps(ROOT / ".github/workflows/ci.yml")]
    for script in (".ci/run", ".ci/package"):
        assert f"bash {script}" in commands
        assert (ROOT / script).is_file()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_actions_have_a_major_version_and_jobs_a_timeout(workflow: Path) -> None:
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(release/)?v\d+", step["uses"])
    for _, job in jobs(workflow):
        assert "timeout-minutes" in job or "uses" in job


def test_only_the_publishing_jobs_have_write_permissions() -> None:
    may_write = {
        (workflow.name, job, permission)
        for workflow in WORKFLOWS
        for job, content in [("", loaded(workflow)), *jobs(workflow)]
        for permission, access in content.get("permissions", {}).items()
        if access != "read"
    }
    assert may_write == {
        ("release.yml", "pypi", "id-token"),
        ("release.yml", "github", "contents"),
    }
    # A job without such a list would get the default permissions of the forge.
    assert all("permissions" in loaded(workflow) for workflow in WORKFLOWS)


def test_no_checkout_keeps_credentials() -> None:
    checkouts = [
        step
        for workflow in WORKFLOWS
        for step in steps(workflow)
        if step.get("uses", "").startswith("actions/checkout@")
    ]
    assert checkouts
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


# Hooks and forms


def test_hooks_run_the_linters_of_make_lint_in_the_same_versions() -> None:
    (local,) = loaded(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = {hook["id"]: hook for hook in local["hooks"]}
    assert hooks.keys() == {"ruff-format", "ruff-check", "mypy"}
    (ruff,) = (one for one in PROJECT["optional-dependencies"]["dev"] if "ruff" in one)
    assert hooks["ruff-format"]["additional_dependencies"] == [ruff]
    assert hooks["ruff-check"]["additional_dependencies"] == [ruff]
    # This is the mypy that `make lint` runs, so its version cannot differ.
    assert hooks["mypy"]["entry"] == ".venv/bin/mypy"


@pytest.mark.parametrize("form", FORMS, ids=name)
def test_a_form_has_the_fields_that_github_requires(form: Path) -> None:
    content = loaded(form)
    if form.name == "config.yml":
        assert content["contact_links"]
        return
    assert content["name"]
    assert content["description"]
    ids = [field["id"] for field in content["body"] if field["type"] != "markdown"]
    assert ids
    assert len(ids) == len(set(ids))


# Documents


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_to_a_file_or_a_heading_has_its_target(page: Path) -> None:
    prose = FENCE.sub("", page.read_text("utf-8"))
    for target in LINK.findall(prose):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{target} does not exist"
        assert file.is_relative_to(ROOT), f"{target} is outside the repository"
        if anchor:
            assert anchor in anchors(file), f"{file.name} has no heading for #{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the fragments that GitHub makes from the headings of a page."""
    headings = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in kept}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/release.md"])
def test_files_and_targets_that_a_guide_names_exist(page: str) -> None:
    guide = (ROOT / page).read_text("utf-8")
    for path in PATH.findall(guide):
        assert (ROOT / path.rstrip(".")).exists(), path
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"`make ([\w-]+)", guide)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
