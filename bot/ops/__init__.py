"""For those who run the bot: health, metrics, logs, signals and pruning."""
