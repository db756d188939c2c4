#include "settings.h"

const dw_item zammad_items[] = {
    DW_ITEM(struct zammad_settings, base_url, .pattern = "url",
            .help = "The address of Zammad as people open it in a browser: `https://desk.example.org`."),
    DW_ITEM(struct zammad_settings, token, .fallback = "", .max = 1024,
            .help = "An access token (Zammad: profile, Token Access): the usual way."),
    DW_ITEM(struct zammad_settings, bearer, .fallback = "", .max = 8192,
            .help = "Instead of it: an access token of OAuth 2."),
    DW_ITEM(struct zammad_settings, user, .fallback = "", .max = 255,
            .help = "Instead of both: who signs in with a password. Not for users with a second factor."),
    DW_ITEM(struct zammad_settings, password, .fallback = "", .max = 1024, .help = "The password of `user`."),
    DW_ITEM(struct zammad_settings, on_behalf, .fallback = "", .max = 255,
            .help = "Everything is done for this user (an id, a login or an e-mail address), which needs the "
                    "permission admin.user. Empty: for whoever the token belongs to."),
    DW_ITEM(struct zammad_settings, strategy, .fallback = "auto", .one_of = "auto global tickets",
            .help = "How booked time is read: `global`, one list of all of it (needs admin.time_accounting "
                    "and Zammad "
                    "6.3); `tickets`, ticket by ticket (needs ticket.agent); `auto`, whatever works."),
    DW_ITEM(struct zammad_settings, per_page, .fallback = "500", .min = 1, .max = 1000,
            .help = "How many rows are asked for at once; Zammad gives fewer where it has its own limit."),
    { 0 },
};
