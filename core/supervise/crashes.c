/* The bad end of a generation: whose fault it was, and what is written about it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "supervise/crash_notes.h"
#include "supervise/state.h"
#include "util/clock.h"

/* ---- a generation's table ---- */

void crashes_prepare(struct child *c)
{
    c->oom_kills = crash_notes_oom_kills();
    if (activity_create(&c->activity, &c->activity_fd) == 0)
        return;
    c->activity = NULL;
    c->activity_fd = -1;
    log_warn("a crash of the next server process will be nobody's fault: no memory for its activities",
             LOG_TEXT("why", strerror(errno)));
}

void crashes_finish(const struct supervisor *s, struct child *c)
{
    activity_detach(c->activity);
    c->activity = NULL;
    if (c->activity_fd >= 0)
        close(c->activity_fd);
    c->activity_fd = -1;
    crash_notes_discard(s->options->data_dir, c->number);
}

/* ---- whose fault ---- */

/* Core code may give its own work a label for the note. */
static bool is_charged(const struct activity_thread *t)
{
    return t->owner[0] != 0 && strcmp(t->owner, "core") != 0;
}

/* For when nobody said who it was: then only who was alone can be. */
bool crashes_find_owner(const struct child *c, struct activity_thread *out)
{
    struct activity_thread t;
    size_t at = 0;

    *out = (struct activity_thread){ 0 };
    while (activity_next(c->activity, &at, &t)) {
        if (out->owner[0] && strcmp(out->owner, t.owner) != 0)
            return false;
        if (!out->owner[0])
            *out = t;
    }
    return is_charged(out);
}

static void *config_of(const struct supervisor *s, const struct child *c)
{
    if (c->phase == PHASE_STARTING && s->has_next_setup)
        return s->next_setup.config;
    return s->has_setup ? s->setup.config : NULL;
}

/* An exit code says why a process did not begin, unless it had to say more: a sanitizer ends it that way, and so does
 * exit() in the middle of something. A hang is one of the loops, which run the server's own code only; and whoever is
 * told to end, and does, has no fault. */
void crashes_judge(const struct supervisor *s, const struct child *c, int status, struct crash *out)
{
    struct activity_thread t;
    bool is_marked = activity_crashed(c->activity, &t);
    bool has_said = is_marked || crash_notes_is_written(s->options->data_dir, c->number);
    bool has_owner = is_marked ? is_charged(&t)
                     : c->hung ? false
                               : (has_said || WIFSIGNALED(status)) && crashes_find_owner(c, &t);

    *out = (struct crash){
        .child = c,
        .status = status,
        .how = c->hung               ? SUPERVISOR_HUNG
               : WIFSIGNALED(status) ? SUPERVISOR_SIGNALLED
                                     : SUPERVISOR_EXITED,
        .is_crash =
            has_said || c->hung || c == s->current || (WIFSIGNALED(status) && c->phase != PHASE_ENDING),
        .config = config_of(s, c),
    };
    if (has_owner)
        out->owner = t;
}

void crashes_report_stuck(struct supervisor *s, const struct child *c, const struct activity_thread *owner,
                          int64_t restart_us)
{
    const struct crash crash = {
        .child = c, .how = SUPERVISOR_STUCK, .is_crash = true, .owner = *owner, .config = config_of(s, c)
    };
    crashes_report(s, &crash, restart_us);
}

/* ---- in words ---- */

static void add_status(struct buf *out, int status)
{
    if (WIFSIGNALED(status))
        buf_add_format(out, "was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        buf_add_format(out, "exited with code %d", WEXITSTATUS(status));
}

void crashes_describe(int status, const struct activity_thread *owner, char *out, size_t size)
{
    struct buf text = BUF_INIT;

    add_status(&text, status);
    if (owner && owner->owner[0])
        buf_add_format(&text, " in %s, %s", owner->owner, owner->what);
    snprintf(out, size, "%s", buf_text(&text));
    buf_finish(&text);
}

/* ---- the note ---- */

static void add_time(struct buf *out)
{
    char now[CLOCK_RFC3339_SIZE];

    clock_format_rfc3339(clock_wall_us(), now);
    buf_add_format(out, "time: %s\n", now);
}

/* Where the process could not say it itself. */
static void add_head(struct buf *out, const struct child *c)
{
    buf_add_format(out, "dowel %s, generation %llu, process %ld\n", DOWEL_VERSION,
                   (unsigned long long)c->number, (long)c->pid);
    add_time(out);
}

static void add_who_kills(struct buf *out, const struct child *c)
{
    int64_t now = crash_notes_oom_kills();

    if (c->oom_kills >= 0 && now > c->oom_kills)
        buf_add_format(
            out,
            "SIGKILL: the kernel has ended processes for want of memory meanwhile (%lld before, %lld "
            "now), most probably this one; see journalctl -k\n",
            (long long)c->oom_kills, (long long)now);
    else
        buf_add_text(out,
                     "SIGKILL: either somebody sent it, or the kernel, for want of memory; journalctl -k "
                     "knows the latter\n");
}

static void add_how(struct buf *out, const struct crash *crash)
{
    const struct child *c = crash->child;

    if (crash->how == SUPERVISOR_STUCK) {
        buf_add_format(out, "stuck: %s, %s, has taken %.3f s and does not end\n", crash->owner.owner,
                       crash->owner.what,
                       (double)(clock_monotonic_us() - crash->owner.since_us) / CLOCK_SECOND);
        return;
    }
    buf_add_text(out, "end: ");
    if (crash->how == SUPERVISOR_HUNG)
        buf_add_text(out, "gave no sign of life, was ended, ");
    add_status(out, crash->status);
    buf_add_text(out, WIFSIGNALED(crash->status) && WCOREDUMP(crash->status) ? ", core dumped\n" : "\n");
    if (WIFSIGNALED(crash->status) && WTERMSIG(crash->status) == SIGKILL && !c->hung)
        add_who_kills(out, c);
}

static void add_threads(struct buf *out, const struct activity *a)
{
    struct activity_thread t;
    size_t at = 0, n = 0;
    int64_t now_us = clock_monotonic_us();

    while (activity_next(a, &at, &t)) {
        if (n++ == 0)
            buf_add_text(out, "threads that were inside something:\n");
        buf_add_format(out, "  %ld: %s, %s, for %.3f s\n", (long)t.thread, t.owner, t.what,
                       (double)(now_us - t.since_us) / CLOCK_SECOND);
    }
    if (n == 0)
        buf_add_text(out, a ? "no thread was inside anything\n" : "it is not known what its threads did\n");
}

static bool write_note(const struct supervisor *s, const struct crash *crash, char path[PATH_MAX])
{
    const struct child *c = crash->child;
    const char *dir = s->options->data_dir;
    struct buf text = BUF_INIT;
    bool lives = crash->how == SUPERVISOR_STUCK;
    bool has_said = !lives && crash_notes_is_written(dir, c->number);

    if (has_said)
        buf_add_char(&text, '\n');
    else
        add_head(&text, c);
    add_how(&text, crash);
    buf_add_format(&text, "lived: %.3f s\n", (double)(clock_monotonic_us() - c->started_us) / CLOCK_SECOND);
    buf_add_format(&text, "charged to: %s\n", crash->owner.owner[0] ? crash->owner.owner : "nobody");
    add_threads(&text, c->activity);
    int result = lives ? crash_notes_add(dir, c->number, buf_str(&text), path)
                       : crash_notes_complete(dir, c->number, buf_str(&text), path);
    buf_finish(&text);
    return result == 0;
}

/* ---- telling ---- */

static void log_crash(const struct crash *crash, const struct supervisor_crash *told)
{
    static const char *const messages[] = {
        [SUPERVISOR_EXITED] = "the server process crashed",
        [SUPERVISOR_SIGNALLED] = "the server process crashed",
        [SUPERVISOR_HUNG] = "the server process hung and was ended",
        [SUPERVISOR_STUCK] = "the server process is stuck",
    };
    char how[128] = "a piece of work does not end";

    if (crash->how != SUPERVISOR_STUCK)
        crashes_describe(crash->status, NULL, how, sizeof(how));
    log_error(messages[crash->how], LOG_NUMBER("generation", told->generation), LOG_NUMBER("pid", told->pid),
              LOG_TEXT("how", how), LOG_TEXT("owner", told->owner ? told->owner : "nobody"),
              LOG_TEXT("what", told->what ? told->what : ""),
              LOG_TEXT("note", told->note ? told->note : "none"), LOG_SPAN("lived", told->lived_us),
              LOG_SPAN("restart_in", told->restart_us > 0 ? told->restart_us : 0));
}

void crashes_report(struct supervisor *s, const struct crash *crash, int64_t restart_us)
{
    const struct child *c = crash->child;
    char path[PATH_MAX];
    bool has_note = write_note(s, crash, path);
    const bool has_owner = crash->owner.owner[0] != 0;
    const struct supervisor_crash told = {
        .generation = c->number,
        .pid = c->pid,
        .how = crash->how,
        .code = WIFSIGNALED(crash->status) ? WTERMSIG(crash->status) : WEXITSTATUS(crash->status),
        .lived_us = clock_monotonic_us() - c->started_us,
        .restart_us = restart_us,
        .owner = has_owner ? crash->owner.owner : NULL,
        .what = has_owner ? crash->owner.what : NULL,
        .note = has_note ? path : NULL,
        .config = crash->config,
    };

    log_crash(crash, &told);
    if (s->options->crashed)
        s->options->crashed(&told, s->options->ud);
}
