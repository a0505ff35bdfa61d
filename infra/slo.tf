# Service levels and their error budgets: docs/monitoring.md.

locals {
  slos = {
    for file in fileset(path.module, "slos/*.json") :
    trimsuffix(basename(file), ".json") => jsondecode(file("${path.module}/${file}"))
  }

  burn_rates = { for rate in jsondecode(file("${path.module}/burn_rates.json")) : rate.name => rate }
}

resource "google_monitoring_custom_service" "integration" {
  service_id   = "opentable"
  display_name = "OpenTable integration"

  depends_on = [google_project_service.api]
}

resource "google_monitoring_slo" "slo" {
  for_each = local.slos

  service             = google_monitoring_custom_service.integration.service_id
  slo_id              = each.key
  display_name        = each.value.displayName
  goal                = each.value.goal
  rolling_period_days = tonumber(trimsuffix(each.value.rollingPeriod, "s")) / (24 * 60 * 60)

  request_based_sli {
    dynamic "good_total_ratio" {
      for_each = try([each.value.serviceLevelIndicator.requestBased.goodTotalRatio], [])

      content {
        good_service_filter = good_total_ratio.value.goodServiceFilter
        bad_service_filter  = good_total_ratio.value.badServiceFilter
      }
    }

    dynamic "distribution_cut" {
      for_each = try([each.value.serviceLevelIndicator.requestBased.distributionCut], [])

      content {
        distribution_filter = distribution_cut.value.distributionFilter

        range {
          max = distribution_cut.value.range.max
        }
      }
    }
  }

  depends_on = [google_logging_metric.metric]
}

resource "google_monitoring_alert_policy" "burn_rate" {
  for_each = {
    for pair in setproduct(keys(local.slos), keys(local.burn_rates)) :
    "${pair[0]}/${pair[1]}" => { slo = pair[0], rate = local.burn_rates[pair[1]] }
  }

  display_name          = "OpenTable: ${each.value.slo}, ${each.value.rate.displayName}"
  severity              = each.value.rate.severity
  combiner              = "AND"
  notification_channels = local.alert_channels
  user_labels           = { alarm = each.value.rate.name }

  documentation {
    content   = "The error budget of ${each.value.slo} is used up too fast. Runbook: docs/runbook.md#${each.value.rate.name}"
    mime_type = "text/markdown"
  }

  alert_strategy {
    auto_close = "1800s"
  }

  dynamic "conditions" {
    for_each = each.value.rate.windows

    content {
      display_name = "Burn rate over ${conditions.value}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"${google_monitoring_slo.slo[each.value.slo].name}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate.threshold
        duration        = "0s"
      }
    }
  }
}
