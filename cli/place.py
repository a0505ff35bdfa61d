"""Which Firestore, OpenTable and secrets a command works with."""

import os
from collections.abc import Mapping

from dev.local.processes import LOOPBACK
from dev.local.remote import read_run_status
from shared.config import Environment, read_environment


def read_local_variables(port: int) -> dict[str, str]:
    """Return the variables of a run that is under way on this machine.

    Args:
        port: The run's (1-65535).

    Raises:
        NotRunningError: No run answers there.
    """
    status = read_run_status(port)
    return {
        "GOOGLE_CLOUD_PROJECT": status["project"],
        "FIRESTORE_EMULATOR_HOST": status["firestoreEmulator"],
        "OPENTABLE_API_URL": status["sandbox"],
        "OPENTABLE_OAUTH_URL": status["sandbox"],
        "OPENTABLE_PARTNER_SECRET": status["partnerSecret"],
        "SECRETS_FILE": status["secretsFile"],
        "no_proxy": LOOPBACK,
    }


def select_environment(local_port: int | None, project: str | None) -> Environment:
    """Set this process's variables for a place, and return the environment that they make.

    Firestore's client reads some of them by itself, so they are set, not only read.

    Args:
        local_port: Of the run on this machine that is meant, None for none.
        project: The Google Cloud project that is meant, None for GOOGLE_CLOUD_PROJECT's.

    Raises:
        NotRunningError: No run answers at the port.
        InvalidSettingsError: A variable cannot be used; the text names it.
    """
    if local_port is not None:
        os.environ |= read_local_variables(local_port)
    elif project is not None:
        os.environ["GOOGLE_CLOUD_PROJECT"] = project
    return read_environment(_without_function_marker(os.environ))


def describe_environment(environment: Environment) -> str:
    """Return where a command works, for the operator to see that it is where they meant."""
    project = environment.require_project()
    if environment.firestore_emulator:
        return f"project {project} in the emulator at {environment.firestore_emulator}"
    return f"project {project} of Google Cloud"


def _without_function_marker(variables: Mapping[str, str]) -> dict[str, str]:
    """Leave out the mark of a deployed function, which a Cloud Shell or a job may bear too."""
    return {name: text for name, text in variables.items() if name != "K_SERVICE"}
