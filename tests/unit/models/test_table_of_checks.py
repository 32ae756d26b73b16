"""docs/models.md says of each row of models.toml what was checked."""

from __future__ import annotations

from pathlib import Path

from vocabularies import VOCABULARIES, WHOLE, table_of_checks, vocabulary_of_row

from starcoder_lsp.models import registry

ROOT = Path(__file__).parents[3]
PAGE, CASES = ROOT / "docs" / "models.md", ROOT / "tests" / "cases" / "prompt"
START, END = "--update -->\n\n", "\n<!-- end of the table -->"


def test_the_page_has_the_table(update: bool) -> None:
    before, _, rest = PAGE.read_text("utf-8").partition(START)
    table, _, after = rest.partition(END)
    if update:
        table = table_of_checks()
        PAGE.write_text(f"{before}{START}{table}{END}{after}", "utf-8")
    assert table == table_of_checks()


def test_rows_with_a_vocabulary_are_of_its_family() -> None:
    for one in VOCABULARIES:
        assert one.path.exists()
        assert {registry.find(row).family for row in one.rows} <= {one.family}
    assert WHOLE not in vocabulary_of_row()


def test_every_row_has_a_golden_prompt() -> None:
    for model in registry.models().values():
        assert (CASES / f"{model.family}.txt").exists()
