environment = "production"
project_id  = "restaurants-production"

alert_emails = ["oncall@example.com"]       # replace: the people on duty
operators    = ["group:oncall@example.com"] # replace: the people who run ledger

instances = {
  opentable-webhook   = { min = 1, max = 20 }
  opentable-poll      = { min = 0, max = 4 }
  opentable-reconcile = { min = 0, max = 4 }
  api                 = { min = 0, max = 10 }
}

jobs = {
  opentable-poll = {
    schedule                 = "*/15 * * * *"
    attempt_deadline_seconds = 600
    retries                  = 2
  }
  opentable-reconcile = {
    schedule                 = "0 * * * *"
    attempt_deadline_seconds = 1800
    retries                  = 2
  }
}

# The dispatch rates stay below OpenTable's limit of calls: docs/scale.md.
queues = {
  opentable-poll = {
    dispatches_per_second = 0.125
    concurrent_dispatches = 2
    attempts              = 3
    min_backoff_seconds   = 30
    max_backoff_seconds   = 120
  }
  opentable-reconcile = {
    dispatches_per_second = 0.0625
    concurrent_dispatches = 2
    attempts              = 2
    min_backoff_seconds   = 60
    max_backoff_seconds   = 300
  }
}
