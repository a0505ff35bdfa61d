# Every service and every stage of a release has its own account. No account has a basic role
# (owner, editor, viewer). Permissions are in permissions.tf.

locals {
  accounts = {
    opentable-webhook   = "Runs the webhook"
    opentable-poll      = "Runs the poll"
    opentable-reconcile = "Runs the reconciliation"
    opentable-api       = "Runs the staff API"
    opentable-scheduler = "Calls poll and reconciliation for Cloud Scheduler"
    opentable-tasks     = "Calls poll and reconciliation for Cloud Tasks"
    opentable-test      = "Runs the tests of a release; has no access to data"
    opentable-build     = "Builds the image of a release"
    opentable-deploy    = "Deploys a release"
    opentable-smoke     = "Tests a release with the canary restaurant"
  }
}

resource "google_service_account" "account" {
  for_each = local.accounts

  account_id   = each.key
  display_name = each.value

  depends_on = [google_project_service.api]
}
