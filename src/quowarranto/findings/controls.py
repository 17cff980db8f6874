"""Which controls a code provides evidence relevant to. It never says that anything complies with anything (SPEC 11).

NIST SP 800-53 revision 5 control ids and OWASP Non-Human Identities Top 10 (2025) entries, chosen by this project.
"""

from __future__ import annotations

_ATTRIBUTION = ("NIST SP 800-53: AU-2", "NIST SP 800-53: AU-3", "NIST SP 800-53: AU-12", "OWASP NHI10:2025")
_LIFE = ("NIST SP 800-53: IA-5", "OWASP NHI7:2025")
_APPROVAL = ("NIST SP 800-53: AC-2", "NIST SP 800-53: AC-5")
_ENFORCEMENT = ("NIST SP 800-53: AC-3",)
_PRIVILEGE = ("NIST SP 800-53: AC-6", "OWASP NHI5:2025")

CONTROLS: dict[str, tuple[str, ...]] = {
    "QW101": (*_ATTRIBUTION, *_ENFORCEMENT),
    "QW102": _ATTRIBUTION,
    "QW103": _ATTRIBUTION,
    "QW104": _ATTRIBUTION,
    "QW105": ("NIST SP 800-53: AU-12", "NIST SP 800-53: AU-6", "OWASP NHI10:2025"),
    "QW107": _ATTRIBUTION,
    "QW108": (*_ENFORCEMENT, *_PRIVILEGE),
    "QW109": _ATTRIBUTION,
    "QW201": (*_ENFORCEMENT, *_LIFE),
    "QW202": ("NIST SP 800-53: AC-2", "NIST SP 800-53: AC-12", *_LIFE, "OWASP NHI1:2025"),
    "QW203": ("NIST SP 800-53: AC-3", "NIST SP 800-53: CM-3"),
    "QW204": _ENFORCEMENT,
    "QW205": _ENFORCEMENT,
    "QW206": (*_ENFORCEMENT, *_PRIVILEGE),
    "QW207": ("NIST SP 800-53: IA-9", *_ENFORCEMENT, "OWASP NHI9:2025"),
    "QW208": ("NIST SP 800-53: AC-2", "NIST SP 800-53: AC-3"),
    "QW301": _APPROVAL,
    "QW302": _APPROVAL,
    "QW303": (*_APPROVAL, *_ENFORCEMENT),
    "QW304": ("NIST SP 800-53: CA-5", "NIST SP 800-53: AC-2"),
    "QW305": ("NIST SP 800-53: CA-5",),
    "QW306": _APPROVAL,
    "QW401": _LIFE,
    "QW402": _LIFE,
    "QW403": (*_LIFE, "NIST SP 800-53: SI-4", "OWASP NHI2:2025"),
    "QW404": (*_LIFE, "OWASP NHI2:2025", "OWASP NHI9:2025"),
    "QW405": _LIFE,
    "QW406": ("NIST SP 800-53: AC-2", "NIST SP 800-53: IA-5", "OWASP NHI1:2025"),
    "QW407": ("NIST SP 800-53: IA-9", "NIST SP 800-53: AC-2", "OWASP NHI10:2025"),
    "QW501": (*_PRIVILEGE, "NIST SP 800-53: AC-2"),
    "QW502": _PRIVILEGE,
    "QW503": (*_PRIVILEGE, "NIST SP 800-53: AC-2"),
    "QW604": ("NIST SP 800-53: AU-8",),
    "QW606": ("NIST SP 800-53: AU-3", "NIST SP 800-53: AU-10"),
}
