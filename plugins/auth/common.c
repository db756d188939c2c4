/* From what every published list of leaked passwords has near its top, without those of less than eight characters. It is
 * short on purpose: what it does not have, the delays of throttle.h keep from being found by trying. */
#include "common.h"

#include <string.h>
#include <strings.h>

static const char *const words[] = {
    "00000000",    "0123456789",   "0987654321",   "1111111111", "11111111",   "11223344",      "12121212",
    "123123123",   "1234512345",   "12341234",     "12344321",   "1234567890", "123456789",     "12345678",
    "123456789a",  "12345678910",  "1234qwer",     "123654789",  "123qweasd",  "147258369",     "1q2w3e4r",
    "1q2w3e4r5t",  "1qaz2wsx",     "1qazxsw2",     "22222222",   "55555555",   "66666666",      "77777777",
    "87654321",    "88888888",     "987654321",    "99999999",   "a1234567",   "a12345678",     "aa123456",
    "aaaaaaaa",    "abc12345",     "abcd1234",     "abcdefgh",   "access14",   "administrator", "admin123",
    "admin1234",   "adminadmin",   "asdf1234",     "asdfasdf",   "asdfghjk",   "asdfghjkl",     "baseball",
    "basketball",  "benutzer",     "blink182",     "butterfly",  "changeit",   "changeme",      "changeme1",
    "charlie1",    "chocolate",    "cocacola",     "computer",   "corvette",   "danielle",      "default1",
    "dortmund",    "dragon123",    "einstein",     "elephant",   "fckgwrhqq2", "ficken123",     "football",
    "football1",   "fortnite",     "fussball",     "geheim123",  "geheimnis",  "hallo123",      "hallohallo",
    "hallowelt",   "hamburg1",     "iloveyou",     "iloveyou1",  "internet",   "jennifer",      "kennwort",
    "kennwort1",   "letmein1",     "letmein123",   "liverpool",  "login123",   "lovelove",      "manager1",
    "master123",   "maverick",     "michelle",     "midnight",   "minecraft",  "mustang1",      "nicole123",
    "november",    "p@ssw0rd",     "p@ssword",     "pa55word",   "pass1234",   "passw0rd",      "passw0rt",
    "passwort",    "passwort1",    "passwort123",  "password",   "password!",  "password1",     "password12",
    "password123", "password1234", "princess",     "princess1",  "q1w2e3r4",   "qazwsxedc",     "qwer1234",
    "qwerasdf",    "qwerty12",     "qwerty123",    "qwertyui",   "qwertyuiop", "qwertzui",      "qwertz123",
    "qwertzuiop",  "rootroot",     "samantha",     "schalke04",  "schatz123",  "secret123",     "servus123",
    "sommer2024",  "sommer2025",   "sommer2026",   "starwars",   "summer2024", "summer2025",    "summer2026",
    "sunshine",    "sunshine1",    "superman",     "superuser",  "test1234",   "testtest",      "trustno1",
    "unknown1",    "user1234",     "vfbstuttgart", "welcome1",   "welcome123", "whatever",      "willkommen",
    "willkommen1", "windows10",    "winter2024",   "winter2025", "winter2026", "xxxxxxxx",      "zaq12wsx",
};

/* "aaaaaaaa", "abababab". */
static bool repeats(const char *password, size_t n)
{
    for (size_t i = 2; i < n; i++) {
        if (password[i] != password[i - 2])
            return false;
    }
    return true;
}

bool common_password(const char *password, size_t n)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strlen(words[i]) == n && strncasecmp(words[i], password, n) == 0)
            return true;
    }
    return repeats(password, n);
}
