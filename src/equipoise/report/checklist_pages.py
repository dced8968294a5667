"""What the templates of the checklists show: lines, where they lead, texts of the protocol."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import TYPE_CHECKING, Any

from equipoise.report.checklists import Line, State, evaluate, field_anchor, load, tidier_rows
from equipoise.report.checklists.evaluation import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.results import Plan, Results
    from equipoise.report.contents import Section

_OF_RESULTS = ("consort2025", "consort_harms")
_OF_FORECASTS = "tripod_ai"

_HEADINGS = {
    "trial": "The trial",
    "population": "Eligibility",
    "reporting.openness": "Openness",
    "reporting.oversight": "Oversight and ethics",
    "reporting.rationale": "Reasons",
    "reporting.setting": "Setting",
    "reporting.treatment": "Rules of treatment",
    "reporting.assignment": "Assignment and blinding",
    "reporting.measuring": "Data and harms",
    "reporting.size": "Sample size and interim analyses",
    "reporting.course": "Course of the trial",
    "reporting.discussion": "Discussion",
}


def checklist_context(results: Results, sections: Sequence[Section]) -> dict[str, Any]:
    """Names that the sections of a report read."""
    return {
        "plan": results.plan,
        "by_section": by_section,
        "tidier": tidier_rows(results.plan, results.flow),
        "about": texts_of(results.plan),
        "titles": _titles(results, sections),
        "checklists": [
            {
                "key": name.replace("_", "-"),
                "checklist": load(name),
                "lines": (lines := evaluate(name, results.plan, results)),
                "counts": counted(lines),
            }
            for name in _OF_RESULTS
        ],
        "tripod": _tripod(results),
    }


def _tripod(results: Results) -> dict[str, Any] | None:
    """TRIPOD+AI held against the forecasts; None without any."""
    if results.forecast is None:
        return None
    lines = evaluate(_OF_FORECASTS, results.plan, results)
    return {"checklist": load(_OF_FORECASTS), "lines": lines, "counts": counted(lines)}


def counted(lines: Sequence[Line]) -> list[tuple[str, int]]:
    """(state, items) of all states that occur, in the order of the states."""
    found = Counter(line.finding.state for line in lines)
    return [(state.value, found[state]) for state in State if found[state]]


def by_section(lines: Sequence[Line]) -> list[tuple[str, list[Line]]]:
    """Lines under the headings of the checklist, in its order."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(line.item.section, []).append(line)
    return list(found.items())


def texts_of(plan: Plan) -> list[tuple[str, list[dict[str, str]]]]:
    """The texts that people wrote, under a heading for each table of the protocol."""
    found: dict[str, list[dict[str, str]]] = {}
    for path, text in plan.given.items():
        row = {"label": words(path), "text": text, "anchor": field_anchor(path)}
        found.setdefault(_HEADINGS[path.rsplit(".", 1)[0]], []).append(row)
    return list(found.items())


def consort_csv(results: Results) -> bytes:
    """The checklists as a table, one row an item."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["checklist", "item", "section", "label", "state", "where", "note", "fields", "tables",
         "origin"]
    )  # fmt: skip
    for name in (*_OF_RESULTS, *([_OF_FORECASTS] if results.forecast else [])):
        for line in evaluate(name, results.plan, results):
            f = line.finding
            writer.writerow(
                [
                    load(name).name,
                    line.item.number,
                    line.item.section,
                    line.item.label,
                    f.state.value,
                    " ".join(f"#{anchor}" for anchor in f.anchors),
                    f.note,
                    " ".join(f.fields),
                    " ".join(f.tables),
                    results.origin_label,
                ]
            )
    return out.getvalue().encode()


def _titles(results: Results, sections: Sequence[Section]) -> dict[str, str]:
    """What a link to an id of the page is called."""
    titles = {section.key: section.title for section in sections}
    titles |= {
        "title": "Title",
        "flow-analysed": "Who is in each analysis",
        "tidier": "Interventions",
        "lock": "Lock and amendments",
        "concomitant": "Other treatment",
        "forecast-calibration": "Are forecasts kept?",
        "forecast-performance": "How good the forecasts are",
        "forecast-needed": "How many people it would take",
        "forecast-terms": "The forecasts themselves",
        "forecast-people": "Who trained the forecasts, and how",
    }
    titles |= {f"imputed-{e.key}": f"Imputed values: {e.question}" for e in results.plan.estimands}
    titles |= {f"endpoint-{e.endpoint}": e.label for e in results.endpoints.values()}
    return titles | {field_anchor(path): words(path) for path in results.plan.given}
