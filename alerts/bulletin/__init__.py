"""The daily and weekly bulletin: numbers from lake and ledger, words made from the numbers alone, files to send up."""
