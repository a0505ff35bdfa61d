"""The commands `backup`, `restore` and `rebuild` for the documents of a restaurant.

`gcloud firestore export` and Firestore's scheduled backups cover the whole database. These commands
cover one restaurant, while the others continue.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from cli.api import OperatorClient
from cli.command import Moment, restaurant_command
from cli.output import (
    CommandError,
    CommandResult,
    Console,
    get_partial_path,
    open_partial_file,
)
from shared.backup import (
    BackupHeader,
    IntegrationEnabledError,
    InvalidBackupError,
    iterate_backup_documents,
    iterate_backup_lines,
    read_header,
    restore_restaurant,
)
from shared.context import RestaurantContext
from shared.errors import ServiceUnavailableError
from shared.firestore import paths
from shared.firestore.documents import read_document
from shared.firestore.raw_client import DEFAULT_DATABASE, FirestoreClient
from shared.ledger.staff_actions import RebuildResult, rebuild_restaurant
from shared.restaurants.settings import RidTakenError, read_settings

_MAX_LISTED_RESERVATIONS = 20
_TIME = Moment("2026-11-24T10:00Z", formats=["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ"])


@restaurant_command(
    "backup",
    examples=[
        "ledger backup restaurant-123 --to restaurant-123.backup.jsonl",
        "ledger backup restaurant-123 --at 2026-11-24T10:00Z --to before.backup.jsonl",
    ],
    requires_integration=False,  # the database of the copy has the settings
)
@click.option("--to", metavar="FILE", required=True, help="A new file.")
@click.option(
    "--at",
    type=_TIME,
    metavar="TIME",
    help="Back up the documents as of this minute, UTC. Default: now. Firestore keeps an hour, and "
    "seven days with point-in-time recovery.",
)
@click.option(
    "--database",
    metavar="NAME",
    default=DEFAULT_DATABASE,
    help="The database, such as one restored from a scheduled backup.",
)
async def backup(
    api: OperatorClient, console: Console, *, to: str, at: datetime | None, database: str
) -> CommandResult:
    """Back up all documents of a restaurant to a file.

    The file has names, contact data, requests and notes. It is readable by your account only.
    Erasures do not reach it: delete it when a newer one exists.
    """
    console.confirm("The backup will contain names, contact data, requests and notes.")
    environment = api.app_context.environment
    client = FirestoreClient(
        environment.require_project(), environment.firestore_emulator, database=database
    )
    if at is not None:
        read_time = at.replace(tzinfo=UTC)
    else:  # a moment after every commit before this command, by Firestore's clock
        document = await read_document(paths.integration_document(client, api.restaurant_id))
        read_time = document.read_time
    count = -2  # header and trailer are no documents
    with open_partial_file(to) as output, _explain_read_failures(database):
        async for line in iterate_backup_lines(client, api.restaurant_id, read_time):
            output.write(line + "\n")
            count += 1
    if not count:
        get_partial_path(to).unlink()
        raise CommandError(
            f"The database {database} has no document of {api.restaurant_id} at that time: check "
            "the restaurant, --database and --at."
        )
    get_partial_path(to).rename(to)
    console.print_step("Backed up", f"{count} documents of {api.restaurant_id} to {to}")
    return CommandResult({"documents": count, "readTime": read_time.isoformat(), "file": to})


@contextmanager
def _explain_read_failures(database: str) -> Iterator[None]:
    """Turn what another attempt cannot repair into advice."""
    try:
        yield
    except ServiceUnavailableError as error:
        if str(error) in {"FailedPrecondition", "InvalidArgument"}:
            raise CommandError(
                "Firestore has no versions of that time: for --at, name a minute of the last "
                "hour, or of the last seven days with point-in-time recovery."
            ) from None
        if str(error) == "NotFound":
            raise CommandError(
                f"There is no database {database}: `gcloud firestore databases list` shows the "
                "names. A database that is being restored can be read afterwards."
            ) from None
        raise


@restaurant_command(
    "restore",
    examples=["ledger restore restaurant-123 restaurant-123.backup.jsonl"],
    requires_integration=False,
)
@click.argument("file", help="A file that `ledger backup` wrote.")
async def restore(api: OperatorClient, console: Console, *, file: str) -> CommandResult:
    """Restore the missing documents of a restaurant from a backup.

    Existing documents are newer and stay as they are. Reservations are completed from their
    journals. Persons erased since the backup are erased again. The integration stays paused:
    `ledger restaurants resume` starts it, and the next poll begins at the time of the backup.
    """
    # Read twice, so that a large backup need not fit in memory.
    header, documents = _check_file(file, api.restaurant_id)
    console.print_step("Backup", f"{documents} documents as of {header.read_time:%Y-%m-%d %H:%M}Z")
    console.confirm(f"Missing documents of {api.restaurant_id} will be created.")
    try:
        result = await restore_restaurant(api.app_context, header, _read_lines(file))
    except IntegrationEnabledError:
        raise CommandError(
            f"{api.restaurant_id} is enabled: run `ledger restaurants pause {api.restaurant_id}`, "
            "wait until its runs have ended, then restore."
        ) from None
    except RidTakenError:
        raise CommandError(
            "Another restaurant has claimed the rid of this backup: find it with `ledger "
            "restaurants list`, and run `ledger restaurants remove RESTAURANT --release-rid`."
        ) from None
    for collection_id, count in sorted(result.created.items()):
        console.print_step("Created", f"{count} in {collection_id}")
    console.print_step("Kept", f"{result.existing} existing documents")
    if result.erased_places:
        console.print_step("Erased", f"{result.erased_places} places of persons erased before")
    _print_rebuilt(console, result.rebuilt)
    console.print_line("The integration is paused. `ledger restaurants resume` starts it.")
    problems = [each for each in result.rebuilt if each.problem]
    return CommandResult(
        {
            "created": dict(result.created),
            "existing": result.existing,
            "erasedPlaces": result.erased_places,
            "rebuilt": [_rebuild_to_json(each) for each in result.rebuilt],
        },
        is_action_required=bool(problems),
    )


def _check_file(file: str, restaurant_id: str) -> tuple[BackupHeader, int]:
    """Read a whole backup before anything is written; return its header and document count."""
    lines = _read_lines(file, skip_header=False)
    try:
        header = read_header(next(lines, ""))
        if header.restaurant_id != restaurant_id:
            raise CommandError(
                f"{file} is a backup of {header.restaurant_id}: name one of {restaurant_id}."
            )
        return header, sum(1 for _ in iterate_backup_documents(lines, restaurant_id))
    except InvalidBackupError as error:
        raise CommandError(f"{file}: {error} Nothing was restored: use another backup.") from None
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(
            f"{file} is not a backup: name a file that `ledger backup` wrote."
        ) from None


def _read_lines(file: str, *, skip_header: bool = True) -> Iterator[str]:
    with Path(file).open(encoding="utf-8") as lines:
        if skip_header:
            next(lines, None)
        yield from lines


@restaurant_command(
    "rebuild",
    examples=["ledger rebuild restaurant-123 --dry-run", "ledger rebuild restaurant-123"],
)
@click.option("--dry-run", is_flag=True, help="List the differences and change nothing.")
async def rebuild(api: OperatorClient, console: Console, *, dry_run: bool) -> CommandResult:
    """Rebuild reservations whose documents are missing, damaged or edited by hand.

    A document is compared with its journal, and rewritten if they disagree. Documents that agree
    are not written. Webhooks and runs may continue.
    """
    settings = await read_settings(api.app_context.firestore, api.restaurant_id)
    if settings is None:
        raise CommandError(
            f"{api.restaurant_id} has no settings: restore them first, with `ledger restore`."
        )
    results = await rebuild_restaurant(
        RestaurantContext(api.app_context, settings), is_dry_run=dry_run
    )
    _print_rebuilt(console, results)
    if not results:
        console.print_line("Every document agrees with its journal.")
    return CommandResult(
        {"rebuilt": [_rebuild_to_json(each) for each in results]},
        is_action_required=any(each.problem for each in results),
    )


def _print_rebuilt(console: Console, results: list[RebuildResult]) -> None:
    for result in results[:_MAX_LISTED_RESERVATIONS]:
        if result.problem:
            console.print_problem(f"{result.document_id}: {result.problem}")
        else:
            outcome = f"{result.outcome} {', '.join(result.changed_paths)}"
            console.print_step("Rebuilt", f"{result.document_id}: {outcome}")
    if len(results) > _MAX_LISTED_RESERVATIONS:
        console.print_line(f"… and {len(results) - _MAX_LISTED_RESERVATIONS} more")


def _rebuild_to_json(result: RebuildResult) -> dict[str, object]:
    return {
        "reservationId": result.document_id,
        "outcome": result.outcome and str(result.outcome),
        "changedFields": list(result.changed_paths),
        "problem": result.problem,
    }
