from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.settings import IntegrationSettings, WebhookAuthScheme, parse_settings
from shared.domain.webhook_auth import Credentials, list_webhook_problems
from shared.errors import InvalidSettingsError
from tests.strategies.json_values import json_values
from tests.support.restaurants import Restaurant

COMPLETE_SETTINGS = {
    "enabled": True,
    "restaurantId": "555001",
    "timeZone": "America/New_York",
    "country": "US",
    "webhookAuth": ["bearer", "basic"],
    "secret": "opentable-restaurant-123",
}


def read_settings_from(**changes: Any) -> IntegrationSettings:
    """Parse the complete settings with changes; None removes a setting."""
    document = COMPLETE_SETTINGS | changes
    return parse_settings("r", {name: v for name, v in document.items() if v is not None})


def test_complete_settings_are_read_unchanged() -> None:
    assert read_settings_from() == IntegrationSettings(
        restaurant_id="r",
        is_enabled=True,
        rid="555001",
        zone=ZoneInfo("America/New_York"),
        country="US",
        webhook_auth=frozenset({WebhookAuthScheme.BEARER, WebhookAuthScheme.BASIC}),
        secret_id="opentable-restaurant-123",
        problems=(),
    )


@pytest.mark.parametrize("name", ["restaurantId", "country", "webhookAuth", "secret"])
def test_a_missing_optional_setting_is_not_a_problem(name: str) -> None:
    assert not read_settings_from(**{name: None}).problems


def test_no_list_of_schemes_accepts_nothing() -> None:
    assert read_settings_from(webhookAuth=None).webhook_auth == frozenset()


@pytest.mark.parametrize(
    "listed", ["bearer", ["bearer", "hmac"], [{}], ["bearer", ["basic"]], [None], {"bearer": True}]
)
def test_a_list_with_anything_unknown_accepts_nothing_and_is_a_problem(listed: object) -> None:
    settings = read_settings_from(webhookAuth=listed)
    assert not settings.webhook_auth
    assert "basic, bearer, standard-webhooks" in settings.problems[0]


@pytest.mark.parametrize("enabled", [None, 1, "true", False])
def test_only_true_enables(enabled: object) -> None:
    assert not read_settings_from(enabled=enabled).is_enabled


@pytest.mark.parametrize("rid", [555001, "", "12a", "9" * 19, ["1"]])
def test_a_rid_that_is_not_text_of_digits_is_a_problem(rid: object) -> None:
    settings = read_settings_from(restaurantId=rid)
    assert (settings.rid, len(settings.problems)) == (None, 1)


@pytest.mark.parametrize(
    "zone",
    [
        *(None, 5, "", "\x00", "a" * 999, "../UTC", "/etc/localtime", "Mars/Olympus"),
        # Files and folders of the zone database.
        *("America", "Factory", "localtime", "posixrules", "zone.tab"),
        *("posix/America/New_York", "right/Europe/Paris"),
    ],
)
def test_a_zone_that_does_not_exist_is_a_problem(zone: object) -> None:
    settings = read_settings_from(timeZone=zone)
    assert (settings.zone, len(settings.problems)) == (None, 1)


@pytest.mark.parametrize("value", ["", 5, ["US"]])
def test_a_secret_that_is_no_text_is_a_problem(value: object) -> None:
    assert read_settings_from(secret=value).problems == ("secret must be text.",)


@pytest.mark.parametrize("value", ["", 5, ["US"]])
def test_a_country_that_is_no_text_is_ignored_with_a_warning(value: object) -> None:
    settings = read_settings_from(country=value)
    assert (settings.country, settings.problems) == (None, ())
    assert settings.warnings == ("country must be text.",)


def test_the_settings_of_the_staff_page_are_read() -> None:
    settings = read_settings_from(
        name="Chez Ada", serviceDayEndsAt="03:30", locale="zh-Hant-TW", hourCycle="h23"
    )
    assert settings.name == "Chez Ada"
    assert settings.service_day_ends_at == time(3, 30)
    assert (settings.locale, settings.hour_cycle) == ("zh-Hant-TW", "h23")


@pytest.mark.parametrize(
    "name, default, values",
    [
        ("name", None, ["", "  ", 5, ["Chez Ada"]]),
        ("service_day_ends_at", time(4), ["", "3:30", "12:00", "03:60", "\u0660\u0663:30", 3]),
        ("locale", None, ["", "EN", "en-us", "en_US", "\u0435n", "en-US\n", ["en"]]),
        ("hour_cycle", None, ["", "h24", "H12", "h12 ", 12]),
    ],
)
def test_a_damaged_setting_of_the_staff_page_has_its_default_and_is_no_problem(
    name: str, default: object, values: list[object]
) -> None:
    stored_name = {"service_day_ends_at": "serviceDayEndsAt", "hour_cycle": "hourCycle"}
    for value in values:
        settings = read_settings_from(**{stored_name.get(name, name): value})
        assert (getattr(settings, name), settings.problems) == (default, ())


@given(st.dictionaries(st.sampled_from(sorted(COMPLETE_SETTINGS)), json_values))
def test_any_document_can_be_read(document: dict[str, Any]) -> None:
    settings = parse_settings("r", document)
    assert settings.zone is not None or settings.problems


@given(json_values)
def test_a_scheme_is_accepted_only_where_it_stands_in_the_list(listed: object) -> None:
    accepted = parse_settings("r", {"webhookAuth": listed}).webhook_auth
    assert not accepted or (isinstance(listed, list) and accepted == set(listed))


def test_the_zone_and_the_rid_are_usable_without_problems() -> None:
    settings = read_settings_from()
    assert settings.require_zone() == ZoneInfo("America/New_York")
    assert settings.require_rid() == "555001"


@pytest.mark.parametrize("change", [{"timeZone": "x"}, {"webhookAuth": "x"}, {"restaurantId": "x"}])
def test_any_problem_makes_the_zone_unusable_and_is_reported(change: dict[str, str]) -> None:
    with pytest.raises(InvalidSettingsError, match=f"{next(iter(change))} must be"):
        read_settings_from(**change).require_zone()


def test_a_missing_rid_is_reported() -> None:
    with pytest.raises(InvalidSettingsError, match="set restaurantId"):
        read_settings_from(restaurantId=None).require_rid()


CHECKED_RESTAURANT = Restaurant("restaurant-123", "555001")
WEBHOOK_SECRET = "whsec_c2VjcmV0"


def problems_of_settings(
    *webhook_secrets: str, claimed_by: str | None = CHECKED_RESTAURANT.id, **settings: Any
) -> list[str]:
    credentials = Credentials(webhook_secrets=webhook_secrets or (WEBHOOK_SECRET,))
    return list_webhook_problems(CHECKED_RESTAURANT.settings(**settings), credentials, claimed_by)


def test_correct_settings_have_no_problems() -> None:
    assert problems_of_settings() == []


def test_a_missing_scheme_is_reported() -> None:
    [problem] = problems_of_settings(webhookAuth=[])
    assert problem.startswith("webhookAuth is empty, so every webhook is rejected")
    assert problem.endswith("list any of standard-webhooks, bearer, basic.")


def test_a_scheme_without_a_credential_is_reported() -> None:
    settings = CHECKED_RESTAURANT.settings(webhookAuth=["basic", "bearer", "standard-webhooks"])
    assert list_webhook_problems(settings, Credentials(), CHECKED_RESTAURANT.id) == [
        "webhookAuth accepts basic, but the secret has no basicCredentials: enter one.",
        "webhookAuth accepts bearer, but the secret has no bearerTokens: enter one.",
        "webhookAuth accepts standard-webhooks, but the secret has no webhookSecrets: enter one.",
    ]


def test_an_undecodable_secret_is_reported_by_its_position() -> None:
    [problem] = problems_of_settings(WEBHOOK_SECRET, "hushhush!")
    assert problem.startswith("webhookSecrets[1] is not a Standard Webhooks secret")
    assert "hush" not in problem


def test_an_empty_secret_is_reported() -> None:
    [problem] = problems_of_settings("whsec_", WEBHOOK_SECRET)
    assert problem.startswith("webhookSecrets[0]")


@pytest.mark.parametrize(
    "claimed_by, mismatch", [(None, "does not exist"), ("elsewhere", "names another restaurant")]
)
def test_a_rid_not_claimed_by_the_restaurant_is_reported(
    claimed_by: str | None, mismatch: str
) -> None:
    [problem] = problems_of_settings(claimed_by=claimed_by)
    assert problem == (
        f"openTableRids/555001 {mismatch}, so OpenTable's webhooks are rejected: "
        'set its restaurantId to "restaurant-123".'
    )
