"""What Whisper is known to write where nobody speaks: the ends of the videos whose subtitles it learnt from.

Credits are said by nobody in a conversation and never believed. Farewells and the small words are said every
day: they are believed where the voice that was heard fits them (`belief.py`). A farewell to those who watch,
at the end of something else, is none of it.

Found by feeding Whisper base murmur and noise, and in studies of what Whisper makes up (Koenecke et al. 2024,
"Careless Whisper"; Barański et al. 2025, "Investigation of Whisper ASR Hallucinations Induced by Non-Speech
Audio").
"""

import re
from collections.abc import Iterator

from .text import Span, words_of

_SENTENCE = re.compile(r"[^.!?。！？…\n]+(?:[.!?](?=\w)[^.!?。！？…\n]*)*[.!?。！？…]*\s*")
"""A mark before a letter is inside of a word: "Amara.org"."""

_CREDITS = re.compile(
    r"""[\W_]*(?:
    (?:sub|closed\ )?(?:titles|captions|captioning|subtitling|subtitled|titled|captioned|subs)
        \ (?:by|provided\ by|made\ by|created\ by|edited\ by)\b
    |(?:transcription|transcript|transcribed|translated|translation)\ (?:by|outsourcing)\b
    |copyright\ (?:\d{4}|by|australian|wdr|©)
    |untertitel(?:ung)?(?::|\ (?:von|im\ auftrag|der\ amara|des|by|zdf|ard|wdr|swr|ndr|\d{4}))
    |sous-?titr(?:es?|age|é)\ (?:réalisé|faits?|par|st\b|société|mfp|fr\b|radio)
    |subt[ií]tulos?\ (?:realizad|hech|cread|por)|subtitulado\ por
    |sottotitoli\ (?:creati|e\ revisione|a\ cura|di\b|qtss)|legendas?\ (?:por|pela|pelo)|legendado\ por
    |ondertitel(?:d|s|ing)?\ (?:door|ingediend|tt888)|napisy\ (?:by|stworzone|wykonane|przez|pobrane)
    |субтитры\ (?:с?делал|создав|подогнал|предоставил|добавил|и\ )|редактор\ субтитров|корректор\ \w\.
    |титри\ (?:зробив|створ)|субтитри\ (?:створ|зроб)|titulky\ (?:vytvořil|pro)|altyazı\ (?:m\.|çeviri)
    |undertexter?\ (?:från|av|till)|undertekster?\ (?:av|af)|tekstet\ av|teksting\ av|tekstitys\ (?:by|yle)
    |felirat(?:ok|ot)?\ (?:készítette|by)|subtitrarea\ (?:realizat|by)|ترجمة\ (?:نانسي|وتدقيق)
    |(?:中文)?字幕(?:由|by|志愿者|志願者|提供|组|組|製作|制作|視聴|校对|校對)|優優獨播劇場|优优独播剧场
    |[请請]不吝[点點][赞贊讚]|(?:한글)?자막\ ?(?:by|제공|제작)|(?:mbc|kbs)\ 뉴스
    |(?:www\.)?[\w.-]*(?:amara\.org|zeoranger\.co|mooji\.org|opensubtitles\.org)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
"""How a line of credits begins."""

_WATCHED = """
thanks for watching|thank you for watching|thank you all for watching|thank you guys for watching
thank you so much for watching|thank you very much for watching|thanks for watching and see you next time
please subscribe|please subscribe to my channel|please like and subscribe|like and subscribe
don't forget to subscribe|don't forget to like and subscribe|subscribe to my channel
see you in the next video|i'll see you in the next video|i'll see you guys in the next video
vielen dank fürs zuschauen|danke fürs zuschauen|vielen dank für das zuschauen
merci d'avoir regardé|merci d'avoir regardé cette vidéo|abonnez vous|n'oubliez pas de vous abonner
gracias por ver|gracias por ver el video|gracias por ver el vídeo|suscríbete|suscríbete al canal
grazie per la visione|grazie per aver guardato il video|iscrivetevi al canale
obrigado por assistir|obrigada por assistir|inscreva se|inscreva se no canal
bedankt voor het kijken|dziękuję za oglądanie|dzięki za oglądanie
спасибо за просмотр|подписывайтесь на канал|дякую за перегляд
izlediğiniz için teşekkürler|izlediğiniz için teşekkür ederim|abone olmayı unutmayın
tack för att du tittade|tack för att ni tittade|takk for at du så på
ご視聴ありがとうございました|ご覧いただきありがとうございます|チャンネル登録お願いします
チャンネル登録をお願いいたします|最後までご視聴いただきありがとうございました
시청해주셔서 감사합니다|시청해 주셔서 감사합니다|구독과 좋아요 부탁드립니다|다음 영상에서 만나요
谢谢观看|謝謝觀看|感谢观看|感謝觀看|谢谢收看|謝謝收看|请订阅|請訂閱
شكرا للمشاهدة|اشتركوا في القناة
"""

_EVERYDAY = """
thank you|thank you very much|thank you so much|thanks|thanks a lot|thank you all|thank you everyone
thanks for listening|thank you for listening|thank you for your attention|god bless you
see you|see you later|see you next time|i'll see you next time|see you next week
bye|bye bye|goodbye|good bye|good night|the end|you|i|a|the|so|and|oh|ah|uh|um|hm|hmm|mm|mhm|huh
okay|ok|yeah|i'm sorry|all right|alright|right
vielen dank|danke|danke schön|vielen dank fürs zuhören|bis zum nächsten mal|bis dann|tschüss|und|so|amen
merci|merci beaucoup|au revoir|à bientôt|à la prochaine|et|voilà
gracias|muchas gracias|hasta la próxima|hasta luego|adiós|chao|y
grazie|grazie mille|grazie a tutti|alla prossima|ciao|arrivederci|e
obrigado|obrigada|muito obrigado|até a próxima|tchau
bedankt|dank u wel|dank je wel|tot de volgende keer|tot ziens
dziękuję|dziękuję bardzo|dziękuję za uwagę|do zobaczenia|cześć
спасибо|спасибо за внимание|продолжение следует|до свидания|пока|и|ну
дякую|дякую за увагу|до побачення|teşekkürler|teşekkür ederim|hoşça kalın|tack|tack så mycket|hej då
ありがとうございました|ありがとうございます|ご清聴ありがとうございました|おやすみなさい|さようなら|バイバイ|ん|うん|あ
감사합니다|고맙습니다|안녕|아|谢谢|謝謝|谢谢大家|謝謝大家|再见|再見|拜拜|嗯|啊
شكرا|شكرا جزيلا|شكرا لكم|धन्यवाद|शुक्रिया
"""


def _spellings(phrases: str) -> frozenset[str]:
    return frozenset(_spelling(phrase) for line in phrases.split("\n") for phrase in line.split("|"))


def _spelling(text: str) -> str:
    return " ".join(word.text for word in words_of(text))


_TO_WATCHERS, _FAREWELLS = _spellings(_WATCHED), _spellings(_WATCHED + _EVERYDAY)


def not_spoken(text: str) -> Iterator[Span]:
    """Sentences of `text` that are lines of credits, or to those who watch and not all there is."""
    for sentence in _SENTENCE.finditer(text):
        is_alone = not words_of(text[: sentence.start()])
        if _CREDITS.match(sentence[0]) or (not is_alone and _spelling(sentence[0]) in _TO_WATCHERS):
            yield sentence.span()


def is_farewell(text: str) -> bool:
    """Whether all of `text` is what Whisper writes at the end of videos, once or more often."""
    words = [word.text for word in words_of(text)]
    return any(
        words == words[:size] * (len(words) // size) and " ".join(words[:size]) in _FAREWELLS
        for size in range(1, len(words) + 1)
        if len(words) % size == 0
    )
