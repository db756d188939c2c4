/* settings.h - what an admin says about one Zammad. */
#ifndef ZAMMAD_SETTINGS_H
#define ZAMMAD_SETTINGS_H

#include <dowel/dowel.h>

struct zammad_settings {
    const char *base_url;
    dw_secret token;
    dw_secret bearer;
    const char *user;
    dw_secret password;
    const char *on_behalf;
    const char *strategy;
    int64_t per_page;
};

extern const dw_item zammad_items[];

static inline bool zammad_secret_is_set(dw_secret s)
{
    return s.hidden && *s.hidden;
}

#endif
