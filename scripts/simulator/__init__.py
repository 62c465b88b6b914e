"""The platforms that Kabao talks to, played strictly: sign-in, tokens, content check, WeChat Pay, QQ Wallet.

Nothing here imports the product. A simulator that shared its client's code would share its mistakes and agree with
them.
"""
