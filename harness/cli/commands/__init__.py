"""One file a command, or a few that belong together; imported when it runs, and knowing no other command."""
