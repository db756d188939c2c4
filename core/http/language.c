#include "http/language.h"

#include <string.h>

#include "util/compiler.h"

/* "0.85" in thousandths. */
static unsigned weight_of(struct str q)
{
    unsigned weight = 0, digit = 100;

    if (q.n == 0 || *q.p != '0')
        return 1000;
    for (size_t i = 2; i < q.n && q.p[i] >= '0' && q.p[i] <= '9'; i++, digit /= 10)
        weight += (unsigned)(q.p[i] - '0') * digit;
    return weight;
}

/* "de-AT;q=0.8": its weight, and the language without its country. */
static unsigned read_range(struct str range, struct str *language)
{
    struct str parameter = range;

    str_split(&parameter, ';', language);
    *language = str_trim(*language);
    language->n = str_find(*language, '-');
    size_t equals = str_find(parameter, '=');
    if (equals >= parameter.n)
        return 1000;
    return weight_of(str_trim(str_make(parameter.p + equals + 1, parameter.n - equals - 1)));
}

enum http_language http_language_of(struct str accept_language)
{
    unsigned english = 0, german = 0;
    struct str range, language;

    while (accept_language.n > 0 && str_split(&accept_language, ',', &range)) {
        unsigned weight = read_range(range, &language);
        if (str_equal_nocase(language, STR_OF("de")) && weight > german)
            german = weight;
        else if ((str_equal_nocase(language, STR_OF("en")) || str_equal(language, STR_OF("*"))) &&
                 weight > english)
            english = weight;
    }
    return german > english ? HTTP_GERMAN : HTTP_ENGLISH;
}

/* ---- what is said ---- */

static const struct {
    const char *english, *german;
} sentences[] = {
    { "there is nothing at this path", "unter diesem Pfad ist nichts" },
    { "this method is not known here", "diese Methode ist hier nicht bekannt" },
    { "%s is not possible here; Allow says what is", "%s geht hier nicht; was geht, steht in Allow" },
    { "this server is not a proxy", "dieser Server ist kein Proxy" },
    { "the path is not valid: it must be percent-encoded UTF-8, without NUL and %2F",
      "der Pfad ist ungültig: er muss prozentkodiertes UTF-8 sein, ohne NUL und %2F" },
    { "there is no memory for this request; try again later",
      "für diese Anfrage ist kein Speicher da; bitte später noch einmal versuchen" },
    { "more than %u requests were sent at once; Retry-After says in how many seconds to go on",
      "mehr als %u Anfragen kamen auf einmal; in wie vielen Sekunden es weitergeht, steht in Retry-After" },
    { "the content has %llu bytes; at most %llu are taken here",
      "der Inhalt hat %llu Bytes; hier sind höchstens %llu erlaubt" },
    { "the operation ended without an answer; the log says more under this request's id",
      "die Operation endete ohne Antwort; mehr steht unter der Nummer dieser Anfrage im Protokoll" },
    { "the operation did not answer within its time", "die Operation hat nicht in ihrer Zeit geantwortet" },
    { "the request waited too long for a worker; try again later",
      "die Anfrage hat zu lange auf einen freien Platz gewartet; bitte später noch einmal versuchen" },
    { "all workers are busy and their queue is full; try again later",
      "alle Plätze sind belegt, und die Warteschlange ist voll; bitte später noch einmal versuchen" },
    { "the server is stopping; try again later",
      "der Server wird gerade beendet; bitte später noch einmal versuchen" },
    { "the content is larger than this operation takes",
      "der Inhalt ist größer, als diese Operation erlaubt" },
    { "the content's framing is malformed", "die Rahmung des Inhalts ist fehlerhaft" },
    { "there is no memory for the content", "für den Inhalt ist kein Speicher da" },
    { "the content cannot be stored: the data folder has no room or cannot be written",
      "der Inhalt kann nicht abgelegt werden: im Datenordner ist kein Platz, oder er ist nicht "
      "beschreibbar" },
    { "Metrics are read from this machine, from a network of the item metrics_allow in core.yaml, or with "
      "the token of somebody who has the permission core.metrics. Behind a proxy, trusted_proxies must name "
      "it.",
      "Die Messwerte liest man von diesem Rechner aus, aus einem Netz, das metrics_allow in core.yaml nennt, "
      "oder mit dem Token von jemandem, der die Berechtigung core.metrics hat. Einen Proxy davor muss "
      "trusted_proxies nennen." },
    { "No problem has this name; docs/problems.md lists them.",
      "Kein Problem heißt so; docs/problems.md zählt sie auf." },
    { "this needs a permission, and this server cannot tell who asks: a plugin that can, such as auth, is "
      "not running; only public operations are answered",
      "das braucht eine Berechtigung, und dieser Server kann nicht feststellen, wer fragt: ein Plugin, das "
      "es kann, etwa auth, läuft nicht; nur öffentliche Operationen werden beantwortet" },
    { "this is for those who are signed in: send Authorization: Bearer and a token",
      "das ist für die, die angemeldet sind: bitte Authorization: Bearer und ein Token senden" },
    { "who asks cannot be told just now; try again",
      "wer fragt, lässt sich gerade nicht feststellen; bitte noch einmal versuchen" },
    { "with a cookie what changes something needs X-CSRF-Token, with the csrf_token of the session in it",
      "mit einem Cookie braucht, was etwas ändert, X-CSRF-Token mit dem csrf_token der Sitzung" },
    { "%s is not good: %s", "%s gilt nicht: %s" },
    { "the session", "die Sitzung" },
    { "the token", "das Token" },
    { "it was not given out here, or it has ended; sign in again",
      "es kommt nicht von hier oder ist abgelaufen; bitte neu anmelden" },
    { "this needs the permission %s, which you do not have in this tenant",
      "das braucht die Berechtigung %s, die in diesem Mandanten fehlt" },
    { "this needs a permission, and this server cannot tell who asks; in the harness "
      "dw_harness_set_principal() says so",
      "das braucht eine Berechtigung, und dieser Server kann nicht feststellen, wer fragt; im Harness sagt "
      "es dw_harness_set_principal()" },
    { "this is about a tenant, and you are in none: an administrator makes you a member of one",
      "das betrifft einen Mandanten, und dieses Konto gehört zu keinem: ein Administrator kann es in einen "
      "aufnehmen" },
    { "the harness's principal is none: %s", "der Principal des Harness ist keiner: %s" },
    { "this needs the permission %s", "das braucht die Berechtigung %s" },
    { "this needs the permission %s: sign in", "das braucht die Berechtigung %s: bitte anmelden" },
    { "the content is not valid JSON: line %u, column %u: %s",
      "der Inhalt ist kein gültiges JSON: Zeile %u, Spalte %u: %s" },
    { "is not %s", "ist nicht, was hier gebraucht wird: %s" },
    { "what this operation can read", "etwas, das diese Operation lesen kann" },
    { "percent-encoded UTF-8 without NUL", "prozentkodiertes UTF-8 ohne NUL" },
    { "a whole number of 32 bits", "eine ganze Zahl mit 32 Bits" },
    { "true or false", "true oder false" },
    { "a whole number from -2147483648 to 2147483647", "eine ganze Zahl von -2147483648 bis 2147483647" },
    { "a whole number", "eine ganze Zahl" },
    { "a number", "eine Zahl" },
    { "a text", "ein Text" },
    { "a time with its offset, as in 2026-11-21T08:05:00Z",
      "eine Zeit mit ihrem Abstand zu UTC, wie 2026-11-21T08:05:00Z" },
    { "the plugin that answers this is not running", "das Plugin, das darauf antwortet, läuft nicht" },
    { "the input is not what this operation takes",
      "die Eingabe ist nicht das, was diese Operation braucht" },
    { "this needs a valid sign-in", "dafür muss man gültig angemeldet sein" },
    { "this is not permitted", "das ist nicht erlaubt" },
    { "there is no such thing", "das gibt es nicht" },
    { "this does not go with what is there", "das passt nicht zu dem, was da ist" },
    { "it was changed meanwhile; read it again", "es wurde inzwischen geändert; bitte neu lesen" },
    { "it was changed meanwhile, or is gone; read it again",
      "es wurde inzwischen geändert oder gelöscht; bitte neu lesen" },
    { "it is too large", "es ist zu groß" },
    { "this was asked too often; try again later",
      "das wurde zu oft verlangt; bitte später noch einmal versuchen" },
    { "a service that this needs answered something unusable",
      "ein Dienst, der dafür gebraucht wird, hat etwas Unbrauchbares geantwortet" },
    { "this is not possible just now; nothing was done, so it may be tried again",
      "das geht gerade nicht; es ist nichts geschehen, man kann es also noch einmal versuchen" },
    { "a service that this needs did not answer; it may have been done all the same",
      "ein Dienst, der dafür gebraucht wird, hat nicht geantwortet; es kann trotzdem geschehen sein" },
    { "the operation did not end within its time", "die Operation ist nicht in ihrer Zeit fertig geworden" },
    { "this takes more memory than there is for one request",
      "das braucht mehr Speicher, als es für eine Anfrage gibt" },
    { "the operation failed; the log says more under this request's id",
      "die Operation ist fehlgeschlagen; mehr steht unter der Nummer dieser Anfrage im Protokoll" },
    { "The server is out of memory.", "Der Server hat keinen Speicher mehr." },
    { "The request cannot be understood; errors says where.",
      "Die Anfrage ist nicht zu verstehen; wo es hakt, steht in errors." },
    { "The request has values that are not what they should be; errors says which.",
      "Die Anfrage hat Werte, die nicht so sind, wie sie sein sollen; welche, steht in errors." },
    { "Send If-Match with the ETag of what was read, so that nobody else's change is lost.",
      "Bitte If-Match mit dem ETag dessen senden, was gelesen wurde, damit keine fremde Änderung verloren "
      "geht." },
    { "The server could not read the content again.",
      "Der Server konnte den Inhalt nicht noch einmal lesen." },
    { "The form is too long.", "Das Formular ist zu lang." },
    { "The request has no content, and this operation needs some.",
      "Die Anfrage hat keinen Inhalt, und diese Operation braucht einen." },
    { "This operation takes no content; send the request without any.",
      "Diese Operation nimmt keinen Inhalt; bitte die Anfrage ohne senden." },
    { "Send the content with Content-Type: %s.", "Bitte den Inhalt mit Content-Type: %s senden." },
    { "is missing, and is required", "fehlt, und wird gebraucht" },
    { "must be %s", "muss %s sein" },
    { "must be %s, not null", "muss %s sein, nicht null" },
    { "each must be %s", "jedes muss %s sein" },
    { "anything", "irgendetwas" },
    { "a list", "eine Liste" },
    { "an object", "ein Objekt" },
    { "the content must be a JSON object", "der Inhalt muss ein JSON-Objekt sein" },
    { "the content cannot be read as JSON: %s", "der Inhalt ist nicht als JSON zu lesen: %s" },
    { "the content cannot be read as JSON: %s, at line %u, column %u",
      "der Inhalt ist nicht als JSON zu lesen: %s, in Zeile %u, Spalte %u" },
    { "it is nested too deeply", "es ist zu tief verschachtelt" },
    { "it is nested more than 64 deep", "es ist tiefer als 64 verschachtelt" },
    { "it is not valid UTF-8", "es ist kein gültiges UTF-8" },
    { "it ends too early", "es endet zu früh" },
    { "something follows its end", "nach dem Ende folgt noch etwas" },
    { "this is not JSON", "das ist kein JSON" },
    { "a text has a NUL character, \\u0000", "ein Text hat ein NUL-Zeichen, \\u0000" },
    { "a name has a NUL character, \\u0000", "ein Name hat ein NUL-Zeichen, \\u0000" },
    { "a name stands twice in an object", "ein Name steht zweimal in einem Objekt" },
    { "a number is too large: whole ones have 64 bits, others are doubles",
      "eine Zahl ist zu groß: ganze haben 64 Bit, andere sind Gleitkommazahlen (double)" },
    { "it is too long", "es ist zu lang" },
    { "it has a NUL byte", "es hat ein NUL-Byte" },
    { "is not known, did you mean %s?", "ist nicht bekannt; war %s gemeint?" },
    { "is not known", "ist nicht bekannt" },
    { "has a broken %%-escape, is not UTF-8, or has a NUL character",
      "hat eine falsche %%-Kodierung, ist kein UTF-8 oder hat ein NUL-Zeichen" },
    { "a name has a broken %%-escape, is not UTF-8, or has a NUL character",
      "ein Name hat eine falsche %%-Kodierung, ist kein UTF-8 oder hat ein NUL-Zeichen" },
    { "belongs into %s", "gehört in %s" },
    { "the path", "den Pfad" },
    { "the query", "die Query" },
    { "the header", "den Kopf" },
    { "the cookies", "die Cookies" },
    { "the content", "den Inhalt" },
    { "must be one entity tag, as a reply's ETag has it",
      "muss ein einzelnes ETag sein, wie eine Antwort es hat" },
    { "stands twice", "steht zweimal da" },
    { "is not UTF-8, or has a NUL character", "ist kein UTF-8, oder hat ein NUL-Zeichen" },
    { "is not 1 to 200", "ist nicht 1 bis 200" },
    { "is none of the columns that this list can be sorted by",
      "ist keine der Spalten, nach denen sich diese Liste sortieren lässt" },
    { "is no cursor of this list in this order; begin again without one",
      "gehört nicht zu dieser Liste in dieser Reihenfolge; bitte ohne von vorn beginnen" },
    { "is missing, and is required: send a text of your choice, a new one for each thing to be done",
      "fehlt, und wird gebraucht: bitte einen selbst gewählten Text senden, für jede Sache einen neuen" },
    { "stands twice, and may stand once", "steht zweimal da, und darf nur einmal stehen" },
    { "is no key: send a text in quotes, such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
      "ist kein Schlüssel: bitte einen Text in Anführungszeichen senden, wie "
      "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"" },
    { "is too long: a key has at most 255 characters",
      "ist zu lang: ein Schlüssel hat höchstens 255 Zeichen" },
    { "is empty: send a text of your choice, a new one for each thing to be done",
      "ist leer: bitte einen selbst gewählten Text senden, für jede Sache einen neuen" },
    { "is too short: without a sign-in only a key that nobody can guess keeps the answer from strangers; "
      "send a random one of at least 32 characters, such as a UUID",
      "ist zu kurz: ohne Anmeldung schützt nur ein Schlüssel, den niemand errät, die Antwort vor Fremden; "
      "bitte einen zufälligen mit mindestens 32 Zeichen senden, etwa eine UUID" },
    { "Whether this was done already cannot be looked up at the moment; nothing was done, so send it again.",
      "Ob das schon geschehen ist, lässt sich gerade nicht nachsehen; es ist nichts geschehen, also bitte "
      "noch einmal senden." },
    { "This Idempotency-Key was sent with another request; send a new one with this.",
      "Dieser Idempotency-Key kam schon mit einer anderen Anfrage; bitte hierfür einen neuen senden." },
    { "belongs to another request: method, path, query, Content-Type and content must be the same",
      "gehört zu einer anderen Anfrage: Methode, Pfad, Query, Content-Type und Inhalt müssen gleich sein" },
    { "The request with this Idempotency-Key is still being worked on; send it again later.",
      "Die Anfrage mit diesem Idempotency-Key ist noch in Arbeit; bitte später noch einmal senden." },
    { "The request with this Idempotency-Key was carried out, and its answer was not kept; look at what is "
      "there before you send another one with a new key.",
      "Die Anfrage mit diesem Idempotency-Key wurde ausgeführt, und ihre Antwort wurde nicht aufgehoben; "
      "bitte nachsehen, was da ist, bevor eine neue mit neuem Schlüssel kommt." },
    { "This webhook is not believed: %s.", "Diesem Webhook wird nicht geglaubt: %s." },
    { "it is not signed, or a field that belongs to the signature is missing",
      "er ist nicht signiert, oder ein Feld der Signatur fehlt" },
    { "its id or its time is malformed", "seine Nummer oder seine Zeit ist fehlerhaft" },
    { "it was signed too long ago; are both clocks right?",
      "er wurde vor zu langer Zeit signiert; gehen beide Uhren richtig?" },
    { "it was signed in the future; are both clocks right?",
      "er wurde in der Zukunft signiert; gehen beide Uhren richtig?" },
    { "the signature does not fit the body and the secret",
      "die Signatur passt nicht zu Inhalt und Geheimnis" },
    { "the signature cannot be checked at the moment", "die Signatur lässt sich gerade nicht prüfen" },
    { "Nobody sends webhooks to this address; `dowel inbox sources` lists the addresses.",
      "An diese Adresse sendet niemand Webhooks; `dowel inbox sources` zählt die Adressen auf." },
    { "The field with the sender's own id of the delivery is missing, or longer than 200 bytes.",
      "Das Feld mit der Nummer, die der Absender der Lieferung gab, fehlt oder ist länger als 200 Bytes." },
    { "The webhook cannot be kept at the moment; send it again.",
      "Der Webhook kann gerade nicht aufgehoben werden; bitte noch einmal senden." },
    { "The form has more than 1000 fields.", "Das Formular hat mehr als 1000 Felder." },
    { "A field of the form is not valid UTF-8, or has a broken %-escape.",
      "Ein Feld des Formulars ist kein gültiges UTF-8 oder hat eine falsche %-Kodierung." },
    { "The name of a form field is longer than 1024 bytes.",
      "Der Name eines Formularfelds ist länger als 1024 Bytes." },
    { "A part has two Content-Disposition headers.", "Ein Teil hat zwei Content-Disposition-Felder." },
    { "A part's Content-Disposition is not form-data.",
      "Die Content-Disposition eines Teils ist nicht form-data." },
    { "RFC 7578 does not allow filename* in a form; send filename in UTF-8.",
      "RFC 7578 erlaubt kein filename* in Formularen; bitte filename in UTF-8 senden." },
    { "A part's name or file name is there twice, or longer than 1024 bytes.",
      "Name oder Dateiname eines Teils steht zweimal da oder ist länger als 1024 Bytes." },
    { "A part's Content-Disposition is malformed.", "Die Content-Disposition eines Teils ist fehlerhaft." },
    { "A part's Content-Disposition has no name.", "Die Content-Disposition eines Teils hat keinen Namen." },
    { "A part has a Content-Transfer-Encoding; send its bytes as they are.",
      "Ein Teil hat ein Content-Transfer-Encoding; bitte seine Bytes senden, wie sie sind." },
    { "A part has a malformed header.", "Ein Teil hat ein fehlerhaftes Kopffeld." },
    { "A part has two Content-Type headers.", "Ein Teil hat zwei Content-Type-Felder." },
    { "A part's headers have control characters or are not UTF-8.",
      "Die Kopffelder eines Teils haben Steuerzeichen oder sind kein UTF-8." },
    { "A part has no Content-Disposition.", "Ein Teil hat keine Content-Disposition." },
    { "The form has more than 100 parts.", "Das Formular hat mehr als 100 Teile." },
    { "A part of the form was refused.", "Ein Teil des Formulars wurde abgelehnt." },
    { "A boundary is followed by something else than a line end.",
      "Auf eine Grenze folgt etwas anderes als ein Zeilenende." },
    { "The body does not begin with the boundary that Content-Type names.",
      "Der Inhalt beginnt nicht mit der Grenze, die Content-Type nennt." },
    { "The headers of a part are longer than 8 KiB.", "Die Kopffelder eines Teils sind länger als 8 KiB." },
    { "A part of the form could not be taken.", "Ein Teil des Formulars konnte nicht angenommen werden." },
    { "There is something after the last boundary.", "Nach der letzten Grenze folgt noch etwas." },
    { "The body ends before its last boundary.", "Der Inhalt endet vor seiner letzten Grenze." },
    { "The body is not multipart/form-data.", "Der Inhalt ist nicht multipart/form-data." },
    { "Content-Type has two boundaries.", "Content-Type hat zwei Grenzen." },
    { "Content-Type has no boundary, or one that RFC 2046 does not allow.",
      "Content-Type hat keine Grenze, oder eine, die RFC 2046 nicht erlaubt." },
    { "The server could not store an uploaded file.",
      "Der Server konnte eine hochgeladene Datei nicht ablegen." },
    { "A field of the form is too long; send large content as a file.",
      "Ein Feld des Formulars ist zu lang; bitte Großes als Datei senden." },
    { "The server could not read the body back from its file.",
      "Der Server konnte den Inhalt nicht aus seiner Datei zurücklesen." },

    /* core/operations and core/events */
    { "is no time such as 2026-11-21T08:05:00Z", "ist keine Zeit wie 2026-11-21T08:05:00Z" },
    { "is neither an event's name such as timesync.entry.pushed, nor the beginning of names such as "
      "timesync.*, nor *",
      "ist weder der Name eines Ereignisses wie timesync.entry.pushed, noch der Anfang von Namen wie "
      "timesync.*, noch *" },
    { "is no network; write it as 10.1.2.3 or 10.1.0.0/16",
      "ist kein Netz; es wird als 10.1.2.3 oder 10.1.0.0/16 geschrieben" },
    { "is link-local or a cloud's metadata service, which no webhook ever reaches",
      "ist link-local oder der Metadatendienst einer Cloud, und den erreicht kein Webhook" },
    { "is no name: a-z, 0-9, - and _, a letter first, at most 64 characters",
      "ist kein Name: a-z, 0-9, - und _, zuerst ein Buchstabe, höchstens 64 Zeichen" },
    { "is longer than 8000 characters", "ist länger als 8000 Zeichen" },
    { "a webhook into an inner network needs the permission webhooks.allow_private, which you do not have in "
      "this tenant",
      "ein Webhook in ein inneres Netz braucht die Berechtigung webhooks.allow_private, die Sie in diesem "
      "Mandanten nicht haben" },
    { "this process keeps no audit log, so nothing was changed",
      "dieser Prozess führt kein Audit-Log, deshalb wurde nichts geändert" },
    { "other webhooks are being tested just now; try again in a moment",
      "gerade werden andere Webhooks geprüft; bitte gleich noch einmal versuchen" },
    { "the URL is longer than 2000 characters", "die URL ist länger als 2000 Zeichen" },
    { "the patterns are longer than 2000 characters", "die Muster sind länger als 2000 Zeichen" },
    { "the description is longer than 500 bytes, or not UTF-8",
      "die Beschreibung ist länger als 500 Bytes oder nicht UTF-8" },
    { "its webhook is disabled; enable it first", "sein Webhook ist abgeschaltet; bitte erst einschalten" },
    { "it is disabled; enable it first", "er ist abgeschaltet; bitte erst einschalten" },
    { "the test failed, and nothing was kept: %s",
      "der Test ist fehlgeschlagen, und nichts wurde behalten: %s" },
    { "the connection does not work: %s", "die Verbindung funktioniert nicht: %s" },
    { "other connections are being asked just now; try again in a moment",
      "gerade werden andere Verbindungen befragt; bitte gleich noch einmal versuchen" },
    { "no webhooks come for connections of this kind", "für Verbindungen dieser Art kommen keine Webhooks" },
    { "what uses it cannot be told: %s", "was sie benutzt, lässt sich nicht sagen: %s" },
    { "it is still used; `uses` says by what, and with_uses=true removes it all the same",
      "sie wird noch benutzt; wovon, steht in `uses`, und mit with_uses=true wird sie trotzdem entfernt" },
    { "this source belongs to a connection, and is opened, closed and removed with it",
      "diese Quelle gehört zu einer Verbindung und wird mit ihr geöffnet, geschlossen und entfernt" },
    { "a source that is not verified has no secret",
      "eine Quelle, die nicht geprüft wird, hat kein Geheimnis" },
    { "the name of the field with the sender's id is none, such as X-Zammad-Delivery",
      "der Name des Felds mit der Kennung des Absenders ist keiner, wie etwa X-Zammad-Delivery" },
    { "it has all the secrets that it may have; take the older ones away first",
      "es hat alle Geheimnisse, die es haben darf; bitte erst die älteren wegnehmen" },
    { "the secret has less than 8 characters and could be guessed",
      "das Geheimnis hat weniger als 8 Zeichen und könnte erraten werden" },
    { "the secret is empty", "das Geheimnis ist leer" },
    { "the secret has more than 64 bytes in base64", "das Geheimnis hat mehr als 64 Bytes in Base64" },
    { "the secret is not base64; a secret of Standard Webhooks is whsec_ and base64",
      "das Geheimnis ist nicht Base64; eines von Standard Webhooks ist whsec_ und Base64" },
    { "the secret has less than 24 bytes and could be guessed",
      "das Geheimnis hat weniger als 24 Bytes und könnte erraten werden" },
    { "is no setting of this kind; did you mean %s?", "ist keine Einstellung dieser Art; ist %s gemeint?" },
    { "is no setting of this kind", "ist keine Einstellung dieser Art" },
    { "must be set", "muss angegeben werden" },
    { "does not fit here; expected: ", "passt hier nicht; erwartet: " },
    { "a duration", "eine Dauer wie 250ms, 10s oder 1h30m" },
    { "a size", "eine Größe wie 64KiB" },
    { "a list of texts", "eine Liste von Texten" },
    { "one of: %s", "eines von: %s" },
    { "from %s to %s", "von %s bis %s" },
    { "at least %s", "mindestens %s" },
    { "%s to %s bytes long", "%s bis %s Bytes lang" },
    { "at least %s bytes long", "mindestens %s Bytes lang" },
    { "%s to %s entries", "%s bis %s Einträge" },
    { "at least %s entries", "mindestens %s Einträge" },
    { "must be given, and neither begin nor end with a blank",
      "muss angegeben werden und darf nicht mit einem Leerzeichen beginnen oder enden" },
    { "is longer than 200 bytes, or not UTF-8", "ist länger als 200 Bytes oder kein UTF-8" },
    { "has a control character", "enthält ein Steuerzeichen" },
    { "is longer than 500 characters", "ist länger als 500 Zeichen" },
    { "is not a proxy like http://host.example:3128", "ist kein Proxy wie http://host.example:3128" },
    { "has a user or password in it, which would not be kept as a secret",
      "enthält einen Benutzer oder ein Passwort, das nicht als Geheimnis verwahrt würde" },
    { "is longer than 256 KiB", "ist länger als 256 KiB" },
    { "is no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----",
      "ist kein Zertifikat in PEM, das mit -----BEGIN CERTIFICATE----- beginnt" },
    { "is no private key in PEM without a password, which begins with -----BEGIN PRIVATE KEY-----",
      "ist kein privater Schlüssel in PEM ohne Passwort, der mit -----BEGIN PRIVATE KEY----- beginnt" },
    { "is not the key of the certificate client_cert",
      "ist nicht der Schlüssel des Zertifikats client_cert" },
    { "must be given with client_cert", "muss zusammen mit client_cert angegeben werden" },
    { "must be given with client_key", "muss zusammen mit client_key angegeben werden" },
    { "must be between 1 and 64", "muss zwischen 1 und 64 liegen" },
    { "are longer than 64 KiB", "sind länger als 64 KiB" },
    { "has a query (?), behind which no path can stand; leave it away",
      "hat eine Abfrage (?), hinter der kein Pfad stehen kann; bitte weglassen" },
    { "must be given anew: it was sealed with a key that this server does not have",
      "muss neu angegeben werden: es wurde mit einem Schlüssel versiegelt, den dieser Server nicht hat" },
    { "must be given anew, because the address or the proxy changes: what is kept is not sent elsewhere",
      "muss neu angegeben werden, weil sich die Adresse oder der Proxy ändert: was verwahrt ist, wird nicht "
      "woandershin gesendet" },
    { "needs the permission connections.allow_private",
      "braucht die Berechtigung connections.allow_private" },
    { "may be changed only with the permission connections.allow_private, because inner addresses are "
      "allowed",
      "darf nur mit der Berechtigung connections.allow_private geändert werden, weil innere Adressen erlaubt "
      "sind" },
    { "is no kind that this server has: is its plugin enabled?",
      "ist keine Art, die dieser Server hat: ist ihr Plugin eingeschaltet?" },
    { "the connection is of the kind %s, whose plugin is not running",
      "die Verbindung ist von der Art %s, deren Plugin nicht läuft" },
    { "there is another connection with this name", "es gibt schon eine Verbindung mit diesem Namen" },
    { "somebody changed the connection meanwhile; look at it again",
      "jemand hat die Verbindung inzwischen geändert; bitte noch einmal ansehen" },
    { "there is no connection with this id", "es gibt keine Verbindung mit dieser Nummer" },
    { "the connection %s is disabled", "die Verbindung %s ist ausgeschaltet" },
    { "the connection %s is of the kind %s, whose plugin is not running",
      "die Verbindung %s ist von der Art %s, deren Plugin nicht läuft" },
    { "the secrets of the connection %s were sealed with a key that this server does not have; give it the "
      "key, or set the secrets of the connection anew",
      "die Geheimnisse der Verbindung %s wurden mit einem Schlüssel versiegelt, den dieser Server nicht hat; "
      "bitte ihm den Schlüssel geben oder die Geheimnisse der Verbindung neu setzen" },
    { "the settings of the connection %s no longer fit, change them: %s: %s",
      "die Einstellungen der Verbindung %s passen nicht mehr, bitte ändern: %s: %s" },
    { "it failed, and does not say why", "es ist fehlgeschlagen und sagt nicht, warum" },
    { "the plugin %s cannot say what hangs on the connection: it is not running",
      "das Plugin %s kann nicht sagen, was an der Verbindung hängt: es läuft nicht" },
    { "a URL", "eine URL" },
    { "a proxy's URL", "die URL eines Proxys" },
    { "`*` or an origin like `https://app.example`", "`*` oder ein Ursprung wie `https://app.example`" },
    { "an IP address", "eine IP-Adresse" },
    { "a network like `10.0.0.0/8`", "ein Netz wie `10.0.0.0/8`" },
    { "a host name or IP address", "ein Rechnername oder eine IP-Adresse" },
    { "an e-mail address", "eine E-Mail-Adresse" },
    { "a path", "ein Pfad" },
    { "the path of a file that can be read", "der Pfad einer Datei, die sich lesen lässt" },
    { "the path of a directory", "der Pfad eines Ordners" },
    { "a time zone like `Europe/Berlin`", "eine Zeitzone wie `Europe/Berlin`" },
    { "the connection %s is of the kind %s, which has no list \"%s\"",
      "die Verbindung %s ist von der Art %s, die keine Liste \"%s\" hat" },
    { "the connection %s is of the kind %s, which does not have the role %s",
      "die Verbindung %s ist von der Art %s, die die Rolle %s nicht hat" },
    { "the connection %s is of the kind %s, where no %s can be made",
      "die Verbindung %s ist von der Art %s, bei der sich kein %s anlegen lässt" },
    { "the list is not complete: the connector %s gave %lld and did not say that it is all",
      "die Liste ist nicht vollständig: der Connector %s gab %lld und sagte nicht, dass es alle sind" },
};

const char *http_sentence_at(size_t i, const char **german)
{
    if (i >= DW_COUNT_OF(sentences))
        return NULL;
    *german = sentences[i].german;
    return sentences[i].english;
}

/* Errors only, and of those who want German: nobody waits for so few comparisons. */
const char *http_say(enum http_language language, const char *english)
{
    if (language == HTTP_ENGLISH || !english)
        return english;
    for (size_t i = 0; i < DW_COUNT_OF(sentences); i++) {
        if (strcmp(sentences[i].english, english) == 0)
            return sentences[i].german;
    }
    return english;
}
