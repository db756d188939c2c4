/* openapi.c - `dowel openapi`: the document that the server answers /openapi.json with, without a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/publish.h"
#include "api/server_contract.h"
#include "cli/plugin.h"
#include "operations/core_operations.h"

struct contracts {
    struct api_source *v;
    size_t n;
};

/* A contract that is wrong declines its plugin; `dowel plugin verify` says why. */
static void add_plugin(struct contracts *all, const struct plugin_view *v, const struct plan_plugin *p)
{
    const struct catalog_plugin *known = catalog_find(v->settings.catalog, p->name);
    const json_t *api = known ? json_object_get(known->found, "api") : NULL;
    struct config_problems problems;
    struct api_document *document;
    char source[200];

    if (p->state != PLUGIN_LOADED || !json_is_string(api))
        return;
    snprintf(source, sizeof(source), "%s/api.yaml", p->name);
    config_problems_init(&problems);
    if (api_document_create(str_make(json_string_value(api), json_string_length(api)), source, &problems,
                            &document) == 0)
        all->v[all->n++] = (struct api_source){ p->name, known->summary, document };
    else
        fprintf(stderr, "%s is left out, as its contract cannot be read: dowel plugin verify says why\n",
                p->name);
    config_problems_finish(&problems);
}

static int collect(struct contracts *all, const struct plugin_view *v)
{
    struct buf why = BUF_INIT;
    struct api_document *own = NULL, *described = NULL;

    all->v = calloc(v->plan.sequence_n + 2, sizeof(*all->v));
    int result = all->v ? core_operations_read(&own, &why) : -1;
    if (result == 0)
        all->v[all->n++] = (struct api_source){ "core", "", own };
    if (result == 0)
        result = server_contract_read(&described, &why);
    if (result != 0)
        fprintf(stderr, "%s\n", why.n > 0 ? buf_text(&why) : "out of memory");
    buf_finish(&why);
    if (result != 0)
        return CLI_FAILED;
    all->v[all->n++] = (struct api_source){ "server", "", described };
    for (size_t i = 0; i < v->plan.sequence_n; i++)
        add_plugin(all, v, v->plan.sequence[i]);
    return CLI_OK;
}

static int print(const struct cli *c, const struct contracts *all)
{
    struct buf text = BUF_INIT;
    json_t *document = NULL;
    char *json = NULL;

    if (api_publish(&document, all->v, all->n) == 0)
        json = json_dumps(document, c->json ? JSON_COMPACT : JSON_INDENT(2));
    json_decref(document);
    if (!json) {
        fputs("out of memory\n", stderr);
        return CLI_FAILED;
    }
    buf_add_format(&text, "%s\n", json);
    free(json);
    return cli_print(&text);
}

static int run(const struct cli *c)
{
    struct contracts all = { NULL, 0 };
    struct plugin_view v;

    if (c->argc > 0)
        return cli_usage(c, "openapi takes no arguments");
    int result = plugin_view_open(&v, c);
    if (result == CLI_OK)
        result = collect(&all, &v);
    if (result == CLI_OK)
        result = print(c, &all);
    for (size_t i = 0; i < all.n; i++)
        api_document_destroy((struct api_document *)(uintptr_t)all.v[i].document);
    free(all.v);
    plugin_view_close(&v);
    return result;
}

const struct cli_verb cli_verb_openapi = {
    .name = "openapi",
    .arguments = "",
    .summary = "Prints the contract of this server and its plugins, OpenAPI 3.1",
    .help = "What the server answers GET /openapi.json with: its own operations, and those of the plugins "
            "that are\n"
            "enabled and can be loaded. No server need run. With --output json in one line.\n"
            "\n"
            "    dowel openapi >openapi.json\n",
    .run = run,
};
