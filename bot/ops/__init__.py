"""For those who run the bot: which replica has the duties, health, metrics, traces, logs, notices, signals, pruning."""
