"""A report as one HTML page that needs nothing beside it: no network, no other file, no program.

`questions` asks, `document` writes; the page itself is `page.html`, `page.css` and `page.js`.
"""
