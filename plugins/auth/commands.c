/* commands.c - `dowel user`, `role`, `tenant`, `key`, `client` and `setup-link`: what there is of them. */
#include "commands.h"

#include <string.h>

#include "setup.h"

/* ---- finding ---- */

/* "acme, globex": for who has to choose. */
static int name_all(dw_call *c, const char **out)
{
    dw_text *text = dw_text_new(c);
    const char *slug, *between = "";
    dw_rows *rows;
    int rc;

    DW_TRY(dw_db_query(c, &rows, "SELECT slug FROM auth_tenants ORDER BY slug LIMIT 20"));
    while ((rc = dw_rows_next(rows, &slug)) > 0) {
        dw_text_add(text, between);
        dw_text_add(text, slug);
        between = ", ";
    }
    *out = dw_text_get(text).p;
    return rc;
}

int commands_tenant(dw_call *c, const char *wanted, const char **id)
{
    const char *all;
    int64_t n = 0;
    int rc;

    if (wanted)
        rc = dw_db_find(c, DW_TO(id), "SELECT id FROM auth_tenants WHERE slug = $1 OR CAST(id AS TEXT) = $1",
                        wanted);
    else
        rc = dw_db_find(c, DW_TO(id, &n), "SELECT min(CAST(id AS TEXT)), count(*) FROM auth_tenants");
    if (rc < 0 || (rc > 0 && (wanted || n == 1)))
        return rc < 0 ? rc : 0;
    DW_TRY(name_all(c, &all));
    if (!*all)
        return dw_fail(c, DW_EINVALID, "there is no tenant yet; `dowel user add` makes the first one");
    return dw_fail(c, DW_EINVALID,
                   wanted ? "there is no such tenant" : "there are several tenants; say --in TENANT",
                   "there are", all);
}

static bool is_id(const char *text)
{
    return strlen(text) == 36 && strspn(text, "0123456789abcdef-") == 36;
}

int commands_user(dw_call *c, const char *wanted, struct account *out)
{
    int rc = is_id(wanted) ? account_by_id(c, wanted, out) : account_by_email(c, wanted, out);

    return rc == DW_ENOTFOUND
               ? dw_fail(c, rc, "nobody has this address; `dowel user list` shows who there is", "address",
                         wanted)
               : rc;
}

/* ---- dowel setup-link ---- */

int command_setup_link(dw_call *c, dw_command_run *run)
{
    const char *token;
    int rc = setup_is_done(c);

    if (rc > 0)
        return dw_fail(c, DW_ECONFLICT, "somebody has an account already; `dowel user add` makes more");
    DW_TRY(rc);
    DW_TRY(setup_make_token(c, &token));
    return dw_command_show(run, "path", dw_format(c, SETUP_PATH "%s", token), "token", token);
}

/* ---- arguments ---- */

#define IN                                                                                              \
    {                                                                                                   \
        .name = "--in", .value = "TENANT", .help = "its slug or id; may be left out where there is one" \
    }
#define WHO                                              \
    {                                                    \
        .name = "user", .help = "the address, or the id" \
    }
#define ROLE                                      \
    {                                             \
        .name = "role", .help = "the role's name" \
    }
#define TENANT                                     \
    {                                              \
        .name = "tenant", .help = "its slug or id" \
    }

static const dw_argument in[] = { IN, { 0 } };
static const dw_argument who[] = { WHO, { 0 } };
static const dw_argument tenant[] = { TENANT, { 0 } };
static const dw_argument tenant_and_user[] = { TENANT, WHO, { 0 } };
static const dw_argument role_in[] = { ROLE, IN, { 0 } };
static const dw_argument who_role_in[] = { WHO, ROLE, IN, { 0 } };

static const dw_argument user_add[] = {
    { .name = "email", .help = "the address to sign in with" },
    { .name = "--name", .value = "NAME", .help = "what people call him" },
    { .name = "--role", .value = "ROLE", .help = "a role to begin with: member, unless said", .many = true },
    { .name = "--operator", .help = "keeps the server and all its tenants" },
    { .name = "--temporary", .help = "the password has to be changed before it opens anything" },
    { .name = "--hash", .help = "what is given is no password, but its hash from another system" },
    IN,
    { 0 },
};

static const dw_argument user_list[] = {
    { .name = "--inactive", .help = "only those who cannot sign in" },
    { .name = "--in", .value = "TENANT", .help = "only who belongs to this one: its slug or id" },
    { 0 },
};

static const dw_argument user_password[] = {
    WHO,
    { .name = "--temporary", .help = "it has to be changed before it opens anything" },
    { 0 },
};

static const dw_argument user_set[] = {
    WHO,
    { .name = "--email", .value = "EMAIL", .help = "another address to sign in with" },
    { .name = "--name", .value = "NAME", .help = "another name" },
    { .name = "--locale", .value = "LOCALE", .help = "a language, as de or en-GB" },
    { .name = "--zone", .value = "ZONE", .help = "a time zone, as Europe/Berlin" },
    { 0 },
};

static const dw_argument user_operator[] = { WHO, { .name = "--off", .help = "he is none any more" }, { 0 } };

static const dw_argument role_add[] = {
    ROLE,
    { .name = "permission", .help = "notes.read, notes.* or *", .optional = true, .many = true },
    { .name = "--summary", .value = "TEXT", .help = "what it is for" },
    IN,
    { 0 },
};

static const dw_argument role_permissions[] = {
    ROLE,
    { .name = "permission", .help = "notes.read, notes.* or *", .many = true },
    IN,
    { 0 },
};

static const dw_argument tenant_add[] = {
    { .name = "name", .help = "what people call it" },
    { .name = "--slug", .value = "SLUG", .help = "its name in addresses; made from the name, unless said" },
    { 0 },
};

static const dw_argument tenant_rename[] = { TENANT,
                                             { .name = "name", .help = "what people call it from now on" },
                                             { 0 } };

static const dw_argument tenant_join[] = {
    TENANT,
    WHO,
    { .name = "--role", .value = "ROLE", .help = "a role to begin with: member, unless said", .many = true },
    { 0 },
};

static const dw_argument key_add_arguments[] = {
    { .name = "user", .help = "for whom it acts: the address, or the id" },
    { .name = "name", .help = "what it is for" },
    { .name = "--scope",
      .value = "PERMISSION",
      .help = "notes.read or notes.*; all he may, unless said",
      .many = true },
    { .name = "--days", .value = "N", .help = "ends then; never, unless said", .type = DW_ARGUMENT_INT },
    { .name = "--in", .value = "TENANT", .help = "its slug or id; where he is at home, unless said" },
    { 0 },
};

static const dw_argument key_list_arguments[] = {
    { .name = "--user", .value = "USER", .help = "only this one's: the address, or the id" },
    { .name = "--all", .help = "those that are revoked or over, too" },
    { 0 },
};

static const dw_argument key_revoke_arguments[] = {
    { .name = "key", .help = "its id, or how it begins: dwk_ and four more" },
    { 0 },
};

static const dw_argument key_rotate_arguments[] = {
    { .name = "--now", .help = "what the old keys have signed is refused at once" },
    { 0 },
};

static const dw_argument client_add_arguments[] = {
    { .name = "name", .help = "what people see when they sign in for it" },
    { .name = "redirect_uri", .help = "where they are sent back to", .many = true },
    { 0 },
};

static const dw_argument client_remove_arguments[] = { { .name = "client", .help = "its client_id" }, { 0 } };

/* ---- verbs ---- */

#define FIRST                                                                                      \
    "The first user of a server is administrator and operator of a tenant that is made for him.\n" \
    "\n"                                                                                           \
    "    dowel user add ann@example.org --name Ann <password.txt\n"

const dw_command auth_commands[] = {
    { .name = "setup-link",
      .summary = "Prints a one-time link that makes the first administrator",
      .run = command_setup_link },

    { .name = "user add",
      .summary = "Makes an account",
      .help = FIRST,
      .arguments = user_add,
      .input = DW_INPUT_PASSWORD,
      .run = command_user_add },
    { .name = "user list", .summary = "Lists users", .arguments = user_list, .run = command_user_list },
    { .name = "user show",
      .summary = "Shows a user and what he belongs to",
      .arguments = who,
      .run = command_user_show },
    { .name = "user password",
      .summary = "Gives a user another password; signs him out everywhere",
      .arguments = user_password,
      .input = DW_INPUT_PASSWORD,
      .run = command_user_password },
    { .name = "user activate",
      .summary = "Lets a user sign in again",
      .arguments = who,
      .run = command_user_activate },
    { .name = "user deactivate",
      .summary = "Signs a user out everywhere, and lets him in no more",
      .arguments = who,
      .run = command_user_deactivate },
    { .name = "user set",
      .summary = "Changes a user's address, name, language or zone",
      .arguments = user_set,
      .run = command_user_set },
    { .name = "user operator",
      .summary = "Makes a user one who keeps the server",
      .arguments = user_operator,
      .run = command_user_operator },

    { .name = "role list", .summary = "Lists roles", .arguments = in, .run = command_role_list },
    { .name = "role show",
      .summary = "Shows a role, what it gives and who has it",
      .arguments = role_in,
      .run = command_role_show },
    { .name = "role add", .summary = "Makes a role", .arguments = role_add, .run = command_role_add },
    { .name = "role grant",
      .summary = "Adds permissions to a role",
      .arguments = role_permissions,
      .run = command_role_grant },
    { .name = "role revoke",
      .summary = "Takes permissions from a role",
      .arguments = role_permissions,
      .run = command_role_revoke },
    { .name = "role delete",
      .summary = "Deletes a role",
      .arguments = role_in,
      .flags = DW_COMMAND_ASKS,
      .run = command_role_delete },
    { .name = "role give",
      .summary = "Gives a member a role",
      .arguments = who_role_in,
      .run = command_role_give },
    { .name = "role take",
      .summary = "Takes a role from a member",
      .arguments = who_role_in,
      .run = command_role_take },

    { .name = "tenant add", .summary = "Makes a tenant", .arguments = tenant_add, .run = command_tenant_add },
    { .name = "tenant list", .summary = "Lists tenants", .run = command_tenant_list },
    { .name = "tenant rename",
      .summary = "Gives a tenant another name",
      .arguments = tenant_rename,
      .run = command_tenant_rename },
    { .name = "tenant activate",
      .summary = "Opens a tenant again",
      .arguments = tenant,
      .run = command_tenant_activate },
    { .name = "tenant deactivate",
      .summary = "Closes a tenant: nobody can work in it",
      .arguments = tenant,
      .run = command_tenant_deactivate },
    { .name = "tenant members",
      .summary = "Lists who belongs to a tenant",
      .arguments = tenant,
      .run = command_tenant_members },
    { .name = "tenant join",
      .summary = "Makes a user a member of a tenant",
      .arguments = tenant_join,
      .run = command_tenant_join },
    { .name = "tenant leave",
      .summary = "Takes a user out of a tenant that he is not at home in",
      .arguments = tenant_and_user,
      .run = command_tenant_leave },

    { .name = "key add",
      .summary = "Makes an API key, and prints it this once",
      .arguments = key_add_arguments,
      .run = command_key_add },
    { .name = "key list",
      .summary = "Lists API keys",
      .arguments = key_list_arguments,
      .run = command_key_list },
    { .name = "key revoke",
      .summary = "Revokes an API key, at once",
      .arguments = key_revoke_arguments,
      .run = command_key_revoke },
    { .name = "key rotate",
      .summary = "Has access tokens signed by a new key",
      .help = "The old keys verify what they have signed until that has expired.",
      .arguments = key_rotate_arguments,
      .run = command_key_rotate },

    { .name = "client add",
      .summary = "Registers a program that sends its users here to sign in",
      .arguments = client_add_arguments,
      .run = command_client_add },
    { .name = "client list", .summary = "Lists registered programs", .run = command_client_list },
    { .name = "client remove",
      .summary = "Takes a program away, with all sessions that it has",
      .arguments = client_remove_arguments,
      .run = command_client_remove },
    { 0 },
};
