# The values never pass through Terraform: its state would contain them. The API creates the secret of
# each other restaurant.

locals {
  partner_secret_id = "opentable-partner" # deploy/*.yaml name it too
}

resource "google_secret_manager_secret" "secret" {
  for_each = toset([local.partner_secret_id, "opentable-${var.canary_restaurant_id}"])

  secret_id = each.key

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.api]
}
