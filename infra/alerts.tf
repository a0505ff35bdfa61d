locals {
  alerts = {
    for file in fileset(path.module, "alerts/*.json") :
    trimsuffix(basename(file), ".json") => jsondecode(file("${path.module}/${file}"))
  }

  # Google generates the id, so the file has a placeholder. Other software has uptime checks too.
  uptime_check_id = google_monitoring_uptime_check_config.api.uptime_check_id

  alert_channels = setunion(
    var.alert_channels,
    [for channel in google_monitoring_notification_channel.email : channel.name],
  )
}

# Terraform changes a policy in place and only if its file changed. An alert on an absent metric needs
# a measurement after each change, so policies must not be replaced by every release.
resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  display_name          = each.value.displayName
  severity              = each.value.severity
  combiner              = each.value.combiner
  notification_channels = local.alert_channels
  user_labels           = each.value.userLabels

  documentation {
    content   = each.value.documentation.content
    mime_type = each.value.documentation.mimeType
  }

  alert_strategy {
    auto_close = each.value.alertStrategy.autoClose
  }

  dynamic "conditions" {
    for_each = each.value.conditions

    content {
      display_name = conditions.value.displayName

      dynamic "condition_threshold" {
        for_each = try([conditions.value.conditionThreshold], [])

        content {
          filter             = replace(condition_threshold.value.filter, "UPTIME_CHECK_ID", local.uptime_check_id)
          comparison         = condition_threshold.value.comparison
          threshold_value    = condition_threshold.value.thresholdValue
          duration           = condition_threshold.value.duration
          denominator_filter = try(condition_threshold.value.denominatorFilter, null)

          trigger {
            count = condition_threshold.value.trigger.count
          }

          dynamic "aggregations" {
            for_each = try(condition_threshold.value.aggregations, [])

            content {
              alignment_period     = aggregations.value.alignmentPeriod
              per_series_aligner   = aggregations.value.perSeriesAligner
              cross_series_reducer = try(aggregations.value.crossSeriesReducer, null)
              group_by_fields      = try(aggregations.value.groupByFields, null)
            }
          }

          dynamic "denominator_aggregations" {
            for_each = try(condition_threshold.value.denominatorAggregations, [])

            content {
              alignment_period     = denominator_aggregations.value.alignmentPeriod
              per_series_aligner   = denominator_aggregations.value.perSeriesAligner
              cross_series_reducer = try(denominator_aggregations.value.crossSeriesReducer, null)
              group_by_fields      = try(denominator_aggregations.value.groupByFields, null)
            }
          }
        }
      }

      dynamic "condition_absent" {
        for_each = try([conditions.value.conditionAbsent], [])

        content {
          filter   = condition_absent.value.filter
          duration = condition_absent.value.duration

          trigger {
            count = condition_absent.value.trigger.count
          }

          dynamic "aggregations" {
            for_each = condition_absent.value.aggregations

            content {
              alignment_period     = aggregations.value.alignmentPeriod
              per_series_aligner   = aggregations.value.perSeriesAligner
              cross_series_reducer = try(aggregations.value.crossSeriesReducer, null)
              group_by_fields      = try(aggregations.value.groupByFields, null)
            }
          }
        }
      }
    }
  }

  depends_on = [google_logging_metric.metric]
}
