"""Days and milestones. Pure: no database, no clock."""
