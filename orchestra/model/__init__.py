"""What a user declares: stacks, resources, references, secrets, parameters. Pure; knows no cloud and no state."""
