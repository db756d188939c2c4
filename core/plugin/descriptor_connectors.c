/* descriptor_connectors.c - the kinds of connections that a plugin declares: settings, listings and roles of each. */
#include "events/inbox.h"
#include "plugin/descriptor_read.h"

enum { NAME_MAX_BYTES = 64, SETTLE_MAX_S = 24 * 3600 };

static const struct reader_kind connector_kind = {
    "connector",
    sizeof(dw_connector),
    END_OF(dw_connector, inbox_id_header),
    offsetof(dw_connector, name),
    "",
    NAME_MAX_BYTES,
    0,
    false,
};

static const struct reader_kind listing_kind = {
    "listing", sizeof(dw_listing), END_OF(dw_listing, make),   offsetof(dw_listing, name),
    "",        NAME_MAX_BYTES,     offsetof(dw_listing, list), false,
};

/* ---- texts ---- */

/* What is shown to people always has a name. */
static int take_title(const struct reader *r, const char **title, const char *name, const char *what)
{
    if (reader_text(r, title, READER_LINE_MAX, what, name) != 0)
        return -1;
    if (!**title)
        *title = name;
    return 0;
}

static int take_texts(const struct reader *r, dw_connector *k)
{
    if (take_title(r, &k->title, k->name, "title of the connector") != 0)
        return -1;
    return reader_text(r, &k->summary, READER_TEXT_MAX, "summary of the connector", k->name);
}

/* ---- settings ---- */

/* Says to which connector belongs what was refused. */
static int add_whose(const struct reader *r, const dw_connector *k)
{
    buf_add_format(r->why, "; in the connector %s", k->name);
    return -1;
}

static const dw_item *find_item(const dw_connector *k, const char *name)
{
    for (const dw_item *it = k->settings.list; it->name; it++) {
        if (strcmp(it->name, name) == 0)
            return it;
    }
    return NULL;
}

static int check_address(const struct reader *r, const dw_connector *k)
{
    const dw_item *it;

    if (!k->address)
        return 0;
    if (reader_text(r, &(const char *){ k->address }, NAME_MAX_BYTES, "address of the connector", k->name) !=
        0)
        return -1;
    it = find_item(k, k->address);
    if (!it)
        return reader_refuse(r, "the connector %s has its address in the item %s, which it does not have",
                             k->name, k->address);
    if (it->type != DW_ITEM_TEXT || !it->pattern || strcmp(it->pattern, "url") != 0)
        return reader_refuse(
            r,
            "the connector %s has its address in the item %s, which is no text with .pattern = "
            "\"url\"",
            k->name, k->address);
    return 0;
}

static int take_settings(const struct reader *r, dw_connector *k, const dw_sizes *sizes)
{
    size_t ignored;

    k->settings.list = reader_items(r, &k->settings, sizes->item, &ignored);
    return k->settings.list ? check_address(r, k) : add_whose(r, k);
}

/* ---- listings and roles ---- */

static int take_listings(const struct reader *r, dw_connector *k, const dw_sizes *sizes)
{
    size_t n;
    dw_listing *listings = reader_array(r, &listing_kind, k->listings, sizes->listing, &n);

    if (!listings)
        return add_whose(r, k);
    for (size_t i = 0; i < n; i++) {
        if (take_title(r, &listings[i].title, listings[i].name, "title of the listing") != 0)
            return add_whose(r, k);
    }
    k->listings = listings;
    return 0;
}

/* A copy of the host's size; the function after which a role of this minor ends must be in it. */
static void *take_role(const struct reader *r, const dw_connector *k, const char *role, const void *from,
                       size_t least, size_t size)
{
    uint32_t has;

    memcpy(&has, from, sizeof(has));
    if (has < least || has > READER_STRUCT_MAX) {
        reader_refuse(r, "the %s of the connector %s has %u bytes, which cannot be: make it with DW_ROLE()",
                      role, k->name, (unsigned)has);
        return NULL;
    }
    void *to = arena_calloc(r->arena, size);
    if (to)
        memcpy(to, from, has < size ? has : size);
    else
        reader_refuse(r, "cannot be read: out of memory");
    return to;
}

static int take_source(const struct reader *r, dw_connector *k)
{
    const dw_time_source *role;

    if (!k->time_source)
        return 0;
    role = take_role(r, k, "time_source", k->time_source, END_OF(dw_time_source, list), sizeof(*role));
    if (!role)
        return -1;
    if (!role->list)
        return reader_refuse(r, "the time_source of the connector %s has no function list", k->name);
    k->time_source = role;
    return 0;
}

static int take_target(const struct reader *r, dw_connector *k)
{
    const dw_time_target *role;

    if (!k->time_target)
        return 0;
    role = take_role(r, k, "time_target", k->time_target, END_OF(dw_time_target, settle), sizeof(*role));
    if (!role)
        return -1;
    if (!role->list || !role->write || !role->remove)
        return reader_refuse(
            r, "the time_target of the connector %s needs the functions list, write and remove", k->name);
    if (role->settle.us < 0 || role->settle.us > SETTLE_MAX_S * (int64_t)1000000)
        return reader_refuse(
            r, "the time_target of the connector %s settles after less than 0 or more than a day", k->name);
    k->time_target = role;
    return 0;
}

/* ---- its webhooks ---- */

static bool has_inbox(const struct plugin_descriptor *d, const char *name)
{
    for (size_t i = 0; i < d->inboxes_n; i++) {
        if (strcmp(d->inboxes[i].name, name) == 0)
            return true;
    }
    return false;
}

static int check_inbox(const struct reader *r, dw_connector *k)
{
    if (!k->inbox)
        return 0;
    if (reader_text(r, &k->inbox, NAME_MAX_BYTES, "inbox of the connector", k->name) != 0 ||
        reader_text(r, &k->inbox_verify, NAME_MAX_BYTES, "inbox_verify of the connector", k->name) != 0 ||
        reader_text(r, &k->inbox_id_header, READER_LINE_MAX, "inbox_id_header of the connector", k->name) !=
            0)
        return -1;
    if (!has_inbox(r->d, k->inbox))
        return reader_refuse(r, "the connector %s has the inbox \"%s\", which is none of the plugin's",
                             k->name, k->inbox);
    enum inbox_verify verify = inbox_verify_from(k->inbox_verify);
    if (verify == 0 || verify == INBOX_UNVERIFIED)
        return reader_refuse(
            r,
            "the connector %s verifies its webhooks by \"%s\"; say standard-webhooks, hub-sha256 or "
            "hub-sha1",
            k->name, k->inbox_verify);
    return 0;
}

int reader_connectors(const struct reader *r, const dw_connector *from, const dw_sizes *sizes)
{
    struct plugin_descriptor *d = r->d;
    dw_connector *all = reader_array(r, &connector_kind, from, sizes->connector, &d->connectors_n);

    for (size_t i = 0; all && i < d->connectors_n; i++) {
        dw_connector *k = &all[i];
        if (take_texts(r, k) != 0 || take_settings(r, k, sizes) != 0 || take_listings(r, k, sizes) != 0 ||
            take_source(r, k) != 0 || take_target(r, k) != 0 || check_inbox(r, k) != 0)
            return -1;
    }
    d->connectors = all;
    return all ? 0 : -1;
}
