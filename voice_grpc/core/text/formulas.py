"""What people say as a whole, by language: greetings, thanks, and what everybody asks a machine.

A language model that judges by how often words go on takes the shortest of them for beginnings ("can you
help me" is mostly followed by "with"); a listener knows them, and may answer. What is as often the beginning
of something else ("what are you") has no place here.
"""

from collections.abc import Sequence

_FORMULAS = {
    "en": "good morning, good afternoon, good evening, good night, hi there, hello there, how are you, "
    "how are you today, how are you doing, how's it going, nice to meet you, thank you, thanks, "
    "thank you very much, thank you so much, thanks a lot, many thanks, goodbye, bye bye, see "
    "you, see you later, see you tomorrow, can you help me, could you help me, can you help me "
    "please, i need your help, who are you, what's your name, what is your name, how old are you, "
    "where are you from, are you there, are you a robot, are you human, are you real, can you "
    "hear me, do you hear me, do you understand me, what can you do, what time is it, what's the "
    "time, what is the time, what day is it, what day is it today, what's the date, what is the "
    "date, what is the date today, what's today's date, how's the weather, what's the weather "
    "like, what is the weather like, what's the weather like today, is it raining, is it going to "
    "rain, tell me a joke, sing me a song, what's new, what's up, say that again, can you say "
    "that again, can you repeat that, could you repeat that, please repeat that, repeat that, "
    "never mind, forget it, that's all, that is all, that's it, that was it, nothing else, no "
    "thanks, no thank you, yes please, have a nice day",
    "de": "guten morgen, guten tag, guten abend, gute nacht, wie geht es dir, wie geht's, wie geht es "
    "ihnen, danke, vielen dank, danke schön, auf wiedersehen, tschüss, bis bald, bis morgen, "
    "kannst du mir helfen, können sie mir helfen, ich brauche hilfe, wer bist du, wie heißt du, "
    "wie alt bist du, hörst du mich, kannst du mich hören, verstehst du mich, wie spät ist es, "
    "wieviel uhr ist es, wie viel uhr ist es, welcher tag ist heute, wie ist das wetter, wie wird "
    "das wetter, erzähl mir einen witz, erzähl mir eine geschichte, das ist alles, das war's, "
    "nein danke, ja bitte, sag das noch einmal, kannst du das wiederholen",
    "es": "buenos días, buenas tardes, buenas noches, cómo estás, cómo está usted, qué tal, gracias, "
    "muchas gracias, adiós, hasta luego, hasta mañana, puedes ayudarme, me puedes ayudar, "
    "necesito ayuda, quién eres, cómo te llamas, cuántos años tienes, me oyes, me escuchas, me "
    "entiendes, qué puedes hacer, qué hora es, qué día es hoy, qué tiempo hace, cuéntame un "
    "chiste, cuéntame una historia, eso es todo, nada más, no gracias, sí por favor, puedes "
    "repetir, puedes repetirlo",
    "fr": "bonne nuit, comment ça va, comment allez-vous, comment vas-tu, merci, merci beaucoup, au "
    "revoir, à bientôt, à demain, tu peux m'aider, peux-tu m'aider, pouvez-vous m'aider, j'ai "
    "besoin d'aide, qui es-tu, comment tu t'appelles, quel âge as-tu, tu m'entends, tu me "
    "comprends, qu'est-ce que tu peux faire, quelle heure est-il, il est quelle heure, quel jour "
    "sommes-nous, quel temps fait-il, raconte-moi une blague, raconte-moi une histoire, c'est "
    "tout, rien d'autre, non merci, oui s'il te plaît, oui s'il vous plaît",
    "it": "buongiorno, buonasera, buonanotte, come stai, come va, grazie, grazie mille, arrivederci, a "
    "presto, a domani, mi puoi aiutare, puoi aiutarmi, ho bisogno di aiuto, chi sei, come ti "
    "chiami, quanti anni hai, mi senti, mi capisci, cosa sai fare, che ore sono, che giorno è "
    "oggi, che tempo fa, raccontami una barzelletta, raccontami una storia, è tutto, nient'altro, "
    "no grazie, sì per favore",
    "pt": "bom dia, boa tarde, boa noite, como você está, tudo bem, obrigado, obrigada, muito obrigado, "
    "muito obrigada, adeus, até logo, até amanhã, você pode me ajudar, pode me ajudar, preciso de "
    "ajuda, quem é você, qual é o seu nome, você me ouve, que horas são, que dia é hoje, como "
    "está o tempo, conta uma piada, é tudo, é só isso, não obrigado, não obrigada, sim por favor",
    "nl": "goedemorgen, goedemiddag, goedenavond, goedenacht, hoe gaat het, hoe gaat het met je, dank "
    "je, dank je wel, dank u wel, bedankt, tot ziens, tot morgen, kun je me helpen, kunt u me "
    "helpen, ik heb hulp nodig, wie ben je, hoe heet je, hoe oud ben je, hoor je me, hoe laat is "
    "het, welke dag is het, wat voor weer is het, vertel een grap, vertel me een verhaal, dat is "
    "alles, dat was het, nee dank je, ja graag",
}
_OPENERS = frozenset(("hi", "hello", "hey", "okay", "ok", "so", "hallo", "hola", "salut", "ciao", "olá"))
"""Said before them, and no part of what is asked."""

_LISTED = {
    code: frozenset(tuple(phrase.casefold().replace("-", " ").split()) for phrase in listed.split(","))
    for code, listed in _FORMULAS.items()
}


def is_formula(words: Sequence[str], code: str) -> bool:
    """Whether all `words` are one, an opener before them aside; `code` is ISO 639-1."""
    said = tuple(words)
    without = said[1:] if said[:1] and said[0] in _OPENERS else said
    return any(each in _LISTED.get(code, ()) for each in (said, without))
