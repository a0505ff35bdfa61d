"""What may be held of the guest whom `tests.strategies.objects` names, all the while."""

from hypothesis import strategies as st

from shared.core.change import Version
from shared.core.guest import Guest
from tests.strategies.objects import GUEST_KEY, NOON

_ADA = {"firstName": "Ada", "lastName": "Lovelace", "phones": ["+15551234567"], "email": None}
KNOWN = {GUEST_KEY: Guest(GUEST_KEY, Version.of_object(1, NOON), _ADA)}
MERGED = {
    GUEST_KEY: Guest(GUEST_KEY, archived=True, survivor="survivor", survivor_id="555001-survivor"),
    "survivor": Guest("survivor", Version.of_object(2, NOON), _ADA),
}

held_guests = st.sampled_from([{}, KNOWN, MERGED])
