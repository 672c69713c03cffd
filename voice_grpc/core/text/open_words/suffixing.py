"""Languages that say much of it by endings: Finnish, Turkish, Korean, Hindi; and Arabic, which writes its
shortest words with the next one. Of these a list of words tells less."""

from .lists import WordLists, cues, phrases, words

SUFFIXING = {
    "ar": WordLists(
        open=words(
            "في من إلى الى على عن مع أو او لكن ولكن لأن لان إذا اذا أن ان إن التي الذي الذين بين عند منذ "
            "حتى ثم بدون وأن كي لكي مثل ضد خلال و ب ل"
        ),
        loose=words(
            "هذا هذه ذلك تلك كل قبل بعد كان كانت هو هي أنا انا نحن أريد اريد يجب يمكن فقط لا ما كيف أين "
            "اسمي قد سوف هناك"
        ),
        whole=phrases(
            "أنا أيضا, ليس بعد, لم لا, أعتقد أن لا, وأنا أيضا, هذا كل ما هناك, من أنا, لا لا, هذا هو"
        ),
        fillers=phrases(
            "اه, آه, امم, إمم, همم, أه, لحظة, دقيقة, كيف أقول, كيف نقول, دعني أفكر, ثانية, خليني أفكر, ما "
            "اسمه"
        ),
        particles=phrases("يعني, طيب, إذن, اذن, حسنا, المهم"),
        digits=words("صفر واحد اثنان اثنين ثلاثة أربعة اربعة خمسة ستة سبعة ثمانية تسعة نقطة شرطة"),
        joiners=words("شرطة"),
        long_cues=cues(
            "رقم*, عنوان*, بريد*, إيميل*, ايميل*, تهج*, رمز, حساب*, بطاق*, أخبرني*, احك*, صف, اشرح*, لماذا, "
            "ليش, ماذا حدث, ماذا حصل"
        ),
    ),
    "fi": WordLists(
        open=words(
            "ja tai mutta koska että jos kun kuin vaikka ennen ilman eli vaan minun sinun hänen meidän "
            "teidän heidän joka jonka jota jossa todella erittäin sekä eikä"
        ),
        loose=words(
            "on oli olen olet ovat olisi olla minä sinä hän me te he tämä se en ei et voin voi voisin "
            "haluan haluaisin pitää täytyy pitäisi myös vain kanssa missä mikä miten kuka noin nimeni ole "
            "hyvin"
        ),
        whole=phrases(
            "niin on, en minä, en ole, ei ole, ei se, en voi, miksi ei, kyllä se on, mikä se on, kuka se "
            "on, ei vielä, mikä tämä on, kyllä voi, ehkä en"
        ),
        fillers=phrases(
            "öö, öh, hm, hmm, ee, eh, mm, mitenhän se sanotaan, hetkinen, hetki, annas kun mietin, "
            "mietitäänpä, katsotaanpa, odota"
        ),
        particles=phrases("niinku, niin kuin, tuota, no, siis, tota, tavallaan, siis niinku"),
        digits=words(
            "nolla yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän piste ät miukumauku "
            "viiva alaviiva väliviiva"
        ),
        joiners=words("miukumauku alaviiva väliviiva"),
        long_cues=cues(
            "numero*, puhelinnumero*, osoite*, osoittee*, sähköposti*, kirjaim*, tavaa*, koodi*, tili*, "
            "kortti*, kortin, kerro*, kuvail*, selitä*, miksi, mitä tapahtui"
        ),
    ),
    "hi": WordLists(
        open=words(
            "और या लेकिन मगर क्योंकि कि अगर का की के ने एक मेरा मेरी मेरे तेरा तुम्हारा आपका आपकी आपके "
            "हमारा उसका उसकी जो जब बहुत इस उस किसी हर अपना अपनी अपने ताकि बल्कि जिसका जिसमें यदि एवं"
        ),
        loose=words(
            "को में से पर तक मैं हम तुम आप वह यह ये वे तो भी ही नहीं साथ लिए जैसे कैसे क्या कौन कहाँ था थी थे वाला वाली सिर्फ"
        ),
        whole=phrases(
            "मैं भी, आप भी, पता नहीं, अभी नहीं, क्यों नहीं, बिल्कुल नहीं, कुछ नहीं, अभी तो नहीं, शुरू से, "
            "नहीं नहीं, यह भी, ये भी, जी नहीं"
        ),
        fillers=phrases(
            "उम्म, अम, उह, हम्म, हूँ, क्या कहते हैं, एक मिनट, एक सेकंड, रुको, सोचने दो, देखते हैं, अ, उम, ज़रा सोचने दो, मतलब"
        ),
        particles=phrases("तो, मतलब, यानी, वैसे, बस, अच्छा तो"),
        digits=words("शून्य जीरो ज़ीरो एक दो तीन चार पाँच पांच छह छः सात आठ नौ डॉट एट डैश अंडरस्कोर"),
        joiners=words("डॉट एट डैश अंडरस्कोर"),
        long_cues=cues(
            "नंबर, नम्बर, पता क्या, ईमेल, मेल, वर्तनी, स्पेल*, कोड, खाता, खाते, कार्ड, बताइए, बताओ, वर्णन, "
            "समझाइए, समझाओ, क्यों, क्या हुआ"
        ),
    ),
    "ko": WordLists(
        open=words(
            "그리고 그런데 하지만 그래서 왜냐하면 만약 만약에 또는 혹은 저는 나는 제가 내가 우리 저의 나의 "
            "제 내 이 그 저 한 어떤 모든 아주 매우 그러니까"
        ),
        loose=words("정말 너무 더 안 못 꼭 좀 같은 있는 하는 하고 또 때"),
        whole=phrases(
            "회의, 문의, 강의, 동의, 주의, 사과, 결과, 효과, 치과, 내과, 안과, "
            "좀 더, 하나 더, 한 번 더, 가을, 마을, 노을, 조금 더, 서울, 오늘은, 좋고, 다고, 라고, 네 또, "
            "지금은"
        ),
        fillers=phrases(
            "음, 어, 으음, 그, 저, 저기, 흠, 뭐랄까, 뭐더라, 잠깐만, 잠시만, 글쎄, 어디 보자, 있잖아, 뭐지"
        ),
        particles=phrases("그러니까, 뭐, 그게, 이제, 약간, 막, 근데"),
        digits=words("공 영 일 이 삼 사 오 육 칠 팔 구 점 골뱅이 하이픈 대시 밑줄"),
        joiners=words("골뱅이 하이픈 대시 밑줄"),
        long_cues=cues(
            "번호, 주소, 이메일, 메일, 철자, 코드, 계좌, 카드, 이야기해, 얘기해, 들려, 설명, 묘사, 왜, 무슨 "
            "일, 어떻게 된",
            spaced=False,
        ),
        open_suffixes=(
            *("를", "을", "와", "과", "의", "에게", "한테", "에서", "으로", "부터", "처럼"),
            *("보다", "인데", "는데", "지만", "니까", "려고", "면서"),
        ),
        loose_suffixes=(*("은", "는", "고", "서", "면", "하고", "에"),),
    ),
    "tr": WordLists(
        open=words(
            "ve veya ya ile ama fakat çünkü eğer bir bu en her hangi ancak yani hem benim senin onun bizim "
            "sizin onların kendi bazı birkaç ki"
        ),
        loose=words(
            "için gibi kadar sonra önce göre de da mı mi şu o ben sen biz siz daha çok değil hiç olan adım "
            "ne nasıl kim nerede"
        ),
        whole=phrases(
            "saat bir, "
            "ben de, sen de, bu kadar, o kadar, daha sonra, biraz daha, neden olmasın, henüz değil, hayır "
            "değil, ne var ki, hiç değil, sen de mi, iyi ya"
        ),
        fillers=phrases(
            "ııı, eee, ee, e, hmm, hm, şey, nasıl desem, bir dakika, bir saniye, bakayım, düşüneyim, ne "
            "diyordum, nasıl denir, dur bakayım"
        ),
        particles=phrases("yani, hani, işte, şimdi, aslında, ya"),
        digits=words("sıfır bir iki üç dört beş altı yedi sekiz dokuz nokta et kuyruklu tire kısa alt çizgi"),
        joiners=words("tire çizgi"),
        long_cues=cues(
            "numara*, adres*, e-posta*, eposta*, mail*, hecele*, harf harf, kod, kodu, kodunuz, hesap*, "
            "kart*, anlat*, tarif*, açıkla*, neden, niye, niçin, ne oldu"
        ),
    ),
}
