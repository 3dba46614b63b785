"""The other side of the wire: outbound SMTP."""
