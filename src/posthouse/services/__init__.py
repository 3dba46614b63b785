"""Rules that more than one protocol needs: delivery, queue, sign-in, accounts, mailboxes, journal."""
