/* plugin_enable.c - `dowel plugin enable` and `disable`: one line of conf.d/NAME.yaml, and nothing else of it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/note.h"
#include "cli/plugin.h"
#include "config/directory.h"
#include "config/file.h"
#include "config/render.h"
#include "config/yaml.h"
#include "util/new_file.h"

struct change {
    const char *name;
    bool enable;
    char path[PATH_MAX]; /* of the file itself, behind links */
    mode_t mode;
    bool exists;
    struct buf before, after;
};

/* ---- the text ---- */

/* The line of the key `enabled` at the top of the file, without what YAML would take for a part of something else. */
static bool is_switch(struct str line)
{
    static const struct str key = STR("enabled");

    if (!str_starts_with(line, key))
        return false;
    line = str_trim(str_make(line.p + key.n, line.n - key.n));
    return line.n > 0 && line.p[0] == ':';
}

static bool is_content(struct str line)
{
    struct str text = str_trim(line);
    return text.n > 0 && text.p[0] != '#' && !str_equal(text, STR_OF("---"));
}

/* With the comment that stands behind the value. */
static void add_switch(struct change *ch, struct str line)
{
    const char *comment = line.n ? memmem(line.p, line.n, " #", 2) : NULL;

    while (comment && comment > line.p && (comment[-1] == ' ' || comment[-1] == '\t'))
        comment--;
    buf_add_format(&ch->after, "enabled: %s", ch->enable ? "true" : "false");
    if (comment)
        buf_add(&ch->after, comment, line.n - (size_t)(comment - line.p));
    buf_add_char(&ch->after, '\n');
}

static bool has_switch(struct str text)
{
    struct str line;

    while (str_split(&text, '\n', &line)) {
        if (is_switch(line))
            return true;
    }
    return false;
}

/* The first line that is more than a comment gets it in front, when there is none. */
static void rewrite(struct change *ch)
{
    struct str rest = buf_str(&ch->before), line;
    bool found = has_switch(rest), done = false;

    if (str_ends_with(rest, STR_OF("\n")))
        rest.n--;
    while (rest.n > 0 && str_split(&rest, '\n', &line)) {
        if (found ? is_switch(line) : is_content(line) && !done) {
            add_switch(ch, found ? line : STR_OF(""));
            done = true;
            if (found)
                continue;
        }
        buf_add_str(&ch->after, line);
        buf_add_char(&ch->after, '\n');
    }
    if (!done)
        add_switch(ch, STR_OF(""));
}

/* What has no default stands there to be filled in, unless it does already. */
static void add_needed(struct change *ch, const struct config_table *table)
{
    for (const struct config_item *it = table ? table->items : NULL; it && it->name; it++) {
        if (it->fallback ||
            (ch->before.n > 0 && memmem(ch->before.p, ch->before.n, it->name, strlen(it->name))))
            continue;
        buf_add_format(&ch->after, "\n# %s. Must be set.\n#%s:\n", it->help, it->name);
    }
}

static void ignore(unsigned line, const char *item, const char *text, const char *hint, void *ud)
{
    (void)line;
    (void)item;
    (void)text;
    (void)hint;
    (void)ud;
}

/* A file that is not understood is not touched, and nothing is written that says something else than was meant. */
static bool says_so(struct change *ch)
{
    struct arena arena;
    struct yaml_node *root = NULL;

    arena_init(&arena, NULL, 0, 0);
    bool right =
        yaml_parse(&arena, buf_str(&ch->after), &root, ignore, NULL) == 0 && root && root->kind == YAML_MAP;
    const struct yaml_node *node = right ? yaml_find(root, STR_OF("enabled")) : NULL;
    right = node && node->kind == YAML_BOOL &&
            str_equal(node->text, ch->enable ? STR_OF("true") : STR_OF("false"));
    arena_finish(&arena);
    return right && !buf_failed(&ch->after);
}

/* ---- the file ---- */

static int fail(const char *path, const char *what, const char *why)
{
    fprintf(stderr, "%s: %s: %s\n", path, what, why);
    return -1;
}

static int read_file(struct change *ch, const char *config_dir)
{
    char path[PATH_MAX];
    struct config_file_fault fault;
    struct stat st;

    if (snprintf(path, sizeof(path), "%s/%s.yaml", config_dir, ch->name) >= (int)sizeof(path))
        return fail(config_dir, "cannot be used", strerror(ENAMETOOLONG));
    ch->exists = stat(path, &st) == 0;
    ch->mode = ch->exists ? st.st_mode & 0777 : 0644;
    if (!ch->exists || !realpath(path, ch->path)) /* a link is kept, and what it leads to is changed */
        snprintf(ch->path, sizeof(ch->path), "%s", path);
    if (ch->exists && config_file_read(&ch->before, path, CONFIG_FILE_TEXT, NULL, &fault) != 0)
        return fail(path, "cannot be changed", fault.text);
    return 0;
}

static int write_file(struct change *ch)
{
    struct stat st;

    if (!says_so(ch))
        return fail(ch->path, "is not changed",
                    "it would not say what is meant; correct it first: dowel config check");
    if (ch->exists && stat(ch->path, &st) == 0 && ch->before.n == ch->after.n &&
        memcmp(ch->before.p, ch->after.p, ch->after.n) == 0)
        return 0;
    if (cli_make_parents(ch->path) != 0 || new_file_replace(ch->path, ch->mode, buf_str(&ch->after)) != 0)
        return fail(ch->path, "cannot be written", strerror(errno));
    return 0;
}

static int change_file(struct change *ch, const char *config_dir, const struct config_table *table)
{
    if (read_file(ch, config_dir) != 0)
        return -1;
    if (!ch->exists && !ch->enable)
        return 0;
    if (!ch->exists && table) {
        render_yaml(&ch->after, table);
    } else {
        rewrite(ch);
        if (ch->enable)
            add_needed(ch, table);
    }
    return write_file(ch);
}

/* ---- what comes of it ---- */

static const struct plan_plugin *find(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n; i++) {
        if (strcmp(plan->plugins[i].name, name) == 0)
            return &plan->plugins[i];
    }
    return NULL;
}

/* Of the plugin itself, and of those for which this change is the reason. */
static void add_consequences(struct buf *out, const struct plan *before, const struct plan *after,
                             const struct change *ch)
{
    for (size_t i = 0; i < after->n; i++) {
        const struct plan_plugin *p = &after->plugins[i], *was = find(before, p->name);
        bool changed = strcmp(p->name, ch->name) == 0 || (was && was->order && was->state == PLUGIN_LOADED);
        if (p->order && p->state != PLUGIN_LOADED && changed)
            buf_add_format(out, "%s will not be loaded: %s\n", p->name, p->why);
    }
}

static int tell(const struct cli *c, const struct change *ch, const struct plan *before)
{
    struct plugin_view after;
    struct buf text = BUF_INIT;
    int result = plugin_view_open(&after, c);
    const struct plan_plugin *p = find(&after.plan, ch->name);

    if (c->json) {
        result = plugin_print_json(json_pack("{s:s, s:b, s:s, s:s, s:s}", "name", ch->name, "enabled",
                                             ch->enable, "file", ch->path, "state",
                                             p ? plugin_state_name(p->state) : "", "why", p ? p->why : ""));
    } else if (!ch->exists && !ch->enable) {
        buf_add_format(&text, "%s is not there: the plugin is not enabled\n", ch->path);
        result = cli_print(&text);
    } else {
        buf_add_format(&text, "%s: enabled: %s\n", ch->path, ch->enable ? "true" : "false");
        add_consequences(&text, before, &after.plan, ch);
        buf_add_text(&text, "A running server learns of it by: dowel reload\n");
        result = cli_print(&text) == CLI_OK ? result : CLI_FAILED;
    }
    plugin_view_close(&after);
    return result;
}

/* What cannot work is not enabled; it may always be disabled. */
static bool may_enable(const struct plugin_view *v, const char *name)
{
    const struct plan_plugin *p = plugin_view_find(v, name);

    if (p && p->file && !p->file->why)
        return true;
    if (p)
        fprintf(stderr, "%s: %s\n", p->file ? p->file->file.path : name, p->file ? p->file->why : p->why);
    return false;
}

static int set(const struct cli *c, bool enable)
{
    struct change ch = { .name = c->argv[1], .enable = enable };
    struct plugin_view before;

    if (!directory_is_name(str_from(ch.name)) || strcmp(ch.name, "core") == 0)
        return cli_usage(c, "%s: is not the name of a plugin", ch.name);
    int result = plugin_view_open(&before, c);
    const struct plan_plugin *p = find(&before.plan, ch.name);
    const struct config_table *table = p && p->file ? p->file->table : NULL;
    if (result == CLI_OK &&
        ((enable && !may_enable(&before, ch.name)) || change_file(&ch, c->config_dir, table) != 0))
        result = CLI_FAILED;
    if (result == CLI_OK && before.settings.core)
        cli_note_alone(core_config(before.settings.core), c->data_dir,
                       &(struct cli_note){ .action = enable ? "core.plugin.enabled" : "core.plugin.disabled",
                                           .target = ch.name });
    if (result == CLI_OK)
        result = tell(c, &ch, &before.plan);
    plugin_view_close(&before);
    buf_finish(&ch.before);
    buf_finish(&ch.after);
    return result;
}

int plugin_enable(const struct cli *c)
{
    return set(c, true);
}

int plugin_disable(const struct cli *c)
{
    return set(c, false);
}
