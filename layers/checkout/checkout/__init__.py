"""Orders and payments: what the functions share."""

from checkout.garbage import search_seldom

search_seldom()
