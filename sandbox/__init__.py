"""Simulate OpenTable locally: reservations, Sync API, webhooks and restaurant service.

Documented behavior is fixed. Undocumented behavior is a switch in `BehaviorSwitches`. Failures are
switches in `FaultInjector` (API) and `WebhookFaults`.
"""
