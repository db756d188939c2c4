/* greeter - a service: what other plugins ask it for, and no HTTP of its own. Its header is include/greeter/greeter.h. */
#include <dowel/dowel.h>
#include <greeter/greeter.h>

struct greeter_conf {
    const char *word;
};

static const dw_item items[] = {
    DW_ITEM(struct greeter_conf, word, .fallback = "Welcome", .max = 40, .help = "What it greets with"),
    { 0 },
};

/* A call of the greeter's own, so its configuration; but the asker's memory, so the text outlives this. */
static int greet(dw_call *c, void *question)
{
    const struct greeter_conf *conf = dw_conf(c);
    struct greeter_greet *q = question;

    if (q->struct_size < sizeof(*q)) /* no older version of the struct is known */
        return dw_fail(c, DW_EMISUSE, "the struct is too small", "bytes", q->struct_size);
    if (!q->name || !*q->name)
        return dw_fail(c, DW_EINVALID, "there is nobody to greet", "reason", "NOBODY");
    q->greeting = dw_format(c, "%s, %s!", conf->word, q->name);
    return 0;
}

static const dw_service services[] = { { "greeter.greet/1", greet }, { 0 } };

DOWEL_PLUGIN(.name = "greeter", .version = "1.0.0", .summary = "Greets for other plugins", .license = "MIT",
             .conf = DW_ITEMS(struct greeter_conf, items), .services = services);
