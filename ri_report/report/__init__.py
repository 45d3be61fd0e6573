"""One `Report` value and the writers that turn it into a page, a workbook and data files."""
