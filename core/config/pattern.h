/* pattern.h - the forms that texts of a configuration have. [any thread] */
#ifndef CONFIG_PATTERN_H
#define CONFIG_PATTERN_H

#include "util/str.h"

/* NULL when the text has the form, else why not, to be read after the item's name: "is not a network like
 * 10.0.0.0/8". The text must be terminated. A name of the list below, or an expression between slashes; an unknown
 * name or a wrong expression refuses everything.
 *
 *   url        http or https with a host; no user, no fragment
 *   proxy      http, https, socks5 or socks5h with a host; user and password are allowed
 *   origin     "*", or scheme, host and port of a web page
 *   address    an IP address                      network  one with its prefix length
 *   host       a name of DNS or an IP address     email    one address
 *   path       of a file or folder, there or not
 *   file       a file that can be read            directory  one that can be entered
 *   zone       an IANA time zone that this machine knows */
const char *pattern_refuses(const char *pattern, struct str text);

/* What to say in documentation: "an IP address", or NULL. */
const char *pattern_words(const char *pattern);

#endif
