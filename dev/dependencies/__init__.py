"""What the bundle is made of: which packages, under which licences, with which known faults."""
