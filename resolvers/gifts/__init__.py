"""Gifts: a card, a part of a balance or a coupon on its way from one person to another."""
