#include "db/postgres_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/postgres.h"
#include "util/arena.h"
#include "util/program.h"

enum { ARGUMENTS_MAX = 16 };

/* A program with the same ideas of the database as the driver's, whose URL says all of it. */
struct tool {
    char program[PATH_MAX];
    const char *arguments[ARGUMENTS_MAX];
    size_t arguments_n;
    char **environment;
    const char *database; /* the URL as libpq's other form, without a password; NULL: it needs none */
    struct arena arena;
};

static int out_of_memory(struct buf *why)
{
    buf_add_text(why, "memory is out");
    return -1;
}

/* ---- the URL ---- */

static void add_quoted(struct buf *out, const char *name, const char *value)
{
    buf_add_format(out, "%s%s='", out->n > 0 ? " " : "", name);
    for (; *value; value++) {
        if (*value == '\'' || *value == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, *value);
    }
    buf_add_char(out, '\'');
}

int postgres_url_for(const char *url, const char *database, struct buf *out, struct buf *why)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);

    if (!options) {
        buf_add_text(why, "the database's URL cannot be read");
        return -1;
    }
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        if (o->val && strcmp(o->keyword, "dbname") != 0)
            add_quoted(out, o->keyword, o->val);
    }
    add_quoted(out, "dbname", database);
    PQconninfoFree(options);
    return buf_failed(out) ? out_of_memory(why) : 0;
}

/* Arguments can be read by everybody on the machine. */
static int split(const PQconninfoOption *options, struct buf *shown, const char **password, struct buf *why)
{
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        if (!o->val)
            continue;
        if (strcmp(o->keyword, "password") == 0) {
            *password = o->val;
        } else if (*o->dispchar == '*') {
            buf_add_format(
                why,
                "%s in the database's URL cannot be handed to PostgreSQL's programs unseen; use a key "
                "without a password for backups",
                o->keyword);
            return -1;
        } else {
            add_quoted(shown, o->keyword, o->val);
        }
    }
    return buf_failed(shown) ? out_of_memory(why) : 0;
}

static int set_environment(struct tool *t, const char *password)
{
    size_t n = 0, kept = 0;

    while (environ[n])
        n++;
    t->environment = arena_calloc(&t->arena, (n + 2) * sizeof(*t->environment));
    if (!t->environment)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!password || strncmp(environ[i], "PGPASSWORD=", strlen("PGPASSWORD=")) != 0)
            t->environment[kept++] = environ[i];
    }
    if (password && !(t->environment[kept] = arena_format(&t->arena, "PGPASSWORD=%s", password)))
        return -1;
    return 0;
}

static int set_database(struct tool *t, const char *url, struct buf *why)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    struct buf shown = BUF_INIT;
    const char *password = NULL;

    if (!options) {
        buf_add_text(why, "the database's URL cannot be read");
        return -1;
    }
    int result = split(options, &shown, &password, why);
    if (result == 0) {
        t->database = arena_copy(&t->arena, buf_str(&shown));
        if (!t->database || set_environment(t, password) != 0)
            result = out_of_memory(why);
    }
    buf_finish(&shown);
    PQconninfoFree(options);
    return result;
}

/* ---- running them ---- */

static void add(struct tool *t, const char *argument)
{
    t->arguments[t->arguments_n++] = argument; /* all calls of one tool are fewer */
}

/* url NULL: without a database. Finish it in each case. */
static int tool_init(struct tool *t, const char *name, const char *url, struct buf *why)
{
    memset(t, 0, sizeof(*t));
    arena_init(&t->arena, NULL, 0, 0);
    if (program_find(name, "/usr/lib/postgresql/*/bin", t->program) != 0) {
        buf_add_format(
            why,
            "%s is not installed, which backups of PostgreSQL need: apt-get install postgresql-client, of "
            "the database server's version or a newer one",
            name);
        return -1;
    }
    add(t, t->program);
    if (!url)
        return set_environment(t, NULL) == 0 ? 0 : out_of_memory(why);
    if (set_database(t, url, why) != 0)
        return -1;
    add(t, "--no-password"); /* nobody is there to be asked */
    add(t, "--dbname");
    add(t, t->database);
    return 0;
}

static void tool_finish(struct tool *t)
{
    arena_finish(&t->arena);
}

static int tool_run(struct tool *t, struct buf *why)
{
    add(t, NULL);
    return program_run(t->arguments, t->environment, why);
}

static int make_private(const char *path, struct buf *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        buf_add_format(why, "%s: cannot be made: %s", path, strerror(errno));
        return -1;
    }
    close(fd);
    return 0;
}

static int sync_file(const char *path, struct buf *why)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), result = fd < 0 ? -1 : fsync(fd);

    if (result != 0)
        buf_add_format(why, "%s: cannot be written to the disk: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return result;
}

/* ---- writing ---- */

/* With row security on: dowel_system's policy shows it all rows, and pg_dump refuses a table that has any policy
 * otherwise. */
int postgres_dump(const char *url, const char *to, struct buf *why)
{
    struct tool t;

    int result = tool_init(&t, "pg_dump", url, why);
    if (result == 0)
        result = make_private(to, why);
    if (result == 0) {
        add(&t, "--format=custom");
        add(&t, "--role=" PG_SYSTEM_ROLE);
        add(&t, "--enable-row-security");
        add(&t, "--lock-wait-timeout=60000");
        add(&t, "--file");
        add(&t, to);
        result = tool_run(&t, why);
        if (result == 0)
            result = sync_file(to, why);
        if (result != 0)
            unlink(to);
    }
    tool_finish(&t);
    return result;
}

/* ---- reading ---- */

/* Rights are given again when the server starts; who owns a thing is who makes it. */
static int write_script(const char *path, const char *to, struct buf *why)
{
    struct tool t;

    int result = tool_init(&t, "pg_restore", NULL, why);
    if (result == 0) {
        add(&t, "--no-owner");
        add(&t, "--no-acl");
        add(&t, "--enable-row-security");
        add(&t, "--file");
        add(&t, to);
        add(&t, path);
        result = tool_run(&t, why);
    }
    tool_finish(&t);
    return result;
}

int postgres_dump_verify(const char *path, struct buf *why)
{
    return write_script(path, "/dev/null", why);
}

/* Whatever migrations made, also those that the file knows nothing of; not what belongs to an extension. */
static const char drop_all[] =
    "SET LOCAL lock_timeout = '10s';\n"
    "DO $$ DECLARE command text; BEGIN\n"
    "  FOR command IN\n"
    "    SELECT format('DROP %s IF EXISTS %I.%I CASCADE',\n"
    "                  CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'\n"
    "                                 WHEN 'S' THEN 'SEQUENCE' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' "
    "END,\n"
    "                  n.nspname, c.relname)\n"
    "      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace\n"
    "     WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')\n"
    "       AND c.relowner = current_user::regrole\n"
    "       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')\n"
    "  LOOP EXECUTE command; END LOOP;\n"
    "  FOR command IN\n"
    "    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)\n"
    "      FROM pg_proc p\n"
    "     WHERE p.pronamespace = current_schema()::regnamespace AND p.proowner = current_user::regrole\n"
    "       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')\n"
    "  LOOP EXECUTE command; END LOOP;\n"
    "  FOR command IN\n"
    "    SELECT format('DROP TYPE IF EXISTS %I.%I CASCADE', n.nspname, t.typname)\n"
    "      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace\n"
    "     WHERE n.nspname = current_schema() AND t.typtype IN ('e', 'd') AND t.typowner = "
    "current_user::regrole\n"
    "       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')\n"
    "  LOOP EXECUTE command; END LOOP;\n"
    "END $$";

static int run_script(const char *url, const char *script, struct buf *why)
{
    struct tool t;

    int result = tool_init(&t, "psql", url, why);
    if (result == 0) {
        add(&t, "--no-psqlrc");
        add(&t, "--quiet");
        add(&t, "--set=ON_ERROR_STOP=1");
        add(&t, "--single-transaction");
        add(&t, "--command=SET ROLE " PG_SYSTEM_ROLE);
        add(&t, "--command");
        add(&t, drop_all);
        add(&t, "--file");
        add(&t, script);
        result = tool_run(&t, why);
    }
    tool_finish(&t);
    return result;
}

/* A file without a name, which goes with us however we end; the programs reach it as they inherit it. */
static int make_nameless(const char *folder, char path[PATH_MAX], struct buf *why)
{
    if (snprintf(path, PATH_MAX, "%s/.restoring.%ld.sql", folder, (long)getpid()) >= PATH_MAX) {
        buf_add_format(why, "%s: the path is too long", folder);
        return -1;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600); /* NOLINT(android-cloexec-open) */
    if (fd < 0) {
        buf_add_format(why, "%s: cannot be made: %s", path, strerror(errno));
        return -1;
    }
    unlink(path);
    snprintf(path, PATH_MAX, "/dev/fd/%d", fd);
    return fd;
}

/* pg_restore writes into a database itself only with what is there left in place, or dropped by names that it knows. */
int postgres_dump_restore(const char *url, const char *path, const char *folder, struct buf *why)
{
    char script[PATH_MAX];
    int fd = make_nameless(folder, script, why);

    if (fd < 0)
        return -1;
    int result = write_script(path, script, why);
    if (result == 0)
        result = run_script(url, script, why);
    close(fd);
    return result;
}
