# Resources of an existing project, by var.existing: Terraform takes them over and shows in its plan
# what it would change.

import {
  for_each = var.existing.database ? toset(["(default)"]) : toset([])
  to       = google_firestore_database.ledger
  id       = "projects/${var.project_id}/databases/${each.key}"
}

import {
  for_each = var.existing.secrets
  to       = google_secret_manager_secret.secret[each.key]
  id       = "projects/${var.project_id}/secrets/${each.key}"
}

import {
  for_each = var.existing.queues
  to       = google_cloud_tasks_queue.queue[each.key]
  id       = "projects/${var.project_id}/locations/${var.region}/queues/${each.key}"
}

import {
  for_each = var.existing.service_accounts
  to       = google_service_account.account[each.key]
  id       = "projects/${var.project_id}/serviceAccounts/${each.key}@${var.project_id}.iam.gserviceaccount.com"
}
