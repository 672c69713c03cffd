"""What everything that talks shares. Imports core alone."""
