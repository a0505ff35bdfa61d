"""Deploy the four functions and set their callers."""

import hashlib
from pathlib import Path

from dev.deploy.gcloud import Words, gcloud, read_output
from dev.deploy.target import PUBLIC, QUEUE_OF, SCHEDULER, Target, account_of

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = "python312"  # Makefile and cloudbuild.yaml test on the same version
_SHIPPED = ("main.py", "requirements.txt", "functions", "shared")
_LABEL_LENGTH = 40


def deploy(target: Target, name: str) -> Words:
    """Return the command to deploy a function."""
    size = target.functions[name]
    return gcloud(
        "functions",
        "deploy",
        name,
        "--gen2",
        "--trigger-http",
        "--allow-unauthenticated" if name in PUBLIC else "--no-allow-unauthenticated",
        **_place(target),
        runtime=RUNTIME,
        source=".",
        entry_point=name.replace("-", "_"),
        run_service_account=target.account(account_of(name)),
        memory=size.memory,
        cpu=size.cpu,
        concurrency=size.concurrency,
        min_instances=size.min_instances,
        max_instances=size.max_instances,
        timeout=f"{size.timeout}s",
        set_env_vars=",".join(f"{key}={value}" for key, value in variables(target, name).items()),
    )


def deploy_with_label(target: Target, name: str) -> Words:
    """Return the command to deploy a function with a label of its content."""
    return (
        *deploy(target, name),
        f"--update-labels=content={compute_content_checksum(target, name)}",
    )


def variables(target: Target, name: str) -> dict[str, str]:
    """Return a function's environment variables."""
    return {
        "GOOGLE_CLOUD_PROJECT": target.project,
        "OPENTABLE_PARTNER_SECRET": target.partner_secret,
        **_queue_variables(target, name),
        **target.settings,
        **target.functions[name].settings,
    }


def _queue_variables(target: Target, name: str) -> dict[str, str]:
    if name not in QUEUE_OF:
        return {}
    place = f"projects/{target.project}/locations/{target.region}"
    return {
        "TASKS_QUEUE": f"{place}/queues/{QUEUE_OF[name]}",
        "TASKS_TARGET_URL": f"https://{target.region}-{target.project}.cloudfunctions.net",
        "TASKS_SERVICE_ACCOUNT": target.account(SCHEDULER),
    }


def compute_content_checksum(target: Target, name: str, root: Path = ROOT) -> str:
    """Return a checksum of a deployed function's source and sizes."""
    checksum = hashlib.sha256("\n".join(deploy(target, name)).encode())
    for path in sorted(path for part in _SHIPPED for path in _files(root / part)):
        checksum.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return checksum.hexdigest()[:_LABEL_LENGTH]


def allow_scheduler(target: Target, name: str) -> Words:
    """Return the command to let the scheduler call a function."""
    return gcloud(
        "functions",
        "add-invoker-policy-binding",
        name,
        **_place(target),
        member=f"serviceAccount:{target.account(SCHEDULER)}",
    )


def describe_service(target: Target, name: str) -> Words:
    """Return the command that prints a function's service as JSON."""
    return gcloud("run", "services", "describe", name, **_place(target), format="json")


def serve_revision(target: Target, name: str, revision: str) -> Words:
    """Return the command to serve all traffic from an earlier revision."""
    return gcloud(
        "run", "services", "update-traffic", name, **_place(target), to_revisions=f"{revision}=100"
    )


def look_up_url(target: Target, name: str) -> Words:
    """Return the command that prints a function's address."""
    output_format = "value(serviceConfig.uri)"
    return gcloud("functions", "describe", name, "--gen2", **_place(target), format=output_format)


def read_function_url(target: Target, name: str) -> str:
    """Return a deployed function's address.

    Raises:
        LookupError: When it is not deployed.
    """
    url = read_output(look_up_url(target, name))
    if not url:
        raise LookupError(f"{name} is not deployed in {target.project}: deploy it first.")
    return url


def _place(target: Target) -> dict[str, str]:
    return {"project": target.project, "region": target.region}


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [*path.rglob("*.py")]
