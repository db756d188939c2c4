/* core_config.h - the server's own settings: conf.d/core.yaml. */
#ifndef CONFIG_CORE_CONFIG_H
#define CONFIG_CORE_CONFIG_H

#include "config/config.h"
#include "util/address.h"

/* One entry of `listen`, understood. */
struct core_listener {
    const char *text; /* as it was written */
    const char *path; /* of a Unix socket; NULL: TCP */
    struct address address;
    uint16_t port; /* 0: any that is free */
    bool tls;
};

struct core_networks {
    const struct network *v;
    size_t n;
};

/* What the members mean stands beside them in core_config.c, where the admin's help comes from. */
struct core_config {
    struct config_texts listen;
    const char *tls_certificate, *tls_key; /* "": none */

    int64_t loops, workers, job_workers; /* 0: as many as the machine suggests */
    int64_t queue;

    struct config_size body_max;
    int64_t connections_max, connections_per_address;
    struct config_span header_timeout, idle_timeout, write_timeout, request_timeout;
    struct config_size body_min_rate;
    struct config_span heartbeat;
    struct config_size stream_buffer;
    struct config_span drain_timeout;
    struct config_span watchdog_warn, watchdog_replace; /* 0: never */

    bool access_log, compression, check_replies;
    struct config_texts trusted_proxies, cors_origins;
    const char *rate_limit; /* see rate_requests */
    int64_t rate_burst;
    bool route_limits;
    const char *static_dir; /* "": none */
    bool docs_pages;
    struct config_texts metrics_allow;

    struct config_span jobs_keep_done, jobs_keep_dead;
    struct config_span check_connections;
    struct config_span audit_keep; /* 0: for ever */
    const char *time_zone;         /* of schedules that name none */

    struct config_secret database_url; /* "": SQLite in the data directory */
    int64_t database_connections;
    struct config_size database_mmap;
    bool database_pooler;
    struct config_span statement_timeout, transaction_timeout, slow_query;

    struct config_secret secret_key; /* for keyring_open() */

    struct config_texts plugin_dirs; /* none: see catalog_directories() */
    struct config_span probe_timeout;

    const char *log_level;  /* for log_level_from_text() */
    const char *log_format; /* "text", "json", "auto" */

    const char *client_ca_file; /* "": the system's */
    struct config_secret client_proxy;
    struct config_texts client_allow;

    /* What the texts above mean, worked out once. */
    const struct core_listener *listeners;
    size_t listeners_n;
    struct core_networks trusted_networks, metrics_networks, client_networks;
    uint32_t rate_requests; /* per rate_window_us and address; 0: off */
    int64_t rate_window_us;
};

extern const struct config_table core_config_table;

/* Needs a snapshot that was loaded with core_config_table. [any thread] */
static inline const struct core_config *core_config(const struct config *c)
{
    return config_values(c, "core");
}

/* "ADDR:PORT", "http://ADDR:PORT", "https://ADDR:PORT", "unix:PATH". NULL, or why not; out borrows the terminated
 * text. */
const char *core_listener_parse(struct str text, struct core_listener *out);

/* "off", "" or "100/1m". NULL, or why not. */
const char *core_rate_parse(struct str text, uint32_t *requests, int64_t *window_us);

/* "postgres://..." or "postgresql://..."? */
bool core_database_is_postgres(struct str url);

#endif
