/* kimai - where time is billed: the connector of kind "kimai". */
#include "kimai.h"

#include "known.h"

static const dw_item settings[] = {
    DW_ITEM(struct kimai_settings, base_url, .pattern = "url",
            .help = "Where Kimai is: https://kimai.example.org, without /api and without a language"),
    DW_ITEM(struct kimai_settings, token, .fallback = "",
            .help = "An API token of the user who writes (his profile, API access). Kimai 2.14 or newer"),
    DW_ITEM(struct kimai_settings, legacy_user, .fallback = "", .max = 180,
            .help = "Only for an older Kimai, instead of a token: the name of the user who writes"),
    DW_ITEM(struct kimai_settings, legacy_token, .fallback = "",
            .help = "Only with legacy_user: the API password that he has set in his profile"),
    DW_ITEM(struct kimai_settings, customer_country, .fallback = "DE", .pattern = "/^[A-Z][A-Z]$/",
            .help = "Of customers that are made: the country, by its two letters"),
    DW_ITEM(struct kimai_settings, customer_currency, .fallback = "EUR", .pattern = "/^[A-Z][A-Z][A-Z]$/",
            .help = "Of customers that are made: the currency, by its three letters"),
    DW_ITEM(struct kimai_settings, customer_timezone, .fallback = "Europe/Berlin", .min = 1, .max = 64,
            .help = "Of customers that are made: the time zone"),
    DW_ITEM(struct kimai_settings, customer_language, .fallback = "de",
            .one_of =
                "ar bg ca cs da de de_CH el en eo es eu fa fi fo fr he hr hu id it ja ko nb_NO nl pa pl pt "
                "pt_BR ro ru sk sl sr sv ta tr uk vi zh_CN zh_Hant zh_Hant_TW",
            .help = "Of customers that are made: the language of their invoices"),
    DW_ITEM(struct kimai_settings, page_size, .fallback = "500", .min = 1, .max = 500,
            .help = "How many timesheets are read at once. Less, if Kimai runs out of time or memory"),
    { 0 },
};

static const dw_connector connectors[] = {
    { .name = "kimai",
      .title = "Kimai",
      .summary = "Times become timesheets there",
      .settings = DW_ITEMS(struct kimai_settings, settings),
      .address = "base_url",
      .check = kimai_check,
      .listings = kimai_listings,
      .time_target =
          DW_ROLE(dw_time_target, .list = kimai_list, .write = kimai_write, .remove = kimai_remove) },
    { 0 },
};

DOWEL_PLUGIN(.name = "kimai", .version = "0.1.0", .summary = "Connects Kimai, where time is billed",
             .license = "MIT", .self_size = sizeof(struct kimai_self), .init = known_init, .fini = known_fini,
             .connectors = connectors);
