"""Files and logs of tasks and nodes."""
