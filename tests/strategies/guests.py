"""What may be held of the guest whom `tests.strategies.objects` names, all the while."""

from hypothesis import strategies as st

from shared.core.change import Version
from shared.core.guest import Guest
from tests.strategies.objects import GUEST_KEY, NOON

_ADA_PROFILE = {
    "firstName": "Ada",
    "lastName": "Lovelace",
    "phones": ["+15551234567"],
    "email": None,
}
KNOWN_GUESTS = {GUEST_KEY: Guest(GUEST_KEY, Version.from_sequence(1, NOON), _ADA_PROFILE)}
MERGED_GUESTS = {
    GUEST_KEY: Guest(
        GUEST_KEY, is_merged=True, survivor_key="survivor", survivor_id="555001-survivor"
    ),
    "survivor": Guest("survivor", Version.from_sequence(2, NOON), _ADA_PROFILE),
}

stored_guest_maps = st.sampled_from([{}, KNOWN_GUESTS, MERGED_GUESTS])
