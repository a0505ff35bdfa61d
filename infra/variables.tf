variable "environment" {
  description = "Name of the environment."
  type        = string

  validation {
    condition     = contains(["production", "staging"], var.environment)
    error_message = "The environment is production or staging."
  }
}

variable "project_id" {
  description = "Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of services, jobs and queues. firebase.json and _REGION in cloudbuild.yaml name it too."
  type        = string
  default     = "us-central1"
}

variable "database_location" {
  description = "Location of the Firestore database. A database never moves."
  type        = string
  default     = "us-central1"
}

variable "canary_restaurant_id" {
  description = "Restaurant that the smoke test of a release writes to. _CANARY in cloudbuild.yaml names it too."
  type        = string
  default     = "canary"
}

variable "alert_emails" {
  description = "Email addresses that alerts notify. Terraform creates a channel for each."
  type        = set(string)
  default     = []
}

variable "alert_channels" {
  description = "Existing notification channels (Slack, PagerDuty), as projects/…/notificationChannels/…."
  type        = set(string)
  default     = []

  validation {
    condition     = var.environment != "production" || length(var.alert_emails) + length(var.alert_channels) > 0
    error_message = "Production needs a person to notify: set alert_emails or alert_channels."
  }
}

variable "operators" {
  description = "People who run ledger, as user:NAME@example.com or group:NAME@example.com."
  type        = set(string)
  default     = []
}

variable "existing" {
  description = "Resources that the project already has. Terraform imports them instead of creating them."
  type = object({
    database         = optional(bool, false)
    secrets          = optional(set(string), [])
    queues           = optional(set(string), [])
    service_accounts = optional(set(string), [])
  })
  default = {}
}

variable "instances" {
  description = "Instances of each service: kept warm, and at most."
  type = map(object({
    min = number
    max = number
  }))
}

variable "jobs" {
  description = "Scheduled calls by service: cron in UTC, and the seconds until the scheduler stops waiting."
  type = map(object({
    schedule                 = string
    attempt_deadline_seconds = number
    retries                  = number
  }))
}

variable "queues" {
  description = "Limits of the task queue of each service. docs/scale.md derives the rates."
  type = map(object({
    dispatches_per_second = number
    concurrent_dispatches = number
    attempts              = number
    min_backoff_seconds   = number
    max_backoff_seconds   = number
  }))
}

variable "daily_backup_retention_days" {
  description = "Days that a daily backup is kept."
  type        = number
  default     = 7
}

variable "weekly_backup_retention_weeks" {
  description = "Weeks that a weekly backup is kept. Firestore allows 14."
  type        = number
  default     = 14

  validation {
    condition     = var.weekly_backup_retention_weeks >= 1 && var.weekly_backup_retention_weeks <= 14
    error_message = "Firestore keeps a backup for at most 14 weeks."
  }
}
