resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84: images contain no personal data and no secret, so Google's keys suffice
  repository_id = "opentable"
  location      = var.region
  format        = "DOCKER"
  description   = "Images of releases"

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"

    most_recent_versions {
      keep_count = 20
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      older_than = "${90 * 24 * 60 * 60}s"
    }
  }

  depends_on = [google_project_service.api]
}

# Sources and lists of deployed packages (SBOM).
resource "google_storage_bucket" "builds" {
  #checkov:skip=CKV_GCP_62: Cloud Audit Logs record changes, and the content is source code
  name     = "${var.project_id}-opentable-builds"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 400
    }
  }

  depends_on = [google_project_service.api]
}
