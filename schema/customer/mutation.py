"""What a customer can do: each field reads the input, calls one verb, wraps the answer."""

from typing import Annotated

import strawberry

from resolvers.cards.gift_cards import buy_gift_card
from resolvers.cards.refund_purchase import refund_payment
from resolvers.cards.top_up import top_up_card
from resolvers.chat.desk.speak import write_to_desk
from resolvers.chat.links.make import share_gift
from resolvers.chat.messages.consents import consents_of, record_consents
from resolvers.coupons.buy import buy_coupon
from resolvers.coupons.claim import claim_coupon
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.give_back import decline_gift, withdraw_gift
from resolvers.ordering.cancel import cancel_order
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import place_order
from resolvers.people.join_brand import join_brand
from resolvers.people.joining.bind_phone import bind_phone
from resolvers.people.joining.show_join_code import show_join_code
from resolvers.people.model import Audience
from resolvers.people.pay_password.set import set_pay_password
from resolvers.people.profile.update import update_profile
from resolvers.people.sessions import refresh, sign_out
from resolvers.people.sign_in import sign_in
from resolvers.tables.add import add_to_table
from resolvers.tables.change import change_table_line
from resolvers.tables.place import place_table_order
from resolvers.till.show_code import show_code
from schema.context import Info, must
from schema.customer import desk, gift_inputs, inputs, links, messages, results, table_inputs
from schema.customer.answers import card_and_coupon, order_of, payment_and_card, payment_of, session_of, table_of
from schema.customer.coupons import show_coupon
from schema.customer.gift_inputs import ticket_of
from schema.customer.gifts import show_gift, show_preview
from schema.customer.ordering import show_order
from schema.customer.people import show_me, show_membership


def _input(text: str) -> object:
    return strawberry.argument(description=text)


@strawberry.type(description="What can be done.")
class Mutation:
    """What a customer can do."""

    @strawberry.mutation(description="Sign in with the chat app's one-time code. Needs no token.")
    async def sign_in(
        self, info: Info, input: Annotated[inputs.SignInInput, _input("The code.")]
    ) -> results.SignInResult:
        signed = await sign_in(info.context.app, input.platform, input.app_id, input.code, input.device_id)
        return results.SignInSuccess(session=await session_of(info, signed))

    @strawberry.mutation(description="Exchange a refresh token for new tokens. Needs no access token.")
    async def refresh_session(
        self, info: Info, input: Annotated[inputs.RefreshSessionInput, _input("The token.")]
    ) -> results.RefreshSessionResult:
        signed = await refresh(info.context.app, input.refresh_token, Audience.CUSTOMER)
        return results.RefreshSessionSuccess(session=await session_of(info, signed))

    @strawberry.mutation(description="End a session: its tokens and sockets end at once. Asked again, the same.")
    async def sign_out(
        self, info: Info, input: Annotated[inputs.SignOutInput, _input("The token.")]
    ) -> results.SignOutResult:
        return results.SignOutSuccess(signed_out=await sign_out(info.context.app, input.refresh_token))

    @strawberry.mutation(description="Set the pay password, or put a new one in its place. Asked again, Success again.")
    async def set_pay_password(
        self, info: Info, input: Annotated[inputs.SetPayPasswordInput, _input("The password.")]
    ) -> results.SetPayPasswordResult:
        app, person = info.context.app, info.context.person
        await set_pay_password(app, person, input.new_password, input.current_password, input.phone_code)
        return results.SetPayPasswordSuccess(me=show_me(await must(app.people.customer(person.customer_id))))

    @strawberry.mutation(description="Change your nickname and picture, as friends see them.")
    async def update_profile(
        self, info: Info, input: Annotated[inputs.UpdateProfileInput, _input("Name and picture.")]
    ) -> results.UpdateProfileResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        return results.UpdateProfileSuccess(
            me=show_me(await update_profile(app, person, input.nickname, input.avatar, key))
        )

    @strawberry.mutation(
        description="Bind the phone number that the chat app confirms. Joins your other account if it has that number."
    )
    async def bind_phone(
        self, info: Info, input: Annotated[inputs.BindPhoneInput, _input("The number's code.")]
    ) -> results.BindPhoneResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        bound = await bind_phone(app, person, input.code, input.proof, key)
        return results.BindPhoneSuccess(session=await session_of(info, bound.signed), merged_accounts=bound.merged)

    @strawberry.mutation(description="Make a code that joins your other account with this one when it binds a number.")
    async def show_join_code(
        self, info: Info, input: Annotated[inputs.ShowJoinCodeInput, _input("The pay password.")]
    ) -> results.ShowJoinCodeResult:
        shown = await show_join_code(info.context.app, info.context.person, input.pay_password)
        return results.ShowJoinCodeSuccess(join_code=shown.code, expires_at=shown.expires_at)

    @strawberry.mutation(description="Become a member of a brand's club. Asked again, the same membership.")
    async def join_brand(
        self, info: Info, input: Annotated[inputs.JoinBrandInput, _input("The brand.")]
    ) -> results.JoinBrandResult:
        membership = await join_brand(info.context.app, info.context.person, input.brand_id)
        return results.JoinBrandSuccess(membership=show_membership(membership))

    @strawberry.mutation(description="Count what you have just agreed to be told by messages: each accept is one.")
    async def record_consents(
        self, info: Info, input: Annotated[messages.RecordConsentsInput, _input("The answers.")]
    ) -> messages.RecordConsentsResult:
        app, person = info.context.app, info.context.person
        await record_consents(app, person, input.brand_id, input.answers(), input.idempotency_key)
        consents = await consents_of(app, person, input.brand_id)
        return messages.RecordConsentsSuccess(consents=messages.show_consents(consents))

    @strawberry.mutation(description="A mini-program code and a link for a gift of yours that is open.")
    async def share_gift(
        self, info: Info, input: Annotated[links.ShareGiftInput, _input("Which.")]
    ) -> links.ShareGiftResult:
        app, person = info.context.app, info.context.person
        return links.show_way(await share_gift(app, person, input.gift_id, input.width))

    @strawberry.mutation(description="Put a coupon into the wallet. Joins the brand.")
    async def claim_coupon(
        self, info: Info, input: Annotated[inputs.ClaimCouponInput, _input("The coupon.")]
    ) -> results.ClaimCouponResult:
        app, person = info.context.app, info.context.person
        coupon = await claim_coupon(app, person, input.template_id, input.idempotency_key)
        return results.ClaimCouponSuccess(coupon=show_coupon(coupon, info.context.now))

    @strawberry.mutation(description="Open a payment that buys coupons or passes. Joins the brand.")
    async def buy_coupon(
        self, info: Info, input: Annotated[inputs.BuyCouponInput, _input("Which, how many.")]
    ) -> results.BuyCouponResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        payment_id = await buy_coupon(app, person, input.template_id, input.quantity, key)
        return results.BuyCouponSuccess(payment=await payment_of(info, payment_id))

    @strawberry.mutation(description="Make a short-lived code of a card or coupon, to show at the till.")
    async def show_code(
        self, info: Info, input: Annotated[inputs.ShowCodeInput, _input("The card or coupon.")]
    ) -> results.ShowCodeResult:
        app, person = info.context.app, info.context.person
        shown = await show_code(app, person, input.card_id, input.coupon_id, input.max_fen, input.pay_password)
        return results.ShowCodeSuccess(
            digits=shown.digits, expires_at=shown.expires_at, password_free_until=shown.password_free_until
        )

    @strawberry.mutation(description="Open a payment that tops up your card at a brand. Joins the brand.")
    async def top_up_card(
        self, info: Info, input: Annotated[inputs.TopUpCardInput, _input("How much.")]
    ) -> results.TopUpCardResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        topped_up = await top_up_card(app, person, input.brand_id, input.tier_id, input.amount_fen, key)
        payment, card = await payment_and_card(info, topped_up)
        return results.TopUpCardSuccess(payment=payment, card=card)

    @strawberry.mutation(description="Open a payment that buys gift cards. Joins the brand.")
    async def buy_gift_card(
        self, info: Info, input: Annotated[inputs.BuyGiftCardInput, _input("Which.")]
    ) -> results.BuyGiftCardResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        payment_id = await buy_gift_card(app, person, input.design_id, input.face_value_fen, input.quantity, key)
        return results.BuyGiftCardSuccess(payment=await payment_of(info, payment_id))

    @strawberry.mutation(
        description="Refund a top-up by what is left of it, or gift cards, coupons, passes bought and untouched."
    )
    async def refund_payment(
        self, info: Info, input: Annotated[inputs.RefundPaymentInput, _input("Which.")]
    ) -> results.RefundPaymentResult:
        app, person = info.context.app, info.context.person
        payment_id = await refund_payment(app, person, input.payment_id, input.idempotency_key)
        return results.RefundPaymentSuccess(payment=await payment_of(info, payment_id))

    @strawberry.mutation(
        description="Place an order; it waits to be paid until payBefore, or is paid by its tenders at once."
    )
    async def place_order(
        self, info: Info, input: Annotated[inputs.PlaceOrderInput, _input("The order.")]
    ) -> results.PlaceOrderResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        placed = await place_order(app, person, input.placement(info.context.table_code), key, input.pay_password)
        payment = await payment_of(info, placed.payment_id) if placed.payment_id else None
        return results.PlaceOrderSuccess(order=await order_of(info, placed.order_id), payment=payment)

    @strawberry.mutation(description="Pay an order; a new call supersedes an outside payment that still waits.")
    async def pay_order(
        self, info: Info, input: Annotated[inputs.PayOrderInput, _input("With what.")]
    ) -> results.PayOrderResult:
        app, person = info.context.app, info.context.person
        key, password = input.idempotency_key, input.pay_password
        paying = await pay_order(app, person, input.order_id, input.parts(), key, password, input.share_id)
        payment = await payment_of(info, paying.payment_id) if paying.payment_id else None
        return results.PayOrderSuccess(order=await order_of(info, paying.order_id), payment=payment)

    @strawberry.mutation(description="Cancel an order before the shop accepts it. Asked again, Success again.")
    async def cancel_order(
        self, info: Info, input: Annotated[inputs.CancelOrderInput, _input("The order.")]
    ) -> results.CancelOrderResult:
        order = await cancel_order(info.context.app, info.context.person, input.order_id)
        return results.CancelOrderSuccess(order=show_order(order, info.context.now, info.context.viewer_ids))

    @strawberry.mutation(description="Add a line to a table's cart, which everybody at the table sees.")
    async def add_to_table(
        self, info: Info, input: Annotated[table_inputs.AddToTableInput, _input("What.")]
    ) -> results.AddToTableResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        cart_id = await add_to_table(app, person, info.context.table_code(input.table_code), input.line.request(), key)
        return results.AddToTableSuccess(table=await table_of(info, cart_id))

    @strawberry.mutation(
        description="Change how many of a line of a table's cart are wanted. The same again, Success again."
    )
    async def change_table_line(
        self, info: Info, input: Annotated[table_inputs.ChangeTableLineInput, _input("Which line, how many.")]
    ) -> results.ChangeTableLineResult:
        app, person, code = info.context.app, info.context.person, info.context.table_code(input.table_code)
        cart_id = await change_table_line(app, person, code, input.line_id, input.revision, input.quantity)
        return results.ChangeTableLineSuccess(table=await table_of(info, cart_id))

    @strawberry.mutation(description="Order what a table's cart holds: once, whoever is first.")
    async def place_table_order(
        self, info: Info, input: Annotated[table_inputs.PlaceTableOrderInput, _input("Which cart, who pays.")]
    ) -> results.PlaceTableOrderResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        code = info.context.table_code(input.table_code)
        payable, how = input.expected_payable_fen, input.split
        order_id = await place_table_order(app, person, code, input.revision, how, payable, key)
        return results.PlaceTableOrderSuccess(order=await order_of(info, order_id))

    @strawberry.mutation(
        description="Give a card, part of a balance, shares of it, or a coupon to whoever opens the link first."
    )
    async def give(
        self, info: Info, input: Annotated[gift_inputs.GiveInput, _input("What, with which words.")]
    ) -> results.GiveResult:
        app, person = info.context.app, info.context.person
        gift = await give(app, person, input.read(), input.idempotency_key, input.pay_password)
        return results.GiveSuccess(gift=show_gift(gift, person.ids, info.context.now))

    @strawberry.mutation(description="Claim a gift or a share. Joins the brand. The same person again gets the same.")
    async def claim_gift(
        self, info: Info, input: Annotated[gift_inputs.ClaimGiftInput, _input("The link's token.")]
    ) -> results.ClaimGiftResult:
        app, person = info.context.app, info.context.person
        claimed = await claim_gift(app, person, input.token, input.idempotency_key, ticket_of(input))
        card, coupon = await card_and_coupon(info, claimed)
        return results.ClaimGiftSuccess(preview=show_preview(claimed.gift, info.context.now), card=card, coupon=coupon)

    @strawberry.mutation(description="Decline a gift that is for one: it goes back. Asked again, Success again.")
    async def decline_gift(
        self, info: Info, input: Annotated[gift_inputs.DeclineGiftInput, _input("The link's token.")]
    ) -> results.DeclineGiftResult:
        gift = await decline_gift(info.context.app, info.context.person, input.token, ticket_of(input))
        return results.DeclineGiftSuccess(preview=show_preview(gift, info.context.now))

    @strawberry.mutation(description="Take your gift back, or what is left of it. Asked again, Success again.")
    async def withdraw_gift(
        self, info: Info, input: Annotated[gift_inputs.WithdrawGiftInput, _input("The gift.")]
    ) -> results.WithdrawGiftResult:
        gift = await withdraw_gift(info.context.app, info.context.person, input.gift_id)
        return results.WithdrawGiftSuccess(gift=show_gift(gift, info.context.person.ids, info.context.now))

    @strawberry.mutation(description="Write to a brand's agents, in whatever chat app the mini-program runs.")
    async def write_to_desk(
        self, info: Info, input: Annotated[desk.WriteToDeskInput, _input("What.")]
    ) -> desk.WriteToDeskResult:
        app, person, key = info.context.app, info.context.person, input.idempotency_key
        message = await write_to_desk(app, person, input.brand_id, input.text, key)
        return await desk.show_written(info, message)
