"""References to the documents and collections of the data model (docs/data-model.md)."""

from google.cloud.firestore import (
    AsyncClient,
    AsyncCollectionReference,
    AsyncDocumentReference,
)

from shared.domain.normalization.identifiers import build_reservation_document_id

RESERVATIONS_COLLECTION = "reservations"
JOURNAL_COLLECTION = "ledgerEvents"
RID_CLAIMS_COLLECTION = "openTableRids"
INTEGRATION_ID = "opentable"
_RESTAURANT_DOCUMENT_LENGTH = 4  # restaurants/{restaurantId}/{collection}/{document}
# Collections to the field with the time of a document's deletion (firestore.indexes.json).
EXPIRY_FIELDS = {
    JOURNAL_COLLECTION: "journalExpireAt",
    "openTableQuarantine": "quarantineExpireAt",
    "openTableGuestFailures": "failureExpireAt",
    "reconciliationReports": "reportExpireAt",
    "continued": "reportExpireAt",
    "reservationAnalytics": "analyticsExpireAt",
    "staffChanges": "staffChangeExpireAt",
}


def integration_document(client: AsyncClient, restaurant_id: str) -> AsyncDocumentReference:
    """Return a restaurant's OpenTable settings and the state of its runs."""
    return client.document("restaurants", restaurant_id, "integrations", INTEGRATION_ID)


def find_restaurant_id(document: AsyncDocumentReference) -> str | None:
    """Return the id of the restaurant directly above a document's collection, None without one.

    A collection group has every collection of its name: at any depth, and of other programs.
    """
    segments = document.path.split("/")
    has_restaurant = len(segments) == _RESTAURANT_DOCUMENT_LENGTH and segments[0] == "restaurants"
    return segments[1] if has_restaurant else None


def rid_claim_document(client: AsyncClient, rid: str) -> AsyncDocumentReference:
    """Return the claim of a restaurant's number at OpenTable."""
    return client.document(RID_CLAIMS_COLLECTION, rid)


def recent_changes_document(client: AsyncClient) -> AsyncDocumentReference:
    """Return the recent changes of settings and credentials, for all instances."""
    return client.document("openTableChanges", "recent")


def reservations_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return a restaurant's ledger."""
    return client.collection("restaurants", restaurant_id, RESERVATIONS_COLLECTION)


def reservation_document(
    client: AsyncClient, restaurant_id: str, external_key: str
) -> AsyncDocumentReference:
    """Return one of OpenTable's reservations."""
    document_id = build_reservation_document_id(external_key)
    return client.document("restaurants", restaurant_id, RESERVATIONS_COLLECTION, document_id)


def journal_collection(reservation: AsyncDocumentReference) -> AsyncCollectionReference:
    """Return a reservation's journal."""
    entries: AsyncCollectionReference = reservation.collection(JOURNAL_COLLECTION)
    return entries


def staff_member_document(
    client: AsyncClient, restaurant_id: str, uid: str
) -> AsyncDocumentReference:
    """Return a user's membership of a restaurant's staff."""
    return client.document("restaurants", restaurant_id, "staff", uid)


def staff_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return a restaurant's staff."""
    return client.collection("restaurants", restaurant_id, "staff")


def staff_changes_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return the recorded changes of a restaurant's staff."""
    return client.collection("restaurants", restaurant_id, "staffChanges")


def quarantine_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return a restaurant's quarantine."""
    return client.collection("restaurants", restaurant_id, "openTableQuarantine")


def webhook_refusals_document(client: AsyncClient, restaurant_id: str) -> AsyncDocumentReference:
    """Return the counts of a restaurant's refused webhooks."""
    integration = integration_document(client, restaurant_id)
    document: AsyncDocumentReference = integration.collection("webhooks").document("refusals")
    return document


def reports_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return a restaurant's reconciliation reports."""
    return client.collection("restaurants", restaurant_id, "reconciliationReports")


def analytics_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return the daily roll-ups of a restaurant's analytics."""
    return client.collection("restaurants", restaurant_id, "reservationAnalytics")


def guests_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return a restaurant's guests."""
    return client.collection("restaurants", restaurant_id, "openTableGuests")


def guest_failures_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return the guests that could not be fetched."""
    return client.collection("restaurants", restaurant_id, "openTableGuestFailures")


def erasures_collection(client: AsyncClient, restaurant_id: str) -> AsyncCollectionReference:
    """Return the journal of a restaurant's erasures."""
    return client.collection("restaurants", restaurant_id, "openTableErasures")
