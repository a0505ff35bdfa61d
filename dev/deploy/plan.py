"""List every command of a deployment in order, with placeholders for a project's values."""

from collections.abc import Iterator

from dev.deploy import setting_up
from dev.deploy.checking import look_up_secret, look_up_token
from dev.deploy.functions import (
    allow_scheduler,
    deploy_with_label,
    describe_service,
    look_up_url,
    serve_revision,
)
from dev.deploy.gcloud import Words, commands
from dev.deploy.scheduling import job, queue
from dev.deploy.target import Target
from dev.deploy.watching import (
    alarm,
    alarm_files,
    dashboard,
    look_up_alarm,
    look_up_dashboard,
    metric,
    metric_files,
)

_URL = "https://opentable-a1b2c3.a.run.app"
_REVISION = "opentable-00001-abc"


def plan(target: Target) -> Iterator[tuple[str, Words]]:
    """Yield each command with its part of the deployment."""
    for step in setting_up.steps(target):
        yield from (("setup", words) for words in commands(step))
    for name in target.queues:
        yield from (("queues", words) for words in commands(queue(target, name)))
    for name in target.functions:
        yield "remember", describe_service(target, name)
        yield f"function {name}", deploy_with_label(target, name)
    yield from (("smoke", words) for words in _smoke(target))
    for name in target.jobs:
        yield "schedule", allow_scheduler(target, name)
        yield from (("schedule", words) for words in commands(job(target, name, _URL)))
    yield from (("watch", words) for words in _watch(target))


def _smoke(target: Target) -> Iterator[Words]:
    yield look_up_url(target, "opentable-webhook")
    yield look_up_secret(target)
    yield look_up_token()
    for name in target.functions:
        yield serve_revision(target, name, _REVISION)


def _watch(target: Target) -> Iterator[Words]:
    for file in metric_files():
        yield from commands(metric(target, file))
    for file in alarm_files():
        yield look_up_alarm(target, file)
        yield alarm(target, file, None)
        yield alarm(target, file, f"projects/{target.project}/alertPolicies/1")
    yield look_up_dashboard(target)
    yield dashboard(target, None)
    yield dashboard(target, f"projects/{target.project}/dashboards/1 etag")
