"""``python -m dev.sandbox --port 9100``: a local OpenTable for browsers, curl and the bundle."""

import argparse
import os

from dev.sandbox.server import HOST, serve
from dev.sandbox.station import Plan, build


def main() -> None:
    """Read the command line, build the station and serve it.

    Credentials come from the environment, where a process list does not show them:
    ``SANDBOX_CLIENT_SECRET``, ``SANDBOX_AUTHORIZATION`` (the webhook's whole header) and
    ``SANDBOX_SIGNING_SECRET`` (the relay's).
    """
    said = _arguments()
    base_url = f"http://{HOST}:{said.port}"
    plan = Plan(
        zones=dict(said.restaurant or [(555001, "America/New_York")]),
        base_url=base_url,
        reservations=said.reservations,
        speed=said.speed,
        seed=said.seed,
        tier=said.tier,
        client_secret=os.environ.get("SANDBOX_CLIENT_SECRET", "demo-secret"),
        webhook_url=said.deliver_to,
        authorization=os.environ.get("SANDBOX_AUTHORIZATION", ""),
        signing_secret=os.environ.get("SANDBOX_SIGNING_SECRET", ""),
    )
    station = build(plan)
    print(f"OpenTable sandbox on {base_url}; switches under {base_url}/_control/state", flush=True)
    serve(station, said.port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--restaurant", type=_restaurant, action="append", help="RID=ZONE, may be repeated"
    )
    parser.add_argument("--reservations", type=int, default=900, help="in each book at the start")
    parser.add_argument("--speed", type=float, default=60, help="simulated seconds a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tier", choices=("copper", "gold", "platinum"), default="gold")
    parser.add_argument("--deliver-to", default="", metavar="URL", help="where webhooks go")
    return parser.parse_args()


def _restaurant(text: str) -> tuple[int, str]:
    rid, _, zone = text.partition("=")
    return int(rid), zone


if __name__ == "__main__":
    main()
