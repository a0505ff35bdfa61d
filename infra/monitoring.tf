# Metrics and alerts are files in the format of the APIs. The runbook has a section for each alert.

locals {
  metrics = {
    for file in fileset(path.module, "metrics/*.json") :
    trimsuffix(basename(file), ".json") => jsondecode(file("${path.module}/${file}"))
  }
}

resource "google_logging_metric" "metric" {
  for_each = local.metrics

  name             = each.key
  description      = each.value.description
  filter           = each.value.filter
  value_extractor  = try(each.value.valueExtractor, null)
  label_extractors = try(each.value.labelExtractors, null)

  metric_descriptor {
    metric_kind = each.value.metricDescriptor.metricKind
    value_type  = each.value.metricDescriptor.valueType
    unit        = try(each.value.metricDescriptor.unit, "1")

    dynamic "labels" {
      for_each = try(each.value.metricDescriptor.labels, [])

      content {
        key        = labels.value.key
        value_type = labels.value.valueType
      }
    }
  }

  dynamic "bucket_options" {
    for_each = try([each.value.bucketOptions], [])

    content {
      explicit_buckets {
        bounds = bucket_options.value.explicitBuckets.bounds
      }
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_dashboard" "ledger" {
  dashboard_json = file("${path.module}/dashboard.json")

  depends_on = [google_logging_metric.metric]
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.api]
}

# The staff API answers this path without a token. The check covers Cloud Run, image and start.
resource "google_monitoring_uptime_check_config" "api" {
  display_name = "OpenTable: staff API"
  period       = "300s"
  timeout      = "10s"

  http_check {
    path         = "/api/openapi.json"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"

    labels = {
      project_id = var.project_id
      host       = trimprefix(google_cloud_run_v2_service.service["api"].uri, "https://")
    }
  }

  depends_on = [google_project_service.api]
}
