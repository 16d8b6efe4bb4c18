"""The studio: scenes laid out by hand in a browser, and their layers. The extra is ``studio``."""
