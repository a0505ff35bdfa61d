"""Look up every pinned package among known vulnerabilities: `python -m dev.dependencies.audit`.

Without a connection it reports that nothing was looked up; with `--strict`, as in the build, it
fails.
"""

import argparse
import socket
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit

from dev.dependencies.lock import EVERYTHING, export_requirements

SERVICE = "https://api.osv.dev/v1/query"  # public, without an account
_CONNECT_SECONDS = 10
_AUDIT_SECONDS = 600


class NotAuditedError(RuntimeError):
    """The service cannot be reached; the message gives the reason."""


def audit(service: str, requirements: str) -> bool:
    """Look up every package, print the known vulnerabilities, and return whether there are none.

    Args:
        service: Address of a service that implements OSV's query protocol.
        requirements: Pinned requirements with hashes.

    Raises:
        NotAuditedError: The service cannot be reached.
    """
    # pip-audit ends with 1 for a lost connection too, as for a vulnerability.
    url = urlsplit(service)
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname or "", port), _CONNECT_SECONDS).close()
    except OSError as error:
        raise NotAuditedError(f"{url.hostname} cannot be reached ({error})") from error
    command = [sys.executable, "-m", "pip_audit", "--strict", "--disable-pip", "--require-hashes"]
    command += ["--progress-spinner", "off", "--vulnerability-service", "osv"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(requirements)
        file.flush()
        command += ["--osv-url", service, "--requirement", file.name]
        return subprocess.run(command, timeout=_AUDIT_SECONDS, check=False).returncode == 0


def main() -> None:
    """Exit with 1 on a vulnerability; with `--strict` also without a connection."""
    parser = argparse.ArgumentParser(prog="python -m dev.dependencies.audit", description=__doc__)
    parser.add_argument(
        "--strict", action="store_true", help="fail if the service cannot be reached"
    )
    parser.add_argument(
        "--service", default=SERVICE, help=f"address of the service (default {SERVICE})"
    )
    options = parser.parse_args()
    try:
        sys.exit(0 if audit(options.service, export_requirements(*EVERYTHING)) else 1)
    except NotAuditedError as error:
        print(f"NOT AUDITED for known vulnerabilities: {error}. Try again with a connection.")
        sys.exit(1 if options.strict else 0)


if __name__ == "__main__":
    main()
