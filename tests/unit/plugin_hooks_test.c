/* Hooks and services: what may be declared, who is asked in which order, what silence and missing plugins mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log/log.h"
#include "plugin/call.h"
#include "plugin/descriptor.h"
#include "plugin/hooks.h"
#include "plugin/host.h"
#include "util/buf.h"
#include "util/compiler.h"

static const dw_host host = { .struct_size = sizeof(dw_host),
                              .call = &host_call_api,
                              .hook = &host_hook_api };
const dw_host *dw_host_ = &host;

/* What is asked in these tests. */
struct entry {
    uint32_t struct_size;
    char asked[128]; /* who was, in order */
    const char *by;  /* who answered, in the answerer's memory */
    dw_call *asker;  /* to see that the answerer has a call of its own */
    unsigned depth;
    int result; /* what an answerer is to return */
};

#define ENTRY ((struct entry){ .struct_size = sizeof(struct entry) })

/* ---- plugins made by hand ---- */

enum { PLUGINS = 5 };

struct plugin {
    struct plugin_descriptor descriptor;
    dw_instance instance;
};

struct world {
    struct plugin_process process;
    struct plugin plugins[PLUGINS];
    size_t n;
    struct buf why;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    *state = w;
    return w ? plugin_hooks_create(&w->process.hooks) : -1;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    plugin_hooks_destroy(w->process.hooks);
    buf_finish(&w->why);
    for (size_t i = 0; i < w->n; i++)
        call_forget(&w->plugins[i].instance);
    free(w);
    return 0;
}

/* Every element begins with its name. */
static const char *name_of(const char *element)
{
    const char *name;

    memcpy(&name, element, sizeof(name));
    return name;
}

static size_t count(const void *array, size_t stride)
{
    size_t n = 0;

    while (array && name_of((const char *)array + n * stride))
        n++;
    return n;
}

static dw_instance *plugin(struct world *w, const char *name, const dw_question *questions,
                           const dw_hook *hooks, const dw_service *services)
{
    struct plugin *p = &w->plugins[w->n++];

    assert_true(w->n <= PLUGINS);
    p->descriptor = (struct plugin_descriptor){ .name = name,
                                                .questions = questions,
                                                .questions_n = count(questions, sizeof(*questions)),
                                                .hooks = hooks,
                                                .hooks_n = count(hooks, sizeof(*hooks)),
                                                .services = services,
                                                .services_n = count(services, sizeof(*services)) };
    p->instance.magic = INSTANCE_MAGIC;
    p->instance.name = name;
    p->instance.descriptor = &p->descriptor;
    p->instance.process = &w->process;
    return &p->instance;
}

static dw_instance *add(struct world *w, const char *name, const dw_question *questions, const dw_hook *hooks,
                        const dw_service *services)
{
    dw_instance *i = plugin(w, name, questions, hooks, services);

    if (plugin_hooks_add(w->process.hooks, i, &w->why) != 0)
        fail_msg("%s: %s", name, buf_text(&w->why));
    return i;
}

static dw_call *begin(dw_instance *i)
{
    dw_call *c;

    assert_int_equal(call_begin(&c, &(struct call_options){ .instance = i, .what = "test" }), 0);
    return c;
}

/* ---- what is logged ---- */

static FILE *log_file;

static void catch_log(void)
{
    log_file = tmpfile();
    assert_non_null(log_file);
    log_set_fd(fileno(log_file));
}

/* How often the text stands in what was logged since. */
static int logged(const char *text)
{
    char line[2048];
    int n = 0;

    rewind(log_file);
    while (fgets(line, sizeof(line), log_file))
        n += strstr(line, text) != NULL;
    return n;
}

static void release_log(void)
{
    log_set_fd(2);
    fclose(log_file);
}

/* ---- answers ---- */

static void note(struct entry *e, const char *who)
{
    snprintf(e->asked + strlen(e->asked), sizeof(e->asked) - strlen(e->asked), "%s%s", *e->asked ? " " : "",
             who);
}

static int pass_on(dw_call *c, void *question)
{
    struct entry *e = question;

    note(e, c->instance->name);
    assert_ptr_not_equal(c, e->asker);
    assert_string_equal(c->what, "hook door.may_enter");
    return 0;
}

static int let_in(dw_call *c, void *question)
{
    struct entry *e = question;

    note(e, c->instance->name);
    e->by = dw_copy(c, (dw_str){ c->instance->name, strlen(c->instance->name) });
    return 1;
}

static int turn_away(dw_call *c, void *question)
{
    note(question, c->instance->name);
    return dw_fail(c, DW_ERATE, "after midnight", "hour", 3);
}

static int refuse_silently(dw_call *c, void *question)
{
    (void)c;
    (void)question;
    return DW_ECONFLICT;
}

static int mark_members(dw_call *c, void *question)
{
    (void)question;
    (void)dw_fail_at(c, "/name", "is too short");
    (void)dw_fail_at(c, "/age", "is too high");
    return DW_EINVALID;
}

static int answer_as_told(dw_call *c, void *question)
{
    const struct entry *e = question;

    (void)c;
    return e->result;
}

static int ask_again(dw_call *c, void *question)
{
    struct entry *e = question;

    e->depth++;
    return dw_hook_ask(c, "door.may_enter", e);
}

static int ask_the_ring(dw_call *c, void *question)
{
    return dw_service_ask(c, "ring.round/1", question);
}

static int ask_the_door(dw_call *c, void *question)
{
    return dw_hook_ask(c, "door.may_enter", question);
}

static const dw_question guarded[] = { { "door.may_enter", DW_SILENCE_DENIES }, { 0 } };
static const dw_question open_house[] = { { "door.may_enter", DW_SILENCE_ALLOWS }, { 0 } };

/* ---- declaring ---- */

struct wrong {
    const dw_question *questions;
    const dw_hook *hooks;
    const dw_service *services;
    const char *why;
};

static void what_is_declared_wrongly_is_refused_by_name(void **state)
{
    struct world *w = *state;
    const struct wrong wrongs[] = {
        { .questions = (const dw_question[]){ { "may_enter", DW_SILENCE_ALLOWS }, { 0 } },
          .why = "no name such as" },
        { .questions = (const dw_question[]){ { "door.", DW_SILENCE_ALLOWS }, { 0 } },
          .why = "no name such as" },
        { .questions = (const dw_question[]){ { "door..x", DW_SILENCE_ALLOWS }, { 0 } },
          .why = "no name such as" },
        { .questions = (const dw_question[]){ { "door.Enter", DW_SILENCE_ALLOWS }, { 0 } },
          .why = "no name such as" },
        { .questions = (const dw_question[]){ { "doors.enter", DW_SILENCE_ALLOWS }, { 0 } },
          .why = "must begin with \"door.\"" },
        { .questions = (const dw_question[]){ { "door.enter", 0 }, { 0 } }, .why = "what silence means" },
        { .questions = (const dw_question[]){ { "door.enter", 3 }, { 0 } }, .why = "what silence means" },
        { .questions = (const dw_question[]){ { "door.enter", 1 }, { "door.enter", 2 }, { 0 } },
          .why = "door.enter stands twice" },
        { .hooks = (const dw_hook[]){ { "enter", pass_on, 50 }, { 0 } },
          .why = "\"enter\", which is no name" },
        { .hooks = (const dw_hook[]){ { "door.enter", NULL, 50 }, { 0 } }, .why = "has no function" },
        { .hooks = (const dw_hook[]){ { "door.enter", pass_on, 101 }, { 0 } }, .why = "priority 101" },
        { .hooks = (const dw_hook[]){ { "door.enter", pass_on, -1 }, { 0 } }, .why = "priority -1" },
        { .hooks = (const dw_hook[]){ { "door.enter", pass_on, 2 }, { "door.enter", let_in, 2 }, { 0 } },
          .why = "door.enter twice at the priority 2" },
        { .services = (const dw_service[]){ { "door.open", let_in }, { 0 } },
          .why = "plugin, verb, version" },
        { .services = (const dw_service[]){ { "door.open/", let_in }, { 0 } },
          .why = "plugin, verb, version" },
        { .services = (const dw_service[]){ { "door.open/0", let_in }, { 0 } },
          .why = "plugin, verb, version" },
        { .services = (const dw_service[]){ { "door.open/1.2", let_in }, { 0 } },
          .why = "plugin, verb, version" },
        { .services = (const dw_service[]){ { "mail.send/1", let_in }, { 0 } },
          .why = "must begin with \"door.\"" },
        { .services = (const dw_service[]){ { "door.open/1", NULL }, { 0 } }, .why = "has no function" },
        { .services = (const dw_service[]){ { "door.open/1", let_in }, { "door.open/1", let_in }, { 0 } },
          .why = "door.open/1 stands twice" },
        /* What is right beside it is not taken either. */
        { .questions = (const dw_question[]){ { "door.kept", DW_SILENCE_ALLOWS }, { 0 } },
          .hooks = (const dw_hook[]){ { "door.kept", pass_on, 50 }, { 0 } },
          .services = (const dw_service[]){ { "door.kept/1", let_in }, { "door.bad", let_in }, { 0 } },
          .why = "\"door.bad\"" },
    };

    for (size_t i = 0; i < DW_COUNT_OF(wrongs); i++) {
        struct buf why = BUF_INIT;
        w->n = 0;
        dw_instance *door = plugin(w, "door", wrongs[i].questions, wrongs[i].hooks, wrongs[i].services);
        assert_int_equal(plugin_hooks_add(w->process.hooks, door, &why), -1);
        if (!strstr(buf_text(&why), wrongs[i].why))
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, buf_text(&why), wrongs[i].why);
        buf_finish(&why);
    }
    assert_null(plugin_hooks_find(w->process.hooks, "door.kept"));
    assert_null(plugin_hooks_service(w->process.hooks, "door.kept/1"));
}

static void a_name_has_one_owner(void **state)
{
    struct world *w = *state;
    const dw_service services[] = { { "door.open/1", let_in }, { 0 } };

    add(w, "door", guarded, NULL, services);
    assert_int_equal(plugin_hooks_add(w->process.hooks, plugin(w, "door", guarded, NULL, NULL), &w->why), -1);
    assert_non_null(strstr(buf_text(&w->why), "is one of plugin door already"));
    assert_int_equal(plugin_hooks_add(w->process.hooks, plugin(w, "door", NULL, NULL, services), &w->why),
                     -1);
    assert_non_null(strstr(buf_text(&w->why), "is offered by plugin door already"));
}

/* ---- asking ---- */

static void answers_come_by_priority_then_by_name(void **state)
{
    struct world *w = *state;
    const dw_hook middle[] = { { "door.may_enter", pass_on, 50 }, { 0 } };
    const dw_hook early[] = { { "door.may_enter", pass_on, 10 }, { 0 } };
    const dw_hook late[] = { { "door.may_enter", let_in, 90 }, { 0 } };
    struct entry e = ENTRY;

    add(w, "zebra", NULL, middle, NULL); /* who answers may come before who asks */
    add(w, "last", NULL, late, NULL);
    dw_instance *door = add(w, "door", guarded, NULL, NULL);
    add(w, "yak", NULL, early, NULL);
    add(w, "ape", NULL, middle, NULL);
    dw_call *c = begin(door);
    e.asker = c;
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), 1);
    assert_string_equal(e.asked, "yak ape zebra last");
    assert_string_equal(e.by, "last"); /* and it lives in the asker's memory */
    call_end(c);
}

static void the_first_that_says_something_is_the_last(void **state)
{
    struct world *w = *state;
    const dw_hook first[] = { { "door.may_enter", turn_away, 10 }, { 0 } };
    const dw_hook second[] = { { "door.may_enter", let_in, 20 }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "curfew", NULL, first, NULL);
    add(w, "keys", NULL, second, NULL);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_ERATE);
    assert_string_equal(e.asked, "curfew");
    assert_int_equal(dw_error_of(c)->code, DW_ERATE);
    assert_non_null(strstr(dw_error_of(c)->text, "after midnight"));
    /* The answerer's call is over; the text is the asker's. */
    for (int i = 0; i < 100; i++)
        call_end(begin(c->instance));
    assert_non_null(strstr(dw_error_of(c)->text, "after midnight"));
    call_end(c);
}

static int turn_away_in_german(dw_call *c, void *question)
{
    int rc = turn_away(c, question);

    call_say(c, "nach Mitternacht");
    return rc;
}

static void what_a_refusal_is_called_elsewhere_comes_with_it(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", turn_away_in_german, 10 }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "curfew", NULL, hooks, NULL);
    assert_ptr_equal(dw_error_of(c)->said, dw_error_of(c)->text);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_ERATE);
    assert_string_equal(dw_error_of(c)->text, "after midnight (hour: 3)");
    assert_string_equal(dw_error_of(c)->said, "nach Mitternacht");
    /* Passed on as it was it keeps its words; what is another text has none. */
    assert_int_equal(dw_fail(c, DW_EDENIED, dw_error_of(c)->text), DW_EDENIED);
    assert_string_equal(dw_error_of(c)->said, "nach Mitternacht");
    assert_int_equal(dw_fail(c, DW_EDENIED, "the door is shut"), DW_EDENIED);
    assert_ptr_equal(dw_error_of(c)->said, dw_error_of(c)->text);
    call_end(c);
}

static int refuse_with_a_reason(dw_call *c, void *question)
{
    const struct entry *e = question;

    if (e->result == 1)
        return dw_fail_at(c, "/name", "is taken", "reason", "OVERLAP");
    return dw_fail(c, DW_ERATE, "come again", "reason", "RATE_LIMITED", "retry_after", DW_SECONDS(7));
}

static void the_reason_comes_with_the_refusal(void **state)
{
    struct world *w = *state;
    const dw_service services[] = { { "book.add/1", refuse_with_a_reason }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", NULL, NULL, NULL));
    add(w, "book", NULL, NULL, services);
    assert_int_equal(dw_service_ask(c, "book.add/1", &e), DW_ERATE);
    for (int i = 0; i < 100; i++)
        call_end(begin(c->instance)); /* the answerer's call is another's by now */
    assert_string_equal(dw_error_of(c)->reason, "RATE_LIMITED");
    assert_int_equal(dw_error_of(c)->retry_after.us, 7000000);
    e.result = 1;
    assert_int_equal(dw_service_ask(c, "book.add/1", &e), DW_EINVALID);
    assert_string_equal(dw_error_of(c)->reason, "OVERLAP");
    call_end(c);
}

static void silence_means_what_was_declared(void **state)
{
    struct world *w = *state;
    const dw_question questions[] = { { "door.may_enter", DW_SILENCE_DENIES },
                                      { "door.is_nice", DW_SILENCE_ALLOWS },
                                      { 0 } };
    const dw_hook shy[] = { { "door.may_enter", pass_on, 50 }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", questions, NULL, NULL));
    assert_int_equal(dw_hook_ask(c, "door.is_nice", &e), 0);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EDENIED);
    assert_non_null(strstr(dw_error_of(c)->text, "door.may_enter"));
    add(w, "shy", NULL, shy, NULL);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EDENIED);
    assert_string_equal(e.asked, "shy");
    call_end(c);
}

static void who_refuses_without_a_word_is_named(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", refuse_silently, 50 }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "keys", NULL, hooks, NULL);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_ECONFLICT);
    assert_non_null(strstr(dw_error_of(c)->text, "keys"));
    call_end(c);
}

static void marked_members_come_as_one_text(void **state)
{
    struct world *w = *state;
    const dw_service services[] = { { "book.add/1", mark_members }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", NULL, NULL, NULL));
    add(w, "book", NULL, NULL, services);
    assert_int_equal(dw_service_ask(c, "book.add/1", &e), DW_EINVALID);
    assert_non_null(strstr(dw_error_of(c)->text, "/name: is too short"));
    assert_non_null(strstr(dw_error_of(c)->text, "/age: is too high"));
    assert_int_equal(c->errors_n, 0); /* the pointers are not into the asker's input */
    call_end(c);
}

static void services_answer_by_their_number(void **state)
{
    struct world *w = *state;
    const dw_service services[] = { { "mail.send/1", answer_as_told }, { "mail.send/2", let_in }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", NULL, NULL, NULL));
    add(w, "mail", NULL, NULL, services);
    e.result = 42;
    assert_int_equal(dw_service_ask(c, "mail.send/1", &e), 42);
    assert_int_equal(dw_service_ask(c, "mail.send/2", &e), 1);
    assert_string_equal(e.by, "mail");
    assert_int_equal(dw_service_ask(c, "mail.send/3", &e), DW_EUNAVAILABLE);
    assert_non_null(strstr(dw_error_of(c)->text, "mail.send/3"));
    call_end(c);
}

/* ---- missing ---- */

static void a_guard_that_was_not_loaded_denies(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", let_in, 10 }, { 0 } };
    struct entry e = ENTRY;

    assert_int_equal(plugin_hooks_miss(w->process.hooks, "door.may_enter", "curfew"), 0);
    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "keys", NULL, hooks, NULL);
    catch_log();
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EDENIED);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EDENIED);
    assert_string_equal(e.asked, "");
    assert_non_null(strstr(dw_error_of(c)->text, "nobody could say"));
    assert_null(strstr(dw_error_of(c)->text, "curfew"));
    assert_int_equal(logged("curfew"), 1); /* once a minute, however often it is asked */
    release_log();
    call_end(c);
}

static void a_guard_that_failed_later_denies(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", let_in, 10 }, { 0 } };
    const dw_service services[] = { { "keys.make/1", let_in }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    dw_instance *keys = add(w, "keys", NULL, hooks, services);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), 1);
    assert_int_equal(dw_service_ask(c, "keys.make/1", &e), 1);
    catch_log();
    plugin_hooks_remove(w->process.hooks, keys);
    plugin_hooks_remove(w->process.hooks, keys);
    assert_int_equal(logged("door.may_enter"), 1);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EDENIED);
    assert_int_equal(logged("missing=\"keys\""), 1);
    release_log();
    assert_int_equal(dw_service_ask(c, "keys.make/1", &e), DW_EUNAVAILABLE);
    assert_non_null(strstr(dw_error_of(c)->text, "keys"));
    assert_string_equal(e.asked, "keys keys");
    call_end(c);
}

static void where_silence_allows_a_missing_one_is_passed_over(void **state)
{
    struct world *w = *state;
    const dw_hook first[] = { { "door.may_enter", turn_away, 10 }, { 0 } };
    const dw_hook second[] = { { "door.may_enter", let_in, 20 }, { 0 } };
    struct entry e = ENTRY;

    assert_int_equal(plugin_hooks_miss(w->process.hooks, "door.may_enter", "lost"), 0);
    dw_call *c = begin(add(w, "door", open_house, NULL, NULL));
    dw_instance *curfew = add(w, "curfew", NULL, first, NULL);
    dw_instance *keys = add(w, "keys", NULL, second, NULL);
    plugin_hooks_remove(w->process.hooks, curfew);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), 1);
    assert_string_equal(e.asked, "keys");
    plugin_hooks_remove(w->process.hooks, keys);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), 0);
    call_end(c);
}

/* ---- mistakes ---- */

static void mistakes_of_the_asker_are_told(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "other.thing", let_in, 50 }, { 0 } };
    struct entry e = ENTRY, sizeless = { 0 };

    dw_call *c = begin(add(w, "door", guarded, hooks, NULL));
    catch_log();
    assert_int_equal(dw_hook_ask(c, "door.unheard_of", &e), DW_EMISUSE);
    assert_non_null(strstr(dw_error_of(c)->text, "door.unheard_of"));
    assert_int_equal(dw_hook_ask(c, "other.thing", &e), DW_EMISUSE); /* answered, but nobody's question */
    assert_int_equal(dw_hook_ask(c, NULL, &e), DW_EMISUSE);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", NULL), DW_EMISUSE);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &sizeless), DW_EMISUSE);
    assert_non_null(strstr(dw_error_of(c)->text, "struct_size"));
    assert_int_equal(dw_service_ask(c, NULL, &e), DW_EMISUSE);
    assert_int_equal(dw_service_ask(c, "mail.send/1", NULL), DW_EMISUSE);
    assert_int_equal(logged("plugin=\"door\""), 7);
    assert_int_equal(dw_hook_ask(NULL, "door.may_enter", &e), DW_ETHREAD);
    release_log();
    call_end(c);
}

static void mistakes_of_the_answerer_are_told(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", answer_as_told, 50 }, { 0 } };
    const dw_service services[] = { { "keys.make/1", answer_as_told }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "keys", NULL, hooks, services);
    catch_log();
    e.result = 2;
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EINTERNAL);
    e.result = DW_EINTERNAL - 1;
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EINTERNAL);
    assert_int_equal(dw_service_ask(c, "keys.make/1", &e), DW_EINTERNAL);
    assert_int_equal(logged("plugin=\"keys\""), 3);
    e.result = DW_EINTERNAL; /* one of the codes */
    assert_int_equal(dw_service_ask(c, "keys.make/1", &e), DW_EINTERNAL);
    assert_int_equal(logged("plugin=\"keys\""), 3);
    release_log();
    call_end(c);
}

static void a_ring_ends_and_is_named(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", ask_the_ring, 50 }, { 0 } };
    const dw_service services[] = { { "ring.round/1", ask_the_door }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "ring", NULL, hooks, services);
    catch_log();
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EMISUSE);
    assert_int_equal(logged("service ring.round/1 <- hook door.may_enter"), 1);
    release_log();
    assert_non_null(strstr(dw_error_of(c)->text, "ring"));
    call_end(c);
}

static void a_hook_may_ask_itself_but_not_for_ever(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", ask_again, 50 }, { 0 } };
    struct entry e = ENTRY;

    dw_call *c = begin(add(w, "door", guarded, hooks, NULL));
    catch_log();
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EMISUSE);
    assert_int_equal(e.depth, 16);
    assert_int_equal(logged("hook door.may_enter <- hook door.may_enter"), 1);
    release_log();
    call_end(c);
}

static void a_process_without_hooks_says_so(void **state)
{
    struct world *w = *state;
    struct plugin_hooks *hooks = w->process.hooks;
    struct entry e = ENTRY;

    dw_call *c = begin(plugin(w, "door", NULL, NULL, NULL));
    w->process.hooks = NULL;
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_EUNAVAILABLE);
    assert_int_equal(dw_service_ask(c, "mail.send/1", &e), DW_EUNAVAILABLE);
    w->process.hooks = hooks;
    call_end(c);
}

static int poison(dw_call *c, void *question)
{
    (void)question;
    memset(dw_alloc(c, 4096), 1, 4096);
    return 1;
}

static void an_answer_without_memory_is_none(void **state)
{
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", poison, 50 }, { 0 } };
    struct entry e = ENTRY;

    w->process.call_memory_max = 1024;
    dw_call *c = begin(add(w, "door", guarded, NULL, NULL));
    add(w, "keys", NULL, hooks, NULL);
    assert_int_equal(dw_hook_ask(c, "door.may_enter", &e), DW_ENOMEM);
    call_end(c);
}

/* ---- threads ---- */

struct crowd {
    dw_instance *door;
    _Atomic bool removed;
    _Atomic int answered, denied, wrong;
};

static void *keep_asking(void *ud)
{
    struct crowd *crowd = ud;

    for (int i = 0; i < 300; i++) {
        struct entry e = ENTRY;
        bool removed = atomic_load(&crowd->removed);
        dw_call *c = begin(crowd->door);
        int rc = dw_hook_ask(c, "door.may_enter", &e);
        atomic_fetch_add(rc == 1 ? &crowd->answered : &crowd->denied, 1);
        if (rc != DW_EDENIED && (rc != 1 || removed))
            atomic_fetch_add(&crowd->wrong, 1);
        call_end(c);
    }
    return NULL;
}

static void plugins_may_go_while_others_ask(void **state)
{
    enum { THREADS = 8 };
    struct world *w = *state;
    const dw_hook hooks[] = { { "door.may_enter", let_in, 50 }, { 0 } };
    struct crowd crowd = { .door = add(w, "door", guarded, NULL, NULL) };
    dw_instance *keys = add(w, "keys", NULL, hooks, NULL);
    pthread_t threads[THREADS];

    catch_log();
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_asking, &crowd), 0);
    while (atomic_load(&crowd.answered) < 50)
        sched_yield();
    plugin_hooks_remove(w->process.hooks, keys);
    atomic_store(&crowd.removed, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&crowd.wrong), 0);
    assert_int_equal(atomic_load(&crowd.answered) + atomic_load(&crowd.denied), THREADS * 300);
    release_log();
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_declared_wrongly_is_refused_by_name),
        TEST(a_name_has_one_owner),
        TEST(answers_come_by_priority_then_by_name),
        TEST(the_first_that_says_something_is_the_last),
        TEST(what_a_refusal_is_called_elsewhere_comes_with_it),
        TEST(the_reason_comes_with_the_refusal),
        TEST(silence_means_what_was_declared),
        TEST(who_refuses_without_a_word_is_named),
        TEST(marked_members_come_as_one_text),
        TEST(services_answer_by_their_number),
        TEST(a_guard_that_was_not_loaded_denies),
        TEST(a_guard_that_failed_later_denies),
        TEST(where_silence_allows_a_missing_one_is_passed_over),
        TEST(mistakes_of_the_asker_are_told),
        TEST(mistakes_of_the_answerer_are_told),
        TEST(a_ring_ends_and_is_named),
        TEST(a_hook_may_ask_itself_but_not_for_ever),
        TEST(a_process_without_hooks_says_so),
        TEST(an_answer_without_memory_is_none),
        TEST(plugins_may_go_while_others_ask),
    };
    return cmocka_run_group_tests_name("plugin hooks", tests, NULL, NULL);
}
