/* The old tool's schedules: what APScheduler 3 made of them, said in our way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "synchub_cron.h"

static const struct {
    const char *from, *to;
    enum synchub_cron is;
} table[] = {
    { "0 */6 * * *", "0 */6 * * *", SYNCHUB_CRON_SAME },
    { "0 * * * *", "0 * * * *", SYNCHUB_CRON_SAME },
    { "  0   6 \t1 * * ", "0 6 1 * *", SYNCHUB_CRON_SAME },
    { "5,35 8-18/2 * jan-mar *", "5,35 8-18/2 * jan-mar *", SYNCHUB_CRON_SAME },
    /* each day, by its number there */
    { "0 6 * * 0", "0 6 * * mon", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 1", "0 6 * * tue", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 2", "0 6 * * wed", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 3", "0 6 * * thu", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 4", "0 6 * * fri", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 5", "0 6 * * sat", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 6", "0 6 * * sun", SYNCHUB_CRON_RENUMBERED },
    /* lists, ranges, steps */
    { "0 6 * * 0-4", "0 6 * * mon-fri", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 1-5", "0 6 * * tue-sat", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 1,2,3,4,5", "0 6 * * tue-sat", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 0,1", "0 6 * * mon,tue", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 6,0", "0 6 * * mon,sun", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 0,2,4", "0 6 * * mon,wed,fri", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * */2", "0 6 * * mon,wed,fri,sun", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 1/3", "0 6 * * tue,fri", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 0-4/2", "0 6 * * mon,wed,fri", SYNCHUB_CRON_RENUMBERED },
    { "0 6 * * 0-2,4-6", "0 6 * * mon-wed,fri-sun", SYNCHUB_CRON_RENUMBERED },
    /* names mean the same in both */
    { "0 6 * * mon", "0 6 * * mon", SYNCHUB_CRON_SAME },
    { "0 6 * * MON-FRI", "0 6 * * mon-fri", SYNCHUB_CRON_SAME },
    { "0 6 * * sat,sun", "0 6 * * sat,sun", SYNCHUB_CRON_SAME },
    { "0 6 * * sun,0", "0 6 * * mon,sun", SYNCHUB_CRON_RENUMBERED },
    /* all days are no day in particular */
    { "0 6 1 * 0-6", "0 6 1 * *", SYNCHUB_CRON_SAME },
    { "0 6 * * mon-sun", "0 6 * * *", SYNCHUB_CRON_SAME },
    { "0 6 */1 * 0", "0 6 * * mon", SYNCHUB_CRON_RENUMBERED },
};

static void days_are_numbered_from_monday(void **state)
{
    char to[SYNCHUB_CRON_SIZE];
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const enum synchub_cron is = synchub_cron(table[i].from, to, &why);

        if (is != table[i].is || strcmp(to, table[i].to) != 0)
            fail_msg("\"%s\": %d, \"%s\", %s", table[i].from, (int)is, to, why ? why : "");
    }
}

static void what_cannot_be_said_is_refused(void **state)
{
    static const struct {
        const char *from, *why;
    } refused[] = {
        { "", "five fields" },
        { "0 6 * *", "five fields" },
        { "0 0 6 * * *", "five fields" },
        { "@daily", "five fields" },
        { "0 6 * * 7", "day of the week" },
        { "0 6 * * 10", "day of the week" },
        { "0 6 * * 4-1", "day of the week" },
        { "0 6 * * fri-mon", "day of the week" },
        { "0 6 * * 1,", "day of the week" },
        { "0 6 * * ,1", "day of the week" },
        { "0 6 * * 1-", "day of the week" },
        { "0 6 * * -1", "day of the week" },
        { "0 6 * * */0", "day of the week" },
        { "0 6 * * */7", "day of the week" },
        { "0 6 * * */", "day of the week" },
        { "0 6 * * mon/2", "day of the week" },
        { "0 6 * * montag", "day of the week" },
        { "0 6 1 * 0", "both a day" },
        { "0 6 1-7 * mon", "both a day" },
        { "0 6 */2 * mon", "both a day" },
        { "0 6 last * *", "last day" },
        { "0 6 1,LAST * *", "last day" },
    };
    char to[SYNCHUB_CRON_SIZE], longest[2 * SYNCHUB_CRON_SIZE];
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        const enum synchub_cron is = synchub_cron(refused[i].from, to, &why);

        if (is != SYNCHUB_CRON_REFUSED || !strstr(why, refused[i].why))
            fail_msg("\"%s\": %d, %s", refused[i].from, (int)is, why ? why : to);
    }
    memset(longest, '1', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = 0;
    memcpy(longest + sizeof(longest) - 11, " 6 * * mon", 10);
    assert_int_equal(synchub_cron(longest, to, &why), SYNCHUB_CRON_REFUSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_numbered_from_monday),
        cmocka_unit_test(what_cannot_be_said_is_refused),
    };

    return cmocka_run_group_tests_name("synchub_cron", tests, NULL, NULL);
}
