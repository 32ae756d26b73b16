"""A report is one page that loads nothing, whatever a model wrote."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from starcoder_lsp.cli.eval import plots
from starcoder_lsp.cli.eval.report import Example, ReportPage


def test_code_of_a_model_is_shown_and_not_run() -> None:
    page = ReportPage(
        "eval", {"n": 1}, (), [Example("a", {"text": "<script>x</script>"})]
    )
    assert "<script>" not in page.html()
    assert "&lt;script&gt;x" in page.html()
    assert "default-src 'none'" in page.html()


def test_figures_within_figures_are_a_table_within_a_table() -> None:
    assert ReportPage("eval", {"go": {"n": 3}}).html().count("<table>") == 2


def test_bars_are_as_long_as_their_share() -> None:
    drawing = plots.bars("Passed", {"go <1>": [True, False], "c": [True]})
    root = ElementTree.fromstring(drawing)
    widths = [float(one.attrib["width"]) for one in root.iter("rect")]
    assert widths == [420, 210, 420, 420]
    assert [one.text for one in root.iter("text")][1] == "50.0% (1 of 2)"


def test_answers_are_grouped_from_the_fastest_to_the_slowest() -> None:
    drawing = plots.by_latency("Exact", [(float(i), i < 5) for i in range(10)])
    texts = [one.text for one in ElementTree.fromstring(drawing).iter("text")]
    assert texts[0] == "0 to 1 ms"
    assert texts[-1] == "0.0% (0 of 2)"
