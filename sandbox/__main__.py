"""Serve a local OpenTable for browsers, curl and the bundle: python -m sandbox --port 9100."""

import argparse
import os
from zoneinfo import available_timezones

import uvicorn

from sandbox.server import create_sandbox_app
from sandbox.simulator import SimulatorConfig, build_simulator

_HOST = "127.0.0.1"  # this machine only
_SHUTDOWN_TIMEOUT_SECONDS = 1


def main() -> None:
    """Parse the command line, build the simulator and serve it.

    Credentials come from the environment, because a process list shows arguments:
    ``SANDBOX_CLIENT_SECRET``, ``SANDBOX_AUTHORIZATION`` (the webhook's full header) and
    ``SANDBOX_SIGNING_SECRET`` (the relay's).
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--restaurant", type=_parse_restaurant, action="append", help="RID=ZONE, may be repeated"
    )
    parser.add_argument("--reservations", type=int, default=900, help="per restaurant at the start")
    parser.add_argument("--speed", type=float, default=60, help="simulated seconds a second")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tier", choices=("copper", "gold", "platinum"), default="gold")
    parser.add_argument("--deliver-to", default="", metavar="URL", help="where webhooks go")
    args = parser.parse_args()
    base_url = f"http://{_HOST}:{args.port}"
    config = SimulatorConfig(
        zones=dict(args.restaurant or [(555001, "America/New_York")]),
        base_url=base_url,
        reservations=args.reservations,
        speed=args.speed,
        seed=args.seed,
        tier=args.tier,
        client_secret=os.environ.get("SANDBOX_CLIENT_SECRET", "demo-secret"),
        webhook_url=args.deliver_to,
        authorization=os.environ.get("SANDBOX_AUTHORIZATION", ""),
        signing_secret=os.environ.get("SANDBOX_SIGNING_SECRET", ""),
    )
    simulator = build_simulator(config)
    print(f"OpenTable sandbox on {base_url}; {base_url}/_control lists its switches", flush=True)
    with simulator.run_threads():
        uvicorn.run(
            create_sandbox_app(simulator),
            host=_HOST,
            port=args.port,
            log_level="warning",
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_SECONDS,
        )


def _parse_restaurant(text: str) -> tuple[int, str]:
    rid, _, zone = text.partition("=")
    if not rid.isdecimal() or zone not in available_timezones():
        raise argparse.ArgumentTypeError(f"{text!r} is not in the form 555001=America/New_York")
    return int(rid), zone


if __name__ == "__main__":
    main()
