"""The screen: one immutable-looking view flows down from the session, widgets draw it and ask nobody."""
