# Terraform owns the services themselves: their names, URLs and callers. A release owns their
# revisions: image, sizes, settings, identity and traffic (cloudbuild.yaml, deploy/).

locals {
  services = {
    opentable-webhook   = { account = "opentable-webhook", public = true }
    opentable-poll      = { account = "opentable-poll", public = false }
    opentable-reconcile = { account = "opentable-reconcile", public = false }
    api                 = { account = "opentable-api", public = true }
  }

  private_services = toset([for name, service in local.services : name if !service.public])

  # The queue of a service calls the service of the same name.
  queue_of = {
    opentable-poll      = "opentable-poll"
    opentable-reconcile = "opentable-reconcile"
    api                 = "opentable-poll"
  }
}

resource "google_cloud_run_v2_service" "service" {
  for_each = local.services

  name     = each.key
  location = var.region

  # The public services authenticate each request themselves (docs/deploy.md).
  ingress              = "INGRESS_TRAFFIC_ALL"
  invoker_iam_disabled = each.value.public
  deletion_protection  = true

  # Of all revisions together, so that a release without traffic keeps no instance warm.
  scaling {
    min_instance_count = var.instances[each.key].min
    max_instance_count = var.instances[each.key].max
  }

  template {
    service_account = google_service_account.account[each.value.account].email

    # Google's sample container, until the first release.
    containers {
      image = "us-docker.pkg.dev/cloudrun/container/hello"
    }
  }

  lifecycle {
    ignore_changes = [annotations, client, client_version, labels, template, traffic]
  }

  depends_on = [google_project_service.api]
}
