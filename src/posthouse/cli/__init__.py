"""The command line: parses arguments, calls the app, prints; builds nothing itself."""
