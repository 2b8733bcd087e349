A Maildir for each recipient: `{user}` and `{domain}` in a Maildir's path, safe against addresses that would lead elsewhere; with `create = false` only users that have a folder exist.
