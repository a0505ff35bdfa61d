"""Run the smoke test after a release, and roll back if it fails."""

from dev.deploy.functions import read_function_url
from dev.deploy.gcloud import Words, gcloud, read_output
from dev.deploy.release import REMEMBERED, roll_back
from dev.deploy.setting_up import canary_secret
from dev.deploy.smoke import Canary, SmokeError, run_smoke_test, signing_secret
from dev.deploy.target import Target

_FIRESTORE = "https://firestore.googleapis.com"


def verify_release(target: Target, firestore: str = _FIRESTORE) -> None:
    """Send the canary's event through the deployed webhook; roll back if it does not arrive.

    Args:
        firestore: Address of Firestore's REST API.

    Raises:
        SmokeError: It did not arrive; the previous revision serves again.
    """
    try:
        print(
            f"Found in the ledger: {run_smoke_test(_build_canary(target, firestore))}", flush=True
        )
    except (SmokeError, LookupError) as error:
        not_rolled_back = roll_back(target, REMEMBERED)
        note = f" Not rolled back, as nothing served before: {', '.join(not_rolled_back)}."
        raise SmokeError(f"{error} Rolled back.{note if not_rolled_back else ''}") from error


def look_up_secret(target: Target) -> Words:
    """Return the command that prints the canary's credentials."""
    secret = canary_secret(target)
    versions = ("secrets", "versions", "access", "latest")
    return gcloud(*versions, project=target.project, secret=secret)


def look_up_token() -> Words:
    """Return the command that prints the build's token for the ledger."""
    return gcloud("auth", "print-access-token")


def _build_canary(target: Target, firestore: str) -> Canary:
    documents = f"projects/{target.project}/databases/(default)/documents"
    return Canary(
        webhook=read_function_url(target, "opentable-webhook"),
        restaurant=target.canary,
        secret=signing_secret(read_output(look_up_secret(target)) or ""),
        documents=f"{firestore}/v1/{documents}",
        token=read_output(look_up_token()) or "",
    )
