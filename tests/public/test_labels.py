"""Every code of the product has words on the page."""

from typing import Any

import pytest
from playwright.async_api import Browser

from shared.domain.health import HealthStatus
from shared.domain.ledger.divergence import DivergenceType, ReviewDecision
from shared.domain.ledger.events import Channel, EventOutcome
from shared.domain.ledger.fields import RESERVATION_FIELDS
from shared.domain.normalization.field_values import ReservationStatus
from shared.domain.normalization.identifiers import ReservationSystem
from shared.domain.normalization.webhook_body import EnvelopeEventType
from shared.domain.reconciliation.report import RunFailureKind
from shared.domain.settings import WebhookAuthScheme
from tests.test_codes import documented_codes

# Their texts are sentences with a number, in `health`.
COUNTED_REASONS = {"divergences_open", "quarantine_open"}
OUTCOMES_WITHOUT_DELIVERY = {EventOutcome.DUPLICATE}
LABELS_SCRIPT = """
async () => {
  const { labels } = await import("/js/ui/labels.js");
  const { managerLabels } = await import("/js/ui/labels-managers.js");
  return JSON.parse(JSON.stringify({ ...labels, ...managerLabels }));
}
"""
PROBLEMS_SCRIPT = """
async (codes) => {
  const { problemText } = await import("/js/ui/labels-managers.js");
  return Object.fromEntries(codes.map((code) => [code, problemText(code)]));
}
"""


@pytest.fixture(scope="module")
async def labels(gateway: str, browser: Browser) -> Any:
    """The texts of the page without those that take values."""
    page = await browser.new_page()
    await page.goto(gateway)
    texts = await page.evaluate(LABELS_SCRIPT)
    await page.close()
    return texts


async def test_every_quarantine_reason_has_words(gateway: str, browser: Browser) -> None:
    fields = {
        name
        for field in RESERVATION_FIELDS
        for name in (*field.relay_names, *field.opentable_names)
    }
    reasons = {*documented_codes("Quarantine reasons"), *(f"invalid_{name}" for name in fields)}
    reasons.remove("invalid_<field>")
    page = await browser.new_page()
    await page.goto(gateway)
    texts = await page.evaluate(PROBLEMS_SCRIPT, sorted(reasons))
    await page.close()
    assert [code for code, text in texts.items() if "_" in text or code in text] == []
    assert texts["invalid_partySize"] == "Party size can't be read"


def test_every_documented_quarantine_reason_is_a_label(labels: Any) -> None:
    single_fields = {"invalid_<field>", "invalid_timestamp"}
    assert set(labels["quarantine"]["problems"]) == (
        set(documented_codes("Quarantine reasons")) - single_fields
    )


@pytest.mark.parametrize(
    "path, codes",
    [
        (("statuses",), ReservationStatus),
        (("sources",), ReservationSystem),
        (("history", "channels"), set(Channel) - {Channel.STAFF}),
        (("reports", "issues"), DivergenceType),
        (("reports", "decisions"), ReviewDecision),
        (("reports", "failures"), RunFailureKind),
        (("quarantine", "kinds"), EnvelopeEventType),
        (("credentials", "names"), WebhookAuthScheme),
        (("restaurants", "statuses"), HealthStatus),
        (("restaurants", "reasons"), set(documented_codes("Health reasons")) - COUNTED_REASONS),
        (("webhooks", "reasons"), documented_codes("Authentication failures")),
        (
            ("webhooks", "outcomes"),
            {*EventOutcome, "quarantined", "refused"} - OUTCOMES_WITHOUT_DELIVERY,
        ),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_every_code_has_a_label_and_no_other(
    path: tuple[str, ...], codes: Any, labels: Any
) -> None:
    texts = labels
    for name in path:
        texts = texts[name]
    assert set(texts) == set(codes)
    assert all(texts.values())
