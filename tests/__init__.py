"""The tests of smtpgate, one file for each file of the package."""
