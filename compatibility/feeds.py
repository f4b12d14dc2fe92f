"""What changed in the data, as an Atom feed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html_join
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from compatibility.catalog import current_catalog
from compatibility.change_words import name_of, says, sentence
from compatibility.changes import FEED_SIZE, Entry, find_changes, later_loads
from compatibility.words import plain


class StableAtom(Atom1Feed):
    """An Atom feed that does not say it was updated just now when nothing was."""

    def latest_post_date(self) -> datetime:
        return super().latest_post_date() if self.items else self.feed["empty_since"]  # type: ignore[no-any-return]


class ChangesFeed(Feed):
    """The newest changes of the data, one entry for each load, provider and model."""

    feed_type = StableAtom
    title = _("What has changed in the compatibility of cars")
    subtitle = _("Commands and readings that cars gained or lost, with date and source.")
    author_name = "Fleetwell"
    link = reverse_lazy("compatibility:changes")

    def items(self) -> list[Entry]:
        return find_changes(later_loads(), limit=FEED_SIZE)

    def feed_extra_kwargs(self, _obj: object) -> dict[str, Any]:
        return {"empty_since": current_catalog().loaded_at or timezone.now()}

    def item_title(self, entry: Entry) -> str:
        changed = "; ".join(says(change) for change in entry.changes)
        return f"{name_of(entry)}: {changed}" if changed else name_of(entry)

    def item_description(self, entry: Entry) -> str:
        return format_html_join("", "<p>{}</p>", ((sentence(change),) for change in entry.changes))

    def item_link(self, entry: Entry) -> str:
        query = {"make": plain(entry.make), "provider": entry.provider}
        return f"{reverse('compatibility:changes')}?{urlencode(query)}"

    def item_guid(self, entry: Entry) -> str:
        host = urlsplit(settings.PUBLIC_URL).hostname
        make, model = plain(entry.make), plain(entry.model) or "-"
        return f"tag:{host},{entry.loaded_at:%Y-%m-%d}:compatibility/{entry.load_id}/{entry.provider}/{make}/{model}"

    def item_updateddate(self, entry: Entry) -> datetime:
        return entry.loaded_at


def etag_of_feed(_request: HttpRequest) -> str:
    """Return what tells one state of the feed from another: the load, and the language."""
    return f'"{current_catalog().digest[:32]}-{get_language()}"'


def time_of_feed(_request: HttpRequest) -> datetime | None:
    """Return when the feed last changed."""
    return current_catalog().loaded_at
