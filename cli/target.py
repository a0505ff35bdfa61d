"""Where a command works: in the `make run` on this machine, or in a Google Cloud project."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import click
import requests

from cli.output import CommandError
from shared.config import Environment, read_environment

LOCAL_STATUS_PATH = "/_local/status"
LOCAL_WEBHOOK_PATH = "/opentable-webhook"
PROFILES_FILE = Path("~/.config/opentable-ledger/profiles.toml")
_TIMEOUT_SECONDS = 5
_DEFAULT_PORT = 8080


class _Port(click.IntRange):
    name = "port"  # click's own is "integer range", also in its messages


_PORT_TYPE = _Port(1, 65535)


# The options that name the target of a command.
TARGET_OPTIONS = (
    click.Option(
        ["--project"],
        envvar=["LEDGER_PROJECT", "GOOGLE_CLOUD_PROJECT"],
        metavar="NAME",
        help="Google Cloud project. Default: LEDGER_PROJECT, else GOOGLE_CLOUD_PROJECT.",
    ),
    click.Option(["--local"], is_flag=True, help="Use the `make run` on this machine."),
    click.Option(
        ["--port"], type=_PORT_TYPE, metavar="N", help="Port of that run; implies --local."
    ),
    click.Option(
        ["--profile"],
        envvar="LEDGER_PROFILE",
        metavar="NAME",
        help=f"Settings from {PROFILES_FILE}. Default: LEDGER_PROFILE.",
    ),
)
TARGET_NAMES = ("project", "local", "port", "profile")
# A profile can be combined with another project.
EXCLUSIVE_TARGETS = tuple(product(("local", "port"), ("project", "profile")))


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A running `make run`: the port of its page, and the addresses of its parts."""

    port: int
    status: Mapping[str, Any]


class RunNotReachableError(CommandError):
    """Ends a command because a run, or a part of it, does not respond."""

    def __init__(self, url: str, error: Exception) -> None:
        super().__init__(
            f"No run answers at {url} ({type(error).__name__}): start one with `make run`, "
            "or name its port with --port."
        )


def select_target(
    *,
    project: str | None,
    local: bool,
    port: int | None,
    profile: str | None,
    is_project_given: bool,
) -> tuple[Environment, LocalRun | None]:
    """Set the variables of this process for the target, and read them.

    Firestore's client reads some variables itself, so they must be set in the process. A project
    that is not on the command line does not replace the profile's.
    """
    local_run = None
    if local or port:
        port = port or _PORT_TYPE(os.environ.get("PORT") or _DEFAULT_PORT)
        local_run = LocalRun(port, read_run_status(port))
        status = local_run.status
        os.environ |= {
            "GOOGLE_CLOUD_PROJECT": status["project"],
            "FIRESTORE_EMULATOR_HOST": status["firestoreEmulator"],
            "FIREBASE_AUTH_EMULATOR_HOST": status["authEmulator"],
            "OPENTABLE_API_URL": status["sandbox"],
            "OPENTABLE_OAUTH_URL": status["sandbox"],
            "OPENTABLE_PARTNER_SECRET": status["partnerSecret"],
            "SECRETS_FILE": status["secretsFile"],
            "WEBHOOK_URL": build_run_url(port, LOCAL_WEBHOOK_PATH),
            "no_proxy": "127.0.0.1",  # a company's proxy cannot reach this machine's loopback
        }
    else:
        if profile:
            os.environ |= _read_profile(profile)
        if project and (is_project_given or not profile):
            os.environ["GOOGLE_CLOUD_PROJECT"] = project
        if not os.environ.get("GOOGLE_CLOUD_PROJECT"):
            raise CommandError(
                "Choose a target: --local for the `make run` on this machine, --project for a "
                "Google Cloud project, or --profile."
            )
    # K_SERVICE marks a deployed function, but Cloud Shell and Cloud Run jobs set it too.
    variables = {name: text for name, text in os.environ.items() if name != "K_SERVICE"}
    return read_environment(variables), local_run


def _read_profile(name: str) -> dict[str, str]:
    """Return the environment variables of a profile."""
    try:
        profiles = tomllib.loads(PROFILES_FILE.expanduser().read_text("utf-8"))
    except (OSError, RuntimeError):
        raise CommandError(
            f"{PROFILES_FILE} cannot be read: create it with a table [{name}] of environment "
            'variables, such as GOOGLE_CLOUD_PROJECT = "my-project".'
        ) from None
    except ValueError as error:  # invalid TOML or UTF-8
        raise CommandError(f"{PROFILES_FILE} is not valid TOML: {error}.") from None
    if name not in profiles:
        names = ", ".join(profiles) or "none"
        raise CommandError(f"{PROFILES_FILE} has no table [{name}]. Its tables: {names}.")
    variables = profiles[name]
    if not isinstance(variables, dict) or not all(isinstance(v, str) for v in variables.values()):
        raise CommandError(
            f"{PROFILES_FILE}: [{name}] must be a table of texts: put each value in quotes."
        )
    return variables


def build_run_url(port: int, path: str) -> str:
    """Return an address of the run whose page is at this port."""
    return f"http://127.0.0.1:{port}{path}"


def read_run_status(port: int) -> dict[str, Any]:
    """Return the addresses of a run's parts.

    Raises:
        RunNotReachableError: No run responds at the port.
    """
    url = build_run_url(port, LOCAL_STATUS_PATH)
    try:
        response = requests.get(url, timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        return dict(response.json())
    except (requests.RequestException, ValueError) as error:
        raise RunNotReachableError(url, error) from None
