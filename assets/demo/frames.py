"""Sentence frames of the demo grammar: they decide which of the mentioned topics is the request.

A clause has one phrase slot (``{V}``, ``{I}``, ``{N}`` or ``{S}``, see ``lexicon.py``). A fused frame has two:
``{Va}`` belongs to the topic asked for (the label) and ``{Vb}`` to the other one. The cue words are the same in
asking and in dropping clauses ("can wait" / "cannot wait"), so that counting words does not tell them apart.
Each table holds the training side first and the test side second; the sides share no frame.
"""

from __future__ import annotations

Sides = tuple[tuple[str, ...], tuple[str, ...]]

# Clauses that ask for their topic.
ASK: Sides = (
    (
        "i want to {V}",
        "i would like to {V}",
        "i need to {V}",
        "i only want to {V}",
        "now i want to {V}",
        "i still have to {V}",
        "help me to {V}",
        "how can i {V}",
        "why can't i {V}",
        "i never managed to {V}",
        "nobody has helped me to {V} yet",
        "i don't want anything except to {V}",
        "i am trying to {V}",
        "i am still not able to {V}",
        "please {I}",
        "can you {I}",
        "could you please {I}",
        "please do not forget to {I}",
        "i asked you to {I} and nothing happened",
        "you have to {I}",
        "all i ask is that you {I}",
        "nobody wants to {I}",
        "i am waiting for you to {I}",
        "it is about {N}",
        "my problem is {N}",
        "i am writing because of {N}",
        "i have a question about {N}",
        "{N} is not sorted yet",
        "today it is {N}",
        "the real problem is {N}",
        "nobody answered my question about {N}",
        "{N} cannot wait",
        "it has to do with {N}",
        "we are not done with {N}",
        "do not forget {N}",
        "i am here because of {N}",
        "i need help with {N}",
        "{N} is still open",
        "{S}",
        "the trouble is that {S}",
        "{S} , can you help",
        "i am writing because {S}",
        "i am asking you to {I}",
        "i have still not managed to {V}",
        "i did want to {V}",
        "i have not been able to {V} yet",
        "my request has to do with {N}",
        "{N} has not been answered yet",
    ),
    (
        "i am asking to {V}",
        "i really need to {V}",
        "i still want to {V}",
        "what i want is to {V}",
        "i have not managed to {V} yet",
        "i am waiting to {V}",
        "now please {I}",
        "just {I}",
        "would you please {I}",
        "i did ask you to {I}",
        "don't forget to {I}",
        "i am here about {N}",
        "{N} is still the problem",
        "{N} has not been sorted",
        "nobody helped me with {N}",
        "my real problem is {N}",
        "my question is about {N}",
        "this has to do with {N}",
        "the problem is that {S}",
        "{S} , please help",
        "i am here because {S}",
    ),
)

# Clauses that drop their topic: refused, done already, or put off.
DROP: Sides = (
    (
        "i do not want to {V}",
        "i don't want to {V}",
        "i am not trying to {V}",
        "i no longer want to {V}",
        "i already managed to {V}",
        "your colleague already helped me to {V}",
        "i wanted to {V} at first",
        "thanks for helping me to {V} last week",
        "last week i asked to {V}",
        "i can {V} later",
        "i don't need to {V} any more",
        "i was able to {V}",
        "there is no need to {I}",
        "you do not have to {I}",
        "please do not {I}",
        "i never asked you to {I}",
        "stop trying to {I}",
        "i asked you to {I} and it happened",
        "i am not waiting for you to {I}",
        "i thought about asking you to {I}",
        "this is not about {N}",
        "it has nothing to do with {N}",
        "forget about {N}",
        "{N} is not the problem",
        "i did not write because of {N}",
        "{N} has been sorted",
        "we are done with {N}",
        "last time it was {N}",
        "{N} can wait",
        "my question about {N} was answered",
        "i don't need help with {N}",
        "{N} is not open any more",
        "i am not here because of {N}",
        "somebody already helped me with {N}",
        "{N} was sorted yesterday",
        "{N} is no longer open",
        "{N} was answered last week",
        "i am not asking you to {I}",
        "i have been able to {V}",
        "i did not want to {V}",
        "i am done trying to {V}",
    ),
    (
        "i am not asking to {V}",
        "i never wanted to {V}",
        "i wanted to {V} last week",
        "i have already managed to {V}",
        "i am not going to {V}",
        "no need to {I} any more",
        "please don't {I}",
        "i did not ask you to {I}",
        "you don't need to {I}",
        "i am not here about {N}",
        "{N} is no longer the problem",
        "{N} was sorted last week",
        "your colleague helped me with {N}",
        "my problem is not {N}",
        "my question is not about {N}",
        "this has nothing to do with {N}",
        "i am done with {N}",
    ),
)

# Two topics in one sentence: order, cause, contrast, preference.
FUSED: Sides = (
    (
        "{Sb} so i want to {Va}",
        "{Sb} so please {Ia}",
        "please {Ia} because {Sb}",
        "i need to {Va} because {Sb}",
        "since {Sb} , i would like to {Va}",
        "after i asked to {Vb} , {Sa}",
        "{Sa} right after i asked to {Vb}",
        "when i tried to {Vb} i found that {Sa}",
        "you wanted to {Ib} and now {Sa}",
        "since i tried to {Vb} , {Sa}",
        "i would rather {Va} than {Vb}",
        "rather than {Vb} i want to {Va}",
        "not {Nb} but {Na}",
        "{Na} , not {Nb}",
        "it is not {Nb} but {Na} that bothers me",
        "instead of {Nb} , let us talk about {Na}",
        "let us talk about {Na} instead of {Nb}",
        "i asked about {Na} and you answered about {Nb}",
        "you answered about {Nb} although i asked about {Na}",
        "i have to {Va} before i {Vb}",
        "before i {Vb} , i have to {Va}",
        "first {Ia} , {Nb} comes later",
        "{Nb} was yesterday , {Na} is today",
        "more about {Na} than about {Nb}",
        "i don't want to {Vb} but to {Va}",
        "it is {Na} and never was {Nb}",
        "as {Sb} , i want to {Va}",
        "{Sb} and that is why i want to {Va}",
        "{Sb} , that is why you have to {Ia}",
    ),
    (
        "as {Sb} , please {Ia}",
        "i want to {Va} because {Sb}",
        "{Sb} so can you {Ia}",
        "{Sb} , that is why i need to {Va}",
        "after i tried to {Vb} , {Sa}",
        "{Sa} just after i asked to {Vb}",
        "i tried to {Vb} and now {Sa}",
        "i want to {Va} rather than {Vb}",
        "it is about {Na} and not about {Nb}",
        "not about {Nb} but about {Na}",
        "talk to me about {Na} instead of {Nb}",
        "i asked you about {Na} , you answered about {Nb}",
        "{Na} is today , {Nb} was yesterday",
        "please {Ia} before i {Vb}",
    ),
)

# Both topics asked for alike: nobody can tell the label, which bounds the accuracy anyone can reach.
AMBIGUOUS: Sides = (
    ("please {Ia} and {Ib}", "i want to {Va} and to {Vb}", "it is about {Na} and {Nb}"),
    ("can you {Ia} and {Ib}", "i need to {Va} and also {Vb}"),
)

OPENERS: Sides = (
    ("hi", "hello", "good morning", "hi there", "dear team", "excuse me", "sorry"),
    ("hey", "good evening", "hello team"),
)

CLOSERS: Sides = (
    ("thanks", "thank you", "please hurry", "order {ref}", "regards {name}", "{name} here", "best {name}"),
    ("many thanks", "thanks {name}", "my order is {ref}", "kind regards {name}"),
)

# Neutral sentences, with words that also occur in phrases of several intents.
CONTEXTS: Sides = (
    (
        "i bought the {item} on {day}",
        "i ordered a {item}",
        "this is my order {ref}",
        "i paid {amount} euros",
        "i live in {city}",
        "my name is {name}",
        "i opened the box on {day}",
        "i have been a customer for years",
    ),
    ("i ordered the {item} on {day}", "i paid {amount} euros on {day}", "the order was {ref}", "this is {name}"),
)

# The support desk's standard answers; they occur in the pre-training text only.
ANSWERS: dict[str, tuple[str, ...]] = {
    "address": ("address changed , the parcel goes to the new street", "new address saved"),
    "cancel": ("order cancelled , nothing will be sent", "cancellation done"),
    "charge": ("charge checked , the extra debit was wrong", "payment under investigation"),
    "damaged": ("sorry for the damage , a replacement is packed", "broken thing replaced"),
    "invoice": ("invoice attached as a file", "receipt and bill emailed"),
    "login": ("password reset , try to log in", "account unlocked"),
    "refund": ("money refunded to the card", "refund paid back"),
    "return": ("return label printed , send it back", "pickup of the return booked"),
    "track": ("parcel tracked , it arrives soon", "delivery date and tracking link given"),
    "voucher": ("voucher code works now", "discount applied"),
}

# Connectors are punctuation and conjunctions, not frames: both sides use all of them.
JOIN_DROP_ASK: tuple[str, ...] = (" , ", " . ", " but ", " , but ", " , ")
JOIN_ASK_DROP: tuple[str, ...] = (" , ", " . ", " , ")
