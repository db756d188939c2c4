/* command_terminal.h - the person before the terminal: passwords, questions, progress. [main thread] */
#ifndef CLI_COMMAND_TERMINAL_H
#define CLI_COMMAND_TERMINAL_H

#include "plugin/commands.h"

/* What a command reads beside its arguments. */
struct terminal_input {
    char secret[COMMAND_SECRET_MAX + 1];
    size_t secret_n;
    struct buf all;
};

/* Reads what the command wants: a password twice, unseen, where standard input is a terminal, else its first line; or what the
 * values that were typed name (COMMAND_INPUT_PARTS). 0, or -1 after saying why. Finish it in each case: a secret does not stay in
 * memory. */
int terminal_read(struct terminal_input *in, const dw_command *command, const json_t *values);
void terminal_input_finish(struct terminal_input *in);

enum command_answer terminal_ask(const char *question);

/* Draws over the line before, where standard error is a terminal that can. */
void terminal_progress(int64_t done, int64_t total, const char *what);

/* The same line in so many columns: "61 of 162 entries  [###-----]  37 %"; without a total "61 entries", and "entries" alone
 * before there is one. What is too long is cut, as it would wrap. */
void terminal_write_progress(struct buf *line, int64_t done, int64_t total, struct str what, size_t columns);

/* Takes that line away, before anything else is written. */
void terminal_clear(void);

/* To standard output; false when that cannot be written any more, which is said once. */
bool terminal_write(struct str text);

#endif
