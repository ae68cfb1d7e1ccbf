"""What can be done with an account: no HTTP, no medium, no factor by name."""
