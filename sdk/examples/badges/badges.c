/* badges - an authenticator: who shows one of the tokens that the admin has written down is somebody.
 *
 *   tokens: |
 *     4f6a...  ann   0190a0a0-0000-7000-8000-00000000000a  notes.read notes.write
 *     91c0...  root  0190a0a0-0000-7000-8000-00000000000a  *
 *
 * A line is a badge: its token, who carries it, their tenant (- for none), and what they may. */
#include <dowel/dowel.h>

#include <string.h>

enum { TOKEN_MIN = 16 };

struct badges_conf {
    dw_secret tokens;
};

static const dw_item items[] = {
    DW_ITEM(struct badges_conf, tokens, .fallback = "",
            .help = "A badge a line: TOKEN NAME TENANT PERMISSION..., a tenant is a UUID, or - for none"),
    { 0 },
};

struct badge {
    const char *token, *name, *tenant;
    const char **permissions;
    size_t permissions_n;
};

/* ---- the text of the admin, cut into words in the call's memory ---- */

/* The next word at *at, which is behind it then; NULL at the line's end. */
static const char *take_word(char **at)
{
    char *word = *at + strspn(*at, " \t\r");
    size_t n = strcspn(word, " \t\r");

    *at = word[n] ? word + n + 1 : word + n;
    word[n] = '\0';
    return n > 0 ? word : NULL;
}

static void read_line(dw_call *c, char *line, struct badge *out)
{
    const char *word;

    *out = (struct badge){ .permissions = dw_alloc(c, (strlen(line) / 2 + 1) * sizeof(char *)) };
    out->token = take_word(&line);
    out->name = take_word(&line);
    out->tenant = take_word(&line);
    while ((word = take_word(&line)) != NULL)
        out->permissions[out->permissions_n++] = word;
    if (out->tenant && strcmp(out->tenant, "-") == 0)
        out->tenant = NULL;
}

static char *writable(dw_call *c, const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(dw_alloc(c, size), text, size);
}

/* Calls visit for each badge until it returns other than 0, which is returned. */
static int each_badge(dw_call *c, dw_secret tokens, int (*visit)(dw_call *c, struct badge *b, void *ud),
                      void *ud)
{
    char *text = writable(c, dw_secret_reveal(tokens)), *line;
    struct badge b;

    for (line = text; *line; line = text) {
        size_t n = strcspn(line, "\n");
        text = line[n] ? line + n + 1 : line + n;
        line[n] = '\0';
        read_line(c, line, &b);
        int rc = b.token && *b.token != '#' ? visit(c, &b, ud) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* ---- a text that is none is told before it is used, without a word of it ---- */

static int check_badge(dw_call *c, struct badge *b, void *ud)
{
    (void)ud;
    if (!b->name)
        return dw_fail_at(c, "/tokens", "has a line that is not TOKEN NAME TENANT PERMISSION...");
    if (strlen(b->token) < TOKEN_MIN)
        return dw_fail_at(c, "/tokens", "has a token of fewer than 16 characters, which can be guessed", "of",
                          b->name);
    return 0;
}

static int check(dw_call *c, const void *ud)
{
    const struct badges_conf *conf = ud;

    return each_badge(c, conf->tokens, check_badge, NULL);
}

/* ---- who asks ---- */

struct search {
    const char *token;
    struct badge found;
};

/* All are compared, whichever it is. */
static int compare(dw_call *c, struct badge *b, void *ud)
{
    struct search *s = ud;

    (void)c;
    if (dw_equal(s->token, b->token))
        s->found = *b;
    return 0;
}

static int who_is(dw_call *c, dw_credential *credential)
{
    const struct badges_conf *conf = dw_conf(c);
    struct search s = { .token = dw_copy(c, credential->text) };

    DW_TRY(each_badge(c, conf->tokens, compare, &s));
    if (!s.found.token)
        return DW_EAUTH;
    credential->id = credential->name = credential->credential = s.found.name;
    credential->tenant = s.found.tenant;
    credential->permissions = s.found.permissions;
    credential->permissions_n = s.found.permissions_n;
    return 0;
}

/* ---- the tenants there are: each once ---- */

struct tenants {
    int (*take)(void *ud, const char *tenant);
    void *ud;
    const char *taken;
};

static int take_tenant(dw_call *c, struct badge *b, void *ud)
{
    struct tenants *all = ud;

    if (!b->tenant || strstr(all->taken, b->tenant))
        return 0;
    all->taken = dw_format(c, "%s %s", all->taken, b->tenant);
    return all->take(all->ud, b->tenant);
}

static int tenants(dw_call *c, int (*take)(void *ud, const char *tenant), void *ud)
{
    const struct badges_conf *conf = dw_conf(c);
    struct tenants all = { take, ud, "" };

    return each_badge(c, conf->tokens, take_tenant, &all);
}

DOWEL_PLUGIN(.name = "badges", .version = "1.0.0", .summary = "Who shows a token is somebody",
             .license = "MIT", .conf = DW_ITEMS(struct badges_conf, items), .check = check,
             .authenticator = DW_AUTHENTICATOR(.authenticate = who_is, .tenants = tenants));
