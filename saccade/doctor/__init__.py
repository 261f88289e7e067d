"""What this machine and this checkout can do now, and the command that brings each part further."""
