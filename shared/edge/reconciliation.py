"""One restaurant's reconciliation: both sides of a window compared, the ledger corrected.

An incomplete fetch corrects nothing. A reservation that OpenTable's answer lacks is asked for
by its id before it is called missing, and a missing one is flagged, never cancelled. An answer
that would change too much is not believed: its plan is stored, and a person decides.
"""

from datetime import timedelta

from shared.core.change import Source
from shared.core.comparison import Mark, must_brake
from shared.core.patterns import Tally
from shared.core.planned import Basis, held_versions
from shared.core.report import Divergence, ReportStatus
from shared.edge.by_id import fetch_by_id
from shared.edge.comparing import Comparison, compare
from shared.edge.corrections import carry_out, list_plan
from shared.edge.dates import rederive_dates
from shared.edge.divergences import alarm, read_statements, settle_findings
from shared.edge.holdings import read_holdings
from shared.edge.ledger import Applied
from shared.edge.patterns import keep_patterns, new_tally
from shared.edge.plan import Plan, make_plan
from shared.edge.rows import read_rows
from shared.edge.run import Run
from shared.edge.together import together
from shared.edge.upkeep import fetch_guests, repeat_erasures

PAUSE = timedelta(days=1)


async def reconcile(run: Run) -> None:
    """Compare and correct; the run's report tells how it ended.

    Raises:
        OpenTableError: When OpenTable's side could not be read whole; nothing was corrected.
        LedgerUnavailableError: When the ledger's side could not be read.
        InvalidSettingsError: When the credentials cannot be used.
    """
    services, settings, report = run.connection.services, run.connection.settings, run.report
    tally = new_tally(run.connection, report.window)
    comparison = await compare(run, _read_ledger(run, tally))
    _doubt_zone(run, comparison)
    plan = await make_plan(services.ledger(settings), comparison.differing.values(), report)
    missing = comparison.missing()
    if must_brake(report.ledger_count, _suspicious(run, plan), len(missing)):
        report.status = ReportStatus.HELD
        report.reason = (
            f"OpenTable's answer would change {plan.updates} reservations and lacks "
            f"{len(missing)} of {report.ledger_count}: nothing was changed. Look at the plan "
            "below, and at OpenTable, before it is carried out."
        )
        list_plan(plan, report)
        await _list_missing(run, comparison, missing)
        return
    lost = [*await _ask_by_id(run, comparison, plan), *comparison.standing()]
    if run.dry:
        report.status = ReportStatus.DRY_RUN
        list_plan(plan, report)
        await settle_findings(run, lost, plan)
        return
    applied = await _correct(run, plan)
    await together(
        _keep_guests(run, comparison.holdings, applied),
        keep_patterns(run.connection, tally, comparison.holdings, applied),
    )
    await settle_findings(run, lost, plan)


async def _read_ledger(run: Run, tally: Tally) -> dict[str, Mark]:
    firestore, deadline = run.connection.services.firestore, run.connection.deadline
    restaurant_id, window = run.connection.settings.restaurant_id, run.report.window
    holdings = await read_holdings(firestore, restaurant_id, window, deadline, tally)
    run.report.ledger_count = sum(mark.dated for mark in holdings.values())
    return holdings


async def _list_missing(run: Run, comparison: Comparison, keys: list[str]) -> None:
    """List what the answer lacks, with what a person who carries the plan out will go by."""
    ledger = run.connection.services.ledger(run.connection.settings)
    for key, statements in (await read_statements(ledger, keys)).items():
        seen = Basis(comparison.holdings[key].open_table_id, held_versions(statements), None)
        run.report.lack(key, seen)


async def _correct(run: Run, plan: Plan) -> list[Applied]:
    """Carry the plan out; return what the ledger took."""
    services, settings = run.connection.services, run.connection.settings
    counts = run.expects_webhooks
    applied = await carry_out(services, settings, plan, run.report, count_missed=counts)
    await rederive_dates(run)
    return applied


async def _keep_guests(run: Run, holdings: dict[str, Mark], applied: list[Applied]) -> None:
    """Have the guests of what the run touched, and nothing of whoever is forgotten."""
    await repeat_erasures(run.connection)
    await fetch_guests(run.connection, holdings, applied)


def _doubt_zone(run: Run, comparison: Comparison) -> None:
    """List a zone that OpenTable's own times contradict; the alarm is for the first time."""
    if not comparison.in_another_zone:
        return
    is_new = not run.zone_was_wrong
    reason = (
        f"{comparison.in_another_zone} rows have local times that are not "
        f"{run.connection.settings.zone}'s: mend timeZone in the settings."
    )
    run.report.diverge(Divergence.WRONG_TIME_ZONE, None, reason, is_new=is_new)
    if is_new:
        alarm(run.report, Divergence.WRONG_TIME_ZONE, None)


def _suspicious(run: Run, plan: Plan) -> int:
    """Count the corrections that speak against the answer.

    A poll that stood still for a day or more leaves a backlog, which is no reason for doubt:
    what changed after its cursor does not count then, and nothing where nothing was level yet.
    """
    cursor = run.cursor
    if run.is_first:
        return 0
    if cursor is None or run.report.reconciled_at - cursor < PAUSE:
        return plan.updates
    return sum(
        correction.changes_held and correction.change.version.at <= cursor
        for correction in plan.corrections
    )


async def _ask_by_id(run: Run, comparison: Comparison, plan: Plan) -> list[str]:
    """Fetch by id what the answer lacks or shows behind; return what OpenTable does not have.

    What is found joins the plan. A row that is still behind when asked for by its id is so at
    OpenTable, and not for a webhook that overtook the listing.
    """
    behind = {change.external_key: str(change.said["openTableId"]) for change, _ in plan.behind}
    plan.behind.clear()
    wanted = {key: comparison.holdings[key].open_table_id for key in comparison.unseen()}
    asked = {**wanted, **behind}
    rows = await fetch_by_id(run.connection, asked.values())
    found = [row for row in rows if row is not None]
    batch = await read_rows(
        run.connection.services, run.connection.settings, found, Source.RECONCILIATION
    )
    ledger = run.connection.services.ledger(run.connection.settings)
    plan.join(await make_plan(ledger, batch.changes, run.report))
    return [key for key, row in zip(asked, rows, strict=True) if row is None]
