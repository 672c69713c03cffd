"""Romance languages."""

from .lists import WordLists, cues, phrases, words

ROMANCE = {
    "es": WordLists(
        open=words(
            "el la los las un una unos unas mi mis tu tus su sus nuestro nuestra de del a al con sin por "
            "para sobre entre hasta desde hacia según contra durante y e o u pero ni que porque si cuando "
            "aunque donde cual cuyo muy cada ningún algún"
        ),
        loose=words(
            "en yo es son era está están estoy soy fue he ha han había voy va puede puedo quiero debe como "
            "también más solo sólo otra"
        ),
        whole=phrases("yo también, a mí también, nada más, ya está, no más, allá voy, ya voy"),
        fillers=phrases(
            "eh, em, mmm, a ver, cómo se dice, un momento, o sea, déjame ver, déjame pensar, espera"
        ),
        particles=phrases("este, pues, bueno, entonces, digamos, es que"),
        digits=words("cero uno dos tres cuatro cinco seis siete ocho nueve punto arroba guion guión barra"),
        joiners=words("arroba guion guión"),
        long_cues=cues(
            "número*, dirección, correo, deletre*, código, cuenta, cuéntame, tarjeta, describ*, explic*, qué "
            "pasó, por qué"
        ),
    ),
    "fr": WordLists(
        open=words(
            "le la les l un une des du de d au aux mon ma mes ton ta tes son sa ses notre nos votre vos leur "
            "leurs à en dans sur sous avec sans pour par entre vers chez depuis pendant contre et ou mais "
            "car que qu qui quand parce comme dont je j il elle on n ne c ce cet cette ces chaque quelque "
            "quelques aucun aucune très"
        ),
        loose=words(
            "où nous est sont était suis ai a ont avait vais va peut peux veux doit plus si donc aussi"
        ),
        whole=phrases("ça va, on y va, moi aussi, j'y vais, c'est bon, mais si, dis donc, non plus"),
        fillers=phrases(
            "euh, heu, hum, ben, bah, voyons, comment dire, un instant, une seconde, attends voir, comment "
            "on dit"
        ),
        particles=phrases("alors, enfin, bon, tu sais, vous savez, disons, du coup, genre, donc"),
        digits=words("zéro un deux trois quatre cinq six sept huit neuf point arobase tiret"),
        joiners=words("arobase tiret"),
        long_cues=cues(
            "numéro*, adresse*, courriel, e-mail, email, épel*, code, compte, carte, racont*, décri*, "
            "expliqu*, pourquoi, que s'est-il passé"
        ),
    ),
    "it": WordLists(
        open=words(
            "il lo la i gli le l un una di del dello della dei degli delle dell a al allo alla ai agli alle "
            "all da dal dallo dalla dai dalle dall in nel nella nei nelle nell con sul sulla sull per tra "
            "fra senza e ed o ma se che cui ogni qualche nessun non d mi ti ci"
        ),
        loose=words(
            "su mio mia suo sua io è sono era ho ha hanno aveva vado va può posso voglio deve uno più anche "
            "perché quando chi come dove"
        ),
        whole=phrases("come va, non ne ho, di più, mai più, non so perché"),
        fillers=phrases(
            "eh, ehm, uhm, mmm, vediamo, come si dice, un attimo, un momento, fammi pensare, fammi vedere"
        ),
        particles=phrases("allora, beh, cioè, insomma, dunque, diciamo, sai"),
        digits=words("zero uno due tre quattro cinque sei sette otto nove punto chiocciola trattino barra"),
        joiners=words("chiocciola trattino"),
        long_cues=cues(
            "numero, numeri, indirizzo, e-mail, email, lettera per lettera, codice, conto, carta, raccont*, "
            "descri*, spiega*, perché, cosa è successo"
        ),
    ),
    "pt": WordLists(
        open=words(
            "o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela para com "
            "sem sobre entre até desde contra durante e ou mas que porque se cada algum alguma nenhum"
        ),
        loose=words(
            "onde qual eu é são era está estou sou foi tenho tem vou vai pode posso quero deve muito mais só "
            "meu minha meus minhas teu tua seu sua nosso nossa quando como"
        ),
        whole=phrases("como vai, nada mais, aqui está, é só, gostei muito, já vou, muito bem, ponto com"),
        fillers=phrases(
            "hum, hã, quer dizer, deixa ver, deixa eu ver, deixe me ver, como se diz, um momento, só um "
            "momento, um instante"
        ),
        particles=phrases("então, bom, tipo, pois, sabe"),
        digits=words(
            "zero um dois três quatro cinco seis meia sete oito nove ponto arroba traço hífen barra"
        ),
        joiners=words("arroba traço hífen"),
        long_cues=cues(
            "número*, endereço, e-mail, email, soletr*, código, conta, cartão, conte-me, me conte, conte "
            "mais, descrev*, expli*, por que, por quê, o que aconteceu"
        ),
    ),
}
