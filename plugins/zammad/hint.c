#include "hint.h"

#include "row.h"

/* {"ticket":{"id":12}} is Zammad's own; {"ticket_id":"12"} and the like are what admins write, whose values are texts. */
int64_t hint_ticket(const json_t *body)
{
    static const char *const names[] = { "ticket_id", "ticketId", "ticket" };
    const json_t *ticket = json_object_get(body, "ticket");
    int64_t id = row_id(json_object_get(ticket, "id"));

    for (size_t i = 0; id == 0 && i < sizeof(names) / sizeof(*names); i++)
        id = row_id(json_object_get(body, names[i]));
    return id ? id : row_id(json_object_get(json_object_get(body, "article"), "ticket_id"));
}
