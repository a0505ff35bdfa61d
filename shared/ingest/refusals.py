"""Record webhooks that were not authenticated: sampled log lines, and counts per restaurant.

A flood must cost little. Each kind of refusal is logged when it begins and then once a minute with
the number of refusals since. The counts of an existing restaurant are stored once a minute.
"""

import asyncio

from google.api_core import exceptions as google

from shared.context import AppContext
from shared.domain.webhook_health import (
    RefusalWindow,
    WebhookRefusal,
    merge_refusals,
    refusals_from_document,
)
from shared.firestore import paths
from shared.firestore.raw_client import DocumentWrite
from shared.log import LogEvent, Severity, log_event

WINDOW_SECONDS = 60.0
MAX_WINDOWS = 1_000  # bounds the restaurants that one instance writes in a minute
_TIMEOUT_SECONDS = 5.0


def record_refusal(
    context: AppContext, restaurant_id: str | None, scheme: str, reason: str
) -> None:
    """Count a refused webhook.

    Args:
        context: The clients of the process.
        restaurant_id: The restaurant, None if it is unknown.
        scheme: The scheme of the presented credential.
        reason: A code of docs/codes.md#authentication-failures.
    """
    windows, now = context.refusal_windows, context.clock()
    # Beyond the limit, refusals are only logged, all as of an unknown restaurant.
    key = restaurant_id if restaurant_id in windows or len(windows) < MAX_WINDOWS else None
    if key not in windows:
        windows[key] = RefusalWindow()
        task = asyncio.create_task(_run_windows(context, key, windows[key]))
        context.background_tasks.add(task)  # the event loop keeps only a weak reference
        task.add_done_callback(context.background_tasks.discard)
    window = windows[key]
    if key is not None:
        refusal = WebhookRefusal(scheme, reason, 1, now, now)
        window.unstored = merge_refusals(window.unstored, [refusal], now)
    window.unlogged[scheme, reason] += 1
    if (scheme, reason) not in window.logged:
        _log_refusals(key, window)


async def _run_windows(
    context: AppContext, restaurant_id: str | None, window: RefusalWindow
) -> None:
    """Store and log what a restaurant's windows collect, until one of them stays empty."""
    while window.logged or window.unstored:
        await _store_refusals(context, restaurant_id, window)
        await asyncio.sleep(WINDOW_SECONDS)
        window.logged = set()
        _log_refusals(restaurant_id, window)
    del context.refusal_windows[restaurant_id]


def _log_refusals(restaurant_id: str | None, window: RefusalWindow) -> None:
    for (scheme, reason), count in window.unlogged.items():
        log_event(
            Severity.WARNING,
            LogEvent.WEBHOOK_UNAUTHENTICATED,
            reason=reason,
            scheme=scheme,
            restaurantId=restaurant_id,
            count=count,
        )
    window.logged |= window.unlogged.keys()
    window.unlogged.clear()


async def _store_refusals(
    context: AppContext, restaurant_id: str | None, window: RefusalWindow
) -> None:
    """Add a window's counts to the stored ones; after a failure they wait for the next minute."""
    if restaurant_id is None or not window.unstored:
        return
    refusals, window.unstored = window.unstored, []
    reference = paths.webhook_refusals_document(context.firestore, restaurant_id)
    rpc, now = context.firestore.rpc, context.clock()
    try:
        stored = (await rpc.batch_get([reference], _TIMEOUT_SECONDS))[reference.path]
        merged = merge_refusals(refusals_from_document(stored.fields), refusals, now)
        fields = {"refusals": [refusal.to_map() for refusal in merged], "updatedAt": now}
        is_create = stored.fields is None
        # Conditional, because another instance may add its counts at the same time.
        write = DocumentWrite(reference, fields, is_create, stored.update_time)
        await rpc.commit([write], _TIMEOUT_SECONDS)
    except google.GoogleAPIError:
        # A conflict too: in a minute, the counts of the other instance are read.
        window.unstored = merge_refusals(refusals, window.unstored, now)
