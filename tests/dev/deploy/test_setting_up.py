"""Each function has its own service account with minimal rights."""

from collections import defaultdict

import pytest

from dev.deploy.functions import allow_scheduler, deploy
from dev.deploy.gcloud import commands
from dev.deploy.scheduling import job
from dev.deploy.setting_up import OPENTABLE_SECRETS_CONDITION, canary_secret, steps
from dev.deploy.target import PUBLIC, QUEUE_OF, SCHEDULER, account_of, read_target

TARGET = read_target("production")
FUNCTIONS = [account_of(name) for name in TARGET.functions]


def parse_flags(words: tuple[str, ...]) -> dict[str, str]:
    return dict(word[2:].split("=", 1) for word in words if word.startswith("--") and "=" in word)


def granted_roles() -> dict[str, set[tuple[str, str]]]:
    """Return the project's roles and their conditions, by the account's short name."""
    found = defaultdict(set)
    for step in steps(TARGET):
        for words in commands(step):
            values = parse_flags(words)
            if words[1:3] == ("projects", "add-iam-policy-binding"):
                name = values["member"].removeprefix("serviceAccount:").partition("@")[0]
                found[name].add((values["role"], values["condition"]))
    return found


def test_every_function_has_a_separate_service_account() -> None:
    accounts = [
        parse_flags(deploy(TARGET, name))["run-service-account"] for name in TARGET.functions
    ]
    assert accounts == [TARGET.account(name) for name in FUNCTIONS]
    assert len(set(accounts)) == len(accounts)


@pytest.mark.parametrize("name", [*FUNCTIONS, SCHEDULER, "opentable-build"])
def test_every_account_is_made(name: str) -> None:
    made = [words for step in steps(TARGET) for words in commands(step)]
    assert any(words[1:5] == ("iam", "service-accounts", "create", name) for words in made)


def test_the_webhook_reads_and_writes_the_ledger_and_reads_our_secrets() -> None:
    ledger = {"roles/datastore.user", "roles/secretmanager.secretAccessor"}
    assert {role for role, _ in granted_roles()["opentable-webhook"]} == ledger
    for name in ("opentable-poll", "opentable-reconcile"):
        roles = {role for role, _ in granted_roles()[name]}
        assert roles == ledger | {"roles/cloudtasks.enqueuer"}


def test_who_enqueues_may_act_as_the_scheduler() -> None:
    every = [words for step in steps(TARGET) for words in commands(step)]
    acting = {
        parse_flags(words)["member"]
        for words in every
        if words[3:5] == ("add-iam-policy-binding", TARGET.account(SCHEDULER))
    }
    queueing = (account_of(name) for name in (*QUEUE_OF, "opentable-build"))
    assert acting == {f"serviceAccount:{TARGET.account(name)}" for name in queueing}


def test_only_secrets_of_ours_are_read_or_written() -> None:
    for roles in (granted_roles()[name] for name in FUNCTIONS):
        for role, condition in roles:
            if role.startswith("roles/secretmanager."):
                assert condition.endswith(f"expression={OPENTABLE_SECRETS_CONDITION}")


def test_the_build_reads_no_secret_but_the_canarys() -> None:
    assert not [role for role, _ in granted_roles()["opentable-build"] if "secret" in role]
    every = [words for step in steps(TARGET) for words in commands(step)]
    [words] = [told for told in every if told[1:3] == ("secrets", "add-iam-policy-binding")]
    assert words[3] == canary_secret(TARGET)


def test_the_scheduler_may_call_the_two_and_do_nothing_else() -> None:
    assert SCHEDULER not in granted_roles()
    for name in TARGET.jobs:
        assert parse_flags(allow_scheduler(TARGET, name))["member"].endswith(
            TARGET.account(SCHEDULER)
        )


def test_no_account_is_owner_or_editor() -> None:
    given = {role for roles in granted_roles().values() for role, _ in roles}
    assert not given & {"roles/owner", "roles/editor", "roles/datastore.owner"}


@pytest.mark.parametrize("name", TARGET.functions)
def test_only_what_checks_its_callers_itself_is_open_to_all(name: str) -> None:
    assert ("--allow-unauthenticated" in deploy(TARGET, name)) == (name in PUBLIC)
    assert ("--no-allow-unauthenticated" in deploy(TARGET, name)) == (name not in PUBLIC)


@pytest.mark.parametrize("name", TARGET.jobs)
def test_a_job_authenticates_to_the_url_it_calls(name: str) -> None:
    step = job(TARGET, name, "https://x.a.run.app")
    assert step.update is not None
    for words in (step.create, step.update):
        told = parse_flags(words)
        assert told["uri"] == told["oidc-token-audience"] == "https://x.a.run.app"
        assert told["oidc-service-account-email"] == TARGET.account(SCHEDULER)
