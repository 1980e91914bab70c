"""English frames and names."""

from __future__ import annotations

from schema import Language, parts, rows, words

LANGUAGE = Language(
    code="en",
    frames=rows(
        """
        {PER}{A} signed for the parcel
        {PER}{A} has not picked up the parcel yet
        {PER}{A} wants to change her flight
        {PER}{A} called twice about his suitcase
        {PER}{A} lost the key to the locker
        {PER}{A} is waiting at the border without a passport
        {ORG}{A} has not paid the invoice yet
        {ORG}{A} sent {NUM} boxes too many
        {ORG}{A} is closing its warehouse
        {ORG}{A} wants to change the contract
        {ORG}{A} cancelled the order for the boxes
        {ORG}{A} owes us {NUM} pounds
        {LOC}{A} is cut off by snow
        {LOC}{A} has only one post office
        {LOC}{A} is two hours from the border
        {LOC}{A} is where the train stops
        the road to {LOC} is closed
        the van from {LOC}{A} , where the road is closed , is late
        the parcel from {PER}{A} , who is on holiday , is late
        the crate from {ORG}{A} , whose warehouse is closing , is late
        we are waiting for {PER} , who lost her passport
        we are waiting for {ORG} , which still owes us money
        we are still looking for {LOC} on the map
        {PER} works for {ORG} in {LOC}
        {PER} lives in {LOC} now
        {PER} flies to {LOC} on {DAY}
        {PER} moved from {LOC} to {LOC}
        {ORG} moved its office from {LOC} to {LOC}
        {ORG} was bought by {ORG}
        {ORG} hired {PER} as a driver
        {TITLE} {PER} asked for a window seat
        ask {PER} for his signature
        ask {ORG} for an invoice
        send the crate to {ORG} , attention {PER}
        the letter for {PER}{A} came back from {LOC}
        not the town of {LOC} but the firm {ORG} is meant
        it was not {ORG} but {PER} in person who called
        the parcel is not in {LOC} but with {PER}
        the hotel in {LOC} is full
        the driver from {LOC} met {PER} at the station
        {PER} and {PER} share one ticket
        the train between {LOC} and {LOC} was cancelled
        the invoice of {ORG} names {PER} as recipient
        our contract with {ORG} ends in {MONTH}
        nobody in {LOC} knows {PER}
        the lawyers of {ORG} wrote to {TITLE} {PER}
        it was not {PER} but {PER} who called
        it was not {ORG} but {ORG} that sent the invoice
        it was not {PER} in person but {ORG} that paid
        not the firm {ORG} but the firm {ORG} is meant
        not the town of {LOC} but the town of {LOC} is meant
        the town of {LOC} is meant , not the firm {ORG}
        the firm {ORG} is meant , not the town of {LOC}
        the flight was cancelled by {ORG} , not by {PER}
        send the box to {PER} , not to {PER}
        the invoice goes to {ORG} , not to {ORG}
        the parcel goes to {PER} in {LOC} , not to {ORG}
        {ORG} asked {PER} for a signature
        {ORG} asked {ORG} for the boxes
        {PER} asked {PER} for the key
        {PER} asked {ORG} for a new ticket
        we met {TITLE} {PER} in {LOC}
        we met {PER} at the hotel in {LOC}
        we met {PER} at the office of {ORG}
        nobody at {ORG} knows the driver
        nobody knows {PER} at {ORG}
        the driver knows {TITLE} {PER} from {LOC}
        the warehouse of {ORG} in {LOC} is full
        the post office in {LOC} is closing
        the office in {LOC} belongs to {ORG}
        {ORG} and {ORG} signed the contract
        {ORG} and {ORG} share a lawyer
        {LOC} and {LOC} have only one station
        {LOC} and {LOC} share one road
        {PER} and {PER} lost the key
        {PER} drove the van to {LOC}
        {PER} travels from {LOC} to {LOC}
        {ORG} hired a lawyer
        {ORG} hired {NUM} drivers from {LOC}
        {LOC}{A} has a new station
        {LOC}{A} has no hotel
        {ORG}{A} has no warehouse in {LOC}
        {PER}{A} has no passport
        the letter from {ORG}{A} , which is moving , is late
        the letter from {PER} to {ORG} is missing
        """,
        """
        {PER}{A} has lost his ticket
        {PER}{A} has not signed for the suitcase
        {PER}{A} called about her passport
        {ORG}{A} owes us money for the boxes
        {ORG}{A} has not sent the invoice
        {ORG}{A} moved its warehouse from {LOC} to {LOC}
        {LOC}{A} has no station
        {LOC}{A} is two hours from the warehouse
        the van from {LOC}{A} , where the road is closed , is missing
        the letter from {ORG}{A} , whose warehouse is full , is missing
        the suitcase of {PER}{A} , who is waiting at the border , is missing
        we met {PER} at the post office in {LOC}
        {PER} asked the firm {ORG} for her ticket
        {PER} drove from {LOC} to {LOC} on {DAY}
        {ORG} hired a driver from {LOC}
        not the firm {ORG} but the town of {LOC} is meant
        it was not {PER} in person but the firm {ORG} that cancelled the flight
        nobody at {ORG} knows {TITLE} {PER}
        the office of {ORG} in {LOC} is closing
        send the letter to {PER} in person , not to the firm {ORG}
        {LOC} and {LOC} share one post office
        {ORG} and {ORG} share one warehouse
        """,
    ),
    plain=rows(
        """
        the office is closed on {DAY}
        please print the Express label again
        Customs want form {REF} in English
        the scanner at Gate {NUM} is broken
        nobody knows where the key is
        Easter parcels are late as always
        the locker with code {REF} will not open
        the French form has {NUM} pages
        I have not found the receipt
        no news since {DAY}
        """,
        """
        the scanner is broken since {DAY}
        the French form is missing
        Customs have not found parcel {REF}
        please print form {REF} again
        Christmas parcels are late
        the key to Gate {NUM} is missing
        """,
    ),
    asides=rows(
        """
        , as the driver says ,
        , so we hear ,
        , if we read the note right ,
        , according to the list from {DAY} ,
        , after {NUM} calls and a long letter ,
        , and this is the third time ,
        ( see form {REF} )
        """,
        """
        , as the note says ,
        , if we read the list from {DAY} right ,
        , after a long letter and {NUM} calls ,
        , so the driver says ,
        ( see list from {DAY} )
        """,
    ),
    openers=rows("Hello ,\nFYI :\nUrgent :\nDear team ,", "Hello team ,\nUrgent note :"),
    closers=rows("Thanks\nPlease reply by {DAY}\nNo hurry", "Thanks , no hurry\nPlease reply on {DAY}"),
    joins=("and", "but", "because", "while", ";"),
    titles=parts("Mr Mrs Dr"),
    days=parts("Monday Tuesday Wednesday Thursday"),
    months=parts("January March April June July September"),
    firsts=words(
        "Alice Amelia Arthur Colin Daisy Edward Eleanor Gareth Grace Harold Hazel Ivy Jack James Joan Keith Laura"
        " Megan Nigel Olive Oscar Owen Peter Poppy Ralph Rose Ruth Simon Susan Thomas Violet William",
        "Abigail Alfred Beatrice Clive Dorothy Ellen George Helen Hugh Lucy Martin Robert Sarah Trevor Wendy",
    ),
    surnames=words(
        "Baker Bishop Carter Clarke Cooper Evans Fletcher Gardner Hughes Jenkins Marsh Mason Palmer Parker Pearce"
        " Reeves Rhodes Shepherd Turner Walsh Watkins Wheeler",
        "Barker Butler Chandler Cook Foster Hopkins Porter Sawyer Thatcher Tucker Weaver",
    ),
    towns=words(
        "London Bristol Leeds Dover Cardiff Glasgow Dublin Vienna Munich Lisbon Warsaw Geneva Prague Seville Naples"
        " Antwerp Scotland Ireland Spain Belgium",
        "York Plymouth Belfast Hull Cologne Lyons Brussels Turin Wales Denmark Portugal",
    ),
    stems=parts("Ash Oak Elm Brad Stan Wood Black Hart Mill Lang King Hal Brook Whit Thorn Red"),
    endings=parts("ford ton ley ham field wood worth bury well stone dale more"),
    orgs=rows(
        """
        {n}
        {n}
        {n} Textiles
        {n} Logistics Ltd
        {n} & Sons
        {s} & {s}
        {t} Savings Bank
        Bank of {n}
        University of {n}
        Hotel {f}
        Hotel {n}
        {f} 's Bakery
        {n} Airways
        {f} {s} Shipping
        {t} Rail
        The {n} Arms
        Museum of {t}
        {n} and Daughters
        {s} Hotel
        """,
        """
        {n}
        {n} Shipping
        {n} Bakery Ltd
        {s} & Daughters
        {s} & Sons
        {t} Airways
        Bank of {t}
        Museum of {n}
        {f} {s} Textiles
        The {f} Hotel
        University of {t}
        """,
    ),
    places=rows(
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        {n} Street
        {f} {s} Road
        Lake {n}
        New {t}
        {n} on Sea
        Port {n}
        """,
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        {n} Road
        {f} {s} Street
        Port {f}
        New {n}
        {t} on Sea
        """,
    ),
    roles={
        "PER": ("person", "contact", "traveller"),
        "ORG": ("firm", "company", "account"),
        "LOC": ("place", "destination", "region"),
    },
)
