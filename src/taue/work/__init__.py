"""Making many things that may each fail: one worker, whatever is made, wherever it goes, whatever
runs it."""
