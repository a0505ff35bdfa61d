"""Keeps the former import path of `ApiError` until the operator commands no longer use it."""

from functions.api.responses import ApiError

__all__ = ["ApiError"]
