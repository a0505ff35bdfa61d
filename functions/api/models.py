"""What all of the staff API's models have in common."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from shared.domain.normalization.fields import format_utc

_DATE_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class RequestModel(BaseModel):
    """What a caller sends; a field that we do not know is refused, as it would be ignored."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class ResponseModel(BaseModel):
    """What a caller is told."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, defer_build=True
    )


class EmptyRequest(RequestModel):
    """No parameters, or no body."""


def _require_iso_date(value: object) -> object:
    """Refuse what pydantic would read as a date too, such as a number of seconds."""
    if isinstance(value, str) and not _DATE_PATTERN.fullmatch(value):
        raise ValueError("must be a date, YYYY-MM-DD")
    return value


def _reject_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must be text that UTF-8 can write") from None
    return text


LocalDate = Annotated[date, BeforeValidator(_require_iso_date)]
Utf8Text = Annotated[str, AfterValidator(_reject_surrogates)]
ReasonText = Annotated[Utf8Text, Field(min_length=1, max_length=500, pattern=r"\S")]
PageLimit = Annotated[int, Field(ge=1, le=200)]
UtcInstant = Annotated[
    datetime, PlainSerializer(lambda moment: format_utc(moment.astimezone(UTC)), return_type=str)
]
