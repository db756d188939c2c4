#include "tags.h"

#include <string.h>

#include "ask.h"
#include "known.h"
#include "refusal.h"
#include "text.h"

static int look_at_name(dw_call *c, const char *name)
{
    const size_t n = text_length(name);

    if (n < TAG_LEAST || n > TAG_MOST)
        return dw_fail(c, DW_EINVALID, "Kimai's tags have 2 to 100 characters", "tag", name, "reason",
                       "CREATION_ERROR");
    if (strchr(name, ','))
        return dw_fail(c, DW_EINVALID, "Kimai's tags have no comma: it stands between them", "tag", name,
                       "reason", "CREATION_ERROR");
    return 0;
}

/* 1 when it is listed. Hidden ones are not, so 0 does not mean that there is none. */
static int is_listed(dw_call *c, dw_connection *conn, const char *name)
{
    json_t *names;

    DW_TRY(ask_list(c, conn, "/api/tags", DW_LIST("name", name), &names));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *one = json_string_value(json_array_get(names, i));
        if (one && strcasecmp(one, name) == 0)
            return 1;
    }
    return 0;
}

static int refuse_tag(dw_call *c, dw_connection *conn, const char *name, const struct answer *a, int rc)
{
    char said[300] = "";
    int listed;

    /* The name itself is fine, so what is wrong with it is that it is taken: by a hidden one too, which can be given as well. */
    if (a->status == 400 && refusal_names(a->body, "name"))
        return dw_fail(c, DW_ECONFLICT, "Kimai has this tag already", "tag", name);
    if (a->status == 403) {
        listed = is_listed(c, conn, name);
        DW_TRY(listed);
        if (listed)
            return dw_fail(c, DW_ECONFLICT, "Kimai has this tag already", "tag", name);
        return dw_fail(c, DW_EDENIED,
                       "the token may make no tags; make this one in Kimai, or give the role of its owner "
                       "the permission create_tag",
                       "tag", name, "reason", "CREATION_ERROR");
    }
    if (a->status != 400)
        return rc;
    refusal_text(a->body, said, sizeof(said));
    return dw_fail(c, DW_EINVALID, "Kimai refuses the tag", "tag", name, "kimai", said, "reason",
                   "CREATION_ERROR");
}

int tag_make(dw_call *c, dw_connection *conn, const char *name)
{
    struct answer a;
    int rc;

    DW_TRY(look_at_name(c, name));
    rc = tell(c, conn, "POST", "/api/tags", dw_json(c, "name", name, "visible", DW_TRUE), &a);
    if (rc < 0)
        rc = refuse_tag(c, conn, name, &a, rc);
    if (rc == 0 || rc == DW_ECONFLICT)
        known_tag_add(c, conn, name);
    return rc;
}

int tags_make(dw_call *c, dw_connection *conn, dw_texts tags)
{
    for (size_t i = 0; i < tags.n; i++) {
        if (known_tag(c, conn, tags.v[i]))
            continue;
        const int rc = tag_make(c, conn, tags.v[i]);
        if (rc != DW_ECONFLICT)
            DW_TRY(rc);
    }
    return 0;
}

int tags_make_again(dw_call *c, dw_connection *conn, dw_texts tags)
{
    for (size_t i = 0; i < tags.n; i++)
        known_tag_drop(c, conn, tags.v[i]);
    return tags_make(c, conn, tags);
}
