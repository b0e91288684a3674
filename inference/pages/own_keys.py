"""One's keys as choices of a form."""

from typing import Final

from accounts.models import ApiKey

MAX_OFFERED: Final = 200


def key_choices(user_id: int, chosen: str) -> list[tuple[str, str]]:
    """Return the user's newest keys, and the chosen one even where it is older."""
    own = ApiKey.objects.filter(user=user_id)
    rows = list(own.order_by("-id").values_list("id", "name", "public_id")[:MAX_OFFERED])
    offered = [
        (str(key_id), name or f"Unnamed key {public_id}") for key_id, name, public_id in rows
    ]
    if chosen.isdecimal() and len(chosen) < 19 and chosen not in dict(offered):
        older = own.filter(id=int(chosen)).values_list("name", flat=True).first()
        if older is not None:
            offered.append((chosen, older or f"Unnamed key {chosen}"))
    return offered
