"""Whatever an authenticated body holds, it is applied or kept aside, whole."""

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sender import WebhookSender
from tests.statements import envelope_body, row_body

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
DATA = st.sampled_from(sorted(envelope_body()["data"])) | st.text(max_size=9)
FIELDS = st.sampled_from(
    sorted(row_body(1).keys() | {"guest_id", "confirmation_id", "table_number"})
)
envelope_field_names = st.sampled_from(["eventType", "id", "timestamp"])
over_http = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one restaurant serves them all
)
numbers = itertools.count()


@over_http
@given(
    data=st.dictionaries(DATA, JSON, max_size=4),
    around=st.dictionaries(envelope_field_names, JSON, max_size=2),
)
async def test_any_envelope_is_stored(
    sender: WebhookSender, data: dict[str, Any], around: dict[str, Any]
) -> None:
    known = {"restaurantId": sender.restaurant.id}
    whole = {"reservationId": f"h{next(numbers)}"} | data | known
    await sender.send_and_verify_stored(
        json.dumps(sender.envelope() | {"data": whole} | around).encode()
    )


@over_http
@given(fields=st.dictionaries(FIELDS | st.text(max_size=9), JSON, max_size=5))
async def test_any_row_is_stored(sender: WebhookSender, fields: dict[str, Any]) -> None:
    known = {"rid": int(sender.restaurant.rid)}
    await sender.send_and_verify_stored(
        json.dumps(sender.row(1, id=f"h{next(numbers)}") | fields | known).encode()
    )
