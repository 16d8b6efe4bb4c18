"""What a run leaves on disk: its report, its sheet, its folder."""
