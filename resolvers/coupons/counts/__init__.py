"""How many coupons of a template each customer has had: what its limits per customer and day count."""
