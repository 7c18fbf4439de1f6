"""Azure's HTTP: the Batch data plane, Azure Resource Manager and the tokens that both ask for."""
