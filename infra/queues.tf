resource "google_cloud_tasks_queue" "queue" {
  for_each = var.queues

  name     = each.key
  location = var.region

  rate_limits {
    max_dispatches_per_second = each.value.dispatches_per_second
    max_concurrent_dispatches = each.value.concurrent_dispatches
  }

  retry_config {
    max_attempts = each.value.attempts
    min_backoff  = "${each.value.min_backoff_seconds}s"
    max_backoff  = "${each.value.max_backoff_seconds}s"
  }

  depends_on = [google_project_service.api]
}
