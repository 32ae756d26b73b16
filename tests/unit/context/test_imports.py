from __future__ import annotations

from pathlib import Path

import pytest

from starcoder_lsp.context.index.reader import Index, index_in_memory
from starcoder_lsp.context.resolve.imports import imported_files
from starcoder_lsp.context.symbols import Import, Symbols
from starcoder_lsp.languages import language_of

# language, files of the workspace, the importing one, module, names, what is found
CASES = [
    ("python", "a.py util.py", "a.py", "util", "f", "util.py"),
    ("python", "src/app/a.py src/app/b.py", "src/app/a.py", "app.b", "f", "src/app/b.py"),
    ("python", "app/a.py app/b.py", "app/a.py", ".b", "f", "app/b.py"),
    ("python", "app/x/a.py app/b.py", "app/x/a.py", "..b", "f", "app/b.py"),
    ("python", "app/x/a.py app/b.py", "app/x/a.py", "..", "b", "app/b.py"),
    ("python", "a.py app/__init__.py app/b.py", "a.py", "app", "b", "app/b.py app/__init__.py"),
    ("python", "a.py deep/in/json.py", "a.py", "json", "", ""),
    ("python", "tests/a.py src/lib/core.py", "tests/a.py", "lib.core", "f", "src/lib/core.py"),
    ("python", "tests/a.py src/lib/__init__.py", "tests/a.py", "lib", "f", "src/lib/__init__.py"),
    ("python", "one/tests/a.py one/src/lib/__init__.py", "one/tests/a.py", "lib", "f", "one/src/lib/__init__.py"),
    ("python", "a.py all/two/src/lib/core.py all/two/src/lib/__init__.py", "a.py", "lib.core", "f", "all/two/src/lib/core.py"),
    ("python", "a.py all/my-lib/my_lib/__init__.py", "a.py", "my_lib", "f", "all/my-lib/my_lib/__init__.py"),
    ("python", "a.py all/deep/json/__init__.py", "a.py", "json", "f", ""),
    ("typescript", "src/a.ts src/b.ts", "src/a.ts", "./b", "f", "src/b.ts"),
    ("typescript", "src/a.ts src/b.ts", "src/a.ts", "./b.js", "f", "src/b.ts"),
    ("typescript", "src/a.ts src/ui/index.tsx", "src/a.ts", "./ui", "f", "src/ui/index.tsx"),
    ("typescript", "src/x/a.ts src/b.ts", "src/x/a.ts", "../b", "f", "src/b.ts"),
    ("typescript", "src/a.ts src/lib/deep/b.ts", "src/a.ts", "@/lib/deep/b", "f", "src/lib/deep/b.ts"),
    ("typescript", "src/a.ts node/react.ts", "src/a.ts", "react-dom", "f", ""),
    ("javascript", "a.js b.mjs", "a.js", "./b.mjs", "f", "b.mjs"),
    ("go", "cmd/main.go pkg/store/db.go pkg/store/tx.go", "cmd/main.go", "github.com/me/app/pkg/store", "", "pkg/store/db.go pkg/store/tx.go"),
    ("rust", "src/main.rs src/net/mod.rs", "src/main.rs", "crate::net", "Client", "src/net/mod.rs"),
    ("rust", "src/main.rs src/net/http.rs", "src/main.rs", "crate::net::http", "get", "src/net/http.rs"),
    ("rust", "src/net/mod.rs src/net/http.rs", "src/net/mod.rs", "self::http", "get", "src/net/http.rs"),
    ("rust", "src/net/tcp.rs src/net/http.rs", "src/net/tcp.rs", "super::http", "get", "src/net/http.rs"),
    ("java", "src/main/java/org/me/A.java src/main/java/org/me/io/B.java", "src/main/java/org/me/A.java", "org.me.io.B", "", "src/main/java/org/me/io/B.java"),
    ("java", "org/me/A.java org/me/io/B.java org/me/io/C.java", "org/me/A.java", "org.me.io", "*", "org/me/io/B.java org/me/io/C.java"),
    ("kotlin", "app/A.kt app/io/B.kt", "app/A.kt", "app.io.B", "", "app/io/B.kt"),
    ("scala", "app/A.scala app/io/B.scala", "app/A.scala", "app.io", "B", "app/io/B.scala"),
    ("csharp", "Shop/A.cs Shop/Models/Item.cs Shop/Models/Price.cs", "Shop/A.cs", "Shop.Models", "", "Shop/Models/Item.cs Shop/Models/Price.cs"),
    ("c", "src/a.c src/b.h", "src/a.c", "b.h", "", "src/b.h"),
    ("cpp", "src/a.cpp include/lib/b.hpp", "src/a.cpp", "lib/b.hpp", "", "include/lib/b.hpp"),
    ("cpp", "src/a.cpp include/vector.h", "src/a.cpp", "<vector>", "", ""),
    ("php", "src/A.php src/Models/User.php", "src/A.php", "App\\Models\\User", "", "src/Models/User.php"),
    ("ruby", "lib/a.rb lib/b.rb", "lib/a.rb", "./b", "", "lib/b.rb"),
    ("ruby", "bin/a.rb lib/app/b.rb", "bin/a.rb", "app/b", "", "lib/app/b.rb"),
    ("lua", "main.lua app/util.lua", "main.lua", "app.util", "", "app/util.lua"),
    ("dart", "lib/a.dart lib/src/b.dart", "lib/a.dart", "package:app/src/b.dart", "", "lib/src/b.dart"),
    ("elixir", "lib/app/a.ex lib/app/mail.ex", "lib/app/a.ex", "App.Mail", "", "lib/app/mail.ex"),
    ("haskell", "src/A.hs src/Data/Tree.hs", "src/A.hs", "Data.Tree", "", "src/Data/Tree.hs"),
    ("nobody-knows-this", "a.x b.x", "a.x", "b", "", ""),
]  # fmt: skip


def index_of(paths: str) -> Index:
    """Files that declare their folder as their package, as each language does."""
    index = index_in_memory()
    for path in paths.split():
        folder = path.rpartition("/")[0]
        is_go = path.endswith(".go")
        package = folder.rpartition("/")[2] if is_go else folder.replace("/", ".")
        index.put(path, "", Symbols("", package=package))
    return index


@pytest.mark.parametrize(
    ("language", "files", "path", "module", "names", "expected"),
    CASES,
    ids=[f"{case[0]} {case[3]} {case[4]}" for case in CASES],
)
def test_an_import_leads_to_its_file(
    language: str, files: str, path: str, module: str, names: str, expected: str
) -> None:
    each = Import(module, 0, tuple(names.split()))
    found = imported_files(index_of(files), each, path, language)
    assert found == expected.split()


CONFIG = '{"compilerOptions": { // why\n "paths": {"~shared/*": ["code/shared/*"],}}}'


@pytest.mark.parametrize(
    ("configs", "found"),
    [
        ({"tsconfig.json": CONFIG}, "code/shared/b.ts"),
        ({"tsconfig.json": "{}", "tsconfig.base.json": CONFIG}, "code/shared/b.ts"),
        (
            {"tsconfig.json": CONFIG, "web/tsconfig.json": CONFIG},
            "web/code/shared/b.ts",
        ),
        ({"other/tsconfig.json": CONFIG}, ""),
    ],
)
def test_paths_of_a_tsconfig_hold_below_it(configs: dict[str, str], found: str) -> None:
    index = index_of("web/a.ts code/shared/b.ts web/code/shared/b.ts code/other/b.ts")
    for path, text in configs.items():
        index.put(path, text, Symbols("json"))
    each = Import("~shared/b", 0, ("f",))
    assert imported_files(index, each, "web/a.ts", "typescript")[:1] == found.split()


def test_of_two_files_the_nearer_one_is_meant() -> None:
    index = index_of("one/lib/util.py two/lib/util.py two/app.py")
    each = Import("lib.util", 0, ("f",))
    assert imported_files(index, each, "two/app.py", "python") == ["two/lib/util.py"]


MANIFESTS = {
    "package.json": '{"name": "root", "workspaces": ["packages/*"]}',
    "packages/shared/package.json": '{"name": "@acme/shared", "main": "dist/index.js"}',
    "packages/ui/package.json": """{"name": "@acme/ui-kit", "exports": {
        ".": {"types": "./dist/esm/main.d.ts", "import": "./dist/esm/main.js"},
        "./icons": "./source/icons.ts", "./*": "./parts/*.js", "./x": null}}""",
    "packages/old/package.json": '{"name": "old", "exports": "./code/old.js"}',
    "packages/bare/package.json": '{"name": "bare", "imports": {"#in/*": "./lib/*.js"}}',
    "packages/odd/package.json": '{"name": 7, "exports": [1]}',
    "packages/bad/package.json": "{",
    "go.mod": "// the shop\nmodule example.com/shop\n\ngo 1.22\n",
    "tools/go.mod": 'module "example.com/shop/tools/v2"\n',
    "Cargo.toml": '[workspace]\nmembers = ["crates/*"]',
    "crates/net/Cargo.toml": '[package]\nname = "acme-net"',
    "crates/core/Cargo.toml": '[package]\nname = "acme-core"\n[lib]\npath = "code/lib.rs"',
    "crates/named/Cargo.toml": '[package]\nname = "p"\n[lib]\nname = "own_name"',
}
SOURCES = """
app/a.ts packages/shared/src/index.ts packages/shared/src/util.ts
packages/shared/lib/old.js packages/ui/src/main.tsx packages/ui/source/icons.ts
packages/ui/parts/button.ts packages/old/code/old.js packages/bare/index.js
packages/odd/index.js packages/bad/index.js packages/bare/lib/deep.ts
cmd/main.go store/db.go store/db_test.go other/store/db.go store.go tools/lint/lint.go
crates/net/src/lib.rs crates/net/src/http.rs crates/net/src/tcp/mod.rs
crates/core/code/lib.rs crates/named/src/lib.rs crates/app/src/main.rs other/http.rs
"""
# The importing file, module, names, what is found
WORKSPACE = [
    ("app/a.ts", "@acme/shared", "f", "packages/shared/src/index.ts"),
    ("app/a.ts", "@acme/shared/util", "f", "packages/shared/src/util.ts"),
    ("app/a.ts", "@acme/shared/lib/old.js", "f", "packages/shared/lib/old.js"),
    ("app/a.ts", "@acme/shared/nothing", "f", ""),
    ("app/a.ts", "@acme/sha", "f", ""),
    ("app/a.ts", "@acme/ui-kit", "f", "packages/ui/src/main.tsx"),
    ("app/a.ts", "@acme/ui-kit/icons", "f", "packages/ui/source/icons.ts"),
    ("app/a.ts", "@acme/ui-kit/button", "f", "packages/ui/parts/button.ts"),
    ("app/a.ts", "old", "f", "packages/old/code/old.js"),
    ("app/a.ts", "bare", "f", "packages/bare/index.js"),
    ("packages/bare/index.js", "#in/deep", "f", "packages/bare/lib/deep.ts"),
    ("packages/old/code/old.js", "#in/deep", "f", ""),
    ("app/a.ts", "@acme/odd", "f", ""),
    ("app/a.ts", "@acme/bad", "f", ""),
    ("packages/shared/src/util.ts", "@acme/shared", "f", "packages/shared/src/index.ts"),
    ("cmd/main.go", "example.com/shop/store", "", "store/db.go"),
    ("cmd/main.go", "example.com/shop", "", "store.go"),
    ("cmd/main.go", "example.com/shop/tools/v2/lint", "", "tools/lint/lint.go"),
    ("cmd/main.go", "example.com/other/fmt", "", ""),
    ("crates/app/src/main.rs", "acme_net", "Client", "crates/net/src/lib.rs"),
    ("crates/app/src/main.rs", "acme_net::http", "get", "crates/net/src/http.rs crates/net/src/lib.rs"),
    ("crates/app/src/main.rs", "acme_net", "tcp", "crates/net/src/tcp/mod.rs crates/net/src/lib.rs"),
    ("crates/app/src/main.rs", "acme_core", "Id", "crates/core/code/lib.rs"),
    ("crates/app/src/main.rs", "own_name", "Id", "crates/named/src/lib.rs"),
    ("crates/net/src/tcp/mod.rs", "crate::http", "get", "crates/net/src/http.rs"),
    ("crates/app/src/main.rs", "serde", "Serialize", ""),
]  # fmt: skip


def workspace() -> Index:
    index = index_of(SOURCES)
    for path, text in MANIFESTS.items():
        index.put(path, text, Symbols(""))
    return index


@pytest.mark.parametrize(
    ("path", "module", "names", "expected"),
    WORKSPACE,
    ids=[f"{case[0]} {case[1]} {case[2]}" for case in WORKSPACE],
)
def test_a_package_of_the_workspace_leads_to_its_source(
    path: str, module: str, names: str, expected: str
) -> None:
    each = Import(module, 0, tuple(names.split()))
    language = language_of(Path(path))
    assert imported_files(workspace(), each, path, language) == expected.split()


def test_of_two_packages_with_one_name_the_nearer_is_meant() -> None:
    index = index_of("one/ui/index.js two/ui/index.js two/app.js")
    for folder in ("one", "two"):
        index.put(f"{folder}/ui/package.json", '{"name": "ui"}', Symbols(""))
    each = Import("ui", 0, ("f",))
    assert imported_files(index, each, "two/app.js", "javascript") == [
        "two/ui/index.js"
    ]


def test_in_a_large_workspace_packages_are_called_in_part_like_their_folders() -> None:
    index = index_of("app/a.rs crates/net/src/lib.rs crates/aside/src/lib.rs")
    for name in ("net", "aside", *"abcdef"):
        manifest = f'[package]\nname = "acme-{name}"'
        index.put(f"crates/{name}/Cargo.toml", manifest, Symbols(""))
    index.put("crates/aside/Cargo.toml", '[package]\nname = "other"', Symbols(""))
    found = imported_files(index, Import("acme_net", 0, ("C",)), "app/a.rs", "rust")
    assert found == ["crates/net/src/lib.rs"]
    assert imported_files(index, Import("other", 0, ("C",)), "app/a.rs", "rust") == []


def test_an_import_leads_elsewhere_when_the_manifest_says_so() -> None:
    index = index_of("ui/src/new.ts ui/src/old.ts app/a.ts")
    each = Import("ui", 0, ("f",))
    for file in ("old", "new"):
        manifest = f'{{"name": "ui", "main": "src/{file}.ts"}}'
        index.put("ui/package.json", manifest, Symbols("json"))
        question = (each, "app/a.ts", "typescript")
        assert index.recall(imported_files, question) == [f"ui/src/{file}.ts"]
