# The values never pass through Terraform: its state would contain them. The API creates the secret of
# each other restaurant.

resource "google_secret_manager_secret" "secret" {
  for_each = toset([var.partner_secret_id, "opentable-${var.canary_restaurant_id}"])

  secret_id = each.key

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.api]
}
