/* listen.h - what the small servers share: one listening socket a thread. */
#ifndef PEERS_LISTEN_H
#define PEERS_LISTEN_H

#include <stdint.h>

/* A listening, non-blocking socket on 127.0.0.1 with SO_REUSEPORT and TCP_NODELAY (inherited by what it accepts). *port
 * 0 picks one and says which. Ends the process when that fails: a benchmark without its peer has no meaning. */
int peer_listen(uint16_t *port);

/* As many descriptors as we may have. */
void peer_raise_limits(void);

/* The port of argv[1], or 0. */
uint16_t peer_port(int argc, char **argv);

#endif
