"""What the files mean: rules, fields, contents and tables, in one `Format`."""
