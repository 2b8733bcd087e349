``smtpgate check`` warns about proxy scripts that say yes to MAIL, RCPT, DATA, BDAT, RSET or STARTTLS by themselves.
