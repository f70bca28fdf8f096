# SPDX-License-Identifier: Apache-2.0
"""Time zones as columns name them: by IANA's name, "UTC", or an offset such as "+05:30"."""

import datetime
import re

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def zone_of(tz):
    """The name of a `tzinfo`, or of what is one already.

    Raises:
        TypeError: it has neither a name nor one offset.
    """
    if isinstance(tz, str):
        tzinfo_of(tz)
        return tz
    # zoneinfo, and the older pytz.
    name = getattr(tz, "key", None) or getattr(tz, "zone", None)
    if isinstance(name, str):
        return name
    offset = tz.utcoffset(None) if isinstance(tz, datetime.tzinfo) else None
    if offset is None:
        raise TypeError(f"the time zone {tz!r} has no name; use zoneinfo.ZoneInfo, or UTC")
    minutes = offset // datetime.timedelta(minutes=1)
    if not minutes:
        return "UTC"
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def tzinfo_of(zone):
    """The `tzinfo` of that name.

    Raises:
        ValueError: there is none.
    """
    if zone == "UTC":
        return datetime.UTC
    match = _OFFSET.fullmatch(zone)
    if match:
        offset = datetime.timedelta(hours=int(match[2]), minutes=int(match[3]))
        return datetime.timezone(-offset if match[1] == "-" else offset)
    import zoneinfo

    try:
        return zoneinfo.ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(
            f"there is no time zone {zone!r} here; expected an IANA name such as "
            '"Europe/Paris", "UTC", or an offset such as "+05:30"'
        ) from error
