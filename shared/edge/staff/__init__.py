"""What the staff may see and do, without the HTTP around it."""
