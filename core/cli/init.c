/* init.c - `dowel init`: the directories of a new server, and a configuration in which everything is a comment. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/settings.h"
#include "config/core_config.h"
#include "config/render.h"
#include "secure/key_file.h"
#include "util/new_file.h"

/* What was made and what was there already, for the last words. */
struct report {
    struct buf text, json;
};

static void tell(struct report *r, const char *path, bool made)
{
    buf_add_format(&r->text, "%s %s\n", made ? "made" : "kept", path);
    buf_add_text(&r->json, r->json.n ? ",{\"path\":" : "{\"path\":");
    buf_add_json(&r->json, str_from(path));
    buf_add_format(&r->json, ",\"made\":%s}", made ? "true" : "false");
}

static int failed(const char *path, const char *what)
{
    const char *advice =
        errno == EACCES || errno == EROFS ? "; choose other directories with --config and --data" : "";

    fprintf(stderr, "%s: %s: %s%s\n", path, what, strerror(errno), advice);
    return -1;
}

static int make_directory(struct report *r, const char *path, mode_t mode)
{
    struct stat st;

    if (cli_make_parents(path) != 0)
        return failed(path, "cannot make the directories above it");
    bool made = mkdir(path, mode) == 0;
    if (!made && errno != EEXIST)
        return failed(path, "cannot make this directory");
    if (stat(path, &st) != 0)
        return failed(path, "cannot look at it");
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return failed(path, "is in the way");
    }
    tell(r, path, made);
    if (!made && (st.st_mode & 0777 & ~mode))
        fprintf(stderr, "%s: has more rights than it needs, take them away: chmod %o %s\n", path, mode, path);
    return 0;
}

static int write_core_file(struct report *r, const char *dir)
{
    struct buf text = BUF_INIT, path = BUF_INIT;
    bool made;
    int result = -1;

    buf_add_format(&path, "%s/core.yaml", dir);
    render_yaml(&text, &core_config_table);
    if (buf_failed(&text) || buf_failed(&path)) {
        fputs("out of memory\n", stderr);
        goto done;
    }
    if (new_file_write(buf_text(&path), 0644, buf_str(&text), &made) != 0) {
        failed(buf_text(&path), "cannot be written");
        goto done;
    }
    tell(r, buf_text(&path), made);
    result = 0;
done:
    buf_finish(&text);
    buf_finish(&path);
    return result;
}

static int write_key_file(struct report *r, const char *data_dir)
{
    struct buf why = BUF_INIT;
    char path[KEY_FILE_PATH_SIZE];
    bool made;

    int result = key_file_make(data_dir, path, &made, &why);
    if (result == 0)
        tell(r, path, made);
    else
        fprintf(stderr, "%s\n", buf_text(&why));
    buf_finish(&why);
    return result;
}

static int print_report(const struct cli *c, struct report *r)
{
    struct buf out = BUF_INIT;

    if (c->json) {
        buf_add_format(&out, "{\"paths\":[%s]}\n", buf_text(&r->json));
    } else {
        buf_add_str(&out, buf_str(&r->text));
        buf_add_format(&out,
                       "\nNext: look into %s/core.yaml, then\n"
                       "  dowel config check --config %s\n"
                       "  dowel serve --config %s --data %s\n",
                       c->config_dir, c->config_dir, c->config_dir, c->data_dir);
    }
    out.failed |= r->text.failed || r->json.failed;
    return cli_print(&out);
}

static int run(const struct cli *c)
{
    struct report r = { BUF_INIT, BUF_INIT };
    int result = CLI_FAILED;

    if (c->argc > 0)
        return cli_usage(c, "%s: init takes no arguments", c->argv[0]);
    if (make_directory(&r, c->config_dir, 0755) != 0 || write_core_file(&r, c->config_dir) != 0 ||
        make_directory(&r, c->data_dir, 0700) != 0 || write_key_file(&r, c->data_dir) != 0)
        goto done;
    result = print_report(c, &r);
done:
    buf_finish(&r.text);
    buf_finish(&r.json);
    return result;
}

const struct cli_verb cli_verb_init = {
    .name = "init",
    .arguments = "",
    .summary = "Makes the configuration and data directories of a new server",
    .help =
        "Makes the directory of --config with a core.yaml in which every item stands as a comment, and "
        "the directory\n"
        "of --data, which only its owner may enter, with a key in it that stored secrets are sealed with\n"
        "(secret.key; back it up). What is there already stays as it is.\n",
    .run = run,
};
