"""What serving and fetching a disk cost, as ratios to nginx and curl of the same run. No test asserts a figure."""
