"""Coupons: templates, claiming and issuing, what they take off an order, and the codes shown at the till."""
