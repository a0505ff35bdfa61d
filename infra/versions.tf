terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.7"
    }
  }

  # The bucket comes from the environment: -backend-config=production.tfbackend.
  backend "gcs" {
    prefix = "opentable-ledger"
  }
}

provider "google" {
  project = var.project_id
  region  = var.region
}
