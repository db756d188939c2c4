#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log/log.h"
#include "supervise/state.h"

static void end_listening(struct socket_set *set)
{
    socket_set_shutdown(set);
    socket_set_close(set);
}

struct address_slot *addresses_find(struct supervisor *s, const struct listen_spec *spec)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        if (s->addresses[i].set.n > 0 && listen_same(&s->addresses[i].set.spec, spec))
            return &s->addresses[i];
    }
    return NULL;
}

static struct address_slot *free_address(struct supervisor *s)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        if (s->addresses[i].set.n == 0)
            return &s->addresses[i];
    }
    return NULL;
}

static unsigned sockets_wanted(const struct supervisor *s)
{
    return s->options->sockets ? s->options->sockets : socket_set_processors();
}

static int want(struct supervisor *s, const struct listen_spec *spec, struct buf *why)
{
    char text[LISTEN_TEXT_SIZE];
    struct address_slot *a = addresses_find(s, spec);

    listen_format(spec, spec->port, text);
    if (a && a->wanted_next) {
        buf_add_format(why, "%s is listed twice", text);
        return -1;
    }
    if (!a) {
        a = free_address(s);
        if (!a) {
            buf_add_format(why, "%s: a server listens on at most %d addresses", text, ADDRESSES_MAX);
            return -1;
        }
        if (socket_set_open(&a->set, spec, sockets_wanted(s), why))
            return -1;
        a->wanted = a->announced = false;
        a->users = 0;
    }
    a->wanted_next = true;
    return 0;
}

/* systemd decides where; the configuration still says on which of it TLS is spoken. */
static int use_activated(struct supervisor *s, struct supervisor_setup *setup, struct buf *why)
{
    size_t n = 0;
    struct listen_spec *specs = calloc(ADDRESSES_MAX, sizeof(*specs));

    if (!specs) {
        buf_add_text(why, "out of memory");
        return -1;
    }
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        if (s->addresses[i].set.n == 0)
            continue;
        s->addresses[i].wanted_next = true;
        specs[n] = s->addresses[i].set.spec;
        for (size_t k = 0; k < setup->listen_n; k++)
            specs[n].tls |= setup->listen[k].tls && listen_same(&setup->listen[k], &specs[n]);
        n++;
    }
    free(setup->listen);
    setup->listen = specs;
    setup->listen_n = n;
    return 0;
}

int addresses_prepare(struct supervisor *s, struct supervisor_setup *setup, struct buf *why)
{
    if (s->activated)
        return use_activated(s, setup, why);
    if (setup->listen_n == 0) {
        buf_add_text(why, "there is no address to listen on; set listen in conf.d/core.yaml or use --listen");
        return -1;
    }
    listen_number(setup->listen, setup->listen_n);
    for (size_t i = 0; i < setup->listen_n; i++) {
        if (want(s, &setup->listen[i], why)) {
            addresses_rollback(s);
            return -1;
        }
    }
    return 0;
}

void addresses_commit(struct supervisor *s)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        s->addresses[i].wanted = s->addresses[i].wanted_next;
        s->addresses[i].wanted_next = false;
    }
    /* What is spoken on it may have changed, which only shows in what is said about it. */
    for (size_t i = 0; i < s->setup.listen_n; i++) {
        struct address_slot *a = addresses_find(s, &s->setup.listen[i]);
        if (a)
            a->set.spec.tls = s->setup.listen[i].tls;
    }
}

void addresses_rollback(struct supervisor *s)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        s->addresses[i].wanted_next = false;
    addresses_release(s);
}

int addresses_activate(struct supervisor *s, struct buf *why)
{
    struct activation given;

    if (activation_parse(&given, getenv("LISTEN_PID"), getenv("LISTEN_FDS"), getenv("LISTEN_FDNAMES"),
                         getpid())) {
        buf_add_text(why, "LISTEN_FDS from systemd makes no sense; see dowel.socket");
        return -1;
    }
    for (unsigned i = 0; i < given.n; i++) {
        struct address_slot *a = free_address(s);
        if (!a) {
            buf_add_format(why, "dowel.socket has more than %d addresses", ADDRESSES_MAX);
            return -1;
        }
        if (socket_set_adopt(&a->set, ACTIVATION_FIRST_FD + (int)i, why))
            return -1;
        a->set.spec.tls = str_starts_with(activation_name(&given, i), STR_OF("https"));
    }
    s->activated = given.n > 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return 0;
}

void addresses_leave(struct supervisor *s, size_t slot)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        s->addresses[i].users &= ~(UINT32_C(1) << slot);
}

void addresses_release(struct supervisor *s)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        struct address_slot *a = &s->addresses[i];
        if (a->set.n > 0 && !a->wanted && !a->wanted_next && a->users == 0)
            end_listening(&a->set);
    }
}

void addresses_close(struct supervisor *s)
{
    for (size_t i = 0; i < ADDRESSES_MAX; i++)
        end_listening(&s->addresses[i].set);
}

void addresses_announce(struct supervisor *s, bool on_stdout)
{
    char text[LISTEN_TEXT_SIZE];

    for (size_t i = 0; i < ADDRESSES_MAX; i++) {
        struct address_slot *a = &s->addresses[i];
        if (a->set.n == 0 || !a->wanted || a->announced)
            continue;
        a->announced = true;
        listen_format(&a->set.spec, a->set.port, text);
        if (on_stdout)
            printf("listening on %s\n", text);
        else
            log_info("listening", LOG_TEXT("address", text));
    }
    fflush(stdout);
}
