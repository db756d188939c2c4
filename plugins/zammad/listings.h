/* listings.h - what of a Zammad can be pointed at. */
#ifndef ZAMMAD_LISTINGS_H
#define ZAMMAD_LISTINGS_H

#include <dowel/dowel.h>

extern const dw_listing zammad_listings[];

#endif
