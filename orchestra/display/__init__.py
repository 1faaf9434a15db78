"""What people see while it happens."""
