"""The command line of operators: `python -m cli COMMAND RESTAURANT`."""

from typing import Any

import click
from google.auth.exceptions import GoogleAuthError
from typing_extensions import override

from cli.export import export
from cli.onboard import offboard, onboard
from cli.output import CommandError, CommandInterruptedError, RetryLaterError
from cli.quarantine import manage_quarantine
from cli.reconcile import reconcile_now
from cli.rotate import rotate_credential
from cli.status import status
from dev.local.remote import RunNotReachableError
from shared.errors import (
    InvalidSettingsError,
    OpenTableError,
    OpenTableUnavailableError,
    PlanNotExecutableError,
    ServiceUnavailableError,
)


class OperatorGroup(click.Group):
    """Ends every expected failure with one sentence and its exit code."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            raise CommandInterruptedError(
                "Interrupted: run the same command again to continue."
            ) from None
        except GoogleAuthError:
            raise CommandError("Sign in first: `gcloud auth application-default login`.") from None
        except ServiceUnavailableError as error:
            if "PermissionDenied" in str(error) or "Forbidden" in str(error):
                text = "Firestore denies access: ask for roles/datastore.user on the project."
            else:
                text = f"Temporarily unavailable ({error}): run the command again."
            raise RetryLaterError(text) from None
        except OpenTableUnavailableError as error:
            raise RetryLaterError(str(error)) from None
        except (
            InvalidSettingsError,
            OpenTableError,
            PlanNotExecutableError,
            RunNotReachableError,
        ) as error:
            raise CommandError(str(error)) from None


@click.group(
    cls=OperatorGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    # "\b" makes click keep the lines of a paragraph.
    epilog="""\b
Exit codes:
  0    done
  1    failed; the message says what to do
  2    the command line is wrong
  3    temporarily not possible: run the command again
  4    done, but an operator must act
  130  interrupted: run the command again to continue

\b
Example:
  python -m cli status restaurant-123""",
)
def main() -> None:
    """Connect restaurants to OpenTable, check and repair their ledgers, and export data.

    RESTAURANT is Lineup's id, such as restaurant-123.
    """


for command in (
    onboard,
    status,
    rotate_credential,
    manage_quarantine,
    reconcile_now,
    export,
    offboard,
):
    main.add_command(command)

if __name__ == "__main__":
    main(prog_name="python -m cli")
