#include "clients.h"

#include <string.h>

#include "auth.h"
#include "credentials.h"

enum { URI_MAX = 2000, URIS_MAX = 20 };

/* ---- redirect URIs ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Where the path begins of http://127.0.0.1:PORT/path or http://[::1]:PORT/path; NULL for anything else. */
static const char *behind_loopback(const char *uri)
{
    static const char *const hosts[] = { "http://127.0.0.1", "http://[::1]" };

    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        if (!begins(uri, hosts[i]))
            continue;
        const char *at = uri + strlen(hosts[i]);
        size_t digits = *at == ':' ? strspn(at + 1, "0123456789") : 0;
        if (*at == ':' && digits >= 1 && digits <= 5)
            at += 1 + digits;
        return *at == '/' || *at == '?' || *at == '\0' ? at : NULL;
    }
    return NULL;
}

static bool is_same_loopback(const char *registered, const char *uri)
{
    const char *a = behind_loopback(registered), *b = behind_loopback(uri);

    return a && b && strcmp(a, b) == 0 && registered[strlen("http://")] == uri[strlen("http://")];
}

bool client_allows(const struct client *client, const char *uri)
{
    json_t *it;
    size_t i;

    json_array_foreach(client->redirect_uris, i, it)
    {
        const char *registered = json_string_value(it);
        if (registered && (strcmp(registered, uri) == 0 || is_same_loopback(registered, uri)))
            return true;
    }
    return false;
}

/* com.example.app:/callback. A name without a dot may be anybody's (RFC 8252, 7.1), or the browser's own: javascript. */
static bool is_private_scheme(const char *uri)
{
    size_t n = strcspn(uri, ":");

    return uri[n] == ':' && memchr(uri, '.', n) && *uri >= 'a' && *uri <= 'z' &&
           strspn(uri, "abcdefghijklmnopqrstuvwxyz0123456789.-") == n && uri[n + 1] == '/';
}

static bool has_host(const char *uri, const char *scheme)
{
    size_t n = strlen(scheme);

    return begins(uri, scheme) && strcspn(uri + n, "/?") > 0 && !memchr(uri + n, '@', strcspn(uri + n, "/?"));
}

const char *client_uri_problem(const char *uri)
{
    if (!*uri || strlen(uri) > URI_MAX)
        return "is empty, or too long";
    for (const char *p = uri; *p; p++) {
        if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p))
            return "has a character that no URI has; write it as %20 or the like";
    }
    if (strchr(uri, '#'))
        return "has a fragment";
    if (has_host(uri, "https://") || behind_loopback(uri) || has_host(uri, "http://localhost") ||
        is_private_scheme(uri))
        return NULL;
    return "is neither https://..., nor a loopback address as http://127.0.0.1/..., nor the scheme of an app "
           "as "
           "com.example.app:/...";
}

static int check_uris(dw_call *c, const json_t *uris)
{
    const json_t *it;
    size_t i;

    if (json_array_size(uris) == 0 || json_array_size(uris) > URIS_MAX)
        return dw_fail_at(c, "/redirect_uris", "needs at least one, at most 20");
    json_array_foreach((json_t *)(uintptr_t)uris, i, it)
    {
        const char *uri = json_string_value(it);
        const char *problem = uri ? client_uri_problem(uri) : "is no text";
        if (problem)
            return dw_fail_at(c, dw_format(c, "/redirect_uris/%zu", i), problem);
    }
    return 0;
}

/* ---- rows ---- */

int client_find(dw_call *c, const char *id, struct client *out)
{
    *out = (struct client){ 0 };
    return dw_db_find(c, DW_TO(&out->id, &out->name, &out->redirect_uris),
                      "SELECT id, name, redirect_uris FROM auth_clients WHERE CAST(id AS TEXT) = $1", id);
}

int client_add(dw_call *c, const char *name, const json_t *redirect_uris, const char **id)
{
    const dw_principal *me = dw_principal_of(c);

    DW_TRY(check_uris(c, redirect_uris));
    *id = dw_id(c);
    DW_TRY(dw_db_exec(c,
                      "INSERT INTO auth_clients (id, name, redirect_uris, created_by, created_at)"
                      " VALUES ($1, $2, $3, $4, :now)",
                      *id, name, redirect_uris, *me->id ? me->id : NULL));
    return audit(c, "auth.client.created", *id, "name", name, "redirect_uris", redirect_uris);
}

int client_remove(dw_call *c, const char *id)
{
    const char *name;

    DW_TRY(dw_db_get(c, DW_TO(&name), "DELETE FROM auth_clients WHERE CAST(id AS TEXT) = $1 RETURNING name",
                     id));
    DW_TRY(audit(c, "auth.client.removed", id, "name", name));
    return auth_forget(c, ""); /* its sessions went with it, and nobody knows which they were */
}

/* ---- operations ---- */

int auth_list_clients(dw_call *c, dw_request *req)
{
    return dw_reply_list(c, req, "SELECT id, name, redirect_uris, created_by, created_at FROM auth_clients");
}

int auth_create_client(dw_call *c, dw_request *req)
{
    const char *name, *id;
    json_t *uris;
    dw_rows *rows;

    DW_TRY(dw_request_read(req, "name", &name, "redirect_uris", &uris));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(client_add(c, name, uris, &id));
    DW_TRY(dw_db_query(
        c, &rows, "SELECT id, name, redirect_uris, created_by, created_at FROM auth_clients WHERE id = $1",
        id));
    DW_TRY(dw_reply_row(req, 201, rows));
    return dw_tx_commit(c);
}

int auth_delete_client(dw_call *c, dw_request *req)
{
    const char *id;

    DW_TRY(dw_request_read(req, "id", &id));
    DW_TRY(dw_tx_begin(c));
    DW_TRY(client_remove(c, id));
    DW_TRY(dw_reply(req, 204));
    return dw_tx_commit(c);
}
