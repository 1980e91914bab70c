"""Word pools of the demo grammar: what a customer can be asking for, and the slot values.

Each intent has phrases in four forms that fit different frames (see ``frames.py``):

* ``V``: after "i want to ..." (the customer acts)
* ``I``: after "please ..." (the shop acts)
* ``N``: a noun phrase, after "it is about ..."
* ``S``: a whole clause that states the problem

Every pool has a training side (``common`` and ``rare``) and a test side (``test`` and ``test_rare``). The two
sides share words, but no phrase and no slot value. Alternatives are separated by " / ".
"""

from __future__ import annotations

from typing import NamedTuple


class Pool(NamedTuple):
    """Alternatives for one phrase form, by side and by how often they are drawn."""

    common: tuple[str, ...]
    rare: tuple[str, ...]
    test: tuple[str, ...]
    test_rare: tuple[str, ...]


def _pool(common: str, rare: str, test: str, test_rare: str) -> Pool:
    """Build a pool from four " / "-separated lists."""
    return Pool(*(tuple(part.strip() for part in text.split("/")) for text in (common, rare, test, test_rare)))


PHRASES: dict[str, dict[str, Pool]] = {
    "refund": {
        "V": _pool(
            "get my money back / get a refund / be refunded for the {item} / have the {amount} euros refunded",
            "be reimbursed for the {item} / see my cash again",
            "have my money back / be refunded in full / get the {amount} euros back / get a refund for the {item}",
            "be reimbursed in full / have my cash back",
        ),
        "I": _pool(
            "refund me / refund the {item} / pay me back / send me the refund / give me my money back",
            "reimburse me / credit the {amount} euros back to my card",
            "refund my {item} / pay my money back / give me the refund / refund the {amount} euros",
            "reimburse the {item} / credit my money back to my card",
        ),
        "N": _pool(
            "a refund / the refund / my money / getting my money back / the refund for the {item}",
            "a reimbursement / the cash i am owed",
            "my refund / the money i want back / a refund for my {item} / the refund of {amount} euros",
            "my reimbursement / the cash you owe me",
        ),
        "S": _pool(
            "i am still waiting for my money / my refund has not come through / the {amount} euros never came back"
            " / the refund for the {item} is still missing",
            "nobody has reimbursed me / i am still out of pocket for the {item}",
            "the refund has still not come through / my money never came back / my refund is still missing",
            "i am out of pocket by {amount} euros / nobody has reimbursed the {item}",
        ),
    },
    "cancel": {
        "V": _pool(
            "cancel my order / cancel the {item} / call off my order / stop the order for the {item}",
            "scrap the purchase / back out of the purchase",
            "cancel the order / call off the {item} order / stop my order / cancel my purchase",
            "scrap my order / back out of my order",
        ),
        "I": _pool(
            "cancel my order / cancel order {ref} / call off the order / stop the {item} from being sent",
            "scrap the order / bin order {ref}",
            "cancel the {item} order / call off order {ref} / stop order {ref}",
            "bin my order / scrap order {ref}",
        ),
        "N": _pool(
            "the cancellation / cancelling my order / my cancellation / calling off the order",
            "scrapping the purchase / pulling out of the order",
            "the cancellation of order {ref} / cancelling the {item} / calling off my purchase",
            "scrapping my order / pulling out of the purchase",
        ),
        "S": _pool(
            "i no longer need the {item} / i ordered the {item} by mistake / order {ref} was a mistake"
            " / i have changed my mind about the order",
            "i have gone off the {item} / i clicked buy by accident",
            "i do not need the {item} any more / the order was a mistake / i changed my mind about the {item}",
            "i have gone off the order / i bought the {item} by accident",
        ),
    },
    "track": {
        "V": _pool(
            "know where my parcel is / find out where the {item} is / track my parcel / know the delivery date"
            " / see when my order arrives",
            "locate my package / learn the whereabouts of my order",
            "know where the {item} is / track the {item} / find out where my parcel is / see when it arrives",
            "locate my parcel / learn the whereabouts of the {item}",
        ),
        "I": _pool(
            "track my parcel / tell me where my order is / check where the {item} is / give me the delivery date",
            "locate my package / trace the shipment",
            "tell me where the {item} is / check where my parcel is / track order {ref} / give me a delivery date",
            "locate the {item} / trace my parcel",
        ),
        "N": _pool(
            "the delivery / the delivery date / where my parcel is / the tracking / the late parcel",
            "the whereabouts of my order / the shipment",
            "my delivery / the tracking of order {ref} / the delivery of the {item} / where the {item} is",
            "the whereabouts of the {item} / my shipment",
        ),
        "S": _pool(
            "my parcel has not arrived / the {item} is late / {carrier} has not delivered anything"
            " / the tracking has not moved since {day} / i am still waiting for the {item}",
            "the package went astray / the shipment is stuck somewhere",
            "my {item} has not arrived / the parcel is late / {carrier} has not delivered the {item}",
            "the {item} went astray / my package is stuck at {carrier}",
        ),
    },
    "return": {
        "V": _pool(
            "send the {item} back / return the {item} / return my order / give the {item} back",
            "ship the {item} back to you / hand the {item} back in",
            "send my order back / return the whole order / give my {item} back / return my {item}",
            "ship my order back / hand my {item} back in",
        ),
        "I": _pool(
            "arrange a return / send me a return label / book the return of the {item} / take the {item} back",
            "collect the {item} from my door / pick the {item} up again",
            "arrange the return of the {item} / send the return label / book a return / take my order back",
            "collect my order from my door / pick my order up again",
        ),
        "N": _pool(
            "a return / the return / sending the {item} back / the return label / returning the {item}",
            "shipping the {item} back / the pickup of the {item}",
            "my return / returning my order / a return label / the return of the {item}",
            "shipping my order back / the pickup of my return",
        ),
        "S": _pool(
            "the {item} does not fit / the {item} is the wrong size / i do not like the {item} / i need a return label",
            "the {item} is not my taste / the {item} does not suit me",
            "the size of the {item} is wrong / my {item} does not fit / i do not like my {item}",
            "the {item} is not to my taste / my {item} does not suit me at all",
        ),
    },
    "address": {
        "V": _pool(
            "change my address / change the delivery address / have it sent to {city} / update my address",
            "reroute the parcel to {city} / redirect my order",
            "change the address / update the delivery address / have my order sent to {city}",
            "reroute my order / redirect the parcel to {city}",
        ),
        "I": _pool(
            "change my address / update the address on order {ref} / send it to my new address"
            " / correct the delivery address",
            "reroute my parcel / redirect the order to {city}",
            "change the address on order {ref} / correct my address / update my delivery address",
            "reroute order {ref} / redirect it to my new address",
        ),
        "N": _pool(
            "my address / the delivery address / the new address / the address change",
            "rerouting the parcel / my move to {city}",
            "my new address / the address on order {ref} / changing my address / my address change",
            "rerouting my order / my recent move",
        ),
        "S": _pool(
            "i have moved to {city} / my address is wrong / the order has my old address / i live in {city} now",
            "i relocated on {day} / the street name is wrong",
            "i moved on {day} / the delivery address is wrong / the parcel has my old address",
            "i have relocated to {city} / the street on order {ref} is wrong",
        ),
    },
    "charge": {
        "V": _pool(
            "dispute the charge / question a charge / report a double payment / dispute the {amount} euros",
            "contest a debit / flag a payment i never made",
            "dispute a payment / question the charge of {amount} euros / report a double charge",
            "contest the payment / flag a debit",
        ),
        "I": _pool(
            "check the charge / explain the charge of {amount} euros / correct the double payment"
            " / look into the payment",
            "investigate the debit / reverse the extra payment",
            "explain the double charge / check the payment of {amount} euros / correct the charge",
            "investigate the payment / reverse the debit",
        ),
        "N": _pool(
            "the charge / a double charge / the wrong charge / the {amount} euros taken / the payment",
            "the debit / the overbilling",
            "the double payment / a charge of {amount} euros / the wrong payment / the extra charge",
            "an odd debit / being overbilled",
        ),
        "S": _pool(
            "i was charged twice / you charged me too much / {amount} euros were taken twice"
            " / my card was charged again / there is a charge i do not know",
            "i was overbilled / there is an odd debit of {amount} euros",
            "my card was charged twice / you charged me again / i was charged {amount} euros too much",
            "you overbilled me / there was an odd debit on {day}",
        ),
    },
    "login": {
        "V": _pool(
            "log in / log in to my account / reset my password / get into my account / sign in again",
            "unlock my profile / recover my credentials",
            "log in again / get into my account again / sign in to my account / reset the password",
            "unlock the account / recover my profile",
        ),
        "I": _pool(
            "reset my password / unlock my account / send me a password link / let me log in",
            "restore my profile / resend the passcode",
            "reset the password of my account / let me into my account / send me a new password",
            "restore access to my account / resend my passcode",
        ),
        "N": _pool(
            "my login / my password / the password / access to my account / logging in",
            "my locked profile / the passcode",
            "my account password / the login / signing in / access to the account",
            "my passcode / the locked profile",
        ),
        "S": _pool(
            "i cannot log in / my password does not work / my account is locked / i forgot my password",
            "the passcode never comes / i am shut out of my profile",
            "my login does not work / i cannot sign in / i have forgotten the password",
            "i am shut out of my account / my passcode never came",
        ),
    },
    "damaged": {
        "V": _pool(
            "report a broken {item} / report damage / have the broken {item} replaced / show you the damage",
            "flag a faulty {item} / have the cracked {item} swapped",
            "report the damage / have my broken {item} replaced / show you the broken {item}",
            "flag the faulty {item} / have a cracked {item} swapped",
        ),
        "I": _pool(
            "replace the broken {item} / repair the {item} / send a new {item} for the broken one / look at the damage",
            "swap the faulty {item} / mend the {item}",
            "repair the broken {item} / replace the damaged {item} / look at the broken {item}",
            "swap my faulty {item} / mend my {item}",
        ),
        "N": _pool(
            "the damage / the broken {item} / a damaged {item} / the defect",
            "the cracked {item} / a faulty {item}",
            "my broken {item} / the damaged {item} / the damage to the {item}",
            "my faulty {item} / a cracked {item}",
        ),
        "S": _pool(
            "the {item} arrived broken / the {item} is damaged / the {item} does not work"
            " / the {item} came with a crack / my {item} stopped working",
            "the {item} is in pieces / the {item} gave up the ghost",
            "my {item} arrived damaged / the {item} was broken / the {item} has stopped working",
            "my {item} came in pieces / my {item} gave up the ghost on {day}",
        ),
    },
    "voucher": {
        "V": _pool(
            "use my voucher / use a discount code / redeem my voucher / add a code to my order / get my discount",
            "cash in my coupon / claim the promo",
            "use my discount code / redeem a voucher / add my voucher / get the discount",
            "cash in a promo / claim my coupon",
        ),
        "I": _pool(
            "apply my voucher / accept my code / add the discount / check my voucher / apply the code",
            "honour the coupon / activate the promo",
            "apply my discount / accept the voucher / add my code to order {ref} / check the discount code",
            "honour my promo / activate my coupon",
        ),
        "N": _pool(
            "my voucher / the voucher / the discount code / my discount / the code",
            "my coupon / the promo",
            "my discount code / a voucher / the discount / the voucher code",
            "the coupon / my promo",
        ),
        "S": _pool(
            "my voucher does not work / the code is rejected / the discount was not applied / my code has expired",
            "the coupon is refused / the promo did nothing",
            "the voucher is rejected / my discount code does not work / the voucher was not applied",
            "my promo is refused / the coupon did nothing",
        ),
    },
    "invoice": {
        "V": _pool(
            "get an invoice / have an invoice / download my invoice / get a receipt for the {item}"
            " / have a copy of the invoice",
            "obtain a bill for my taxes / get proof of purchase",
            "get my invoice / have a receipt / download the receipt for the {item}",
            "obtain proof of purchase / get a bill for the {item}",
        ),
        "I": _pool(
            "send me the invoice / email me an invoice / send a receipt for order {ref}"
            " / make out an invoice for the {item}",
            "issue a bill / mail me proof of purchase",
            "send me a receipt / email me the invoice for the {item} / send the invoice for order {ref}",
            "issue proof of purchase / mail me a bill",
        ),
        "N": _pool(
            "my invoice / the invoice / a receipt / an invoice for the {item} / a copy of the receipt",
            "a bill for my taxes / proof of purchase",
            "the receipt / an invoice / the invoice for order {ref} / a copy of my invoice",
            "a bill for the {item} / my proof of purchase",
        ),
        "S": _pool(
            "i never got an invoice / the invoice is missing / there was no receipt in the box",
            "there is no bill for my taxes / the paperwork is missing",
            "i never got a receipt / there was no invoice in the box / my invoice is missing",
            "there was no bill / the paperwork for the {item} is missing",
        ),
    },
}

INTENTS: tuple[str, ...] = tuple(sorted(PHRASES))


def _words(text: str) -> tuple[str, ...]:
    """Split a " / "-separated list of slot values."""
    return tuple(part.strip() for part in text.split("/"))


# The two tuples of a slot are its training side and its test side.
SLOTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "item": (
        _words(
            "kettle / toaster / lamp / jacket / rucksack / mixer / headset / keyboard / desk chair / bike helmet"
            " / rain coat / coffee grinder / wall clock / phone case / running shoes / blanket / teapot / drill"
            " / hair dryer / board game / yoga mat / bread knife / garden hose / notebook stand / wool scarf"
            " / travel mug / camping stove / pillow / picture frame / bath towel / lunch box / desk lamp"
        ),
        _words(
            "blender / sweater / monitor / backpack / bike lock / wall lamp / coffee maker / phone stand / tent"
            " / garden chair / tea towel / rain boots / knife block / game pad / picture book / travel pillow"
        ),
    ),
    "carrier": (_words("parcelo / the courier / swiftbox / the driver"), _words("hurrypost / the postman")),
    "city": (
        _words("lisbon / oslo / ghent / leeds / turin / malmo / bergen / graz / porto / lyon / cork / kiel"),
        _words("tampere / utrecht / cadiz / arles / brno / nantes"),
    ),
    "day": (_words("monday / tuesday / thursday / saturday"), _words("wednesday / friday / sunday")),
    "name": (
        _words("maria / jonas / li / amara / tom / ines / piotr / sana / bea / karim"),
        _words("noor / felix / yuki / greta / omar"),
    ),
    "amount": (tuple(str(n) for n in range(11, 60, 4)), tuple(str(n) for n in range(12, 60, 6))),
    "ref": (tuple(str(n) for n in range(1013, 6000, 37)), tuple(str(n) for n in range(6011, 9990, 41))),
}
