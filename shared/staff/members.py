"""The staff of restaurants: who is a member where, and the record of changes.

Only user ids are stored. `shared.staff.accounts` reads the names that belong to them.
"""

from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import (
    AsyncClient,
    AsyncQuery,
    AsyncTransaction,
    DocumentSnapshot,
    FieldFilter,
    async_transactional,
)
from msgspec import Struct

from shared.context import AppContext
from shared.domain.normalization.identifiers import is_document_id
from shared.domain.validation import typed_or_none
from shared.errors import InvalidCursorError
from shared.firestore import paths
from shared.firestore.documents import (
    order_newest_first,
    read_documents,
    translate_firestore_errors,
)
from shared.staff.identity import STAFF_ROLES, Role, staff_role_from_document

MAX_STAFF_MEMBERS = 500


class LastManagerError(Exception):
    """A restaurant must keep a manager: hosts cannot add staff."""


class Membership(Struct, frozen=True):
    """A user's role in one restaurant."""

    restaurant_id: str
    role: Role


class StaffMember(Struct, frozen=True):
    """A member of a restaurant's staff.

    `added_by` is a user id. It and `added_at` (UTC) are None for a document written by hand.
    """

    uid: str
    role: Role
    added_by: str | None
    added_at: datetime | None


class StaffChange(Struct, frozen=True):
    """A recorded change of the staff; a role of None means no membership. Users are ids."""

    uid: str
    previous_role: str | None
    role: str | None
    changed_by: str
    changed_at: datetime


async def list_memberships(
    client: AsyncClient, uid: str, limit: int, cursor: str | None
) -> tuple[list[Membership], str | None]:
    """Return restaurants in which a user is staff, by id, and the cursor of the next page.

    Raises:
        InvalidCursorError: The cursor does not come from a page.
    """
    members = client.collection_group("staff").where(filter=FieldFilter("uid", "==", uid))
    snapshots, next_cursor = await read_group_page(client, members, "staff", limit, cursor)
    memberships = []
    for snapshot in snapshots:
        role = staff_role_from_document(snapshot.to_dict() or {})
        restaurant_id = paths.find_restaurant_id(snapshot.reference)
        # A person may copy a document: only its path grants access.
        if role is not None and restaurant_id is not None and snapshot.id == uid:
            memberships.append(Membership(restaurant_id, role))
    return memberships, next_cursor


async def read_group_page(
    client: AsyncClient, query: AsyncQuery, collection: str, limit: int, cursor: str | None
) -> tuple[list[DocumentSnapshot[Any]], str | None]:
    """Read a page of a collection group by path, and return the cursor of the next page.

    The cursor is the path of the page's last document.

    Raises:
        InvalidCursorError: The cursor is anything else.
    """
    query = query.order_by("__name__")
    if cursor is not None:
        segments = cursor.split("/")
        if segments[-2:-1] != [collection] or not all(map(is_document_id, segments)):
            raise InvalidCursorError
        try:
            query = query.start_after({"__name__": client.document(cursor)})
        except ValueError:
            raise InvalidCursorError from None
    snapshots = await read_documents(query, limit)
    is_last_page = len(snapshots) < limit
    return snapshots, None if is_last_page else snapshots[-1].reference.path


async def list_staff(client: AsyncClient, restaurant_id: str) -> list[StaffMember]:
    """Return a restaurant's staff, managers first."""
    members = paths.staff_collection(client, restaurant_id)
    snapshots = await read_documents(members.order_by("__name__"), MAX_STAFF_MEMBERS)
    staff = []
    for snapshot in snapshots:
        fields = snapshot.to_dict() or {}
        role = staff_role_from_document(fields)
        if role is not None:
            staff.append(
                StaffMember(
                    snapshot.id,
                    role,
                    typed_or_none(str, fields.get("addedBy")),
                    typed_or_none(datetime, fields.get("addedAt")),
                )
            )
    return sorted(staff, key=lambda member: (-member.role, member.uid))


async def set_staff_role(
    context: AppContext, restaurant_id: str, uid: str, role: Role | None, *, changed_by: str
) -> Role | None:
    """Give a user a role in a restaurant, or none; record the change and return the previous role.

    Raises:
        LastManagerError: No manager would be left.
    """
    client, now = context.firestore, context.clock()
    retention = timedelta(days=context.environment.staff_change_retention_days)
    reference = paths.staff_member_document(client, restaurant_id, uid)
    members = paths.staff_collection(client, restaurant_id)
    managers = members.where(filter=FieldFilter("role", "==", "manager"))

    # A transaction, because two managers may remove each other at the same moment.
    @async_transactional
    async def change(transaction: AsyncTransaction) -> Role | None:
        snapshot = await reference.get(transaction=transaction)
        previous = staff_role_from_document(snapshot.to_dict() or {})
        if role is previous:
            return previous
        if previous is Role.MANAGER:
            # Two suffice to know whether another manager is left.
            query = managers.limit(2).stream(transaction=transaction)
            if [manager.id async for manager in query] == [uid]:
                raise LastManagerError
        if role is None:
            transaction.delete(reference)
        else:
            fields: dict[str, Any] = {"uid": uid, "role": role.code}
            if previous is None:
                fields |= {"addedBy": changed_by, "addedAt": now}
            # Merged: the document may have fields of other parts of the application.
            transaction.set(reference, fields, merge=True)
        transaction.create(
            paths.staff_changes_collection(client, restaurant_id).document(),
            {
                "uid": uid,
                "previousRole": previous and previous.code,
                "role": role and role.code,
                "changedBy": changed_by,
                "changedAt": now,
                "staffChangeExpireAt": now + retention,
            },
        )
        return previous

    with translate_firestore_errors():
        return await change(client.transaction())


async def list_staff_changes(
    client: AsyncClient, restaurant_id: str, limit: int, now: datetime
) -> list[StaffChange]:
    """Return the newest changes of a restaurant's staff, the newest first."""
    changes = paths.staff_changes_collection(client, restaurant_id)
    newest_first = order_newest_first(changes, "changedAt", now)
    listed = []
    for snapshot in await read_documents(newest_first, limit):
        fields = snapshot.to_dict() or {}
        uid, changed_by, changed_at = map(fields.get, ("uid", "changedBy", "changedAt"))
        previous_role, role = (
            name if isinstance(name, str) and name in STAFF_ROLES else None
            for name in map(fields.get, ("previousRole", "role"))
        )
        # A person may have damaged the document: it must not hide the others.
        if (
            isinstance(uid, str)
            and isinstance(changed_by, str)
            and isinstance(changed_at, datetime)
        ):
            listed.append(StaffChange(uid, previous_role, role, changed_by, changed_at))
    return listed
