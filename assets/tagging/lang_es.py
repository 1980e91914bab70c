"""Spanish frames and names."""

from __future__ import annotations

from schema import Language, parts, rows, words

LANGUAGE = Language(
    code="es",
    frames=rows(
        """
        {PER}{A} ha firmado el paquete
        {PER}{A} todavía no ha recogido la maleta
        {PER}{A} quiere cambiar su vuelo
        {PER}{A} llamó dos veces por su billete
        {PER}{A} ha perdido la llave de la consigna
        {PER}{A} espera en la frontera sin pasaporte
        {ORG}{A} todavía no ha pagado la factura
        {ORG}{A} mandó {NUM} cajas de más
        {ORG}{A} cierra su almacén
        {ORG}{A} quiere cambiar el contrato
        {ORG}{A} ha anulado el pedido de las cajas
        {ORG}{A} nos debe {NUM} euros
        {LOC}{A} está aislado por la nieve
        {LOC}{A} tiene una sola oficina de correos
        {LOC}{A} está a dos horas de la frontera
        {LOC}{A} es la última parada del tren
        la carretera de {LOC} está cortada
        la furgoneta de {LOC}{A} , donde la carretera está cortada , llega tarde
        el paquete de {PER}{A} , que está de vacaciones , llega tarde
        la caja de {ORG}{A} , cuyo almacén cierra , llega tarde
        esperamos a {PER} , que ha perdido su pasaporte
        esperamos a {ORG} , que todavía nos debe dinero
        seguimos buscando {LOC} en el mapa
        {PER} trabaja para {ORG} en {LOC}
        {PER} vive ahora en {LOC}
        {PER} vuela a {LOC} el {DAY}
        {PER} se ha mudado de {LOC} a {LOC}
        {ORG} traslada su oficina de {LOC} a {LOC}
        {ORG} fue comprada por {ORG}
        {ORG} ha contratado a {PER} como conductor
        {TITLE} {PER} pide un asiento de ventana
        hay que pedir la firma a {PER}
        hay que pedir una factura a {ORG}
        la caja va a {ORG} , a la atención de {PER}
        la carta para {PER}{A} volvió de {LOC}
        no es la ciudad de {LOC} , sino la empresa {ORG}
        no fue {ORG} , sino {PER} en persona quien llamó
        el paquete no está en {LOC} , sino en casa de {PER}
        el hostal de {LOC} está lleno
        el conductor de {LOC} encontró a {PER} en la estación
        {PER} y {PER} comparten un billete
        el tren entre {LOC} y {LOC} no sale
        la factura de {ORG} nombra a {PER} como destinatario
        nuestro contrato con {ORG} termina en {MONTH}
        nadie en {LOC} conoce a {PER}
        los abogados de {ORG} escribieron a {TITLE} {PER}
        no fue {PER} , sino {PER} quien llamó
        no fue {ORG} , sino {ORG} quien mandó la factura
        no fue {PER} en persona , sino {ORG} quien pagó
        no es la empresa {ORG} , sino la empresa {ORG}
        no es la ciudad de {LOC} , sino la ciudad de {LOC}
        es la ciudad de {LOC} , no la empresa {ORG}
        es la empresa {ORG} , no la ciudad de {LOC}
        el vuelo lo anuló {ORG} , no {PER}
        la caja va a {PER} , no a {PER}
        la factura va a {ORG} , no a {ORG}
        el paquete va a {PER} en {LOC} , no a {ORG}
        {ORG} pidió la firma a {PER}
        {ORG} pidió las cajas a {ORG}
        {PER} pidió la llave a {PER}
        {PER} pidió un billete nuevo a {ORG}
        vimos a {TITLE} {PER} en {LOC}
        vimos a {PER} en el hostal de {LOC}
        vimos a {PER} en la oficina de {ORG}
        nadie en {ORG} conoce al conductor
        nadie conoce a {PER} en {ORG}
        el conductor conoce a {TITLE} {PER} de {LOC}
        el almacén de {ORG} en {LOC} está lleno
        la oficina de correos de {LOC} cierra
        la oficina de {LOC} es de {ORG}
        {ORG} y {ORG} han firmado el contrato
        {ORG} y {ORG} comparten un abogado
        {LOC} y {LOC} tienen una sola estación
        {LOC} y {LOC} comparten una carretera
        {PER} y {PER} han perdido la llave
        {PER} lleva la furgoneta a {LOC}
        {PER} viaja a {LOC} desde {LOC}
        {ORG} ha contratado a un abogado
        {ORG} ha contratado a {NUM} conductores de {LOC}
        {LOC}{A} tiene una estación nueva
        {LOC}{A} no tiene hostal
        {ORG}{A} no tiene almacén en {LOC}
        {PER}{A} no tiene pasaporte
        la carta de {ORG}{A} , que se traslada , llega tarde
        la carta de {PER} a {ORG} no llega
        """,
        """
        {PER}{A} ha perdido su billete
        {PER}{A} todavía no ha firmado la carta
        {PER}{A} llamó por su maleta
        {ORG}{A} nos debe dinero por las cajas
        {ORG}{A} todavía no ha firmado la factura
        {ORG}{A} traslada su almacén a {LOC}
        {LOC}{A} no tiene estación
        {LOC}{A} está a dos horas del almacén
        la caja de {LOC}{A} , donde la carretera está cortada , no llega
        la carta de {ORG}{A} , cuyo almacén está lleno , no llega
        la maleta de {PER}{A} , que espera en la frontera , no llega
        vimos a {PER} en la oficina de correos de {LOC}
        {PER} pidió su billete a la empresa {ORG}
        {PER} viaja de {LOC} a {LOC} el {DAY}
        {ORG} ha contratado a un conductor de {LOC}
        no es la empresa {ORG} , sino la ciudad de {LOC}
        no fue {PER} en persona , sino la empresa {ORG} quien anuló el vuelo
        nadie en {ORG} conoce a {TITLE} {PER}
        la oficina de {ORG} en {LOC} cierra
        la carta va a {PER} en persona , no a la empresa {ORG}
        {LOC} y {LOC} comparten una oficina de correos
        {ORG} y {ORG} comparten un almacén
        """,
    ),
    plain=rows(
        """
        la oficina cierra el {DAY}
        por favor , imprimir otra vez la etiqueta Exprés
        la Aduana quiere el formulario {REF} en español
        el escáner de la Puerta {NUM} está roto
        nadie sabe dónde está la llave
        los paquetes de Pascua llegan tarde como siempre
        la consigna con el código {REF} no se abre
        el formulario tiene {NUM} páginas
        no he encontrado el recibo
        sin noticias desde el {DAY}
        """,
        """
        el escáner está roto desde el {DAY}
        no hay formulario en español
        la Aduana no ha encontrado el paquete {REF}
        por favor , imprimir el formulario {REF}
        los paquetes de Navidad llegan tarde
        no hay llave de la Puerta {NUM}
        """,
    ),
    asides=rows(
        """
        , dice el conductor ,
        , según nos cuentan ,
        , si leemos bien la nota ,
        , según la lista del {DAY} ,
        , después de {NUM} llamadas y una carta larga ,
        , y ya es la tercera vez ,
        ( ver formulario {REF} )
        """,
        """
        , como dice la nota ,
        , si leemos bien la lista del {DAY} ,
        , después de una carta larga y {NUM} llamadas ,
        , según el conductor ,
        ( ver lista del {DAY} )
        """,
    ),
    openers=rows(
        "Hola ,\nPara información :\nUrgente :\nQuerido equipo ,", "Hola equipo ,\nUrgente , para información :"
    ),
    closers=rows(
        "Gracias\nPor favor , responder antes del {DAY}\nNo hay prisa",
        "Gracias , no hay prisa\nPor favor , responder el {DAY}",
    ),
    joins=("y", "pero", "porque", "mientras", ";"),
    titles=parts("Señor Señora Doctor"),
    days=parts("lunes martes miércoles jueves"),
    months=parts("enero marzo abril junio julio septiembre"),
    firsts=words(
        "Adela Alonso Amparo Ana Blanca Carmen Consuelo Cristina Diego Elena Emilio Esteban Fernando Gonzalo Inés"
        " Ignacio Javier Jimena Jorge Lucía Luis Manuel Marta Miguel Paloma Pilar Raúl Rocío Rosa Sergio Soledad Tomás",
        "Alberto Ángeles Beatriz Clara Dolores Enrique Felipe Gloria Jaime Juana Mario Pablo Ramón Teresa Vicente",
    ),
    surnames=words(
        "Aguilar Álvarez Blanco Campos Castillo Cruz Díaz Flores García Herrera Iglesias León Molina Moreno Navarro"
        " Ortega Pastor Prieto Romero Serrano Torres Vega",
        "Castro Fuentes Guerrero Herrero Marín Molinero Ramos Rojas Sierra Soto Pardo",
    ),
    towns=words(
        "Madrid Sevilla Bilbao Málaga Toledo Burgos Londres Viena Múnich Lisboa Varsovia Ginebra Praga Nápoles Amberes"
        " Escocia Irlanda Bélgica Alemania Hungría",
        "Granada Cádiz Zaragoza Colonia Bruselas Turín Oporto Gales Dinamarca Francia Galicia",
    ),
    stems=parts("Monte Villa Fuente Campo Casa Torre Peña Valde Sala Mira Roca Puente Arroyo Alta Cala Sol"),
    endings=parts("verde alba mayor nueva clara seca blanca bella real moral dorada mar"),
    orgs=rows(
        """
        {n}
        {n}
        Textiles {n}
        Transportes {n} SL
        Hijos de {n}
        {s} y {s}
        Caja de {t}
        Banco de {n}
        Universidad de {n}
        Hotel {f}
        Hotel {n}
        Panadería {s}
        Líneas Aéreas de {n}
        Mudanzas {f} {s}
        Ferrocarriles de {t}
        Mesón del {n}
        Museo de {t}
        Hermanos {n}
        """,
        """
        {n}
        Transportes {n}
        Panadería {n} SL
        Hijas de {s}
        Hermanos {s}
        Líneas Aéreas de {t}
        Banco de {t}
        Museo de la {n}
        Textiles {f} {s}
        Mesón de {f}
        Universidad de {t}
        """,
    ),
    places=rows(
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        Calle de {n}
        Avenida {f} {s}
        Lago de {n}
        Nueva {t}
        {n} del Mar
        San {f}
        """,
        """
        {t}
        {t}
        {n}
        {n}
        {n}
        Avenida de {n}
        Calle {f} {s}
        San {s}
        Nueva {n}
        {t} del Mar
        """,
    ),
    roles={
        "PER": ("persona", "contacto", "viajero"),
        "ORG": ("empresa", "compañía", "cuenta"),
        "LOC": ("lugar", "destino", "zona"),
    },
)
