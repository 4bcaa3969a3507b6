from members.models.agreements import Agreement
from members.models.changes import Change
from members.models.people import Card, Member, MemberManager, Role

__all__ = ["Agreement", "Card", "Change", "Member", "MemberManager", "Role"]
