"""What runs the bundle on one's own machine: set-up, emulator, OpenTable sandbox, gateway."""
