"""Run and develop the product on one machine: set-up, emulator, simulator, gateway, benchmarks."""
