"""The GraphQL that the tour sends, as a front end would write it."""

STORE = """query Menu($id: ID!) { store(id: $id) { name city address open hours brand { id name
  topUpTiers { id title amount { amountFen } bonus { amountFen } }
  giftCardDesigns { id title faceValues { amountFen } } }
  menu { version sections { name items { available soldOut price { amountFen display }
    dish { id name optionGroups { id name minimum options { id name priceDelta { amountFen } } } } } } } } }"""

WALLET = """query Wallet { me { wallet { cursor totalBalance { amountFen display }
  cards { nodes { id kind status title balance { amountFen display } principal { display } bonus { display } } }
  coupons { totalCount nodes { id status title headline } } } } }"""

STATEMENT = """query Statement($id: ID!) { node(id: $id) { ... on Card { balance { amountFen }
  statement { nodes { kind amount { amountFen display } balanceAfter { display } memo } } } } }"""

WALLET_UPDATES = """subscription Updates($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on CouponReceived { coupon { id title } }
  ... on CouponChanged { previousStatus coupon { id status } }
  ... on CardChanged { card { id status balance { amountFen display } } }
  ... on GiftChanged { gift { id status direction sharesClaimed } }
  ... on OrderChanged { order { id number status } }
  ... on PaymentChanged { payment { id status amount { display } } } } }"""

COUPON_UPDATES = """subscription Coupons($after: String) { couponUpdates(after: $after) { __typename cursor
  ... on CouponReceived { coupon { id title headline status } } } }"""

ORDER_UPDATES = """subscription Order($id: ID!, $after: String) { orderUpdates(orderId: $id, after: $after) {
  __typename cursor ... on OrderChanged { order { id status verificationCode } } } }"""

STORE_UPDATES = """subscription Kitchen($id: ID!, $after: String) { storeUpdates(storeId: $id, after: $after) {
  __typename cursor resync order { id number status revision lines { name quantity } } } }"""

QUOTE = """query Quote($input: QuoteOrderInput!) { quoteOrder(input: $input) { __typename
  ... on OrderQuote { subtotal { display } memberDiscount { display } couponDiscount { amountFen display }
    payable { amountFen display } usedCoupons { coupon { id title } discount { display } }
    unusedCoupons { coupon { title } reason explanation } }
  ... on UserError { codeName message } } }"""

TABLE = """query Table($code: String!) { storeByTable(tableCode: $code) { id tableName(tableCode: $code)
  menu(partySize: 2) { suggested { quantity dish { name } } } } }"""

USES = """{ me { wallet { coupons { nodes { id title usesLeft template { id } } } } } }"""

ORDER = """order { id number status payable { amountFen display } paid { amountFen display }
  refunded { amountFen } verificationCode lines { id name quantity total { display } }
  payments { id method status amount { amountFen display } } }"""

GIFT_PREVIEW = """query Open($token: String!) { gift(token: $token) { status greeting title amount { display }
  giver { nickname } brand { name } sharesLeft claimedByMe } }"""

PREVIEW = """query Preview($store: ID!, $code: String!) { previewCode(storeId: $store, code: $code) {
  ... on CodePreview { kind title amountNeeded customer { memberNumber } } ... on UserError { codeName message } } }"""

CARD_HELD = """query Held($id: ID!) { node(id: $id) { ... on Card { held { amountFen } } } }"""

ORDER_MONEY = """query Order($id: ID!) { order(id: $id) { status paid { amountFen } refunded { amountFen }
  payments { method status amount { display } } } }"""

ORDERS_CURSOR = """query Cursor($id: ID!) { ordersCursor(storeId: $id) }"""
