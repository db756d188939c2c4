/* door - a question that every plugin may answer, here about who may come in. Nobody's answer means no. */
#include <dowel/dowel.h>

#include "door.h"

#include <string.h>

struct door_conf {
    dw_texts members, banned;
};

static const dw_item items[] = {
    DW_ITEM(struct door_conf, members, .fallback = "[]", .help = "Who may come in"),
    DW_ITEM(struct door_conf, banned, .fallback = "[]", .help = "Who may not, whatever others say"),
    { 0 },
};

static bool is_among(dw_texts names, const char *name)
{
    for (size_t i = 0; i < names.n; i++)
        if (strcmp(names.v[i], name) == 0)
            return true;
    return false;
}

/* ---- asking ---- */

/* A door that opens when the plugin that guards it is missing would be none: silence denies. */
static const dw_question questions[] = { { "door.may_enter", DW_SILENCE_DENIES }, { 0 } };

static int enter(dw_call *c, dw_request *req)
{
    struct door_may_enter q = { .struct_size = (uint32_t)sizeof(q) };

    DW_TRY(dw_request_read(req, "name", &q.name));
    DW_TRY(dw_hook_ask(c, "door.may_enter", &q)); /* a refusal is the reply: 403 */
    return dw_reply(req, 200, "by", q.by);
}

static const dw_operation operations[] = { { "enter", enter }, { 0 } };

/* ---- answering: this plugin does, as any other could ---- */

static int refuse_banned(dw_call *c, void *question)
{
    const struct door_conf *conf = dw_conf(c);
    const struct door_may_enter *q = question;

    if (is_among(conf->banned, q->name))
        return dw_fail(c, DW_EDENIED, "is banned", "name", q->name);
    return 0; /* not my business: the next one is asked */
}

static int let_members_in(dw_call *c, void *question)
{
    const struct door_conf *conf = dw_conf(c);
    struct door_may_enter *q = question;

    if (!is_among(conf->members, q->name))
        return 0;
    q->by = "the list of members";
    return 1;
}

/* Bans come first: what answers ends the asking. */
static const dw_hook hooks[] = {
    { "door.may_enter", refuse_banned, 10 },
    { "door.may_enter", let_members_in, 50 },
    { 0 },
};

DOWEL_PLUGIN(.name = "door", .version = "1.0.0", .summary = "Asks who may come in", .license = "MIT",
             .conf = DW_ITEMS(struct door_conf, items), .operations = operations, .questions = questions,
             .hooks = hooks);
