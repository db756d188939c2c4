/* key_file.h - DATA/secret.key: the server's keys where no setting gives any. [any thread]
 *
 * Text as in keyring_parse(), a key a line. Only its owner may read it, and that is the server's user. */
#ifndef SECURE_KEY_FILE_H
#define SECURE_KEY_FILE_H

#include <limits.h>

#include "secure/keyring.h"

enum { KEY_FILE_PATH_SIZE = PATH_MAX };

/* Makes the file with one new key unless there is one. `path` becomes its name. 0; or -1 with a sentence for the admin
 * appended to `why`. */
int key_file_make(const char *data_dir, char path[KEY_FILE_PATH_SIZE], bool *made,
                  struct buf *why) DW_MUST_CHECK;

/* Reads the file of that name. 0; or -1 with *out NULL and a sentence as above. */
int key_file_read(struct keyring **out, const char *path, struct buf *why) DW_MUST_CHECK;

#endif
