"""Dutch frames and names."""

from __future__ import annotations

from schema import Language, parts, rows, words

LANGUAGE = Language(
    code="nl",
    frames=rows(
        """
        {PER}{A} heeft voor het pakket getekend
        {PER}{A} heeft de koffer nog niet opgehaald
        {PER}{A} wil haar vlucht omboeken
        {PER}{A} heeft twee keer over zijn kaartje gebeld
        {PER}{A} heeft de sleutel van de kluis verloren
        {PER}{A} wacht zonder paspoort aan de grens
        {ORG}{A} heeft de rekening nog niet betaald
        {ORG}{A} heeft {NUM} kisten te veel geleverd
        {ORG}{A} sluit het magazijn
        {ORG}{A} wil het contract veranderen
        {ORG}{A} heeft de bestelling van de kisten geannuleerd
        {ORG}{A} is ons {NUM} euro schuldig
        {LOC}{A} is helemaal ingesneeuwd
        {LOC}{A} heeft maar een postkantoor
        {LOC}{A} ligt twee uur van de grens
        {LOC}{A} is de laatste halte van de trein
        de weg naar {LOC} is afgesloten
        de wagen uit {LOC}{A} , waar de weg is afgesloten , komt later
        het pakket van {PER}{A} , die met vakantie is , komt later
        de kist van {ORG}{A} , waarvan het magazijn sluit , komt later
        we wachten op {PER} , die zijn paspoort heeft verloren
        we wachten op {ORG} , dat ons nog geld schuldig is
        we zoeken {LOC} nog op de kaart
        {PER} werkt voor {ORG} in {LOC}
        {PER} woont nu in {LOC}
        {PER} vliegt {DAY} naar {LOC}
        {PER} is van {LOC} naar {LOC} verhuisd
        {ORG} verplaatst het kantoor van {LOC} naar {LOC}
        {ORG} is gekocht door {ORG}
        {ORG} heeft {PER} als chauffeur aangenomen
        {TITLE} {PER} vraagt om een plaats aan het raam
        vraag {PER} om de handtekening
        vraag {ORG} om een rekening
        de kist gaat naar {ORG} , ter attentie van {PER}
        de brief voor {PER}{A} kwam terug uit {LOC}
        niet de stad {LOC} maar de firma {ORG} is bedoeld
        niet {ORG} maar {PER} in persoon heeft gebeld
        het pakket is niet in {LOC} maar bij {PER} thuis
        de herberg in {LOC} is vol
        de chauffeur uit {LOC} heeft {PER} op het station ontmoet
        {PER} en {PER} delen een kaartje
        de trein tussen {LOC} en {LOC} rijdt niet
        de rekening van {ORG} noemt {PER} als ontvanger
        ons contract met {ORG} loopt af in {MONTH}
        niemand in {LOC} kent {PER}
        de advocaten van {ORG} hebben {TITLE} {PER} geschreven
        niet {PER} maar {PER} heeft gebeld
        niet {ORG} maar {ORG} heeft de rekening gestuurd
        niet {PER} in persoon maar {ORG} heeft betaald
        niet de firma {ORG} maar de firma {ORG} is bedoeld
        niet de stad {LOC} maar de stad {LOC} is bedoeld
        de stad {LOC} is bedoeld , niet de firma {ORG}
        de firma {ORG} is bedoeld , niet de stad {LOC}
        de vlucht is door {ORG} geannuleerd , niet door {PER}
        de doos gaat naar {PER} , niet naar {PER}
        de rekening gaat naar {ORG} , niet naar {ORG}
        het pakket gaat naar {PER} in {LOC} , niet naar {ORG}
        {ORG} heeft {PER} om een handtekening gevraagd
        {ORG} heeft {ORG} om de kisten gevraagd
        {PER} heeft {PER} om de sleutel gevraagd
        {PER} heeft {ORG} om een nieuw kaartje gevraagd
        we hebben {TITLE} {PER} ontmoet in {LOC}
        we hebben {PER} ontmoet in de herberg in {LOC}
        we hebben {PER} ontmoet op het kantoor van {ORG}
        niemand bij {ORG} kent de chauffeur
        niemand kent {PER} bij {ORG}
        de chauffeur kent {TITLE} {PER} uit {LOC}
        het magazijn van {ORG} in {LOC} is vol
        het postkantoor in {LOC} sluit
        het kantoor in {LOC} is van {ORG}
        {ORG} en {ORG} hebben het contract getekend
        {ORG} en {ORG} delen een advocaat
        {LOC} en {LOC} hebben maar een station
        {LOC} en {LOC} delen een weg
        {PER} en {PER} hebben de sleutel verloren
        {PER} rijdt de wagen naar {LOC}
        {PER} reist van {LOC} naar {LOC}
        {ORG} heeft een advocaat aangenomen
        {ORG} heeft {NUM} chauffeurs uit {LOC} aangenomen
        {LOC}{A} heeft een nieuw station
        {LOC}{A} heeft geen herberg
        {ORG}{A} heeft geen magazijn in {LOC}
        {PER}{A} heeft geen paspoort
        de brief van {ORG}{A} , dat gaat verhuizen , komt later
        de brief van {PER} aan {ORG} is nog weg
        """,
        """
        {PER}{A} heeft haar kaartje verloren
        {PER}{A} heeft de brief nog niet getekend
        {PER}{A} heeft over haar koffer gebeld
        {ORG}{A} is ons geld voor de kisten schuldig
        {ORG}{A} heeft de rekening nog niet geschreven
        {ORG}{A} verplaatst het magazijn naar {LOC}
        {LOC}{A} heeft geen station
        {LOC}{A} ligt twee uur van het magazijn
        de kist uit {LOC}{A} , waar de weg is afgesloten , is nog weg
        de brief van {ORG}{A} , waarvan het magazijn vol is , is nog weg
        de koffer van {PER}{A} , die aan de grens wacht , is nog weg
        we hebben {PER} ontmoet op het postkantoor in {LOC}
        {PER} heeft de firma {ORG} om haar paspoort gevraagd
        {PER} rijdt {DAY} van {LOC} naar {LOC}
        {ORG} heeft een chauffeur uit {LOC} aangenomen
        niet de firma {ORG} maar de stad {LOC} is bedoeld
        niet {PER} in persoon maar de firma {ORG} heeft de vlucht geannuleerd
        niemand bij {ORG} kent {TITLE} {PER}
        het kantoor van {ORG} in {LOC} sluit
        de brief gaat naar {PER} in persoon , niet naar de firma {ORG}
        {LOC} en {LOC} delen een postkantoor
        {ORG} en {ORG} delen een magazijn
        """,
    ),
    plain=rows(
        """
        het kantoor is {DAY} dicht
        graag het etiket Expres opnieuw afdrukken
        de Douane wil formulier {REF} in het Nederlands
        de scanner bij Poort {NUM} is kapot
        niemand weet waar de sleutel is
        de pakketten voor Pasen komen zoals altijd later
        de kluis met code {REF} gaat niet open
        het formulier heeft {NUM} pagina's
        ik heb het bonnetje niet gevonden
        geen nieuws sinds {DAY}
        """,
        """
        de scanner is sinds {DAY} kapot
        het formulier in het Nederlands is weg
        de Douane heeft pakket {REF} niet gevonden
        graag formulier {REF} opnieuw afdrukken
        de pakketten voor Kerst komen later
        de sleutel van Poort {NUM} is weg
        """,
    ),
    asides=rows(
        """
        , zegt de chauffeur ,
        , naar wij horen ,
        , als we het briefje goed lezen ,
        , volgens de lijst van {DAY} ,
        , na {NUM} telefoontjes en een lange brief ,
        , en dat voor de derde keer ,
        ( zie formulier {REF} )
        """,
        """
        , zoals het briefje zegt ,
        , als we de lijst van {DAY} goed lezen ,
        , na een lange brief en {NUM} telefoontjes ,
        , volgens de chauffeur ,
        ( zie lijst van {DAY} )
        """,
    ),
    openers=rows("Hallo ,\nTer info :\nDringend :\nBeste team ,", "Hallo team ,\nDringend , ter info :"),
    closers=rows(
        "Bedankt\nGraag antwoord voor {DAY}\nHet heeft geen haast",
        "Bedankt , het heeft geen haast\nGraag {DAY} antwoord",
    ),
    joins=("en", "maar", "want", "terwijl", ";"),
    titles=parts("Meneer Mevrouw Dokter"),
    days=parts("maandag dinsdag woensdag donderdag"),
    months=parts("januari maart april juni juli september"),
    firsts=words(
        "Aafke Anneke Arie Bas Bram Cor Daan Dirk Els Femke Floor Geert Gerrit Hanneke Henk Ilse Jaap Jan Joke Joost"
        " Kees Leen Lotte Maaike Marijke Niels Pieter Roos Sanne Sjoerd Tineke Wim",
        "Adriaan Betje Corrie Douwe Evert Fleur Hendrik Ineke Joris Klaas Marloes Nelleke Ruud Teun Wouter",
    ),
    surnames=words(
        "Bakker Boer Bos Brouwer Dekker Dijkstra Hoekstra Jansen Koster Kuiper Mulder Peters Postma Prins Schipper"
        " Smit Timmerman Veenstra Visser Vos Vries Willems",
        "Bouwman Groen Hendriks Kok Molenaar Schouten Slager Smeets Verhoeven Wever Zeeman",
    ),
    towns=words(
        "Utrecht Leiden Delft Breda Zwolle Gent Londen Wenen München Lissabon Warschau Genève Praag Sevilla Napels"
        " Antwerpen Schotland Ierland Spanje België",
        "Arnhem Haarlem Brugge Keulen Brussel Turijn Metz Friesland Denemarken Beieren Portugal",
    ),
    stems=parts("Ooster Zand Veen Berken Linde Hoog Zwarte Meer Wester Heem Molen Rozen Duin Kraai Zuider Gras"),
    endings=parts("wijk dam hoven veld beek broek daal huizen kerk burg horst bosch"),
    orgs=rows(
        """
        {n}
        {n}
        {n} Textiel
        {n} Transport BV
        {n} en Zonen
        {s} & {s}
        Spaarbank {t}
        Bank van {n}
        Universiteit van {n}
        Hotel {f}
        Hotel {n}
        Bakkerij {s}
        Luchtvaart {n}
        Verhuizingen {f} {s}
        Spoorwegen van {t}
        Herberg de {n}
        Museum van {t}
        Gebroeders {n}
        """,
        """
        {n}
        Transport {n}
        {n} Bakkerij BV
        {s} en Zonen
        Gebroeders {s}
        Luchtvaart {t}
        Bank van {t}
        Museum de {n}
        Textiel {f} {s}
        Herberg van {f}
        Universiteit {t}
        """,
    ),
    places=rows(
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        Laan van {n}
        {f} {s} Straat
        Meer van {n}
        Nieuw {t}
        {n} aan Zee
        Sint {f}
        """,
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        {n} Straat
        Laan van {f} {s}
        Sint {s}
        Nieuw {n}
        {t} aan Zee
        """,
    ),
    roles={
        "PER": ("persoon", "contact", "reiziger"),
        "ORG": ("firma", "bedrijf", "rekening"),
        "LOC": ("plaats", "bestemming", "streek"),
    },
)
