import pytest
import requests

from sandbox.api import OAUTH_TOKEN_PATH, OpenTableApi
from sandbox.fault_injection import FailureKind
from sandbox.models import SandboxReservation
from sandbox.requests_adapter import SandboxAdapter
from tests.sandbox.client import RID

URL = "https://platform.opentable.com/sync/v2/reservations"
BEARER = {"Authorization": "Bearer key"}


@pytest.fixture
def sandbox_session(sandbox: OpenTableApi) -> requests.Session:
    sandbox_session = requests.Session()
    sandbox_session.mount("https://", SandboxAdapter(sandbox))
    return sandbox_session


def get_rows(
    session: requests.Session, timeout: float | tuple[float, float] | None = 1
) -> requests.Response:
    return session.get(URL, params={"rid": RID}, headers=BEARER, timeout=timeout)


def test_a_session_reads_rows_without_a_socket(
    sandbox_session: requests.Session, reservation: SandboxReservation
) -> None:
    answer = get_rows(sandbox_session)
    assert [row["id"] for row in answer.json()["items"]] == [f"{RID}-{reservation.key}"]


def test_gzip_is_unpacked_by_requests(sandbox_session: requests.Session) -> None:
    answer = get_rows(sandbox_session)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["items"] == []


def test_a_session_gets_a_token_by_post(sandbox_session: requests.Session) -> None:
    url = f"https://oauth.opentable.com{OAUTH_TOKEN_PATH}?grant_type=client_credentials"
    answer = sandbox_session.post(url, auth=("client", "secret"), timeout=1)
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize("deadline", [5, (1, 5), None])
def test_an_answer_after_the_deadline_is_a_read_timeout(
    deadline: float | tuple[float, float] | None,
    sandbox_session: requests.Session,
    sandbox: OpenTableApi,
) -> None:
    sandbox.faults.script_failure(FailureKind.DELAY, seconds=6)
    with pytest.raises(requests.ReadTimeout):
        get_rows(sandbox_session, deadline)


def test_an_answer_within_the_deadline_comes_at_once(
    sandbox_session: requests.Session, sandbox: OpenTableApi
) -> None:
    sandbox.faults.script_failure(FailureKind.DELAY, seconds=6)
    assert get_rows(sandbox_session, 10).status_code == 200


def test_a_cut_connection_is_a_connection_error(
    sandbox_session: requests.Session, sandbox: OpenTableApi
) -> None:
    sandbox.faults.script_failure(FailureKind.CLOSE)
    with pytest.raises(requests.ConnectionError):
        get_rows(sandbox_session)
