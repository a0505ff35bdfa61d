"""The scheduler's jobs and the queues: gcloud has no upsert, so each is looked for first."""

from dev.deploy.gcloud import Ensured, gcloud
from dev.deploy.target import SCHEDULER, Target


def job(target: Target, name: str, url: str) -> Ensured:
    """Return the step that lets the scheduler call a function.

    Args:
        url: The function's address, also the audience of the scheduler's identity token.
    """
    settings = target.jobs[name]
    place = {"project": target.project, "location": target.region}
    flags: dict[str, str | int] = {
        **place,
        "schedule": settings.schedule,
        "time_zone": "Etc/UTC",
        "uri": url,
        "http_method": "POST",
        "oidc_service_account_email": target.account(SCHEDULER),
        "oidc_token_audience": url,
        "attempt_deadline": f"{settings.attempt_deadline}s",
        "max_retry_attempts": settings.retries,
        "min_backoff": "30s",
        "max_backoff": "120s",
    }
    jobs = ("scheduler", "jobs")
    return Ensured(
        look=gcloud(*jobs, "describe", name, **place),
        create=gcloud(*jobs, "create", "http", name, **flags),
        update=gcloud(*jobs, "update", "http", name, **flags),
    )


def queue(target: Target, name: str) -> Ensured:
    """Return the step that creates the queue of a function."""
    settings = target.queues[name]
    place = {"project": target.project, "location": target.region}
    flags: dict[str, str | float] = {
        **place,
        "max_dispatches_per_second": settings.per_second,
        "max_concurrent_dispatches": settings.at_once,
        "max_attempts": settings.attempts,
        "min_backoff": f"{settings.min_backoff}s",
        "max_backoff": f"{settings.max_backoff}s",
    }
    queues = ("tasks", "queues")
    return Ensured(
        look=gcloud(*queues, "describe", name, **place),
        create=gcloud(*queues, "create", name, **flags),
        update=gcloud(*queues, "update", name, **flags),
    )
