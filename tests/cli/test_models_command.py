"""`starcoder-lsp models` as a user or a program runs it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hub_server import Hub, running

from starcoder_lsp.models import registry


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "starcoder_lsp", "models", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
    )


def rows(*arguments: str, **env: str) -> list[dict[str, Any]]:
    done = run(*arguments, "--json", **env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def with_small_model(smollm2: Path) -> None:
    target = Path(os.environ["STARCODER_LSP_DATA"]) / "models" / "smollm2-135m"
    target.mkdir(parents=True)
    (target / smollm2.name).symlink_to(smollm2)


def test_the_list_has_what_a_picker_shows() -> None:
    listed = {row["name"]: row for row in rows("list")}
    row = listed["starcoder2-15b"]
    assert row["size_bytes"] == 9_900_000_000
    assert (row["present"], row["path"], row["partial_bytes"]) == (False, None, 0)
    assert (row["kind"], row["family"], row["license"]) == (
        "completion", "starcoder2", "bigcode-openrail-m",
    )  # fmt: skip
    assert row["license_link"].startswith("https://")
    assert "malware" in row["restrictions"]
    assert "fill-in-the-middle" in row["warnings"][0]
    assert row["page"] == "https://huggingface.co/QuantFactory/starcoder2-15b-GGUF"
    assert set(listed) == set(registry.models())
    assert "warning: its fill-in-the-middle was wrong" in run("list").stdout


@pytest.mark.usefixtures("with_small_model")
def test_models_are_recommended_for_this_machine() -> None:
    advice = {row["name"]: row for row in rows("recommend")}
    small = advice["smollm2-135m"]
    assert small["present"] is True
    assert small["fit"] in ("fits", "tight")
    assert small["typing_ms"] > 0
    assert small["read_tokens"] > 0
    assert small["license"] == "Apache-2.0"
    assert small["needed_is_estimate"] is False, "its file is here"
    assert advice["starcoder2-3b"]["needed_is_estimate"] is False, "its row says it"
    assert advice["mellum-4b-q8_0"]["needed_is_estimate"] is True
    assert sum(row["recommended"] for row in advice.values()) <= 1


def test_without_a_model_nothing_is_measured() -> None:
    assert {row["typing_ms"] for row in rows("recommend")} == {None}
    assert "run: starcoder-lsp models get smollm2-135m" in run("recommend").stdout


def test_a_file_is_inspected_and_tried(tiny_starcoder2: Path) -> None:
    (row,) = rows("inspect", str(tiny_starcoder2))
    assert (row["family"], row["certainty"], row["tried"]) == (
        "starcoder2",
        "sure",
        None,
    )
    (row,) = rows("inspect", str(tiny_starcoder2), "--try")
    assert row["family"] == "plain"
    assert row["tried"].startswith("of 3 trivial middles 0 came back")


def test_files_of_other_programs_are_listed(
    tiny_starcoder2: Path, tmp_path: Path
) -> None:
    folder = tmp_path / ".lmstudio" / "models" / "me" / "toy-GGUF"
    folder.mkdir(parents=True)
    (folder / "toy.gguf").symlink_to(tiny_starcoder2)
    (folder / "web.gguf").write_text("<!DOCTYPE html>")
    toy, web = rows("list", "--local", HOME=str(tmp_path))
    assert (toy["program"], toy["family"]) == ("LM Studio", "starcoder2")
    assert toy["path"] == str(folder / "toy.gguf")
    assert "a web page" in web["error"]
    assert f'model_path = "{toy["path"]}"' in run(
        "list", "--local", HOME=str(tmp_path)
    ).stdout  # fmt: skip


def test_a_model_is_added_by_address_and_checksum(tiny_starcoder2: Path) -> None:
    body = tiny_starcoder2.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    with running(Hub({"/files/mine.gguf": body})) as hub:
        url = f"{hub.endpoint}/files/mine.gguf"
        *_, last = rows("add", url, "--sha256", digest)
        assert (last["name"], last["family"]) == ("mine", "starcoder2")
        assert "mine" in [row["name"] for row in rows("list")]
        assert "whole" in run("verify", "mine").stdout
        assert "removed" in run("remove", "mine").stdout
        assert "mine" not in [row["name"] for row in rows("list")]
        wrong = run("add", url, "--sha256", "0" * 64)
        assert "instead of 0000" in wrong.stderr
        assert "mine" not in [row["name"] for row in rows("list")]


def test_a_file_that_is_no_model_is_not_kept() -> None:
    body = b"<!DOCTYPE html>"
    with running(Hub({"/page.gguf": body})) as hub:
        digest = hashlib.sha256(body).hexdigest()
        done = run("add", f"{hub.endpoint}/page.gguf", "--sha256", digest)
    assert "a web page, not a model" in done.stderr
    assert not (Path(os.environ["STARCODER_LSP_DATA"]) / "models" / "page").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("file:///etc/passwd", "--sha256", "0" * 64), "set model_path"),
        (("/tmp/a.gguf", "--sha256", "0" * 64), "set model_path"),
        (("https://h/a.gguf", "--sha256", "12"), "64 hexadecimal digits"),
        (("https://h/a.gguf", "--sha256", "0" * 64, "--name", "../x"), "no name of a model"),
        (("https://h/a.gguf", "--sha256", "0" * 64, "--name", "starcoder2-3b"), "another model"),
        (("https://h/a.gguf",), "required"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_is_said(arguments: tuple[str, ...], reason: str) -> None:
    done = run("add", *arguments)
    assert done.returncode != 0
    assert reason in done.stderr


def test_the_licence_is_shown_before_the_first_download() -> None:
    done = run("get", "starcoder2-3b", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 1
    assert "licence: BigCode OpenRAIL-M v1 https://" in done.stderr
    assert "restrictions: you agree not to use the model" in done.stderr
    assert "cannot be reached" in done.stderr


def test_a_mirror_of_the_hub_is_asked_with_the_users_token() -> None:
    with running(Hub()) as hub:
        mirror = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": "hf_mine"}
        done = run("get", "starcoder2-3b", **mirror)
    revision = registry.find("starcoder2-3b").source.revision  # type: ignore[union-attr]  # of the hub
    path = (
        f"/QuantFactory/starcoder2-3b-GGUF/resolve/{revision}/starcoder2-3b.Q4_K_M.gguf"
    )
    assert hub.requests[0] == ("HEAD", path, None)
    assert hub.tokens == {"Bearer hf_mine"}
    assert "it was deleted, renamed or made private" in done.stderr
    assert "models add URL --sha256" in done.stderr


def test_a_licence_that_has_to_be_accepted_names_its_page() -> None:
    gated = Hub(status=403, headers={"X-Error-Code": "GatedRepo"})
    with running(gated) as hub:
        done = run("get", "starcoder2-3b", HF_ENDPOINT=hub.endpoint)
    page = "https://huggingface.co/QuantFactory/starcoder2-3b-GGUF"
    assert (
        f"accept it on {page}, then put a token of yours into HF_TOKEN" in done.stderr
    )


def test_own_addresses_get_no_token_of_the_hub(tiny_starcoder2: Path) -> None:
    body = tiny_starcoder2.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    with running(Hub({"/mine.gguf": body})) as hub:
        url = f"{hub.endpoint}/mine.gguf"
        assert run("add", url, "--sha256", digest, HF_TOKEN="hf_mine").returncode == 0
    assert hub.tokens == {None}


def test_two_commands_download_a_model_once(tiny_starcoder2: Path) -> None:
    body = tiny_starcoder2.read_bytes()
    digest = hashlib.sha256(body).hexdigest()
    with running(Hub({"/mine.gguf": body})) as hub:
        command = (
            sys.executable, "-P", "-m", "starcoder_lsp", "models", "add",
            f"{hub.endpoint}/mine.gguf", "--sha256", digest,
        )  # fmt: skip
        both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
        assert [one.wait(60) for one in both] == [0, 0]
        for one in both:
            one.communicate()
    assert [path for verb, path, _ in hub.requests if verb == "GET"] == ["/mine.gguf"]
