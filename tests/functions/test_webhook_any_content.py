"""Whatever an authenticated body holds, it is applied or kept aside, whole."""

import itertools
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sender import Sender
from tests.statements import envelope, row

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
DATA = st.sampled_from(sorted(envelope()["data"])) | st.text(max_size=9)
FIELDS = st.sampled_from(sorted(row(1).keys() | {"guest_id", "confirmation_id", "table_number"}))
AROUND = st.sampled_from(["eventType", "id", "timestamp"])
over_http = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # one restaurant serves them all
)
numbers = itertools.count()


@over_http
@given(
    data=st.dictionaries(DATA, JSON, max_size=4), around=st.dictionaries(AROUND, JSON, max_size=2)
)
async def test_any_envelope_is_kept(
    sender: Sender, data: dict[str, Any], around: dict[str, Any]
) -> None:
    known = {"restaurantId": sender.restaurant.id}
    whole = {"reservationId": f"h{next(numbers)}"} | data | known
    await sender.kept(json.dumps(sender.envelope() | {"data": whole} | around).encode())


@over_http
@given(fields=st.dictionaries(FIELDS | st.text(max_size=9), JSON, max_size=5))
async def test_any_object_is_kept(sender: Sender, fields: dict[str, Any]) -> None:
    known = {"rid": int(sender.restaurant.rid)}
    await sender.kept(json.dumps(sender.row(1, id=f"h{next(numbers)}") | fields | known).encode())
