"""What accounts cost: the bill beside own usage, who spent it, and exports."""
