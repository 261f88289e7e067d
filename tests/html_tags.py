"""What a page's HTML holds, for tests."""

from html.parser import HTMLParser


class Tags(HTMLParser):
    """Start tags with their attributes; `unclosed` is what was left open."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "br", "link", "path", "use", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag in self.open and tag not in ("path", "use", "rect"):
            assert self.open.pop() == tag
