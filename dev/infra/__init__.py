"""Tools around the Terraform configuration in `infra/`."""
