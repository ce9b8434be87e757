/* currency_static.c - a currency whose order keys count in a static variable. */
#define NAME "currency_static"
#define IS_STATIC
#include "broken_currency.h"
