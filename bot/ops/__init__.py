"""For those who run the bot: which copy has the duties, health, metrics, traces, logs, notices, signals and pruning."""
