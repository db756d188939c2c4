#include "plugin/words.h"

#include <jansson.h>
#include <string.h>

#include "http/language.h"
#include "plugin/connectors.h"
#include "plugin/descriptor.h"

#define PATH "locales/de.json"

static int refuse(struct buf *why, const char *key, const char *wrong)
{
    buf_add_format(why, PATH ": \"%.200s\": %s", key, wrong);
    return -1;
}

static int check(const json_t *words, struct buf *why)
{
    const char *english;
    json_t *german;

    /* jansson has no iterating over what is const */
    json_object_foreach((json_t *)(uintptr_t)words, english, german)
    {
        if (!*english)
            return refuse(why, english, "is no sentence");
        if (!json_is_string(german) || json_string_length(german) == 0)
            return refuse(why, english, "has no text for its German sentence");
    }
    return 0;
}

int words_read(json_t **out, const struct plugin_descriptor *d, struct buf *why)
{
    const dw_asset *asset = descriptor_asset(d, PATH);
    json_error_t error;

    *out = NULL;
    if (!asset)
        return 0;
    json_t *words = json_loadb(asset->data, asset->size, JSON_REJECT_DUPLICATES, &error);
    if (!words) {
        buf_add_format(why, PATH ":%d: %s", error.line, error.text);
        return -1;
    }
    int rc = -1;
    if (!json_is_object(words))
        buf_add_text(why, PATH " is no object; write {\"the English sentence\": \"the German one\"}");
    else
        rc = check(words, why);
    if (rc == 0)
        *out = words;
    else
        json_decref(words);
    return rc;
}

/* Errors only, and of those who want German: a copy with a NUL is no matter. */
const char *words_for(const dw_instance *i, const struct http_exchange *x, struct str english)
{
    struct buf key = BUF_INIT;

    if (!i || !i->german || !x || http_request_language(x) != HTTP_GERMAN)
        return NULL;
    buf_add_str(&key, english);
    const char *german = json_string_value(json_object_get(i->german, buf_text(&key)));
    buf_finish(&key);
    return german;
}

/* ---- what was kept ---- */

static const char *german_of(const dw_instance *i, const char *english)
{
    return i && i->german ? json_string_value(json_object_get(i->german, english)) : NULL;
}

static const char *anybodys_german(const dw_instance *i, const char *english)
{
    const char *german = german_of(i, english);
    const struct connector_kind *kind;

    for (size_t n = 0; !german && (kind = connectors_at(i->process->connectors, n)); n++)
        german = german_of(kind->by, english);
    if (!german)
        german = http_say(HTTP_GERMAN, english);
    return german == english ? NULL : german;
}

/* Where pairs may begin: the last " (" before `end`; 0: nowhere. */
static size_t pairs_before(struct str kept, size_t end)
{
    for (size_t at = end; at-- > 1;) {
        if (kept.p[at] == ' ' && at + 1 < kept.n && kept.p[at + 1] == '(')
            return at;
    }
    return 0;
}

bool words_kept(const dw_instance *i, const struct http_exchange *x, struct str kept, struct buf *out)
{
    const char *german = NULL;
    struct buf key = BUF_INIT;
    size_t end = kept.n;

    if (!i || !x || kept.n == 0 || http_request_language(x) != HTTP_GERMAN)
        return false;
    for (; !german && end > 0; end = german ? end : pairs_before(kept, end)) {
        key.n = 0;
        buf_add(&key, kept.p, end);
        german = anybodys_german(i, buf_text(&key));
    }
    buf_finish(&key);
    if (german) {
        buf_add_text(out, german);
        buf_add(out, kept.p + end, kept.n - end);
    }
    return german != NULL;
}
