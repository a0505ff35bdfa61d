"""The staff API: one router per resource, served by `functions.api.app`."""
