from members.models.changes import Change
from members.models.people import Card, Member, MemberManager, Role

__all__ = ["Card", "Change", "Member", "MemberManager", "Role"]
