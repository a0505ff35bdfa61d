"""Lock, license and audit the packages."""
