"""`rotate`: a new webhook credential beside the old one, and the old one retired once unused."""

import argparse
from typing import Any

from dev.operating.console import Console
from dev.operating.credentials import KEYS, ask_for_proof, hand_over, made, read_credentials
from dev.operating.desk import Desk
from dev.operating.endings import Ending
from dev.operating.usage import KeyUse, uses_in_words, uses_of
from shared.core.credentials import Credentials
from shared.core.settings import Scheme
from shared.edge.services import secret_source
from shared.errors import InvalidSettingsError


async def rotate(desk: Desk, console: Console, said: argparse.Namespace) -> Ending:
    """Enter a new credential, tell whether it is in use, or retire the old ones.

    Raises:
        InvalidSettingsError: When the restaurant's own secret holds none of the scheme.
        NotConfirmedError: When the operator does not want a sender locked out.
        RefusalError: When it cannot be written.
    """
    scheme = Scheme(said.scheme)
    if said.check:
        return await _check(desk, console, scheme)
    live = await _own_keys(desk, scheme)
    if said.retire:
        return await _retire(desk, console, scheme, live)
    return await _enter(desk, console, scheme, live, said)


async def _own_keys(desk: Desk, scheme: Scheme) -> int:
    """Return how many credentials of a scheme the restaurant's own secret holds."""
    integration = await desk.get("integration")
    if integration["secret"] is None:
        raise _partners(scheme)
    payload = await secret_source(desk.services.environment).read(integration["secret"])
    held = Credentials.from_payload(integration["secret"], payload)
    keys: tuple[str, ...] = {
        Scheme.BEARER: held.bearer_tokens,
        Scheme.BASIC: held.basic_credentials,
        Scheme.STANDARD_WEBHOOKS: held.webhook_secrets,
    }[scheme]
    if not keys:
        raise _partners(scheme)
    return len(keys)


def _partners(scheme: Scheme) -> InvalidSettingsError:
    return InvalidSettingsError(
        f"This restaurant's own secret holds no credential for {scheme}: where the partner's "
        "secret serves it, rotate that secret; else enter one with `onboard`."
    )


async def _enter(
    desk: Desk, console: Console, scheme: Scheme, live: int, said: argparse.Namespace
) -> Ending:
    if live > 1 and not said.at_once:
        console.confirm(f"{live} keys are live already: the oldest of them will be refused.")
    if said.at_once:
        console.confirm("Every webhook with the present key will be refused from now on.")
    entered = _new(console, scheme, said)
    body = {"credentials": entered | {"keepPrevious": not said.at_once}}
    after = await desk.call("PUT", "integration", body=body)
    console.done("Secret", f"{after['secret']}: the new {scheme} credential is live")
    console.say(
        "Next: give it to the sender. `rotate --check` tells when it is in use, and "
        "`rotate --retire` then ends the old one."
    )
    return Ending({"integration": after})


def _new(console: Console, scheme: Scheme, said: argparse.Namespace) -> dict[str, Any]:
    key = KEYS[scheme]
    if said.credentials_file:
        given = read_credentials(said.credentials_file)
        if given.keys() != {key}:
            raise InvalidSettingsError(f"The credentials must hold {key} and nothing else.")
        return given
    typed = ask_for_proof(console, scheme) if console.is_terminal and not said.save_to else None
    if typed:
        return {key: [typed]}
    new = made([scheme])
    hand_over(console, new, said.save_to)
    return new


async def _check(desk: Desk, console: Console, scheme: Scheme) -> Ending:
    uses = await _uses(desk, scheme)
    for line in uses_in_words(uses):
        console.say(line)
    if not uses:
        console.say(f"No webhook that told something new was proved by {scheme} lately.")
    return Ending({"webhookKeys": [use.told() for use in uses]}, wants_a_person=not _moved(uses))


async def _retire(desk: Desk, console: Console, scheme: Scheme, live: int) -> Ending:
    if live == 1:
        console.done("Secret", f"only one {scheme} credential is live: nothing to retire")
        return Ending({"integration": await desk.get("integration")})
    if not _moved(await _uses(desk, scheme)):
        console.confirm("The new key is not seen in use yet: a sender with the old one is refused.")
    body: dict[str, Any] = {"credentials": {KEYS[scheme]: []}}
    after = await desk.call("PUT", "integration", body=body)
    console.done("Secret", f"{after['secret']}: only the newest {scheme} credential is live")
    return Ending({"integration": after})


async def _uses(desk: Desk, scheme: Scheme) -> list[KeyUse]:
    return [use for use in await uses_of(desk) if use.scheme == scheme]


def _moved(uses: list[KeyUse]) -> bool:
    return any(use.is_newest for use in uses)
