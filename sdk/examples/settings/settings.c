/* settings - what an admin can set, of every type, and what to do with a secret. */
#include <dowel/dowel.h>

struct settings_conf {
    const char *title;
    int64_t least, most;
    double share;
    bool shout;
    dw_span patience;
    dw_texts colours;
    dw_secret key;
};

/* The type of an item is its member's. What has no fallback must be set. */
static const dw_item items[] = {
    DW_ITEM(struct settings_conf, title, .fallback = "Settings", .max = 60, .help = "Shown above all"),
    DW_ITEM(struct settings_conf, least, .fallback = "1", .min = 0, .max = 1000, .help = "At least so many"),
    DW_ITEM(struct settings_conf, most, .fallback = "10", .min = 0, .max = 1000, .help = "At most so many"),
    DW_ITEM(struct settings_conf, share, .fallback = "0.5", .min = 0, .max = 1, .help = "Part of the whole"),
    DW_ITEM(struct settings_conf, shout, .fallback = "false", .help = "Whether to be loud"),
    DW_ITEM(struct settings_conf, patience, .fallback = "30s", .min = 1000000, .help = "How long to wait"),
    DW_ITEM(struct settings_conf, colours, .fallback = "[red, green]", .help = "In this order"),
    DW_ITEM(struct settings_conf, key, .min = 16, .help = "Signs what is sent; from a vault, not from here"),
    { 0 },
};

/* What one line cannot say. Runs before the configuration is used, also for `dowel config check`. */
static int check(dw_call *c, const void *ud)
{
    const struct settings_conf *conf = ud;

    if (conf->least > conf->most)
        return dw_fail_at(c, "/least", "is more than most", "least", conf->least, "most", conf->most);
    return 0;
}

static int show(dw_call *c, dw_request *req)
{
    const struct settings_conf *conf = dw_conf(c);
    dw_out *o = dw_reply_open(req, 200);

    dw_out_set(o, "title", conf->title);
    dw_out_set(o, "least", conf->least);
    dw_out_set(o, "most", conf->most);
    dw_out_set(o, "share", conf->share);
    dw_out_set(o, "shout", conf->shout);
    dw_out_set(o, "patience", conf->patience);
    dw_out_array(o, "colours");
    for (size_t i = 0; i < conf->colours.n; i++)
        dw_out_add(o, conf->colours.v[i]);
    dw_out_end(o);
    /* dw_out_set(o, "key", conf->key) does not compile: a secret is not a value. */
    return dw_reply_close(req);
}

/* A secret is used as it is, in what takes one. */
static int sign(dw_call *c, dw_request *req)
{
    const struct settings_conf *conf = dw_conf(c);

    return dw_reply(req, 200, "signature", dw_hmac_hex(c, DW_SHA256, conf->key, dw_request_body(req)));
}

/* What has to be kept and nobody may read: sealed under the server's key, which the plugin never sees. */
static int seal(dw_call *c, dw_request *req)
{
    dw_str plain;
    const char *sealed;

    DW_TRY(dw_request_read(req, "plain", &plain));
    DW_TRY(dw_seal(c, plain, &sealed));
    return dw_reply(req, 200, "sealed", sealed);
}

static int unseal(dw_call *c, dw_request *req)
{
    const char *sealed;
    dw_str plain;

    DW_TRY(dw_request_read(req, "sealed", &sealed));
    DW_TRY(dw_unseal(c, sealed, &plain)); /* DW_EINVALID, so 422, for what this server has not sealed */
    return dw_reply(req, 200, "plain", plain);
}

static const dw_operation operations[] = {
    { "showSettings", show }, { "signBody", sign }, { "sealText", seal }, { "unsealText", unseal }, { 0 },
};

DOWEL_PLUGIN(.name = "settings", .version = "1.0.0", .summary = "Settings and secrets", .license = "MIT",
             .conf = DW_ITEMS(struct settings_conf, items), .operations = operations, .check = check);
