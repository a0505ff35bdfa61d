"""The staff of a restaurant: list, add and remove members."""

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query
from pydantic import AfterValidator, Field

from functions.api.auth import ManagerContext, RequestContext
from functions.api.requests import (
    API_PREFIX,
    DocumentId,
    PageLimit,
    RequestModel,
    StaffRoute,
    Utf8Text,
)
from functions.api.responses import (
    BODY_ERROR_RESPONSES,
    ApiError,
    ResponseModel,
    UtcInstant,
    build_not_found_error,
)
from shared.log import LogEvent, Severity, log_event
from shared.staff.accounts import UserAccount
from shared.staff.identity import STAFF_ROLES, Role
from shared.staff.members import (
    LastManagerError,
    StaffMember,
    list_staff,
    list_staff_changes,
    set_staff_role,
)

router = APIRouter(prefix=f"{API_PREFIX}/staff", route_class=StaffRoute)

# Rejects only what is certainly no address: Firebase decides.
_EMAIL_PATTERN = r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$"


class StaffMemberResponse(ResponseModel):
    """A member of the staff. Name and address come from Firebase Authentication."""

    uid: str
    role: str
    name: str | None = Field(description="Null if the account was deleted.")
    email: str | None
    is_disabled: bool = Field(description="Whether the account may not sign in.")
    is_invited: bool = Field(description="Whether the person never set a password.")
    added_by: str | None = Field(description="The name of who added the member, if known.")
    added_at: UtcInstant | None


class StaffChangeResponse(ResponseModel):
    """A change of the staff; people by name, or by user id if their accounts were deleted."""

    person: str
    previous_role: str | None
    role: str | None = Field(description="Null after a removal.")
    changed_by: str
    changed_at: UtcInstant


class StaffListRequest(RequestModel):
    """How many changes."""

    changes: PageLimit = 20


class StaffListResponse(ResponseModel):
    """The staff, managers first, and the newest changes."""

    staff: list[StaffMemberResponse]
    changes: list[StaffChangeResponse]


@router.get("", summary="List the restaurant's staff")
async def get_staff(
    context: ManagerContext, query: Annotated[StaffListRequest, Query()]
) -> StaffListResponse:
    """Return the staff and its newest changes. Operators are not listed."""
    return await _read_staff(context, query.changes)


async def _read_staff(context: RequestContext, max_changes: int = 20) -> StaffListResponse:
    accounts = context.api_context.accounts
    members = await list_staff(context.firestore, context.restaurant_id)
    changes = await list_staff_changes(
        context.firestore, context.restaurant_id, max_changes, context.app_context.clock()
    )
    accounts_by_uid = await accounts.read_accounts([member.uid for member in members])
    others = {member.added_by for member in members if member.added_by}
    others |= {uid for change in changes for uid in (change.uid, change.changed_by)}
    names = await accounts.read_names(others)
    return StaffListResponse(
        staff=[
            _build_member_response(
                member, accounts_by_uid.get(member.uid), names.get(member.added_by or "")
            )
            for member in members
        ],
        changes=[
            StaffChangeResponse(
                person=names.get(change.uid, change.uid),
                previous_role=change.previous_role,
                role=change.role,
                changed_by=names.get(change.changed_by, change.changed_by),
                changed_at=change.changed_at,
            )
            for change in changes
        ],
    )


def _build_member_response(
    member: StaffMember, account: UserAccount | None, added_by: str | None
) -> StaffMemberResponse:
    return StaffMemberResponse(
        uid=member.uid,
        role=member.role.code,
        name=account.name if account else None,
        email=account.email if account else None,
        is_disabled=account.is_disabled if account else False,
        is_invited=account is not None and not account.has_sign_in_method,
        added_by=added_by,
        added_at=member.added_at,
    )


class StaffRequest(RequestModel):
    """A person and a role."""

    email: Annotated[
        Utf8Text, Field(max_length=254, pattern=_EMAIL_PATTERN), AfterValidator(str.lower)
    ]
    role: Literal["host", "manager"]


class AddedStaffResponse(StaffListResponse):
    """The staff, and whether an invitation is due."""

    account_is_new: bool = Field(
        description="Whether the account was created. Its owner must set a password: have Firebase "
        "send the e-mail to reset it."
    )


@router.post(
    "", summary="Add a person to the staff, or change the role", responses=BODY_ERROR_RESPONSES
)
async def add_staff_member(
    context: ManagerContext, body: Annotated[StaffRequest, Body()]
) -> AddedStaffResponse:
    """Give the owner of an e-mail address a role. An account is created if there is none."""
    accounts = context.api_context.accounts
    account = await accounts.find_by_email(body.email)
    account_is_new = account is None
    if account is None:
        account = await accounts.create(body.email)
    elif (
        context.role < Role.OPERATOR
        and account.has_sign_in_method
        and not account.is_email_confirmed
    ):
        # Anybody can open an account with the address of another person.
        raise ApiError(
            409,
            "EMAIL_NOT_CONFIRMED",
            "This account has not confirmed its e-mail address. Ask the person to reset the "
            "password on the sign-in page, which confirms it, and try again.",
        )
    role = STAFF_ROLES[body.role]
    await _change_role(context, account.uid, role)
    return AddedStaffResponse(account_is_new=account_is_new, **dict(await _read_staff(context)))


@router.delete("/{uid}", summary="Remove a person from the staff")
async def remove_staff_member(context: ManagerContext, uid: DocumentId) -> StaffListResponse:
    """End a membership, and return the staff. Access ends within a minute."""
    previous = await _change_role(context, uid, None)
    if previous is None:
        raise build_not_found_error("This person is not on the staff. Reload the list.")
    return await _read_staff(context)


async def _change_role(context: RequestContext, uid: str, role: Role | None) -> Role | None:
    try:
        previous = await set_staff_role(
            context.app_context, context.restaurant_id, uid, role, changed_by=context.user.uid
        )
    except LastManagerError:
        text = "This is the last manager. Make somebody else a manager first."
        raise ApiError(409, "LAST_MANAGER", text) from None
    context.api_context.staff_roles.invalidate(context.restaurant_id, uid)
    if role is not previous:
        log_event(
            Severity.INFO,
            LogEvent.STAFF_CHANGED,
            restaurantId=context.restaurant_id,
            by=context.user.uid,
            uid=uid,
            role=role.code if role else "none",
        )
    return previous
