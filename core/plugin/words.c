#include "plugin/words.h"

#include <jansson.h>
#include <string.h>

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
