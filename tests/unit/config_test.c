/* Loading: every type, every source, every complaint. */
#include "config_fixture.h"

#include <errno.h>
#include <pthread.h>

#include "config/typed.h"
#include "util/compiler.h"

static const char wide_word[] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/* ---- a table that is not the server's: what a plugin would bring ---- */

struct notes {
    bool shared;
    int64_t max_length;
    double ratio;
    const char *url, *word, *zone;
    struct config_span keep;
    struct config_size quota;
    struct config_secret key;
    struct config_texts tags, colours;
    const char *client_ca, *client_ca_file;
    bool checked; /* no item: filled by check */
};

#define NOTE(member, ...) CONFIG_ITEM(struct notes, member, __VA_ARGS__)
static const struct config_item notes_items[] = {
    NOTE(shared, .fallback = "false", .help = "Shared"),
    NOTE(max_length, .fallback = "100", .min = -5, .max = 1000, .help = "Longest"),
    NOTE(ratio, .fallback = "0.5", .min = 0, .max = 2, .help = "Ratio"),
    NOTE(url, .fallback = "\"\"", .pattern = "url", .help = "Where"),
    NOTE(word, .fallback = "none", .min = 2, .max = 10, .pattern = "/^[a-z]*$/", .help = "Word"),
    NOTE(zone, .fallback = "UTC", .pattern = "zone", .help = "Zone"),
    NOTE(keep, .fallback = "1d", .min = 1000000, .help = "Time"),
    NOTE(quota, .fallback = "1 MiB", .max = 10000000, .help = "Size"),
    NOTE(key, .min = 8, .aliases = "SECRET_KEY", .help = "Key"),
    NOTE(tags, .fallback = "[a, b]", .max = 3, .pattern = "/^[a-z]+$/", .help = "Tags"),
    NOTE(colours, .fallback = "[]", .one_of = "red green", .help = "Colours"),
    NOTE(client_ca, .fallback = "\"\"", .help = "CA"),
    NOTE(client_ca_file, .fallback = "\"\"", .help = "CA file"),
    { .name = NULL },
};

static void notes_check(void *values, struct config_check *check)
{
    struct notes *n = values;

    n->checked = true;
    if (n->max_length == 7)
        config_check_wrong(check, "max_length ratio", "take another", "seven is unlucky with ratio %g",
                           n->ratio);
    if (n->shared)
        config_check_warn(check, "shared", NULL, "is for friends");
}

static const struct config_table notes_table = {
    .name = "my-notes",
    .summary = "Notes",
    .items = notes_items,
    .size = sizeof(struct notes),
    .check = notes_check,
};

static void use_notes(struct fixture *f)
{
    static const struct config_table *const both[] = { &core_config_table, &notes_table };
    f->source.tables = both;
    f->source.tables_n = 2;
}

static const struct notes *notes_good(struct fixture *f, const char *yaml)
{
    use_notes(f);
    fixture_write_bytes(f, "conf.d/my-notes.yaml", yaml, strlen(yaml), 0600);
    int result = fixture_load(f);
    assert_string_equal(fixture_said(f), "");
    assert_int_equal(result, 0);
    return config_values(f->config, "my-notes");
}

static void notes_bad(struct fixture *f, const char *yaml, const char *said)
{
    use_notes(f);
    fixture_write_bytes(f, "conf.d/my-notes.yaml", yaml, strlen(yaml), 0600);
    int result = fixture_load(f);
    assert_string_equal(fixture_said(f), said);
    assert_int_equal(result, -1);
}

/* ---- defaults ---- */

static void without_files_defaults_hold(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f), "");
    const struct core_config *c = core_config(f->config);
    assert_int_equal(c->listen.n, 1);
    assert_string_equal(c->listen.v[0], "127.0.0.1:8000");
    assert_int_equal(c->listeners_n, 1);
    assert_int_equal(c->listeners[0].port, 8000);
    assert_string_equal(c->tls_certificate, "");
    assert_int_equal(c->queue, 1024);
    assert_int_equal(c->body_max.bytes, 1048576);
    assert_int_equal(c->header_timeout.us, 10000000);
    assert_int_equal(c->stream_buffer.bytes, 262144);
    assert_int_equal(c->drain_timeout.us, 30000000);
    assert_true(c->access_log);
    assert_true(c->compression);
    assert_int_equal(c->trusted_networks.n, 0);
    assert_int_equal(c->rate_requests, 0);
    assert_string_equal(c->log_level, "info");
    assert_string_equal(c->log_format, "auto");
    assert_string_equal(c->client_proxy.hidden, "");
}

static void missing_directory_is_fine_unless_asked_for(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(rmdir(f->dir), 0);
    assert_int_equal(fixture_load(f), 0);
    f->source.dir_required = true;
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(
        fixture_said(f),
        "conf.d: No such file or directory, make the directory with: dowel init --config DIR\n");
    fixture_write(f, "conf.d", "a file");
    f->source.dir_required = false;
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), "conf.d: Not a directory\n");
}

static void every_default_is_valid(void **state)
{
    struct fixture *f = *state;
    struct config_field field;
    size_t n = 0;

    assert_int_equal(fixture_load(f), 0);
    for (size_t at = 0; config_next(f->config, &at, &field); n++) {
        assert_string_equal(field.place.source, "default");
        assert_int_equal(field.place.line, 0);
        assert_true(strlen(field.item->help) > 10);
    }
    assert_true(n > 25);
}

/* ---- types ---- */

static void every_type_is_set(void **state)
{
    struct fixture *f = *state;
    const struct notes *n =
        notes_good(f, "shared: false\nmax_length: -5\nratio: 1.25\nurl: https://a.example/x\n"
                      "word: abc\nzone: UTC\nkeep: 1h30m\nquota: 64 KiB\nkey: 'secret: 12'\n"
                      "tags:\n  - x\n  - y\ncolours: [RED, green]\n");

    assert_int_equal(n->max_length, -5);
    assert_true(n->ratio == 1.25);
    assert_string_equal(n->url, "https://a.example/x");
    assert_string_equal(n->word, "abc");
    assert_int_equal(n->keep.us, 5400000000);
    assert_int_equal(n->quota.bytes, 65536);
    assert_string_equal(n->key.hidden, "secret: 12");
    assert_int_equal(n->tags.n, 2);
    assert_string_equal(n->tags.v[1], "y");
    assert_string_equal(n->colours.v[0], "red"); /* as the table spells it */
    assert_true(n->checked);
    assert_false(config_is_enabled(f->config, "my-notes"));
    assert_true(config_is_enabled(f->config, "core"));
}

static void other_forms_of_values(void **state)
{
    struct fixture *f = *state;
    const struct notes *n = notes_good(f, "ratio: 1\nquota: 1000\ntags: alone\n");
    assert_true(n->ratio == 1);
    assert_int_equal(n->quota.bytes, 1000);
    assert_int_equal(n->tags.n, 1);
    assert_string_equal(n->tags.v[0], "alone");

    n = notes_good(f, "tags: []\nratio: 1.5e0\nkeep: 1000ms\n");
    assert_int_equal(n->tags.n, 0);
    assert_int_equal(n->keep.us, 1000000);
    assert_true(n->ratio == 1.5);
    assert_string_equal(n->key.hidden, ""); /* not set, not needed while it is not enabled */
}

static void wrong_types_are_refused(void **state)
{
    struct fixture *f = *state;

    notes_bad(
        f,
        "shared: 1\nmax_length: \"5\"\nratio: half\nurl: 12\nkeep: [1s]\nquota: 1.5\nkey: true\ntags: {a: "
        "b}\n",
        "conf.d/my-notes.yaml:1: shared: must be true or false, found a number\n"
        "conf.d/my-notes.yaml:2: max_length: must be a whole number, found a text, write it without quotes\n"
        "conf.d/my-notes.yaml:3: ratio: must be a number, found a text, write it without quotes\n"
        "conf.d/my-notes.yaml:4: url: must be a text, found a number, put it in quotes\n"
        "conf.d/my-notes.yaml:5: keep: must be a duration, found a list\n"
        "conf.d/my-notes.yaml:6: quota: must be a size, found a number, put it in quotes\n"
        "conf.d/my-notes.yaml:7: key: must be a text, found true or false, put it in quotes\n"
        "conf.d/my-notes.yaml:8: tags: must be a list of texts, found a map\n");
    notes_bad(f, "shared: null\nkeep: 10\ntags: [a, 1, b, null]\n",
              "conf.d/my-notes.yaml:1: shared: must be true or false, found null, remove the line to get the "
              "default\n"
              "conf.d/my-notes.yaml:2: keep: \"10\" is a duration without a unit: write 10s, 5m, 250ms\n"
              "conf.d/my-notes.yaml:3: tags: must be a list of texts, found a number, put it in quotes\n"
              "conf.d/my-notes.yaml:3: tags: must be a list of texts, found null, remove the line to get the "
              "default\n");
}

static void ranges_are_checked(void **state)
{
    struct fixture *f = *state;

    notes_bad(f, "max_length: 1001\nratio: 2.01\nword: a\nkeep: 999ms\nquota: 10 MiB\ntags: [a, b, c, d]\n",
              "conf.d/my-notes.yaml:1: max_length: \"1001\" must be between -5 and 1000\n"
              "conf.d/my-notes.yaml:2: ratio: \"2.01\" must be between 0 and 2\n"
              "conf.d/my-notes.yaml:3: word: \"a\" must be between 2 and 10 bytes long\n"
              "conf.d/my-notes.yaml:4: keep: \"999ms\" must be at least 1s\n"
              "conf.d/my-notes.yaml:5: quota: \"10 MiB\" must be at most 10000000\n"
              "conf.d/my-notes.yaml:6: tags: must have at most 3 entries\n");
    notes_bad(f, "max_length: -6\nratio: -0.01\n",
              "conf.d/my-notes.yaml:1: max_length: \"-6\" must be between -5 and 1000\n"
              "conf.d/my-notes.yaml:2: ratio: \"-0.01\" must be between 0 and 2\n");
    notes_bad(f, "max_length: 9223372036854775808\n",
              "conf.d/my-notes.yaml:1: max_length: \"9223372036854775808\" is not a whole number\n");
    notes_good(f, "max_length: 1000\nratio: 2\nword: ab\nkeep: 1s\ntags: [a, b, c]\n");
}

static void forms_are_checked(void **state)
{
    struct fixture *f = *state;

    notes_bad(f, "word: UPPER\nurl: nowhere\nzone: Mars\ntags: [a, B]\ncolours: [blue]\n",
              "conf.d/my-notes.yaml:1: word: \"UPPER\" does not have the form that is wanted\n"
              "conf.d/my-notes.yaml:2: url: \"nowhere\" is not a URL like https://host.example/path\n"
              "conf.d/my-notes.yaml:3: zone: \"Mars\" is not a time zone that this machine knows, like "
              "Europe/Berlin or "
              "UTC\n"
              "conf.d/my-notes.yaml:4: tags: \"B\" does not have the form that is wanted\n"
              "conf.d/my-notes.yaml:5: colours: \"blue\" is none of: red green\n");
}

static void entries_of_lists_have_their_lines(void **state)
{
    struct fixture *f = *state;

    fixture_bad(
        f, "trusted_proxies:\n  - 10.0.0.0/8\n  - 10.0.0.1/8\n  - x\n  - ''\n",
        "conf.d/core.yaml:3: trusted_proxies: \"10.0.0.1/8\" is not a network: the prefix length is wrong, "
        "or bits "
        "after it are set (10.0.0.0/8, not 10.1.2.3/8)\n"
        "conf.d/core.yaml:4: trusted_proxies: \"x\" is not a network like 10.0.0.0/8, 192.0.2.1 or fd00::/8\n"
        "conf.d/core.yaml:5: trusted_proxies: \"\" is an empty entry\n");
}

static void secrets_are_not_told(void **state)
{
    struct fixture *f = *state;

    notes_bad(f, "key: hunter2\n", "conf.d/my-notes.yaml:1: key: must be at least 8 bytes long\n");
    notes_bad(
        f, "key: 0x1234\n",
        "conf.d/my-notes.yaml:1: key: is a number to some YAML readers and a text to others, write a plain "
        "decimal number, or put it in quotes\n");
    assert_int_equal(unlink(fixture_path(f, "conf.d/my-notes.yaml")), 0);
    fixture_bad(f, "client_proxy: hunter2hunter2\n",
                "conf.d/core.yaml:1: client_proxy: is not a proxy like http://host.example:3128\n");
}

static void the_database_is_named_in_one_of_two_ways(void **state)
{
    static const struct {
        const char *yaml, *said;
    } cases[] = {
        { "database_url: sqlite:/srv/dowel.db\n", "" },
        { "database_url: postgres://dowel:hunter2@db.example/dowel\ndatabase_pooler: true\n", "" },
        { "database_url: postgresql:///dowel?host=/run/postgresql\n", "" },
        { "database_url: sqlite:dowel.db\n",
          "conf.d/core.yaml:1: database_url: has no absolute path; write sqlite:/var/lib/dowel/dowel.db\n" },
        { "database_url: mysql://root:hunter2@localhost/dowel\n",
          "conf.d/core.yaml:1: database_url: is neither sqlite:PATH nor postgres://USER@HOST/NAME\n" },
        { "database_pooler: true\n",
          "conf.d/core.yaml:1: warning: database_pooler: is not used: the database is "
          "not PostgreSQL, remove it\n" },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        fixture_write_bytes(f, "conf.d/core.yaml", cases[i].yaml, strlen(cases[i].yaml), 0600);
        fixture_load(f);
        assert_string_equal(fixture_said(f), cases[i].said);
    }
}

static void long_values_are_shortened(void **state)
{
    struct fixture *f = *state;
    char yaml[200];

    snprintf(yaml, sizeof(yaml), "log_level: %s\n", wide_word);
    fixture_bad(f, yaml,
                "conf.d/core.yaml:1: log_level: "
                "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"... is none "
                "of: debug info warn error\n");
}

/* ---- items that do not exist, or must ---- */

static void typos_get_the_nearest_name(void **state)
{
    struct fixture *f = *state;

    fixture_bad(f, "listn: x\nlog-level: info\nwrokers: 3\nblub: 1\nenabled: true\n",
                "conf.d/core.yaml:1: listn: unknown item, did you mean listen?\n"
                "conf.d/core.yaml:2: log-level: unknown item, did you mean log_level?\n"
                "conf.d/core.yaml:3: wrokers: unknown item, did you mean workers?\n"
                "conf.d/core.yaml:4: blub: unknown item\n"
                "conf.d/core.yaml:5: enabled: unknown item\n");
    notes_bad(f, "enable: true\n",
              "conf.d/core.yaml:1: listn: unknown item, did you mean listen?\n"
              "conf.d/core.yaml:2: log-level: unknown item, did you mean log_level?\n"
              "conf.d/core.yaml:3: wrokers: unknown item, did you mean workers?\n"
              "conf.d/core.yaml:4: blub: unknown item\n"
              "conf.d/core.yaml:5: enabled: unknown item\n"
              "conf.d/my-notes.yaml:1: enable: unknown item, did you mean enabled?\n");
}

static void what_must_be_set_is_asked_for_when_enabled(void **state)
{
    struct fixture *f = *state;

    use_notes(f);
    fixture_write(f, "conf.d/my-notes.yaml", "enabled: true\n");
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "conf.d/my-notes.yaml: key: must be set, write it into ");
    notes_good(f, "enabled: true\nrequired: true\nkey: long enough\n");
    assert_true(config_is_enabled(f->config, "my-notes"));
    assert_true(config_is_required(f->config, "my-notes"));
    assert_false(config_is_enabled(f->config, "zammad"));
    assert_null(config_values(f->config, "zammad"));
}

static void checks_of_a_table_have_a_place(void **state)
{
    struct fixture *f = *state;

    notes_bad(f, "\nmax_length: 7\n",
              "conf.d/my-notes.yaml:2: max_length: seven is unlucky with ratio 0.5, take another\n");
    /* Silent while one of the items it is about is wrong already. */
    notes_bad(f, "max_length: 7\nratio: x\n",
              "conf.d/my-notes.yaml:2: ratio: must be a number, found a text, write it without quotes\n");
    use_notes(f);
    fixture_write(f, "conf.d/my-notes.yaml", "shared: true\n");
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f), "conf.d/my-notes.yaml:1: warning: shared: is for friends\n");
}

/* ---- the server's items together ---- */

static void tls_needs_both_files(void **state)
{
    struct fixture *f = *state;
    char yaml[400];

    fixture_write(f, "cert.pem", "x");
    fixture_write_bytes(f, "key.pem", "x", 1, 0600);
    snprintf(yaml, sizeof(yaml), "queue: 5\ntls_certificate: %s/cert.pem\n", f->root);
    fixture_bad(f, yaml,
                "conf.d/core.yaml:2: tls_certificate: needs tls_key, set it to the file of the certificate's "
                "private key\n");
    snprintf(yaml, sizeof(yaml), "tls_key: %s/key.pem\n", f->root);
    fixture_bad(
        f, yaml,
        "conf.d/core.yaml:1: tls_key: needs tls_certificate, set it to the file of the certificate chain\n");
    fixture_bad(f, "listen: https://127.0.0.1:8443\n",
                "conf.d/core.yaml:1: listen: has an https:// entry but there is no certificate, set "
                "tls_certificate and "
                "tls_key\n");
    snprintf(yaml, sizeof(yaml),
             "listen: https://127.0.0.1:8443\ntls_certificate: %s/cert.pem\ntls_key: %s/key.pem\n", f->root,
             f->root);
    assert_true(fixture_good(f, yaml)->listeners[0].tls);
    snprintf(yaml, sizeof(yaml), "tls_certificate: %s/nothing.pem\ntls_key: %s/key.pem\n", f->root, f->root);
    fixture_bad(f, yaml,
                "conf.d/core.yaml:1: tls_certificate: \"nothing.pem\" names a file that is not there or "
                "cannot be reached "
                "(paths are relative to where the server starts)\n");
}

static void doubtful_combinations_are_warned_about(void **state)
{
    struct fixture *f = *state;
    char yaml[400];

    fixture_write(f, "cert.pem", "x");
    fixture_write(f, "key.pem", "x");
    snprintf(yaml, sizeof(yaml), "tls_certificate: %s/cert.pem\ntls_key: %s/key.pem\nrate_burst: 5\n",
             f->root, f->root);
    fixture_write(f, "conf.d/core.yaml", yaml);
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f), "conf.d/core.yaml:1: warning: tls_certificate: is not used: no "
                                         "entry of listen begins with https://, write "
                                         "https://ADDR:PORT\n"
                                         "conf.d/core.yaml:2: warning: tls_key: names a file that everyone "
                                         "may read, take the right away: chmod o-r\n"
                                         "conf.d/core.yaml:3: warning: rate_burst: is not used: rate_limit "
                                         "is off, set rate_limit, for example to 100/1m\n");
}

static void listeners_stand_once(void **state)
{
    struct fixture *f = *state;

    fixture_bad(f, "listen: [\"127.0.0.1:80\", \"http://127.0.0.1:80\"]\n",
                "conf.d/core.yaml:1: listen: http://127.0.0.1:80 stands twice, remove one of the two\n");
    fixture_bad(f, "listen: [\"unix:/a\", \"unix:/a\"]\n",
                "conf.d/core.yaml:1: listen: unix:/a stands twice, remove one of the two\n");
    fixture_bad(f, "listen: []\n", "conf.d/core.yaml:1: listen: must have between 1 and 64 entries\n");
    assert_int_equal(
        fixture_good(f, "listen: [\"127.0.0.1:0\", \"127.0.0.1:0\", \"unix:/a\"]\n")->listeners_n, 3);
}

static void texts_are_worked_out(void **state)
{
    struct fixture *f = *state;
    const struct core_config *c =
        fixture_good(f, "rate_limit: 100/1m\nrate_burst: 20\ntrusted_proxies: [10.0.0.0/8]\n"
                        "metrics_allow: [192.0.2.1, \"fd00::/8\"]\nclient_allow: [10.1.0.0/16]\n"
                        "cors_origins: [\"*\", \"https://app.example\"]\n");
    assert_int_equal(c->rate_requests, 100);
    assert_int_equal(c->rate_window_us, 60000000);
    assert_int_equal(c->rate_burst, 20);
    assert_int_equal(c->trusted_networks.n, 1);
    assert_int_equal(c->trusted_networks.v[0].bits, 8);
    assert_int_equal(c->metrics_networks.n, 2);
    assert_int_equal(c->client_networks.v[0].bits, 16);
    fixture_bad(f, "client_allow: [169.254.0.0/16]\n",
                "conf.d/core.yaml:1: client_allow: \"169.254.0.0/16\" is link-local; such addresses hold the "
                "metadata "
                "services of clouds and cannot be allowed\n");
}

/* ---- files ---- */

static void line_ends_and_marks_do_not_matter(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(fixture_good(f, "queue: 5\r\nloops: 3\r\n")->loops, 3);
    assert_int_equal(fixture_good(f, "\xef\xbb\xbfqueue: 5\nloops: 4")->loops, 4);
    assert_int_equal(fixture_good(f, "")->queue, 1024);
    assert_int_equal(fixture_good(f, "# nothing\n")->queue, 1024);
    assert_int_equal(fixture_good(f, "\xef\xbb\xbf")->queue, 1024);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *said;
    } cases[] = {
        { "queue: 5\nloops: \0003\n", 19,
          "conf.d/core.yaml:2: has a control character (byte 0x00), remove it\n" },
        { "queue: 5\n\x1b[31m", 14, "conf.d/core.yaml:2: has a control character (byte 0x1b), remove it\n" },
        { "queue: 5\nx: \xff\n", 14, "conf.d/core.yaml:2: is not UTF-8, save the file in that encoding\n" },
        { "x: caf\xe9\n", 8, "conf.d/core.yaml:1: is not UTF-8, save the file in that encoding\n" },
        { "x: \xed\xa0\x80\n", 7, "conf.d/core.yaml:1: is not UTF-8, save the file in that encoding\n" },
        { "\xff\xfeq\0:\0", 6, "conf.d/core.yaml:1: is UTF-16, save the file as UTF-8\n" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(cases); i++) {
        fixture_write_bytes(f, "conf.d/core.yaml", cases[i].bytes, cases[i].n, 0644);
        assert_int_equal(fixture_load(f), -1);
        assert_string_equal(fixture_said(f), cases[i].said);
    }
}

static void files_have_a_limit(void **state)
{
    struct fixture *f = *state;
    size_t n = 1 << 20;
    char *text = malloc(n + 1);

    assert_non_null(text);
    memset(text, '#', n + 1);
    snprintf(text, n, "queue: 5\n");
    text[9] = '#'; /* in place of the NUL */
    fixture_write_bytes(f, "conf.d/core.yaml", text, n, 0644);
    assert_int_equal(fixture_load(f), 0);
    assert_int_equal(core_config(f->config)->queue, 5);
    fixture_write_bytes(f, "conf.d/core.yaml", text, n + 1, 0644);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), "conf.d/core.yaml: is larger than 1 MiB\n");
    free(text);
}

static void files_that_everyone_may_write_are_refused(void **state)
{
    struct fixture *f = *state;

    fixture_write_bytes(f, "conf.d/core.yaml", "queue: 5\n", 9, 0646);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(
        fixture_said(f),
        "conf.d/core.yaml: everyone may write to this file, take the right away: chmod o-w\n");
    fixture_write(f, "conf.d/core.yaml", "queue: 5\n");
    assert_int_equal(chmod(f->dir, 0777), 0);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f),
                        "conf.d: everyone may write to this directory, take the right away: chmod o-w\n");
}

static void things_that_are_no_files_are_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(fixture_path(f, "conf.d/core.yaml"), 0755), 0);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), "conf.d/core.yaml: is a directory, a file is needed here\n");
    assert_int_equal(rmdir(fixture_path(f, "conf.d/core.yaml")), 0);

    assert_int_equal(mkfifo(fixture_path(f, "conf.d/core.yaml"), 0600), 0); /* must not wait for a writer */
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f), "conf.d/core.yaml: is not a regular file\n");
    assert_int_equal(unlink(fixture_path(f, "conf.d/core.yaml")), 0);

    assert_int_equal(symlink("core.yaml", fixture_path(f, "conf.d/core.yaml")), 0);
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "conf.d/core.yaml: cannot be read: Too many levels of symbolic links");
    assert_int_equal(unlink(fixture_path(f, "conf.d/core.yaml")), 0);

    assert_int_equal(symlink("nowhere", fixture_path(f, "conf.d/core.yaml")), 0);
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "conf.d/core.yaml: cannot be read: No such file or directory");
}

static void unreadable_files_are_errors(void **state)
{
    struct fixture *f = *state;

    if (geteuid() == 0)
        skip(); /* root may read everything */
    fixture_write_bytes(f, "conf.d/core.yaml", "queue: 5\n", 9, 0000);
    assert_int_equal(fixture_load(f), -1);
    assert_string_equal(fixture_said(f),
                        "conf.d/core.yaml: cannot be read: Permission denied, give the server's user the "
                        "right to read it\n");
}

/* Kubernetes mounts a ConfigMap so. */
static void links_to_files_are_followed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(fixture_path(f, "conf.d/..2026_01_01"), 0755), 0);
    fixture_write(f, "conf.d/..2026_01_01/core.yaml", "queue: 7\n");
    assert_int_equal(symlink("..2026_01_01", fixture_path(f, "conf.d/..data")), 0);
    assert_int_equal(symlink("..data/core.yaml", fixture_path(f, "conf.d/core.yaml")), 0);
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f), "");
    assert_int_equal(core_config(f->config)->queue, 7);
}

static void names_of_files_are_checked(void **state)
{
    struct fixture *f = *state;

    fixture_write(f, "conf.d/.core.yaml.swp", "x");
    fixture_write(f, "conf.d/core.yaml~", "x");
    fixture_write(f, "conf.d/core.yaml.bak", "x");
    fixture_write(f, "conf.d/.hidden.yaml", "x: [");
    fixture_write(f, "conf.d/README", "x");
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f), "");
    fixture_write(f, "conf.d/core.yml", "x");
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f), "conf.d/core.yml: warning: is not read, rename it to .yaml\n");
    fixture_write(f, "conf.d/My Plugin.yaml", "x: 1\n");
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f,
                        "conf.d/My Plugin.yaml: is not the name of a plugin's file, use lower case letters");
}

static void a_file_must_be_a_map(void **state)
{
    struct fixture *f = *state;

    fixture_bad(f, "- a\n- b\n", "conf.d/core.yaml:1: must hold lines of the form: item: value\n");
    fixture_bad(f, "\nhello\n", "conf.d/core.yaml:2: must hold lines of the form: item: value\n");
    fixture_bad(f, "null\n", "conf.d/core.yaml:1: must hold lines of the form: item: value\n");
}

static void everything_wrong_is_told_at_once(void **state)
{
    struct fixture *f = *state;
    static char *environment[] = { (char *)(uintptr_t) "DOWEL_CORE__HEARTBEAT=5", NULL };

    f->source.environment = environment;
    fixture_write(f, "conf.d/zz.yaml", "a: [1\n");
    fixture_write(f, ".env", "oops\n");
    fixture_bad(
        f, "queue: 0\nlisten: [x]\nloops: 0x1\nqueue: 3\nquue: 4\n",
        "conf.d/core.yaml:1: queue: \"0\" must be between 1 and 1000000\n"
        "conf.d/core.yaml:2: listen: \"x\" has no port; write ADDR:PORT, https://ADDR:PORT or unix:PATH\n"
        "conf.d/core.yaml:3: loops: is a number to some YAML readers and a text to others, write a plain "
        "decimal "
        "number, or put it in quotes\n"
        "conf.d/core.yaml:4: queue: stands twice, first in line 1, remove one of the two\n"
        "conf.d/core.yaml:5: quue: unknown item, did you mean queue?\n"
        "conf.d/zz.yaml:2: is not YAML: flow sequence without a closing bracket\n"
        ".env:1: is not NAME=VALUE, comments begin with #\n"
        "environment DOWEL_CORE__HEARTBEAT: heartbeat: \"5\" is a duration without a unit: write 10s, 5m, "
        "250ms\n");
}

static void problems_are_counted_beyond_what_is_kept(void **state)
{
    struct fixture *f = *state;
    struct buf yaml = BUF_INIT;

    for (unsigned i = 0; i < 1000; i++)
        buf_add_format(&yaml, "unknown_thing_%u: x\n", i);
    fixture_write(f, "conf.d/core.yaml", buf_text(&yaml));
    buf_finish(&yaml);
    assert_int_equal(fixture_load(f), -1);
    assert_int_equal(f->problems.errors, 1000);
    fixture_assert_said(f, "\nand 800 more\n");
}

/* ---- files of plugins ---- */

static void unknown_plugins_are_kept_raw(void **state)
{
    struct fixture *f = *state;
    size_t n;

    fixture_write(f, "conf.d/zammad.yaml",
                  "enabled: true\nurl: https://desk.example\ndeep: {list: [1, 2]}\n");
    fixture_write(f, "conf.d/kimai.yaml", "enabled: false\n");
    fixture_write(f, "conf.d/cor.yaml", "queue: 5\n");
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f),
                        "conf.d/cor.yaml: warning: nothing reads this file, did you mean core.yaml?\n"
                        "conf.d/zammad.yaml: warning: no plugin of that name is installed\n");
    const struct config_file *files = config_unknown_files(f->config, &n);
    assert_int_equal(n, 3);
    assert_string_equal(files[2].name, "zammad");
    assert_true(files[2].enabled);
    assert_false(files[1].enabled);
    const struct yaml_node *deep = yaml_find(files[2].root, STR_OF("deep"));
    assert_non_null(deep);
    assert_int_equal(yaml_find(deep, STR_OF("list"))->n, 2);
    assert_null(yaml_find(deep, STR_OF("other")));

    fixture_write(f, "conf.d/zammad.yaml", "enabled: yes\n");
    assert_int_equal(fixture_load(f), -1);
    fixture_write(f, "conf.d/zammad.yaml", "enabled: \"true\"\n");
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "conf.d/zammad.yaml:1: enabled: must be true or false, found a text");
}

static void readable_secrets_are_warned_about(void **state)
{
    struct fixture *f = *state;

    use_notes(f);
    fixture_write(f, "conf.d/my-notes.yaml", "word: abc\nkey: long enough\n");
    assert_int_equal(fixture_load(f), 0);
    assert_string_equal(fixture_said(f),
                        "conf.d/my-notes.yaml:2: warning: key: everyone may read this file and it holds a "
                        "secret, take the right away: chmod o-r\n");
}

/* ---- the snapshot ---- */

static void snapshots_outlive_what_they_came_from(void **state)
{
    struct fixture *f = *state;
    char value[] = "DOWEL_CORE__STATIC_DIR=/tmp";
    char *environment[] = { value, NULL };

    f->source.environment = environment;
    assert_int_equal(fixture_load(f), 0);
    memset(value, 'x', sizeof(value) - 1);
    assert_string_equal(core_config(f->config)->static_dir, "/tmp");

    struct config *old = config_hold(f->config);
    f->source.environment = NULL;
    assert_int_equal(fixture_good(f, "queue: 9\n")->queue, 9);
    assert_int_equal(core_config(old)->queue, 1024);
    assert_string_equal(core_config(old)->static_dir, "/tmp");
    config_drop(old);
    config_drop(NULL);
    assert_null(config_hold(NULL));
}

static void *hold_and_drop(void *ud)
{
    for (unsigned i = 0; i < 1000; i++) {
        struct config *c = config_hold(ud);
        assert_int_equal(core_config(c)->queue, 1024);
        config_drop(c);
    }
    return NULL;
}

static void snapshots_are_shared_between_threads(void **state)
{
    struct fixture *f = *state;
    pthread_t threads[4];

    assert_int_equal(fixture_load(f), 0);
    for (size_t i = 0; i < DW_COUNT_OF(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hold_and_drop, f->config), 0);
    for (size_t i = 0; i < DW_COUNT_OF(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(core_config(f->config)->queue, 1024);
}

static void items_are_found_by_name(void **state)
{
    struct fixture *f = *state;
    struct config_field field;
    const char *nearest = NULL;
    struct buf text = BUF_INIT;

    notes_good(f, "ratio: 0.1\n");
    assert_int_equal(config_find(f->config, "ratio", &field, &nearest), 0);
    assert_string_equal(field.table->name, "my-notes");
    config_place_format(&text, field.place);
    assert_non_null(strstr(buf_text(&text), "/conf.d/my-notes.yaml:1"));
    text.n = 0;
    typed_format(&text, field.item, field.values, ",");
    assert_string_equal(buf_text(&text), "0.1");
    assert_int_equal(config_find(f->config, "core.queue", &field, &nearest), 0);
    assert_int_equal(config_find(f->config, "my-notes.queue", &field, &nearest), -1);
    assert_string_equal(nearest, "queue");
    assert_int_equal(config_find(f->config, "my-notes.client_ca_file", &field, &nearest), 0);
    assert_int_equal(config_find(f->config, "client_ca_file", &field, &nearest), -2);
    assert_int_equal(config_find(f->config, "enabled", &field, &nearest), 0);
    buf_finish(&text);
}

static const struct config_item wrong_items[] = {
    NOTE(max_length, .fallback = "many", .help = "Longest"),
    NOTE(word, .fallback = "[", .help = "Word"),
    NOTE(ratio, .fallback = "", .help = "Ratio"),
    NOTE(url, .fallback = "", .help = "A text may be empty"),
    { .name = NULL },
};

static void a_wrong_table_is_told(void **state)
{
    static const struct config_table table = {
        .name = "x", .summary = "X", .items = wrong_items, .size = sizeof(struct notes)
    };
    static const struct config_table *const tables[] = { &table };
    struct fixture *f = *state;

    f->source.tables = tables;
    assert_int_equal(fixture_load(f), -1);
    fixture_assert_said(f, "default: max_length: must be a whole number");
    fixture_assert_said(f, "default: word: is not YAML");
    fixture_assert_said(f, "default: ratio: is empty; write what it is");
    assert_null(strstr(fixture_said(f), "url"));
}

#define LOADING(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOADING(without_files_defaults_hold),
        LOADING(missing_directory_is_fine_unless_asked_for),
        LOADING(every_default_is_valid),
        LOADING(every_type_is_set),
        LOADING(other_forms_of_values),
        LOADING(wrong_types_are_refused),
        LOADING(ranges_are_checked),
        LOADING(forms_are_checked),
        LOADING(entries_of_lists_have_their_lines),
        LOADING(secrets_are_not_told),
        LOADING(the_database_is_named_in_one_of_two_ways),
        LOADING(long_values_are_shortened),
        LOADING(typos_get_the_nearest_name),
        LOADING(what_must_be_set_is_asked_for_when_enabled),
        LOADING(checks_of_a_table_have_a_place),
        LOADING(tls_needs_both_files),
        LOADING(doubtful_combinations_are_warned_about),
        LOADING(listeners_stand_once),
        LOADING(texts_are_worked_out),
        LOADING(line_ends_and_marks_do_not_matter),
        LOADING(bytes_that_are_no_text_are_refused),
        LOADING(files_have_a_limit),
        LOADING(files_that_everyone_may_write_are_refused),
        LOADING(things_that_are_no_files_are_refused),
        LOADING(unreadable_files_are_errors),
        LOADING(links_to_files_are_followed),
        LOADING(names_of_files_are_checked),
        LOADING(a_file_must_be_a_map),
        LOADING(everything_wrong_is_told_at_once),
        LOADING(problems_are_counted_beyond_what_is_kept),
        LOADING(unknown_plugins_are_kept_raw),
        LOADING(readable_secrets_are_warned_about),
        LOADING(snapshots_outlive_what_they_came_from),
        LOADING(snapshots_are_shared_between_threads),
        LOADING(items_are_found_by_name),
        LOADING(a_wrong_table_is_told),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
