from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox.models import SandboxDeposit, SandboxGuest, SandboxReservation
from sandbox.sync_rows import (
    GUEST_FIELDS_BY_TIER,
    RESERVATION_FIELDS_BY_TIER,
    ProductTier,
    RenderContext,
    build_guest_row,
    build_reservation_row,
    build_webhook_row,
)

NEW_YORK = ZoneInfo("America/New_York")
GOLD = RenderContext("gold", NEW_YORK, "https://platform.opentable.com")
MONEY = {"deposit", "experience_details"}
PERSONAL = {"first_name", "last_name", "email", "phone", "phone_numbers", "address"}


def row_scheduled_at(moment: datetime, booked: SandboxReservation) -> dict[str, object]:
    return build_reservation_row(replace(booked, scheduled=moment), None, GOLD)


@pytest.mark.parametrize("tier,size", [("copper", 34), ("gold", 36), ("platinum", 52)])
def test_each_tier_has_its_number_of_fields(tier: ProductTier, size: int) -> None:
    assert len(set(RESERVATION_FIELDS_BY_TIER[tier])) == size


def test_only_copper_and_platinum_see_money() -> None:
    seers = {tier for tier, fields in RESERVATION_FIELDS_BY_TIER.items() if set(fields) & MONEY}
    assert seers == {"copper", "platinum"}


def test_copper_sees_no_personal_data_of_a_guest() -> None:
    assert not PERSONAL & set(GUEST_FIELDS_BY_TIER["copper"])


@pytest.mark.parametrize("tier", ["copper", "gold", "platinum"])
def test_a_row_can_be_written_for_each_tier(
    tier: ProductTier, reservation: SandboxReservation
) -> None:
    row = build_reservation_row(reservation, None, replace(GOLD, tier=tier))
    assert tuple(row) == RESERVATION_FIELDS_BY_TIER[tier]


def test_local_and_utc_are_written_side_by_side(reservation: SandboxReservation) -> None:
    row = build_reservation_row(reservation, None, GOLD)
    assert row["scheduled_time"] == "2026-03-14T19:15:00"
    assert row["scheduled_time_utc"] == "2026-03-14T23:15:00Z"


def test_two_offsets_may_stand_in_one_row(reservation: SandboxReservation) -> None:
    winter = replace(reservation, created=datetime(2026, 3, 2, 16, 4, 9, tzinfo=UTC))
    row = build_reservation_row(winter, None, GOLD)
    assert (row["created_date"], row["created_date_utc"]) == (
        "2026-03-02T11:04:09",
        "2026-03-02T16:04:09Z",
    )


def test_the_repeated_hour_is_one_local_time_and_two_instants(
    reservation: SandboxReservation,
) -> None:
    first = row_scheduled_at(datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK), reservation)
    second = row_scheduled_at(datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1), reservation)
    assert first["scheduled_time"] == second["scheduled_time"] == "2026-11-01T01:30:00"
    assert first["scheduled_time_utc"] == "2026-11-01T05:30:00Z"
    assert second["scheduled_time_utc"] == "2026-11-01T06:30:00Z"


def test_the_skipped_hour_moves_on_by_one(reservation: SandboxReservation) -> None:
    row = row_scheduled_at(
        datetime(2026, 3, 8, 2, 30, tzinfo=NEW_YORK).astimezone(UTC), reservation
    )
    assert row["scheduled_time"] == "2026-03-08T03:30:00"


def test_ids_and_links_carry_the_rid(reservation: SandboxReservation) -> None:
    row = build_reservation_row(replace(reservation, guest_key="g1"), None, GOLD)
    assert row["id"] == f"555001-{reservation.key}"
    assert row["guest"] == "https://platform.opentable.com/sync/v2/guests/555001-g1"


def test_a_reservation_without_guest_has_null_links(reservation: SandboxReservation) -> None:
    row = build_reservation_row(reservation, None, GOLD)
    assert (row["guest_id"], row["guest"]) == (None, None)


@pytest.mark.parametrize(
    "tier,extra",
    [
        ("copper", {"experience_details"}),
        ("gold", {"referrer", "added_to_waitlist", "added_to_waitlist_utc"}),
        (
            "platinum",
            {
                "referrer",
                "added_to_waitlist",
                "added_to_waitlist_utc",
                "sms_opt_in",
                "quoted_wait_time",
                "cancellation_date",
                "cancellation_date_utc",
            },
        ),
    ],
)
def test_the_webhook_adds_what_its_tier_may_see(
    tier: ProductTier, extra: set[str], reservation: SandboxReservation
) -> None:
    common = set(build_webhook_row(reservation, replace(GOLD, tier="gold"))) & set(
        build_webhook_row(reservation, replace(GOLD, tier="copper"))
    )
    assert set(build_webhook_row(reservation, replace(GOLD, tier=tier))) - common == extra


def test_the_webhook_leaves_out_what_only_sync_carries(reservation: SandboxReservation) -> None:
    row = build_webhook_row(reservation, replace(GOLD, tier="platinum"))
    assert not {"pos_data", "marketing_opted_out", "currency_code", "email"} & set(row)


def test_the_webhook_writes_deposits_in_camel_case(reservation: SandboxReservation) -> None:
    row = build_webhook_row(replace(reservation, deposit=SandboxDeposit(5000)), GOLD)
    assert row["deposit_details"] == {
        "totalPaid": 5000,
        "totalRefunded": 0,
        "currency": "USD",
        "currencyDenominator": 100,
        "status": "Paid",
    }


def test_the_webhook_can_leave_out_the_z_of_the_scheduled_time_alone(
    reservation: SandboxReservation,
) -> None:
    row = build_webhook_row(reservation, GOLD, zoneless=True)
    assert row["scheduled_time_utc"] == "2026-03-14T23:15:00"
    assert str(row["updated_at_utc"]).endswith("Z")


def test_the_webhook_can_leave_out_the_prefix_of_ids(reservation: SandboxReservation) -> None:
    row = build_webhook_row(replace(reservation, guest_key="g1"), GOLD, unprefixed=True)
    assert (row["id"], row["guest_id"]) == (reservation.key, "g1")


def build_merged_guest(reservation: SandboxReservation) -> SandboxGuest:
    return SandboxGuest(
        rid=1,
        key="a",
        created=reservation.created,
        updated=reservation.updated,
        first_name="Avery",
        archived=True,
        primary="b",
    )


def test_a_merged_guest_has_only_links(reservation: SandboxReservation) -> None:
    row = build_guest_row(build_merged_guest(reservation), GOLD)
    assert {name: value for name, value in row.items() if value is not None} == {
        "id": "1-a",
        "href": "https://platform.opentable.com/sync/v2/guests/1-a",
        "archived": True,
        "primary_guest": "https://platform.opentable.com/sync/v2/guests/1-b",
    }


def test_a_survivor_can_be_named_by_its_key(reservation: SandboxReservation) -> None:
    row = build_guest_row(build_merged_guest(reservation), GOLD, primary_format="key")
    assert row["primary_guest"] == "b"
