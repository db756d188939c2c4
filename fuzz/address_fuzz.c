/* address_fuzz.c - addresses and networks as strangers write them into Forwarded headers and URLs.
 *
 * What was read must be written in a form that reads back as the same address: two readings of one address are how
 * rules about addresses are got around. */
#include <stdint.h>
#include <stdlib.h>

#include "util/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct str text)
{
    struct address a, again;
    char canonical[ADDRESS_TEXT_SIZE];

    if (address_parse(text, &a) != 0)
        return;
    address_format(&a, canonical);
    if (address_parse(str_from(canonical), &again) != 0 || !address_equal(&a, &again))
        abort();
    if (address_scope_of(&a) != address_scope_of(&again))
        abort();
}

static void check_network(struct str text)
{
    struct network net;

    if (network_parse(text, &net) == 0 && !network_contains(&net, &net.base))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct str text = str_make((const char *)data, size);

    check_address(text);
    check_network(text);
    return 0;
}
