/* Roles of a tenant, and the permissions that there are. */
#include <string.h>

#include "permissions.h"

/* "viewer member" as an array. */
static void write_words(dw_out *o, const char *words)
{
    while (*words) {
        size_t n = strcspn(words, " ");
        if (n > 0)
            dw_out_add(o, ((dw_str){ words, n }));
        words += n + strspn(words + n, " ");
    }
}

int auth_list_permissions(dw_call *c, dw_request *req)
{
    dw_out *o = dw_reply_open(req, 200);
    const dw_permission *p;

    dw_out_array(o, "items");
    for (size_t i = 0; (p = auth_permission(c, i)) != NULL; i++) {
        dw_out_object(o, NULL);
        dw_out_set(o, "name", p->name);
        dw_out_set(o, "summary", p->summary);
        dw_out_set(o, "plugin", p->plugin);
        dw_out_array(o, "roles");
        write_words(o, p->roles);
        dw_out_end(o);
        dw_out_end(o);
    }
    return dw_reply_close(req);
}
