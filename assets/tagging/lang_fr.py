"""French frames and names. The grammar elides "de" before a vowel."""

from __future__ import annotations

from schema import Language, parts, rows, words

LANGUAGE = Language(
    code="fr",
    frames=rows(
        """
        {PER}{A} a signé pour le colis
        {PER}{A} n' a pas encore retiré la valise
        {PER}{A} veut changer son vol
        {PER}{A} a appelé deux fois pour son billet
        {PER}{A} a perdu la clé de la consigne
        {PER}{A} attend à la frontière sans passeport
        {ORG}{A} n' a pas encore payé la facture
        {ORG}{A} a livré {NUM} caisses de trop
        {ORG}{A} ferme son entrepôt
        {ORG}{A} veut changer le contrat
        {ORG}{A} a annulé la commande des caisses
        {ORG}{A} nous doit {NUM} euros
        {LOC}{A} est coupé du monde par la neige
        {LOC}{A} n' a qu' un bureau de poste
        {LOC}{A} est à deux heures de la frontière
        {LOC}{A} est le dernier arrêt du train
        la route de {LOC} est fermée
        la camionnette de {LOC}{A} , où la route est fermée , est en retard
        le colis de {PER}{A} , qui est en vacances , est en retard
        la caisse de {ORG}{A} , dont l' entrepôt ferme , est en retard
        nous attendons {PER} , qui a perdu son passeport
        nous attendons {ORG} , qui nous doit encore de l' argent
        nous cherchons encore {LOC} sur la carte
        {PER} travaille pour {ORG} à {LOC}
        {PER} habite maintenant à {LOC}
        {PER} prend l' avion pour {LOC} {DAY}
        {PER} a déménagé de {LOC} à {LOC}
        {ORG} déplace son bureau de {LOC} à {LOC}
        {ORG} a été racheté par {ORG}
        {ORG} a engagé {PER} comme chauffeur
        {TITLE} {PER} demande une place à la fenêtre
        il faut demander la signature de {PER}
        il faut demander une facture à {ORG}
        la caisse va à {ORG} , à l' attention de {PER}
        la lettre pour {PER}{A} est revenue de {LOC}
        ce n' est pas la ville de {LOC} mais la société {ORG}
        ce n' est pas {ORG} mais {PER} en personne qui a appelé
        le colis n' est pas à {LOC} mais chez {PER}
        l' auberge de {LOC} est pleine
        le chauffeur de {LOC} a rencontré {PER} à la gare
        {PER} et {PER} partagent un billet
        le train entre {LOC} et {LOC} est annulé
        la facture de {ORG} indique {PER} comme destinataire
        notre contrat avec {ORG} se termine en {MONTH}
        personne à {LOC} ne connaît {PER}
        les avocats de {ORG} ont écrit à {TITLE} {PER}
        ce n' est pas {PER} mais {PER} qui a appelé
        ce n' est pas {ORG} mais {ORG} qui a envoyé la facture
        ce n' est pas {PER} en personne mais {ORG} qui a payé
        ce n' est pas la société {ORG} mais la société {ORG}
        ce n' est pas la ville de {LOC} mais la ville de {LOC}
        c' est la ville de {LOC} , pas la société {ORG}
        c' est la société {ORG} , pas la ville de {LOC}
        le vol a été annulé par {ORG} , pas par {PER}
        la caisse va à {PER} , pas à {PER}
        la facture va à {ORG} , pas à {ORG}
        le colis va à {PER} à {LOC} , pas à {ORG}
        {ORG} a demandé la signature à {PER}
        {ORG} a demandé les caisses à {ORG}
        {PER} a demandé la clé à {PER}
        {PER} a demandé un nouveau billet à {ORG}
        nous avons rencontré {TITLE} {PER} à {LOC}
        nous avons rencontré {PER} à l' auberge de {LOC}
        nous avons rencontré {PER} au bureau de {ORG}
        personne chez {ORG} ne connaît le chauffeur
        personne ne connaît {PER} chez {ORG}
        le chauffeur connaît {TITLE} {PER} de {LOC}
        l' entrepôt de {ORG} à {LOC} est plein
        le bureau de poste de {LOC} ferme
        le bureau de {LOC} est à {ORG}
        {ORG} et {ORG} ont signé le contrat
        {ORG} et {ORG} partagent un avocat
        {LOC} et {LOC} n' ont qu' une gare
        {LOC} et {LOC} partagent une route
        {PER} et {PER} ont perdu la clé
        {PER} conduit la camionnette à {LOC}
        {PER} voyage à {LOC} depuis {LOC}
        {ORG} a engagé un avocat
        {ORG} a engagé {NUM} chauffeurs de {LOC}
        {LOC}{A} a une nouvelle gare
        {LOC}{A} n' a pas d' auberge
        {ORG}{A} n' a pas d' entrepôt à {LOC}
        {PER}{A} n' a pas de passeport
        la lettre de {ORG}{A} , qui déménage , est en retard
        la lettre de {PER} à {ORG} manque encore
        """,
        """
        {PER}{A} a perdu son billet
        {PER}{A} n' a pas encore signé la lettre
        {PER}{A} a appelé pour la valise
        {ORG}{A} nous doit de l' argent pour les caisses
        {ORG}{A} n' a pas encore écrit la facture
        {ORG}{A} déplace son entrepôt à {LOC}
        {LOC}{A} n' a pas de gare
        {LOC}{A} est à deux heures de l' entrepôt
        la caisse de {LOC}{A} , où la route est fermée , manque encore
        la lettre de {ORG}{A} , dont l' entrepôt est plein , manque encore
        la valise de {PER}{A} , qui attend à la frontière , manque encore
        nous avons rencontré {PER} au bureau de poste de {LOC}
        {PER} a demandé son billet à la société {ORG}
        {PER} voyage de {LOC} à {LOC} {DAY}
        {ORG} a engagé un chauffeur de {LOC}
        ce n' est pas la société {ORG} mais la ville de {LOC}
        ce n' est pas {PER} en personne mais la société {ORG} qui a annulé le vol
        personne chez {ORG} ne connaît {TITLE} {PER}
        le bureau de {ORG} à {LOC} ferme
        la lettre va à {PER} en personne , pas à la société {ORG}
        {LOC} et {LOC} partagent un bureau de poste
        {ORG} et {ORG} partagent un entrepôt
        """,
    ),
    plain=rows(
        """
        le bureau est fermé {DAY}
        merci d' imprimer encore une fois l' étiquette Express
        la Douane veut le formulaire {REF} en français
        le scanner de la Porte {NUM} est en panne
        personne ne sait où est la clé
        les colis de Pâques sont en retard comme toujours
        la consigne avec le code {REF} ne s' ouvre pas
        le formulaire a {NUM} pages
        je n' ai pas trouvé le reçu
        pas de nouvelles depuis {DAY}
        """,
        """
        le scanner est en panne depuis {DAY}
        le formulaire en français manque encore
        la Douane n' a pas trouvé le colis {REF}
        merci d' imprimer le formulaire {REF}
        les colis de Noël sont en retard
        la clé de la Porte {NUM} manque encore
        """,
    ),
    asides=rows(
        """
        , dit le chauffeur ,
        , à ce qu' on nous dit ,
        , si nous lisons bien la note ,
        , selon la liste de {DAY} ,
        , après {NUM} appels et une longue lettre ,
        , et c' est la troisième fois ,
        ( voir formulaire {REF} )
        """,
        """
        , comme dit la note ,
        , si nous lisons bien la liste de {DAY} ,
        , après une longue lettre et {NUM} appels ,
        , selon le chauffeur ,
        ( voir liste de {DAY} )
        """,
    ),
    openers=rows(
        "Bonjour ,\nPour information :\nUrgent :\nChère équipe ,", "Bonjour équipe ,\nUrgent , pour information :"
    ),
    closers=rows(
        "Merci\nMerci de répondre avant {DAY}\nRien ne presse", "Merci , rien ne presse\nMerci de répondre {DAY}"
    ),
    joins=("et", "mais", "car", "alors que", ";"),
    titles=parts("Monsieur Madame Docteur"),
    days=parts("lundi mardi mercredi jeudi"),
    months=parts("janvier mars avril juin juillet septembre"),
    firsts=words(
        "Adèle Alain Amélie Antoine Aurore Bernard Cécile Claire Colette Denis Édith Élise Étienne Fabrice Gaston"
        " Gérard Hélène Hugo Jeanne Juliette Laurent Luc Margot Michel Odette Olivier Pascal Pauline René Rémy Sylvie"
        " Yves",
        "Agathe André Benoît Camille Delphine Émile François Guy Isabelle Jacques Louis Marguerite Noémie Paul Simone",
    ),
    surnames=words(
        "Boucher Boulanger Caron Chevalier Dubois Dupont Fabre Fontaine Fournier Garnier Lambert Leroux Marchand"
        " Mercier Meunier Moulin Perrin Petit Renard Rousseau Tessier Vidal",
        "Barbier Berger Charpentier Collet Dumas Lefèvre Marchal Pelletier Picard Roux Tisserand",
    ),
    towns=words(
        "Lyon Lille Nantes Rennes Dijon Bordeaux Londres Vienne Munich Lisbonne Varsovie Genève Prague Séville Naples"
        " Anvers Écosse Irlande Belgique Espagne",
        "Marseille Toulouse Rouen Cologne Bruxelles Turin Berne Bavière Danemark Portugal Alsace",
    ),
    stems=parts("Beau Mont Clair Font Val Roche Haut Belle Char Grand Bois Pont Noir Franc Aube Cour"),
    endings=parts("mont ville fort court champ bourg lieu pré vigne chêne val fontaine"),
    orgs=rows(
        """
        {n}
        {n}
        Textiles {n}
        Transports {n} SARL
        {n} et Fils
        {s} & {s}
        Caisse de {t}
        Banque de {n}
        Université de {n}
        Hôtel {f}
        Hôtel {n}
        Boulangerie {s}
        Lignes Aériennes de {n}
        Déménagements {f} {s}
        Chemins de fer de {t}
        Auberge du {n}
        Musée de {t}
        Frères {n}
        """,
        """
        {n}
        Transports {n}
        Boulangerie {n} SARL
        {s} et Fils
        Frères {s}
        Lignes Aériennes de {t}
        Banque de {t}
        Musée de la {n}
        Textiles {f} {s}
        Auberge de {f}
        Université de {t}
        """,
    ),
    places=rows(
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        Rue de {n}
        Avenue {f} {s}
        Lac de {n}
        Nouvelle {t}
        {n} sur Mer
        Saint {f}
        """,
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        Avenue de {n}
        Rue {f} {s}
        Saint {s}
        Nouvelle {n}
        {t} sur Mer
        """,
    ),
    roles={
        "PER": ("personne", "correspondant", "voyageur"),
        "ORG": ("société", "entreprise", "compte"),
        "LOC": ("lieu", "destination", "région"),
    },
)
