"""`python3 -m dev.deploy PART ENVIRONMENT`: one part of a deployment, or all its commands shown."""

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Mapping

from dev.deploy import setting_up
from dev.deploy.checking import verify_release
from dev.deploy.functions import allow_scheduler, read_function_url
from dev.deploy.gcloud import GcloudError, apply_step, run
from dev.deploy.plan import plan
from dev.deploy.release import record_serving_revisions, release
from dev.deploy.scheduling import job, queue
from dev.deploy.smoke import SmokeError
from dev.deploy.target import Target, TargetError, read_target
from dev.deploy.watching import (
    alarm,
    alarm_files,
    dashboard,
    find_single_resource,
    look_up_alarm,
    look_up_dashboard,
    metric,
    metric_files,
)


def main() -> None:
    """Run the command line, or exit with one sentence about the problem."""
    args = _arguments()
    try:
        target = read_target(args.environment)
        _check_project(target)
        if args.part == "function":
            release(target, args.name)
        else:
            PARTS[args.part](target)
    except (GcloudError, LookupError, SmokeError, TargetError) as error:
        sys.exit(f"deploy: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m dev.deploy", description=__doc__)
    parser.add_argument("part", choices=(*PARTS, "function"))
    parser.add_argument("environment", help="the name of a file of deploy/, without its .toml")
    parser.add_argument("name", nargs="?", help="the function's, where the part is a function")
    return parser.parse_args()


def _check_project(target: Target) -> None:
    """Refuse to bring one environment's settings into another's project."""
    building = os.environ.get("PROJECT_ID", target.project)
    if building != target.project:
        raise TargetError(
            f"deploy/{target.name}.toml is for {target.project}, this build runs in {building}: "
            "name the right environment, or mend the file."
        )


def _show(target: Target) -> None:
    last_part = None
    for part, words in plan(target):
        if part != last_part:
            print(f"\n# {part}")
        last_part = part
        print(shlex.join(words))


def _set_up(target: Target) -> None:
    for step in setting_up.steps(target):
        apply_step(step)


def _schedule(target: Target) -> None:
    for name in target.jobs:
        run(allow_scheduler(target, name))
        apply_step(job(target, name, read_function_url(target, name)))


def _queue(target: Target) -> None:
    for name in target.queues:
        apply_step(queue(target, name))


def _watch(target: Target) -> None:
    for file in metric_files():
        apply_step(metric(target, file))
    for file in alarm_files():
        run(alarm(target, file, find_single_resource(look_up_alarm(target, file))))
    run(dashboard(target, find_single_resource(look_up_dashboard(target))))


PARTS: Mapping[str, Callable[[Target], None]] = {
    "plan": _show,
    "setup": _set_up,
    "remember": record_serving_revisions,
    "queues": _queue,
    "smoke": verify_release,
    "schedule": _schedule,
    "watch": _watch,
}

if __name__ == "__main__":
    main()
