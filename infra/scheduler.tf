resource "google_cloud_scheduler_job" "job" {
  for_each = var.jobs

  name             = each.key
  region           = var.region
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "${each.value.attempt_deadline_seconds}s"

  retry_config {
    retry_count          = each.value.retries
    min_backoff_duration = "30s"
    max_backoff_duration = "120s"
  }

  http_target {
    http_method = "POST"
    uri         = google_cloud_run_v2_service.service[each.key].uri

    # Cloud Run accepts a token whose audience is the URL of the service.
    oidc_token {
      service_account_email = google_service_account.account["opentable-scheduler"].email
      audience              = google_cloud_run_v2_service.service[each.key].uri
    }
  }
}
