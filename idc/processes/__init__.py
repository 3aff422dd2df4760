"""Worker processes, detached processes, background jobs, fair queues, the progress line."""
