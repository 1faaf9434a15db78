"""What runs in clouds already: listing it, writing a stack for it, taking it over. Only `discovering` makes calls."""
