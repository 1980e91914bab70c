"""German frames and names."""

from __future__ import annotations

from schema import Language, parts, rows, words

LANGUAGE = Language(
    code="de",
    frames=rows(
        """
        {PER}{A} hat das Paket unterschrieben
        {PER}{A} hat den Koffer noch nicht abgeholt
        {PER}{A} möchte ihren Flug umbuchen
        {PER}{A} hat zweimal wegen seiner Fahrkarte angerufen
        {PER}{A} hat den Schlüssel zum Schließfach verloren
        {PER}{A} wartet ohne Ausweis an der Grenze
        {ORG}{A} hat die Rechnung noch nicht bezahlt
        {ORG}{A} hat {NUM} Kisten zu viel geliefert
        {ORG}{A} schließt sein Lager
        {ORG}{A} möchte den Vertrag ändern
        {ORG}{A} hat die Bestellung der Kisten storniert
        {ORG}{A} schuldet uns {NUM} Euro
        {LOC}{A} ist völlig eingeschneit
        {LOC}{A} hat nur ein Postamt
        {LOC}{A} liegt zwei Stunden von der Grenze
        {LOC}{A} ist die letzte Haltestelle der Bahn
        die Straße nach {LOC} ist gesperrt
        der Wagen aus {LOC}{A} , wo die Straße gesperrt ist , kommt später
        das Paket von {PER}{A} , die gerade Urlaub hat , kommt später
        die Kiste von {ORG}{A} , deren Lager schließt , kommt später
        wir warten auf {PER} , der seinen Ausweis verloren hat
        wir warten auf {ORG} , die uns noch Geld schuldet
        wir suchen {LOC} noch auf der Karte
        {PER} arbeitet bei {ORG} in {LOC}
        {PER} wohnt jetzt in {LOC}
        {PER} fliegt am {DAY} nach {LOC}
        {PER} ist von {LOC} nach {LOC} umgezogen
        {ORG} verlegt das Büro von {LOC} nach {LOC}
        {ORG} wurde von {ORG} gekauft
        {ORG} hat {PER} als Fahrer eingestellt
        {TITLE} {PER} bittet um einen Platz am Fenster
        bitte {PER} um die Unterschrift bitten
        bitte bei {ORG} die Rechnung anfordern
        die Kiste geht an {ORG} , zu Händen {PER}
        der Brief für {PER}{A} kam aus {LOC} zurück
        nicht die Stadt {LOC} , sondern die Firma {ORG} ist gemeint
        nicht {ORG} , sondern {PER} persönlich hat angerufen
        das Paket ist nicht in {LOC} , sondern bei {PER} zu Hause
        die Herberge in {LOC} ist voll
        der Fahrer aus {LOC} hat {PER} am Bahnhof getroffen
        {PER} und {PER} teilen sich eine Fahrkarte
        der Zug zwischen {LOC} und {LOC} fällt aus
        die Rechnung von {ORG} nennt {PER} als Empfänger
        unser Vertrag mit {ORG} endet im {MONTH}
        niemand in {LOC} kennt {PER}
        die Anwälte von {ORG} haben {TITLE} {PER} geschrieben
        nicht {PER} , sondern {PER} hat angerufen
        nicht {ORG} , sondern {ORG} hat die Rechnung geschrieben
        nicht {PER} persönlich , sondern {ORG} hat bezahlt
        nicht die Firma {ORG} , sondern die Firma {ORG} ist gemeint
        nicht die Stadt {LOC} , sondern die Stadt {LOC} ist gemeint
        die Stadt {LOC} ist gemeint , nicht die Firma {ORG}
        die Firma {ORG} ist gemeint , nicht die Stadt {LOC}
        den Flug hat {ORG} storniert , nicht {PER}
        das Päckchen geht an {PER} , nicht an {PER}
        die Rechnung geht an {ORG} , nicht an {ORG}
        das Paket geht an {PER} in {LOC} , nicht an {ORG}
        {ORG} hat bei {PER} die Unterschrift angefordert
        {ORG} hat bei {ORG} die Kisten bestellt
        {PER} hat bei {PER} den Schlüssel abgeholt
        {PER} hat bei {ORG} eine neue Fahrkarte bestellt
        wir haben {TITLE} {PER} in {LOC} getroffen
        wir haben {PER} in der Herberge in {LOC} getroffen
        wir haben {PER} im Büro von {ORG} getroffen
        niemand bei {ORG} kennt den Fahrer
        niemand kennt {PER} bei {ORG}
        der Fahrer kennt {TITLE} {PER} aus {LOC}
        das Lager von {ORG} in {LOC} ist voll
        das Postamt in {LOC} schließt
        das Büro in {LOC} gehört {ORG}
        {ORG} und {ORG} haben den Vertrag unterschrieben
        {ORG} und {ORG} teilen sich einen Anwalt
        {LOC} und {LOC} haben nur einen Bahnhof
        {LOC} und {LOC} teilen sich eine Straße
        {PER} und {PER} haben den Schlüssel verloren
        {PER} fährt den Wagen nach {LOC}
        {PER} reist von {LOC} nach {LOC}
        {ORG} hat einen Anwalt eingestellt
        {ORG} hat {NUM} Fahrer aus {LOC} eingestellt
        {LOC}{A} hat einen neuen Bahnhof
        {LOC}{A} hat keine Herberge
        {ORG}{A} hat kein Lager in {LOC}
        {PER}{A} hat keinen Ausweis
        der Brief von {ORG}{A} , die gerade umzieht , kommt später
        der Brief von {PER} an {ORG} fehlt noch
        """,
        """
        {PER}{A} hat ihre Fahrkarte verloren
        {PER}{A} hat den Brief noch nicht unterschrieben
        {PER}{A} hat zweimal wegen seiner Unterschrift angerufen
        {ORG}{A} schuldet uns Geld für die Kisten
        {ORG}{A} hat die Rechnung noch nicht geschrieben
        {ORG}{A} verlegt sein Lager nach {LOC}
        {LOC}{A} hat nur einen neuen Bahnhof
        {LOC}{A} liegt zwei Stunden vom Lager
        der Wagen aus {LOC}{A} , wo die Straße gesperrt ist , fehlt noch
        der Brief von {ORG}{A} , deren Lager voll ist , fehlt noch
        der Koffer von {PER}{A} , der an der Grenze wartet , fehlt noch
        wir haben {PER} am Postamt in {LOC} getroffen
        {PER} hat bei der Firma {ORG} ihren Ausweis abgeholt
        {PER} fährt am {DAY} von {LOC} nach {LOC}
        {ORG} hat einen Fahrer aus {LOC} eingestellt
        nicht die Firma {ORG} , sondern die Stadt {LOC} ist gemeint
        nicht {PER} persönlich , sondern die Firma {ORG} hat den Flug storniert
        niemand bei {ORG} kennt {TITLE} {PER}
        das Büro von {ORG} in {LOC} schließt
        der Brief geht an {PER} persönlich , nicht an die Firma {ORG}
        {LOC} und {LOC} teilen sich ein Postamt
        {ORG} und {ORG} teilen sich ein Lager
        """,
    ),
    plain=rows(
        """
        das Büro ist am {DAY} zu
        bitte den Aufkleber für Eilsendungen neu drucken
        der Zoll will Formular {REF} auf Deutsch
        der Scanner an Tor {NUM} ist kaputt
        niemand weiß , wo der Schlüssel ist
        die Pakete zu Ostern kommen wie immer später
        das Schließfach mit dem Code {REF} geht nicht auf
        das Formular hat {NUM} Seiten
        ich habe die Quittung nicht gefunden
        seit {DAY} keine Nachricht
        """,
        """
        der Scanner ist seit {DAY} kaputt
        das Formular auf Deutsch fehlt noch
        der Zoll hat Formular {REF} nicht gefunden
        bitte Formular {REF} neu drucken
        die Pakete zu Weihnachten kommen später
        der Schlüssel zu Tor {NUM} fehlt noch
        """,
    ),
    asides=rows(
        """
        , sagt der Fahrer ,
        , wie wir hören ,
        , wenn wir den Zettel richtig lesen ,
        , laut der Liste vom {DAY} ,
        , nach {NUM} Anrufen und einem langen Brief ,
        , und das zum dritten Mal ,
        ( siehe Formular {REF} )
        """,
        """
        , wie der Zettel sagt ,
        , wenn wir die Liste vom {DAY} richtig lesen ,
        , nach einem langen Brief und {NUM} Anrufen ,
        , wie der Fahrer sagt ,
        ( siehe Liste vom {DAY} )
        """,
    ),
    openers=rows("Hallo ,\nZur Info :\nDringend :\nLiebes Team ,", "Hallo Team ,\nDringend , zur Info :"),
    closers=rows(
        "Danke\nBitte um Antwort bis {DAY}\nEs eilt nicht", "Danke , es eilt nicht\nBitte um Antwort am {DAY}"
    ),
    joins=("und", "aber", "denn", ";"),
    titles=parts("Herr Frau Doktor"),
    days=parts("Montag Dienstag Mittwoch Donnerstag"),
    months=parts("Januar März April Juni Juli September"),
    firsts=words(
        "Anke Bernd Birgit Christa Dieter Elke Ernst Franz Frieda Georg Gerda Hanna Heiko Helga Ida Ingrid Jörg"
        " Jutta Karl Klaus Lena Lothar Margit Monika Otto Petra Rainer Sabine Uwe Volker Walter Wolf",
        "Agnes Bruno Doris Egon Fritz Greta Günter Heidi Jürgen Käthe Ludwig Renate Rolf Ulrike Werner",
    ),
    surnames=words(
        "Bauer Becker Fischer Fuchs Huber Jäger Kaiser Keller Koch Köhler Lang Maurer Meyer Müller Richter Schäfer"
        " Schmidt Schneider Schubert Vogel Wagner Winter",
        "Bäcker Brandt Förster Kaufmann Klein König Kramer Sommer Vogt Weber Zimmermann",
    ),
    towns=words(
        "Berlin München Hamburg Köln Wien Zürich Basel Dresden Kiel Bonn Lissabon Warschau Genf Prag Sevilla Neapel"
        " Antwerpen Schottland Belgien Spanien",
        "Leipzig Bremen Graz Mainz Brüssel Turin Metz Luzern Dänemark Bayern Portugal",
    ),
    stems=parts("Stein Birken Linden Hirsch Lauter Wald Schwarz Roten Mühl Rosen Eich Buchen Stern Grün Adel Wolf"),
    endings=parts("berg dorf bach hausen feld burg thal heim stein au brunn kirch"),
    orgs=rows(
        """
        {n}
        {n}
        {n} Textil
        {n} Logistik GmbH
        {n} & Söhne
        {s} & {s}
        Sparkasse {t}
        Bank für {n}
        Universität {n}
        Hotel {f}
        Hotel {n}
        Bäckerei {s}
        {n} Luftfahrt
        Spedition {f} {s}
        Bahn {t}
        Gasthof zum {n}
        Museum {t}
        {n} und Töchter
        """,
        """
        {n}
        Spedition {n}
        {n} Bäckerei GmbH
        {s} & Töchter
        {s} & Söhne
        Luftfahrt {t}
        Bank für {t}
        Museum {n}
        Textil {f} {s}
        Gasthof {f}
        Universität {t}
        """,
    ),
    places=rows(
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        {n} Straße
        {f} {s} Weg
        Bad {n}
        Neu {t}
        {n} am See
        Schloss {n}
        """,
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        {n} Weg
        {f} {s} Straße
        Schloss {f}
        Neu {n}
        {t} am See
        """,
    ),
    roles={
        "PER": ("Person", "Kontakt", "Reisende"),
        "ORG": ("Firma", "Unternehmen", "Konto"),
        "LOC": ("Ort", "Ziel", "Gegend"),
    },
)
