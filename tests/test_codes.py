"""docs/codes.md lists every code of the quarantine, the reports, the API and authentication."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import fields

from functions.poll import ScheduledPollRequest
from functions.reconcile import ScheduledReconcileRequest
from shared.domain.ledger.divergence import DivergenceType

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "codes.md").read_text()
STATUS_BY_PLAN_CODE = {"REPORT_NOT_FOUND": 404}


def documented_rows(heading: str) -> list[list[str]]:
    """Return the cells of a section's table, without its header."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*) \|$", section, re.MULTILINE)
    return [[cell.strip("`") for cell in row.split(" | ")] for row in rows]


def documented_codes(heading: str) -> list[str]:
    return [row[0] for row in documented_rows(heading)]


def calls_of(*names: str) -> Iterator[ast.Call]:
    """Yield the product's calls of functions and classes with these names."""
    for call in product_calls():
        if getattr(call.func, "id", "") in names:
            yield call


@functools.cache
def product_calls() -> list[ast.Call]:
    return [
        node
        for package in ("functions", "shared")
        for path in sorted((ROOT / package).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def texts_in(node: ast.expr) -> list[str]:
    """Return an expression's possible texts; an f-string's variable part is ``<field>``."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return texts_in(body) + texts_in(orelse)
        case ast.JoinedStr(values=parts):
            texts = ("".join(texts_in(part)) or "<field>" for part in parts)
            return ["".join(texts)]
        case _:
            return []


def test_every_quarantine_reason_is_documented_and_no_other() -> None:
    reasons = {text for call in calls_of("InvalidEventError") for text in texts_in(call.args[0])}
    documented = documented_codes("Quarantine reasons")
    assert sorted(documented) == sorted(reasons)


def test_the_one_computed_reason_is_a_documented_divergence_type() -> None:
    computed = [call for call in calls_of("InvalidEventError") if not texts_in(call.args[0])]
    assert len(computed) == 1
    assert DivergenceType.CONFLICTING_VERSION.lower() in documented_codes("Quarantine reasons")


def test_every_divergence_type_is_documented_and_no_other() -> None:
    assert sorted(documented_codes("Divergence types")) == sorted(DivergenceType)


def test_every_api_error_is_documented_with_its_status_and_no_other() -> None:
    errors = {
        (code, ast.literal_eval(call.args[0]))
        for call in calls_of("ApiError")
        for code in texts_in(call.args[1])
    } | {
        (code, STATUS_BY_PLAN_CODE.get(code, 409))
        for call in calls_of("PlanNotExecutableError")
        for code in texts_in(call.args[0])
    }
    documented = [(code, int(status)) for code, status, *_ in documented_rows("API errors")]
    assert sorted(documented) == sorted(errors)


def test_every_authentication_failure_is_documented_and_no_other() -> None:
    rejections = [call.args[0] for call in calls_of("AuthenticationFailure")]
    reasons = {text for node in rejections for text in texts_in(node)}
    assert sorted(documented_codes("Authentication failures")) == sorted(reasons)


def test_every_field_of_a_scheduled_request_is_documented_with_its_function() -> None:
    poll, reconcile = (
        {item.encode_name for item in fields(request_type)} - {"tick"}
        for request_type in (ScheduledPollRequest, ScheduledReconcileRequest)
    )
    functions = {
        "both": poll & reconcile,
        "poll": poll - reconcile,
        "reconcile": reconcile - poll,
    }
    rows = documented_rows("Scheduled requests")
    documented = {(row[0], row[1]) for row in rows if row[0] in poll | reconcile}
    assert documented == {(name, key) for key, names in functions.items() for name in names}


def test_every_row_says_what_the_code_means_and_what_to_do() -> None:
    headings = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    rows = [row for heading in headings for row in documented_rows(heading)]
    assert len(rows) > 40
    assert [row[0] for row in rows if len(row) < 3 or not all(row)] == []
