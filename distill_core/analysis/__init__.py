"""What can be said of a finished run's kept predictions. No torch: numpy and scipy."""
