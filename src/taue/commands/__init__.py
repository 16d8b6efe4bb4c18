"""The sub-commands of `taue`, one module each."""
